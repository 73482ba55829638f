import { h, button } from '../dom.js';
import { store, live, changed } from '../store.js';
import { plain, block } from '../format.js';
import { href } from '../app.js';

export default function tables({ go }) {
  const all = live('tables', 1500);
  const one = live('tables/none', 1200);
  let chosen = null;
  let filter = { key: '', prefix: '', has: '' };
  let pages = []; // the keys after which earlier pages began
  let after = null;

  const ask = () => `tables/${encodeURIComponent(chosen)}?${new URLSearchParams({ ...filter, after: after ? JSON.stringify(after) : '' })}`;

  function list() {
    if (!all.data) return h('p', { class: all.error ? 'error' : 'note' }, all.error || 'Loading…');
    if (!all.data.tables.length) return h('p', { class: 'empty' }, 'The template has no table.');
    return h('table', {}, h('caption', { class: 'sr' }, 'Tables'),
      h('thead', {}, h('tr', {}, ['Table', 'Items', 'Keys', 'Stream'].map((t, i) => h('th', { scope: 'col', class: i === 1 ? 'num' : '' }, t)))),
      h('tbody', {}, all.data.tables.map((t) => h('tr', { key: t.id, class: t.id === chosen ? 'chosen' : '' },
        h('td', {}, h('a', { 'data-row': '', href: href(`tables/${encodeURIComponent(t.id)}`), title: t.table.TableName, 'aria-current': t.id === chosen ? 'true' : null }, t.label)),
        h('td', { class: 'num' }, store.state?.items[t.id] ?? t.table.ItemCount),
        h('td', { class: 'mono' }, t.table.KeySchema.map((k) => k.AttributeName).join(', ')),
        h('td', {}, t.table.StreamSpecification?.StreamViewType?.toLowerCase().replaceAll('_', ' ') ?? '')))));
  }

  function page(next) {
    if (next) {
      pages.push(after);
      after = next;
    } else after = pages.pop() ?? null;
    one.go(ask());
  }

  function items() {
    if (!chosen) return h('p', { class: 'empty' }, 'Choose a table to see its items.');
    const d = one.data;
    const keys = d?.keys ?? {};
    const field = (name, label, props) => h('label', {}, label, ' ', h('input', { value: filter[name], class: 'mono', autocomplete: 'off', oninput: (e) => { filter[name] = e.target.value; }, ...props }));
    return h('div', {},
      h('form', {
        class: 'row', onsubmit: (e) => {
          e.preventDefault();
          pages = [];
          after = null;
          go(`tables/${encodeURIComponent(chosen)}?${new URLSearchParams(Object.entries(filter).filter(([, v]) => v))}`, { replace: true, focus: false });
          one.go(ask());
        },
      },
        field('key', `${keys.HASH ?? 'Key'} is`, { 'data-filter': '' }), keys.RANGE ? field('prefix', `${keys.RANGE} begins with`) : null, field('has', `or ${keys.HASH ?? 'key'} contains`),
        h('button', {}, 'Find'), button('All', () => {
          filter = { key: '', prefix: '', has: '' };
          pages = [];
          after = null;
          go(`tables/${encodeURIComponent(chosen)}`, { replace: true, focus: false });
          one.go(ask());
          changed();
        })),
      one.error ? h('p', { class: 'error' }, one.error) : null,
      !d ? h('p', { class: 'note' }, 'Loading…')
        : d.items.length === 0 ? h('p', { class: 'empty' }, filter.key || filter.has ? 'No item matches.' : 'The table is empty.')
          : h('div', { class: 'scroll' }, h('table', { class: 'items' }, h('caption', { class: 'sr' }, `Items of ${d.label}`),
            h('thead', {}, h('tr', {}, [keys.HASH, keys.RANGE].filter(Boolean).map((k) => h('th', { scope: 'col', class: 'mono' }, k)), h('th', { scope: 'col' }, 'Item'))),
            h('tbody', {}, d.items.map((item) => {
              const key = [keys.HASH, keys.RANGE].filter(Boolean).map((k) => String(Object.values(item[k])[0]));
              const rest = Object.fromEntries(Object.entries(item).filter(([k]) => k !== keys.HASH && k !== keys.RANGE).map(([k, v]) => [k, plain(v)]));
              return h('tr', { key: key.join(' ') }, key.map((k) => h('td', { class: 'mono id', title: k }, k)),
                h('td', { class: 'message' }, h('details', {}, h('summary', { class: 'mono' }, JSON.stringify(rest).slice(0, 200)), block(rest, 'Item'))));
            })))),
      h('p', { class: 'row' }, button('Previous', () => page(null), { disabled: !pages.length }), button('Next', () => page(d.after), { disabled: !d?.after }), d ? h('span', { class: 'note' }, `${d.items.length} of ${store.state?.items[chosen] ?? '?'} items`) : null));
  }

  return {
    enter({ parts, query }) {
      all.refresh(true);
      const to = parts[0] ?? null;
      if (to !== chosen) {
        pages = [];
        after = null;
      }
      chosen = to;
      filter = { key: query.get('key') ?? '', prefix: query.get('prefix') ?? '', has: query.get('has') ?? '' };
      if (chosen) one.go(ask());
    },
    render() {
      if (chosen) one.refresh();
      return h('div', { class: 'stack' }, h('section', { class: 'panel', 'aria-label': 'Tables' }, list()), h('section', { class: 'panel', 'aria-label': 'Items' }, items()));
    },
  };
}
