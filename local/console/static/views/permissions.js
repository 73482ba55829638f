import { h } from '../dom.js';
import { store, live, labelOf, changed } from '../store.js';
import { clock, block } from '../format.js';

export default function permissions() {
  const report = live('permissions', 2000);
  let filter = '';

  const fits = (...texts) => !filter || texts.join(' ').toLowerCase().includes(filter.toLowerCase());

  function denied(all) {
    return h('section', { class: 'panel', 'aria-label': 'Denied calls' }, h('h2', {}, 'Denied'),
      all.length === 0 ? h('p', { class: 'empty' }, store.events.some((e) => e.kind === 'denied') ? 'No call matches the filter.' : 'No call was denied: the policies of the template allow all that happened.')
        : h('div', { class: 'scroll' }, h('table', {}, h('caption', { class: 'sr' }, 'Denied calls'),
          h('thead', {}, h('tr', {}, ['Last', 'Who', 'Action', 'On', 'Why', 'Times'].map((t, i) => h('th', { scope: 'col', class: i === 5 ? 'num' : '' }, t)))),
          h('tbody', {}, all.map((d, i) => h('tr', { key: i },
            h('td', { class: 'mono when' }, clock(d.time)), h('td', {}, labelOf(d.who)), h('td', { class: 'mono' }, d.action), h('td', {}, labelOf(d.on)),
            h('td', {}, h('span', { class: 'fail' }, d.reason), d.missing ? h('details', {}, h('summary', {}, `Missing in ${labelOf(d.where)}`), block(d.missing, 'The statement that is missing')) : null),
            h('td', { class: 'num' }, d.count)))))));
  }

  function grants(all, title, empty, note) {
    const rows = all.filter((g) => fits(g.to, g.policy, g.action, g.resource, g.why));
    return h('section', { class: 'panel', 'aria-label': title }, h('div', { class: 'bar' }, h('h2', {}, title), h('span', { class: 'note' }, `${all.length}${note ? ` · ${note}` : ''}`)),
      rows.length === 0 ? h('p', { class: 'empty' }, all.length ? 'None matches the filter.' : empty)
        : h('div', { class: 'scroll' }, h('table', {}, h('caption', { class: 'sr' }, title),
          h('thead', {}, h('tr', {}, ['Granted to', 'Action', 'On', 'By', ''].map((t) => h('th', { scope: 'col' }, t || h('span', { class: 'sr' }, 'More'))))),
          h('tbody', {}, rows.map((g, i) => h('tr', { key: i }, h('td', {}, labelOf(g.to) || g.to), h('td', { class: 'mono' }, g.action), h('td', { class: 'long' }, labelOf(g.resource) || g.resource),
            h('td', { class: 'note' }, `${labelOf(g.policy)}, statement ${g.statement}`), h('td', { class: 'note' }, g.why || (g.uses?.length ? `used for ${g.uses.join(', ')}` : ''))))))));
  }

  return {
    enter: () => report.refresh(true),
    render() {
      report.refresh();
      const d = report.data;
      if (!d) return h('p', { class: report.error ? 'error' : 'note' }, report.error || 'Loading…');
      return h('div', { class: 'stack' },
        h('section', { class: 'panel', 'aria-label': 'Permissions' }, h('div', { class: 'bar' }, h('h2', {}, 'Permissions'), h('span', { class: 'note' }, d.granted ? `${d.used} of ${d.granted} used so far. What did not happen needed none: the report is worth as much as the run.` : 'They are not enforced in this run.'),
          h('input', { 'data-filter': '', type: 'search', placeholder: 'Filter: role, action  ( / )', 'aria-label': 'Filter permissions', value: filter, oninput: (e) => { filter = e.target.value; changed(); } }))),
        denied(d.denied.filter((x) => fits(x.who, x.action, x.on, x.reason))),
        d.granted ? [grants(d.unused, 'Never used', 'All that is granted was used.'), grants(d.wide, 'Wide', 'Nothing is granted with a wildcard where a name would do.', 'a wildcard where what was needed has a name'), d.explained?.length ? grants(d.explained, 'Explained', '') : null] : null);
    },
  };
}
