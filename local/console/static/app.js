// The page's frame: where it is, the clock, the keyboard.

import { h, update, button } from './dom.js';
import { base, store, connect, onChange, changed, get, post, stackNow } from './store.js';
import { clock, day, span } from './format.js';
import { say, confirm, dialogOf } from './dialogs.js';
import orders from './views/orders.js';
import architecture from './views/architecture.js';
import queues from './views/queues.js';
import executions from './views/executions.js';
import tables from './views/tables.js';
import logs from './views/logs.js';
import faults from './views/faults.js';
import permissions from './views/permissions.js';

const views = [
  { path: 'orders', name: 'Orders', key: 'o', make: orders },
  { path: 'architecture', name: 'Architecture', key: 'a', make: architecture },
  { path: 'queues', name: 'Queues', key: 'q', make: queues },
  { path: 'executions', name: 'Executions', key: 'e', make: executions },
  { path: 'tables', name: 'Tables', key: 't', make: tables },
  { path: 'logs', name: 'Logs', key: 'l', make: logs },
  { path: 'faults', name: 'Faults', key: 'f', make: faults },
  { path: 'permissions', name: 'Permissions', key: 'r', make: permissions },
];

const $ = (id) => document.getElementById(id);
let current = null; // { view, shown }

// Where we are.

/** Shows another view: path is what follows the base, such as "orders/ID?x=y". */
export function go(path, { replace = false, focus = true } = {}) {
  history[replace ? 'replaceState' : 'pushState']({}, '', `${base}/${path}`);
  show(focus);
}

function show(focus) {
  const rest = location.pathname.slice(base.length).replace(/^\/+/, '');
  const [name, ...parts] = rest.split('/').map(decodeURIComponent);
  const view = views.find((v) => v.path === name) ?? views[0];
  const params = { parts: parts.filter(Boolean), query: new URLSearchParams(location.search) };
  if (current?.view !== view) {
    current?.shown.leave?.();
    $('main').replaceChildren();
    current = { view, shown: view.make({ go, redraw: changed }) };
    $('main').className = view.path;
    if (focus) $('main').focus({ preventScroll: true });
    $('main').scrollTop = 0;
  }
  current.shown.enter?.(params);
  document.title = `${view.name} · ${store.info?.title ?? 'Console'}`;
  draw();
}

/** The address of a view, for links. */
export const href = (path) => `${base}/${path}`;

document.addEventListener('click', (e) => {
  const a = e.target.closest('a[href]');
  if (!a || e.defaultPrevented || e.button || e.metaKey || e.ctrlKey || e.shiftKey || a.target || a.hasAttribute('download')) return;
  const url = new URL(a.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(`${base}/`) || a.hash) return;
  e.preventDefault();
  go((url.pathname + url.search).slice(base.length + 1), { focus: !$('main').contains(a) });
});
addEventListener('popstate', () => show(true));

// The frame.

const dead = () => {
  const { state, info } = store;
  if (!state || !info) return 0;
  const failed = (id) => info.deadLetters?.includes(id);
  return Object.entries(state.queues).reduce((n, [id, c]) => n + (failed(id) ? c.visible + c.inFlight + c.delayed : 0), 0);
};

function badges() {
  const { state } = store;
  if (!state) return {};
  const sum = (o) => Object.values(o).reduce((a, b) => a + b, 0);
  const waiting = Object.values(state.queues).reduce((n, c) => n + c.visible + c.inFlight + c.delayed, 0);
  return {
    queues: dead() ? { text: dead(), tone: 'bad', say: `${dead()} dead letters` } : waiting ? { text: waiting, say: `${waiting} messages` } : null,
    executions: sum(state.running) ? { text: sum(state.running), say: `${sum(state.running)} running` } : null,
    faults: state.faults.length ? { text: state.faults.length, tone: 'warn', say: `${state.faults.length} active` } : null,
    permissions: state.seen.denied ? { text: state.seen.denied, tone: 'bad', say: `${state.seen.denied} denied calls` } : null,
  };
}

