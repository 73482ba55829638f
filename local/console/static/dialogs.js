import { h, button } from './dom.js';

/** Tells something for a moment, to the eye and to screen readers. */
export function say(text, tone = '') {
  const toast = h('div', { class: `toast ${tone}` }, text);
  document.getElementById('toasts').append(toast);
  setTimeout(() => toast.remove(), tone === 'bad' ? 8000 : 3500);
}

/** Opens a dialog; what it returns closes it. Focus goes back to where it was. */
export function dialogOf(title, content) {
  const dialog = h('dialog', { 'aria-label': title }, h('h2', {}, title), content);
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (e) => {
    if (e.target === dialog) dialog.close(); // beside it
  });
  dialog.showModal();
  return () => dialog.close();
}

/** Asks before something is done that cannot be undone. */
export function confirm(title, text, verb) {
  return new Promise((resolve) => {
    let answer = false;
    const close = dialogOf(title, h('div', {}, h('p', {}, text), h('p', { class: 'row end' },
      button('Cancel', () => close(), { autofocus: '' }),
      button(verb, () => {
        answer = true;
        close();
      }, { class: 'danger' }))));
    document.querySelector('dialog[open]').addEventListener('close', () => resolve(answer));
  });
}
