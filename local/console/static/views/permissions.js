import { h } from '../dom.js';
import { store, live, labelOf } from '../store.js';
import { clock } from '../format.js';

export default function permissions() {
  const report = live('permissions', 1500);
  return {
    enter: () => report.refresh(true),
    render() {
      report.refresh();
      const d = report.data;
      if (!d) return h('p', { class: report.error ? 'error' : 'note' }, report.error || 'Loading…');
      return h('div', { class: 'stack' },
        h('section', { class: 'panel', 'aria-label': 'Denied calls' }, h('h2', {}, 'Denied calls'),
          d.denied.length === 0 ? h('p', { class: 'empty' }, 'No call was denied.')
            : h('div', { class: 'scroll' }, h('table', {}, h('caption', { class: 'sr' }, 'Denied calls'), h('thead', {}, h('tr', {}, ['Time', 'Who', 'Action', 'On', 'Why'].map((t) => h('th', { scope: 'col' }, t)))),
              h('tbody', {}, d.denied.slice().reverse().map((e) => h('tr', { key: e.seq }, h('td', { class: 'mono when' }, clock(e.time)), h('td', {}, labelOf(e.from)), h('td', { class: 'mono' }, e.action), h('td', {}, labelOf(e.to)), h('td', {}, h('span', { class: 'fail' }, e.err), e.detail ? h('div', { class: 'note' }, e.detail) : null))))))));
    },
  };
}
