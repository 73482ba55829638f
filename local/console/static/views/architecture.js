import { h, s, button } from '../dom.js';
import { store, live, labelOf, actor, changed, stackNow } from '../store.js';
import { clock, span, block } from '../format.js';
import { href } from '../app.js';
import { path, arrows, fit, places } from './drawing.js';

export default function architecture({ go }) {
  const plan = live('architecture', 5000);
  const one = live('resources/none');
  let actual = localStorage.getItem('console-actual') === '1'; // size rather than fitted
  let chosen = null;

  let spots = {}; // of the counts, by edge

  const flowOf = (e) => store.state?.flows[`${e.from}>${e.to}`];

  /** An edge's count: what was counted along it; along a mapping and to a dead-letter queue Lambda's pollers and the
   * services move things, which is no call. Then the function's invocations are what is known. */
  function count(e) {
    const flow = flowOf(e);
    if (e.kind === 'request') { // frames go the other way
      const back = flowOf({ from: e.to, to: e.from });
      if (flow && back) return { n: flow.n + back.n, errs: flow.errs + back.errs, last: flow.last > back.last ? flow.last : back.last };
      return flow ?? back;
    }
    if (flow) return flow;
    if (e.kind === 'source') return store.state?.flows[`·invoke>${e.to}`];
    return undefined;
  }

  function edge(e) {
    const flow = count(e);
    const hot = flow && stackNow() - Date.parse(flow.last) < 1500;
    const dead = e.kind === 'deadletter';
    const [x, y] = spots.of.get(e);
    return s('g', { key: `${e.from}>${e.to}`, class: `edge ${e.kind} ${hot ? 'hot' : ''} ${chosen && (e.from === chosen || e.to === chosen) ? 'near' : ''}` },
      s('path', { d: path(e.points, false), 'marker-end': `url(#arrow-${hot ? 'hot' : dead ? 'dead' : ''})` }, s('title', {}, `${labelOf(e.from)} → ${labelOf(e.to)}${e.label ? `: ${e.label}` : ''}`)),
      flow?.n ? s('g', { class: flow.errs ? 'count errs' : 'count' }, s('rect', { x: x - 4 - String(flow.n).length * 3.4, y: y - 8, width: 8 + String(flow.n).length * 6.8, height: 15, rx: 7 }), s('text', { x, y: y + 3.5, 'text-anchor': 'middle' }, flow.n)) : null);
  }

  function badge(n) {
    const { state, info } = store;
    if (!state) return [];
    if (n.type === 'queue') {
      const c = state.queues[n.id] ?? {};
      const dead = info.deadLetters?.includes(n.id);
      return [c.visible ? { text: c.visible, tone: dead ? 'bad' : 'busy', say: `${c.visible} waiting` } : null,
        c.inFlight ? { text: `${c.inFlight}↻`, tone: 'busy', say: `${c.inFlight} in flight` } : null,
        c.delayed ? { text: `${c.delayed}◷`, tone: 'idle', say: `${c.delayed} delayed` } : null].filter(Boolean);
    }
    if (n.type === 'state machine' && state.running[n.id]) return [{ text: state.running[n.id], tone: 'busy', say: `${state.running[n.id]} running` }];
    if (n.type === 'table' && state.items[n.id]) return [{ text: state.items[n.id], tone: 'idle', say: `${state.items[n.id]} items` }];
    if (n.type === 'function') {
      const f = state.flows[`·invoke>${n.id}`];
      const handler = store.info.functions.find((x) => x.id === n.id)?.handler;
      const broken = state.faults.some((x) => x.target === handler);
      return [broken ? { text: 'fault', tone: 'warn', say: 'a fault is active' } : null, f?.errs ? { text: f.errs, tone: 'bad', say: `${f.errs} failed invocations` } : null].filter(Boolean);
    }
    return [];
  }

  function nodeOf(n) {
    const marks = badge(n);
    let right = n.x + n.w + 6;
    const open = () => go(n.type === 'outside' ? 'architecture' : `architecture/${encodeURIComponent(n.id)}`, { focus: false });
    return s('g', {
      key: n.id, class: `node ${n.type.replace(' ', '-')} ${n.id === chosen ? 'chosen' : ''} ${marks.some((m) => m.tone === 'bad') ? 'alarm' : ''}`, tabindex: 0, role: 'button', 'data-row': '',
      'aria-label': [n.label, n.sub, ...marks.map((m) => m.say)].filter(Boolean).join(', '), 'aria-pressed': n.id === chosen ? 'true' : 'false',
      onclick: open, onkeydown: (e) => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); open(); } },
    },
      s('rect', { x: n.x, y: n.y, width: n.w, height: n.h, rx: n.type === 'queue' ? 14 : n.type === 'outside' ? 17 : 4 }),
      s('text', { class: 'name', x: n.x + n.w / 2, y: n.y + (n.sub ? 20 : n.h / 2 + 4), 'text-anchor': 'middle' }, fit(n.label, n.w - 12)),
      n.sub ? s('text', { class: 'sub', x: n.x + n.w / 2, y: n.y + 36, 'text-anchor': 'middle' }, n.sub) : null,
      marks.map((m, i) => {
        const w = String(m.text).length * 7 + 10;
        right -= w + (i ? 2 : 0);
        return s('g', { class: `mark ${m.tone}` }, s('rect', { x: right, y: n.y - 8, width: w, height: 16, rx: 8 }), s('text', { x: right + w / 2, y: n.y + 4, 'text-anchor': 'middle' }, m.text));
      }),
      s('title', {}, n.label));
  }

  function picture() {
    const d = plan.data;
    if (!d) return h('p', { class: plan.error ? 'error' : 'note' }, plan.error || 'Loading…');
    if (!d.nodes.length) return h('p', { class: 'empty' }, 'The template has nothing to draw: no gateway, queue, function, table, topic or state machine.');
    if (spots.drawing !== d) spots = { drawing: d, of: places(d) };
    return h('div', { class: `canvas ${actual ? 'actual' : ''}`, tabindex: 0, role: 'region', 'aria-label': 'Architecture, drawn from the template' },
      s('svg', { viewBox: `0 0 ${d.w} ${d.h}`, width: d.w, height: d.h, class: 'drawing', role: 'group', 'aria-label': 'Resources and their connections' },
        arrows(), d.edges.map(edge), d.nodes.map(nodeOf)),
      h('p', { class: 'note legend' }, h('span', { class: 'key' }, 'n ↻ in flight'), h('span', { class: 'key' }, 'n ◷ delayed'), h('span', { class: 'key dead' }, 'dead letters'), h('span', { class: 'key' }, `${d.nodes.filter((n) => n.type !== 'outside').length} resources`), button(actual ? 'Fit' : 'Actual size', () => {
        actual = !actual;
        localStorage.setItem('console-actual', actual ? '1' : '0');
        changed();
      }, { title: 'The whole of it, or all of it readable' })));
  }

  function detail() {
    if (!chosen) return h('p', { class: 'empty' }, 'Choose a resource to see its names, its connections and its properties. Counts on the lines are calls; a red count had errors.');
    const d = one.data;
    if (!d) return h('p', { class: one.error ? 'error' : 'note' }, one.error || 'Loading…');
    const r = d.resource;
    const link = { queue: `queues/${r.logicalId}`, table: `tables/${r.logicalId}`, 'state machine': `executions/${r.logicalId}`, function: `logs?from=${encodeURIComponent(r.logicalId)}` }[d.kind];
    const edges = (all, other, title) => (all.length ? [h('h3', {}, title), h('ul', { class: 'edges' }, all.map((e) => h('li', { key: `${e.from}${e.to}${e.kind}` }, h('a', { href: href(`architecture/${encodeURIComponent(e[other])}`) }, labelOf(e[other])), ' ', h('span', { class: 'note' }, `${e.kind}${e.label ? ` · ${e.label}` : ''}`))))] : null);
    const recent = store.events.filter((e) => e.kind !== 'log' && (actor(e.from) === r.logicalId || actor(e.to) === r.logicalId)).slice(-15).reverse();
    return h('div', {},
      h('div', { class: 'bar' }, h('h2', {}, r.label), h('span', { class: 'note' }, d.kind || r.type), link ? h('a', { class: 'button', href: href(link) }, { queue: 'Messages', table: 'Items', 'state machine': 'Executions', function: 'Logs' }[d.kind]) : null,
        button('Close', () => go('architecture'), { 'aria-label': 'Close details' })),
      h('dl', { class: 'facts' }, [['Logical id', r.logicalId], ['Name', r.name], ['ARN', r.arn], ['URL', r.url], ['Construct', r.path], ['Type', r.type]].filter(([, v]) => v).map(([k, v]) => [h('dt', {}, k), h('dd', { class: 'mono' }, v)])),
      edges(d.in, 'from', 'From'), edges(d.out, 'to', 'To'),
      recent.length ? [h('h3', {}, 'Lately'), h('ul', { class: 'lately' }, recent.map((e) => h('li', { key: e.seq, class: e.err ? 'failed' : '' }, h('span', { class: 'mono' }, clock(e.time)), ' ', e.action, ' ', h('span', { class: 'note' }, actor(e.from) === r.logicalId ? `→ ${labelOf(actor(e.to))}` : e.from ? `← ${labelOf(actor(e.from))}` : '', e.duration ? ` ${span(e.duration / 1e6)}` : ''), e.err ? h('span', { class: 'fail' }, ` ${e.err}`) : ''))) ] : null,
      r.properties ? h('details', {}, h('summary', {}, 'Properties'), block(r.properties, 'Properties')) : null);
  }

  return {
    enter({ parts }) {
      plan.refresh();
      chosen = parts[0] ?? null;
      if (chosen) one.go(`resources/${encodeURIComponent(chosen)}`);
    },
    render() {
      plan.refresh();
      return h('div', { class: `map ${chosen ? 'with-detail' : ''}` }, picture(), h('aside', { class: 'panel', 'aria-label': 'Details' }, detail()));
    },
  };
}