function draw() {
  const marks = badges();
  update(
    $('nav'),
    h('ul', {}, views.map((v) => {
      const mark = marks[v.path];
      return h('li', { key: v.path }, h('a', { href: href(v.path), 'aria-current': current?.view === v ? 'page' : null, 'data-view': v.path },
        h('span', {}, v.name),
        mark ? h('span', { class: `badge ${mark.tone ?? ''}`, 'aria-label': mark.say }, mark.text) : h('kbd', { 'aria-hidden': 'true' }, `g ${v.key}`)));
    })),
  );
  drawTop();
  if (current && store.info) {
    if (store.failed) update($('main'), h('p', { class: 'error' }, store.failed));
    else update($('main'), h('h1', { class: 'sr' }, current.view.name), current.shown.render());
  }
}

function drawTop() {
  const { state, info, connection } = store;
  const paused = state?.paused;
  const now = stackNow();
  update(
    $('top'),
    h('div', { class: 'brand' }, h('a', { href: href('orders') }, info?.title ?? 'Console')),
    h('div', { class: `time ${paused ? 'paused' : ''}`, role: 'group', 'aria-label': 'Time of the stack' },
      h('span', { class: 'clock mono', title: 'The stack’s time' }, state ? clock(now, paused) : '··:··:··'),
      h('span', { class: 'date mono' }, state ? day(now) : ''),
      button(paused ? 'Resume' : 'Pause', () => time(paused ? 'resume' : 'pause'), { id: 'pause', 'aria-keyshortcuts': 'p', 'aria-pressed': paused ? 'true' : 'false', title: 'Let time stand still, or go on (p)' }),
      button('Step', () => time('step'), { disabled: !paused, 'aria-keyshortcuts': 's', title: 'Let the next thing happen (s), while paused' }),
      button('Skip', () => time('skip'), { 'aria-keyshortcuts': 'n', title: 'To the next timer, at once (n)' }),
      button('Advance…', advance, { 'aria-keyshortcuts': 'd', title: 'Let time pass at once (d)' }),
      h('span', { class: 'next' }, nextText(now))),
    h('div', { class: 'tools' },
      state?.faults.length ? h('a', { class: 'chip warn', href: href('faults') }, `${state.faults.length} ${state.faults.length === 1 ? 'fault' : 'faults'} active`) : null,
      state?.lost ? h('span', { class: 'chip bad', title: 'Events came faster than they were looked at' }, `${state.lost} events not shown`) : null,
      h('span', { class: `link ${connection}`, title: 'The stream of what happens' }, { live: 'live', connecting: 'connecting', reconnecting: 'reconnecting…', closed: 'not connected' }[connection]),
      button({ light: 'Light', dark: 'Dark' }[document.documentElement.dataset.theme] ?? 'Auto', cycleTheme, { id: 'theme', title: 'Dark, light, or as the system has it (m)', 'aria-keyshortcuts': 'm', 'aria-label': `Theme: ${document.documentElement.dataset.theme ?? 'system'}` }),
      button('?', help, { id: 'help', title: 'Keyboard shortcuts (?)', 'aria-label': 'Keyboard shortcuts' })),
  );
}

function nextText(now) {
  const next = store.state?.next;
  if (!store.state) return '';
  if (!next) return 'nothing is due';
  const left = Date.parse(next) - now;
  return left <= 0 ? 'busy' : `next in ${span(left < 1000 ? left : Math.round(left / 100) * 100)}`;
}

async function time(what, by) {
  try {
    const r = await post('time', { do: what, by });
    if (!r.happened) say('Nothing is due: no timer is running.');
    else if (what === 'skip') say(`${span(Date.parse(r.now) - Date.parse(r.before))} later.`);
    else if (what === 'advance') say(`${span(Date.parse(r.now) - Date.parse(r.before))} passed.`);
    else say({ pause: 'Time stands still. Requests wait until it goes on.', resume: 'Time goes on.', step: 'One step.' }[what]);
    if (store.state) {
      store.state = { ...store.state, now: r.now, paused: r.paused, next: r.next, arrived: performance.now() };
      changed();
    }
  } catch (e) {
    say(e.message, 'bad');
  }
}

