import { h, memo } from '../dom.js';
import { store, live, labelOf, changed } from '../store.js';
import { clock, block } from '../format.js';

export default function permissions() {
  const report = live('permissions', 2000);
  let filter = '';

  const fits = (...texts) => !filter || texts.join(' ').toLowerCase().includes(filter.toLowerCase());

  function denied(all) {
    return h('section', { class: 'panel', 'aria-label': 'Denied calls' }, h('div', { class: 'bar' }, h('h2', {}, 'Denied'), h('span', { class: 'note' }, all.length || '')),
      all.length === 0 ? h('p', { class: 'empty' }, store.events.some((e) => e.kind === 'denied') ? 'No call matches the filter.' : 'No call was denied: the policies of the template allow all that happened.')
        : h('div', { class: 'scroll' }, h('table', {}, h('caption', { class: 'sr' }, 'Denied calls'),
          h('thead', {}, h('tr', {}, ['Last', 'Who', 'Action', 'On', 'Why', 'Times'].map((t, i) => h('th', { scope: 'col', class: i === 5 ? 'num' : '' }, t)))),
          h('tbody', {}, all.map((d, i) => h('tr', { key: i },
            h('td', { class: 'mono when' }, clock(d.time)), h('td', {}, labelOf(d.who)), h('td', { class: 'mono' }, d.action), h('td', {}, labelOf(d.on)),
            h('td', {}, h('span', { class: 'fail' }, d.reason), d.missing ? h('details', {}, h('summary', {}, `Missing in ${labelOf(d.where)}`), block(d.missing, 'The statement that is missing')) : null),
            h('td', { class: 'num' }, d.count)))))));
  }

  /** An id, with what comes after it in an ARN: "WorkflowTable/index/*". */
  const named = (text) => (text ?? '').replace(/^[A-Za-z0-9]+/, (id) => labelOf(id));

  const uses = (g) => g.uses.map((u) => u.replace(/ on (.*)$/, (_, on) => ` on ${named(on)}`)).join(', ');

  function grants(all, title, empty, note, more) {
    const rows = all.filter((g) => fits(g.to, g.policy, g.action, g.resource, g.why));
    return h('section', { class: 'panel', 'aria-label': title }, h('div', { class: 'bar' }, h('h2', {}, title), h('span', { class: 'note' }, `${all.length}${note ? ` · ${note}` : ''}`)),
      rows.length === 0 ? h('p', { class: 'empty' }, all.length ? 'None matches the filter.' : empty)
        : h('div', { class: 'scroll' }, h('table', { class: 'grants' }, h('caption', { class: 'sr' }, title),
          h('thead', {}, h('tr', {}, ['Granted to', 'Action', 'On', 'By', ...(more ? [more] : [])].map((t) => h('th', { scope: 'col' }, t)))),
          h('tbody', {}, rows.map((g) => memo(`${g.kind} ${g.to} ${g.policy} ${g.statement} ${g.action} ${g.resource}`, [g.why, g.uses?.join()], () => h('tr', {},
            h('td', { class: 'long', title: g.to }, labelOf(g.to)), h('td', { class: 'mono long' }, g.action),
            h('td', { class: 'long', title: g.resource || g.policy }, g.resource ? named(g.resource) : g.kind === 'trust' ? h('span', {}, labelOf(g.policy), h('span', { class: 'note' }, ' (trust policy)')) : ''),
            h('td', { class: 'note long' }, g.kind === 'trust' ? 'the role itself' : labelOf(g.policy), `, statement ${g.statement}${g.sid ? ` ${g.sid}` : ''}`),
            more ? h('td', { class: 'note long' }, g.why || (g.uses?.length ? uses(g) : '')) : null)))))));
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
        d.granted ? [grants(d.unused, 'Never used', 'All that is granted was used.'), grants(d.wide, 'Wide', 'Nothing is granted with a wildcard where a name would do.', 'a wildcard where what was needed has a name', 'Used for'), d.explained?.length ? grants(d.explained, 'Explained', '', 'not used, or wide, for a reason', 'Why') : null] : null);
    },
  };
}
