import { h, s, button, memo } from '../dom.js';
import { store, live, labelOf, post, changed } from '../store.js';
import { clock, span, block, chip } from '../format.js';
import { href } from '../app.js';
import { say, confirm } from '../dialogs.js';
import { path, arrows, fit, centre } from './drawing.js';

const statuses = ['', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];

export default function executions() {
  const machines = live('machines', 60000);
  const list = live('executions?machine=none', 1000);
  const one = live('execution?arn=none', 500);
  let machine = null;
  let chosen = null;
  let status = '';
  let name = '';
  let errors = localStorage.getItem('console-catches') === '1';
  let seen = '';
  let looked = ''; // at which state

  const ask = () => `executions?machine=${encodeURIComponent(machine)}&status=${status}&name=${encodeURIComponent(name)}`;

  function listed() {
    const d = list.data;
    return h('section', { class: 'panel list', 'aria-label': 'Executions' },
      h('div', { class: 'bar' }, h('h2', {}, labelOf(machine)),
        machines.data.machines.length > 1 ? h('select', { 'aria-label': 'State machine', value: machine, onchange: (e) => { machine = e.target.value; list.go(ask()); } }, machines.data.machines.map((m) => h('option', { value: m.id }, m.label))) : null,
        h('select', { 'aria-label': 'Status', value: status, onchange: (e) => { status = e.target.value; list.go(ask()); } }, statuses.map((x) => h('option', { value: x }, x || 'any status'))),
        h('input', { 'data-filter': '', type: 'search', placeholder: 'Name  ( / )', 'aria-label': 'Filter by name', value: name, oninput: (e) => { name = e.target.value; list.go(ask()); } })),
      list.error ? h('p', { class: 'error' }, list.error)
        : !d ? h('p', { class: 'note' }, 'Loading…')
          : d.executions.length === 0 ? h('p', { class: 'empty' }, status || name ? 'No execution matches.' : 'No executions yet. Each order starts one.')
            : h('div', { class: 'scroll' }, h('table', {},
              h('caption', { class: 'sr' }, 'Executions, the latest first'),
              h('thead', {}, h('tr', {}, ['Execution', 'Status', 'Started', 'Took'].map((t, i) => h('th', { scope: 'col', class: i === 3 ? 'num' : '' }, t)))),
              h('tbody', {}, d.executions.map((e) => memo(e.executionArn, [e.status, e.name === chosen], () => h('tr', { class: e.name === chosen ? 'chosen' : '' },
                h('td', { class: 'id' }, h('a', { 'data-row': '', class: 'mono', title: e.name, href: href(`executions/${machine}/${encodeURIComponent(e.name)}`), 'aria-current': e.name === chosen ? 'true' : null }, e.name)),
                h('td', {}, chip(e.status)), h('td', { class: 'mono when' }, clock(e.startDate * 1000)), h('td', { class: 'num' }, e.stopDate ? span((e.stopDate - e.startDate) * 1000) : '')))))),
              d.next ? h('p', { class: 'note' }, 'There are older ones: look for a name.') : null));
  }

  /** Which states were entered, left, failed and are entered now. */
  function marks(events) {
    const m = new Map();
    const of = (n) => m.get(n) ?? m.set(n, { in: 0, out: 0, failed: 0, last: 0 }).get(n);
    let at = '';
    const inside = new Map(); // event id to state
    const took = new Set();
    let before = '';
    for (const e of events) {
      const d = e.stateEnteredEventDetails ?? e.stateExitedEventDetails;
      if (e.type.endsWith('StateEntered')) {
        of(d.name).in++;
        of(d.name).last = e.id;
        if (before) took.add(`${before}>${d.name}`);
        at = d.name;
      } else if (e.type.endsWith('StateExited')) {
        of(d.name).out++;
        before = d.name;
        at = d.name;
      } else {
        at = inside.get(e.previousEventId) ?? at;
        if (/Failed$|TimedOut$/.test(e.type) && !e.type.startsWith('Execution') && at) {
          of(at).failed++;
          before = at;
        }
      }
      inside.set(e.id, at);
    }
    return { m, took };
  }

  function picture() {
    const drawing = machines.data.machines.find((x) => x.id === machine)?.drawing;
    if (!drawing) return null;
    const d = one.data;
    const running = d?.execution.status === 'RUNNING';
    const { m, took } = marks(d?.events ?? []);
    const failedAll = d && ['FAILED', 'TIMED_OUT', 'ABORTED'].includes(d.execution.status);
    const last = [...m].sort((a, b) => b[1].last - a[1].last)[0]?.[0];
    const kind = (n) => {
      const x = m.get(n.id);
      if (!x) return '';
      if (running && x.in > x.out && !(x.failed && n.id !== last)) return 'current';
      if ((failedAll && n.id === last) || (x.failed && x.out < x.in)) return 'failed';
      return x.failed ? 'visited tried' : 'visited';
    };
    const focus = `${machine} ${chosen} ${running ? last : chosen && d ? 'ended' : ''}`;
    if (focus !== looked) {
      looked = focus;
      requestAnimationFrame(() => {
        const canvas = document.querySelector('.machine');
        centre(canvas, canvas?.querySelector('.state.current, .state.failed') ?? canvas?.querySelector('.state.start'));
      });
    }
    const shown = drawing.edges.filter((e) => e.kind !== 'catch' || errors || took.has(`${e.from}>${e.to}`));
    // As wide as there is room for, while it is readable.
    const room = (document.querySelector('.machine')?.clientWidth || 760) - 2;
    const w = Math.min(drawing.w, Math.max(room, drawing.w * 0.7));
    return h('div', { class: 'canvas machine', tabindex: 0, role: 'region', 'aria-label': 'The state machine' },
      s('svg', { class: 'drawing', viewBox: `0 0 ${drawing.w} ${drawing.h}`, width: Math.round(w), height: Math.round((drawing.h * w) / drawing.w), role: 'group', 'aria-label': 'States and transitions' }, arrows(),
        drawing.nodes.filter((n) => n.container).map((n) => state(n, kind(n), m.get(n.id))),
        shown.map((e) => s('path', { key: `${e.from}>${e.to}>${e.kind}`, class: `edge ${e.kind} ${took.has(`${e.from}>${e.to}`) ? 'took' : ''}`, d: path(e.points, true), 'marker-end': `url(#arrow-${took.has(`${e.from}>${e.to}`) ? 'hot' : ''})` }, s('title', {}, `${e.from} → ${e.to.startsWith('·') ? 'end' : e.to}${e.label ? `: ${e.label}` : ''}`))),
        drawing.nodes.filter((n) => !n.container).map((n) => state(n, kind(n), m.get(n.id)))));
  }

  function state(n, mark, x) {
    if (n.type === 'start' || n.type === 'end') return s('circle', { key: n.id, class: `state ${n.type}`, cx: n.x + n.w / 2, cy: n.y + n.h / 2, r: 7 }, s('title', {}, n.label));
    return s('g', { key: n.id, class: `state ${n.type.toLowerCase()} ${mark}` },
      s('rect', { x: n.x, y: n.y, width: n.w, height: n.h, rx: n.type === 'Choice' ? 14 : 4 }),
      s('text', { class: 'name', x: n.x + n.w / 2, y: n.y + (n.container ? 16 : n.sub ? 17 : n.h / 2 + 4), 'text-anchor': 'middle' }, fit(n.label, n.w - 10)),
      n.sub && !n.container ? s('text', { class: 'sub', x: n.x + n.w / 2, y: n.y + 32, 'text-anchor': 'middle' }, fit(n.sub, n.w - 10, 6)) : null,
      x?.failed ? s('g', { class: 'mark bad' }, s('rect', { x: n.x + n.w - 14, y: n.y - 8, width: 20, height: 15, rx: 7 }), s('text', { x: n.x + n.w - 4, y: n.y + 3, 'text-anchor': 'middle' }, `${x.failed}✕`)) : null,
      s('title', {}, `${n.label} (${n.type})${mark ? `: ${mark}` : ''}${x?.failed ? `, failed ${x.failed} times` : ''}`));
  }

  function detail() {
    if (!chosen) return h('section', { class: 'panel', 'aria-label': 'State machine' }, h('p', { class: 'empty' }, 'Choose an execution to see where it is and how it came there.'), picture());
    const d = one.data;
    if (!d) return h('section', { class: 'panel', 'aria-label': 'Execution' }, h('p', { class: one.error ? 'error' : 'note' }, one.error || 'Loading…'), picture());
    const e = d.execution;
    const order = [...store.orders.values()].find((o) => o.execution === e.name)?.id;
    return h('section', { class: 'panel', 'aria-label': 'Execution' },
      h('div', { class: 'bar' }, h('h2', { class: 'mono long' }, e.name), chip(e.status, { id: 'execution-status' }),
        order ? h('a', { class: 'button', href: href(`orders/${encodeURIComponent(order)}`) }, 'Order') : null,
        e.status === 'RUNNING' ? button('Stop…', async () => {
          if (await confirm('Stop this execution?', 'It ends as ABORTED; nothing is compensated.', 'Stop')) {
            post('executions/stop', { arn: e.executionArn }).then(() => say('Stopped.'), (err) => say(err.message, 'bad'));
          }
        }) : null),
      h('p', { class: 'row facts' }, h('span', {}, 'started ', h('b', { class: 'mono' }, clock(e.startDate * 1000))), e.stopDate ? h('span', {}, 'took ', h('b', {}, span((e.stopDate - e.startDate) * 1000))) : null, e.error ? h('span', { class: 'fail' }, e.error, e.cause ? `: ${e.cause.slice(0, 300)}` : '') : null,
        h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: errors, onchange: (ev) => { errors = ev.target.checked; localStorage.setItem('console-catches', errors ? '1' : '0'); changed(); } }), 'all error paths')),
      picture());
  }

  function history(d) {
    const start = d.execution.startDate * 1000;
    return h('section', { class: 'panel history', 'aria-label': 'History' }, h('h2', {}, 'History'),
      d.problem ? h('p', { class: 'error' }, d.problem) : null,
      h('details', {}, h('summary', {}, 'Input'), block(d.execution.input, 'Input of the execution')),
      d.execution.output ? h('details', {}, h('summary', {}, 'Output'), block(d.execution.output, 'Output of the execution')) : null,
      h('div', { class: 'scroll' }, h('table', {},
        h('caption', { class: 'sr' }, 'History'),
        h('thead', {}, h('tr', {}, ['#', 'After', 'Event', 'State'].map((t, i) => h('th', { scope: 'col', class: i < 1 ? 'num' : '' }, t)))),
        h('tbody', {}, d.events.map((ev) => memo(`${d.execution.executionArn} ${ev.id}`, [], () => {
          const details = Object.entries(ev).find(([k]) => k.endsWith('EventDetails'))?.[1];
          const failed = /Failed$|TimedOut$|Aborted$/.test(ev.type);
          return h('tr', { class: failed ? 'failed' : '' }, h('td', { class: 'num' }, ev.id), h('td', { class: 'mono when' }, span(ev.timestamp * 1000 - start)),
            h('td', {}, details ? h('details', {}, h('summary', {}, ev.type, failed && details.error ? h('span', { class: 'fail' }, ` ${details.error}`) : ''), h('dl', { class: 'facts' }, Object.entries(details).filter(([, v]) => typeof v !== 'object').map(([k, v]) => [h('dt', {}, k), h('dd', {}, /^[{[]/.test(String(v)) ? block(v, k) : h('span', { class: 'mono' }, v))]))) : ev.type),
            h('td', {}, details?.name ?? ''));
        })))), d.more ? h('p', { class: 'note' }, 'There are more events than are shown.') : null));
  }

  return {
    async enter({ parts }) {
      const changedExecution = chosen !== (parts[1] ?? null);
      chosen = parts[1] ?? null;
      if (!machines.data) await machines.refresh(true);
      machine = parts[0] ?? machine ?? machines.data?.machines[0]?.id ?? null;
      if (machine) list.go(ask());
      if (chosen && changedExecution) one.go(`execution?machine=${encodeURIComponent(machine)}&name=${encodeURIComponent(chosen)}`);
      changed();
    },
    render() {
      if (!machines.data) return h('p', { class: machines.error ? 'error' : 'note' }, machines.error || 'Loading…');
      if (!machines.data.machines.length) return h('p', { class: 'empty' }, 'The template has no state machine.');
      const mark = `${store.events.findLast((e) => e.kind === 'state')?.seq} ${store.state?.running[machine]}`;
      if (mark !== seen) {
        seen = mark;
        list.refresh();
        if (chosen) one.refresh();
      } else if (one.data?.execution.status === 'RUNNING') one.refresh();
      return h('div', { class: 'split wide' }, h('div', { class: 'side' }, listed(), chosen && one.data ? history(one.data) : null), h('div', { class: 'rest' }, detail()));
    },
  };
}