function advance() {
  const field = h('input', { name: 'by', value: '1m', required: true, pattern: '([0-9.]+(ms|s|m|h))+', autocomplete: 'off', class: 'mono', 'aria-describedby': 'by-help' });
  const preset = (text, by) => button(text, () => {
    close();
    time('advance', by);
  });
  const close = dialogOf('Let time pass', h('form', {
    method: 'dialog',
    onsubmit: () => {
      const by = field.value;
      close();
      time('advance', by);
    },
  },
    h('p', { class: 'row' }, preset('10 seconds', '10s'), preset('1 minute', '1m'), preset('5 minutes', '5m'), preset('1 hour', '1h'), preset('1 day', '24h')),
    h('label', {}, 'Duration ', field), h('small', { id: 'by-help' }, ' such as 90s, 3m or 2h30m. Everything that is due meanwhile happens.'),
    h('p', { class: 'row end' }, h('button', { class: 'primary' }, 'Advance'))));
}

const themes = [undefined, 'light', 'dark'];

function cycleTheme() {
  const root = document.documentElement;
  const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
  if (next) {
    root.dataset.theme = next;
    localStorage.setItem('console-theme', next);
  } else {
    delete root.dataset.theme;
    localStorage.removeItem('console-theme');
  }
  say(`Theme: ${next ?? 'as the system has it'}`);
  drawTop();
}

// The keyboard.

const shortcuts = [
  ['g then a letter', 'Go to a view: ' + views.map((v) => `${v.key} ${v.name.toLowerCase()}`).join(', ')],
  ['/', 'Filter or search'],
  ['j, k', 'Next, previous in a list'],
  ['Enter', 'Open'],
  ['c', 'Compose: to the request that is sent'],
  ['Ctrl+Enter', 'Send the request'],
  ['p', 'Pause, or resume'],
  ['s', 'Step, while paused'],
  ['n', 'Skip to the next timer'],
  ['d', 'Advance by a duration'],
  ['m', 'Theme: system, light, dark'],
  ['Esc', 'Close, or leave a field'],
  ['?', 'This help'],
];

function help() {
  const close = dialogOf('Keyboard', h('div', {}, h('table', { class: 'keys' }, h('tbody', {}, shortcuts.map(([keys, what]) => h('tr', {},
    h('th', { scope: 'row' }, keys.split(', ').map((k, i) => [i ? ' ' : '', h('kbd', {}, k)])), h('td', {}, what))))),
  h('p', { class: 'row end' }, button('Close', () => close(), { class: 'primary', autofocus: '' }))));
}

let prefix = false;
addEventListener('keydown', (e) => {
  if (e.defaultPrevented) return;
  const typing = e.target.closest('input, textarea, select, [contenteditable]');
  if (e.key === 'Escape' && typing && !e.target.closest('dialog')) {
    e.target.blur();
    return;
  }
  if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) {
    document.querySelector('form[data-send]')?.requestSubmit();
    return;
  }
  if (typing || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
  if (prefix) {
    prefix = false;
    const view = views.find((v) => v.key === e.key);
    if (view) {
      e.preventDefault();
      go(view.path);
    }
    return;
  }
  const run = {
    g: () => { prefix = true; setTimeout(() => { prefix = false; }, 1500); },
    '?': help,
    p: () => time(store.state?.paused ? 'resume' : 'pause'),
    s: () => store.state?.paused && time('step'),
    n: () => time('skip'),
    d: advance,
    m: cycleTheme,
    '/': () => document.querySelector('main [data-filter]')?.focus(),
    c: () => (document.querySelector('main textarea') ? document.querySelector('main textarea').focus() : go('orders')),
    j: () => move(1),
    k: () => move(-1),
  }[e.key];
  if (run) {
    e.preventDefault();
    run();
  }
});

/** Moves the focus along a list's rows. */
function move(by) {
  const rows = [...document.querySelectorAll('main [data-row]')];
  const at = rows.indexOf(document.activeElement.closest('[data-row]'));
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  next?.focus();
}

// The start.

onChange(draw);
setInterval(() => { if (!document.hidden) drawTop(); }, 250);
try {
  store.info = await get('info');
  const { queues: all } = await get('queues');
  store.info.deadLetters = all.filter((q) => q.sources.length).map((q) => q.id);
  for (const o of (await get('orders')).orders.reverse()) store.orders.set(o.id, o);
} catch (e) {
  store.info ??= { title: 'Console', labels: {}, examples: [], tenants: [], presets: [], functions: [], routes: [], faultKinds: [], outputs: {}, notes: [] };
  store.failed = e.message;
}
connect();
show(false);
export { confirm };
