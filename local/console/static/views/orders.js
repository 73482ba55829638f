import { h, s, button, memo } from '../dom.js';
import { store, post, live, labelOf, actor, changed } from '../store.js';
import { clock, span, pretty, block, chip, tone, short } from '../format.js';
import { href } from '../app.js';
import { say } from '../dialogs.js';

/** How many orders the list has; the filter finds the others. */
const shown = 100;

const lanes = [['poll', 'Polled status'], ['webhook', 'Webhook'], ['websocket', 'Websocket']];

export default function orders({ go }) {
  const draft = restored();
  let chosen = null; // the id
  let filter = '';
  let sent = null; // { busy, error, responses }
  const one = live('orders/none');
  const trail = live('trace?about=none');
  let seen = '';

  function restored() {
    try {
      const kept = JSON.parse(sessionStorage.getItem('console-draft'));
      if (kept) return kept;
    } catch { /* then from the beginning */ }
    const example = store.info.examples[0];
    const [method, path] = (store.info.routes.find((r) => r.startsWith('POST ') && !r.includes('{')) ?? store.info.routes[0] ?? 'POST /').split(' ');
    return { tenant: store.info.tenants[0] ?? '', method: example ? example.method || 'POST' : method, path: example?.path ?? path, body: pretty(example?.body ?? ''), times: 1, key: '', example: example?.name ?? '' };
  }
  const keep = () => sessionStorage.setItem('console-draft', JSON.stringify(draft));

  async function send(e) {
    e.preventDefault();
    const header = {};
    if (draft.key) header['Idempotency-Key'] = draft.key;
    sent = { busy: true };
    changed();
    try {
      const { responses } = await post('send', { tenant: draft.tenant, times: Number(draft.times) || 1, request: { name: '', method: draft.method, path: draft.path, header, body: draft.method === 'GET' || draft.method === 'DELETE' ? '' : draft.body } }, () => {
        sent = { busy: true, pending: true };
        changed();
      });
      sent = { responses };
      const order = responses.find((r) => r.orderId && r.status === 202);
      if (order && responses.length === 1) go(`orders/${encodeURIComponent(order.orderId)}`, { focus: false });
      const ok = responses.filter((r) => r.status >= 200 && r.status < 300).length;
      document.getElementById('status').textContent = `${ok} of ${responses.length} accepted`;
    } catch (err) {
      sent = { error: err.message };
    }
    changed();
  }

  function form() {
    const { info, state } = store;
    const field = (name, props) => h('input', { name, value: draft[name], oninput: (e) => { draft[name] = e.target.value; keep(); }, autocomplete: 'off', ...props });
    const noBody = draft.method === 'GET' || draft.method === 'DELETE';
    const signed = state?.signed.find((t) => t.tenant === draft.tenant);
    return h('section', { class: 'panel compose', 'aria-label': 'Send a request' },
      h('h2', {}, 'Request'),
      h('form', { onsubmit: send, 'data-send': '' },
        info.examples.length ? h('label', { class: 'wide' }, 'Example',
          h('select', {
            name: 'example', value: draft.example,
            onchange: (e) => {
              const x = info.examples.find((y) => y.name === e.target.value);
              if (!x) return;
              Object.assign(draft, { example: x.name, method: x.method || 'POST', path: x.path, body: pretty(x.body ?? '') });
              keep();
              changed();
            },
          }, info.examples.map((x) => h('option', { value: x.name }, x.name)))) : null,
        h('div', { class: 'fields' },
          h('label', {}, 'Tenant', field('tenant', { list: 'tenants', disabled: !info.signIn, title: info.signIn ? 'Signed in as a user of this tenant' : 'This stack has no sign-in' })),
          h('label', { class: 'narrow' }, 'Times', field('times', { type: 'number', min: 1, max: 200 })),
          h('label', {}, 'Idempotency-Key', field('key', { placeholder: 'none', class: 'mono' }))),
        h('datalist', { id: 'tenants' }, info.tenants.map((t) => h('option', { value: t }))),
        h('div', { class: 'fields' },
          h('label', { class: 'narrow' }, 'Method', h('select', { name: 'method', value: draft.method, onchange: (e) => { draft.method = e.target.value; keep(); changed(); } }, ['POST', 'GET', 'DELETE', 'PUT', 'PATCH'].map((m) => h('option', { value: m }, m)))),
          h('label', { class: 'grow' }, 'Path', field('path', { class: 'mono', required: true, pattern: '/.*', list: 'routes' }))),
        h('datalist', { id: 'routes' }, info.routes.map((r) => h('option', { value: r.split(' ')[1] }, r))),
        noBody ? null : h('label', { class: 'wide' }, 'Body', h('textarea', { name: 'body', class: 'mono', rows: 12, spellcheck: 'false', value: draft.body, oninput: (e) => { draft.body = e.target.value; keep(); } })),
        h('p', { class: 'row' },
          h('button', { class: 'primary', disabled: sent?.busy, title: 'Ctrl+Enter' }, Number(draft.times) > 1 ? `Send ${draft.times}` : 'Send'),
          signed ? h('span', { class: 'note', title: (signed.notes ?? []).join('\n') }, `websocket ${signed.websocket}`, signed.notes?.length ? `; ${signed.notes.join('; ')}` : '') : null)),
      answer());
  }

  function answer() {
    if (!sent) return null;
    if (sent.error) return h('p', { class: 'error', role: 'alert' }, sent.error);
    if (sent.busy) return h('p', { class: 'note' }, sent.pending ? (store.state?.paused ? 'Time stands still: the answer comes when it goes on. Resume or step.' : 'Waiting for the answer…') : 'Sending…');
    const counts = new Map();
    for (const r of sent.responses) {
      const k = r.error ? r.error : `${r.status} ${r.text}`;
      counts.set(k, (counts.get(k) ?? 0) + 1);
    }
    const first = sent.responses[0];
    return h('div', { class: 'answer', 'aria-live': 'polite' },
      h('p', { class: 'row' }, [...counts].map(([k, n]) => h('span', { key: k, class: `chip ${tone(k.slice(0, 3))}` }, n > 1 ? `${n} × ${k}` : k)), h('span', { class: 'note' }, span(first.ms))),
      first.error ? null : [
        h('details', { open: innerWidth > 900 }, h('summary', {}, 'Headers'), h('dl', { class: 'headers' }, Object.entries(first.header).sort().map(([k, v]) => [h('dt', {}, k), h('dd', { class: 'mono' }, v.join(', '))]))),
        first.body ? block(first.body, 'Body of the answer') : null,
      ]);
  }

  function list() {
    const all = [...store.orders.values()].reverse().filter((o) => !filter || `${o.id} ${o.tenant} ${o.status} ${o.reason ?? ''}`.toLowerCase().includes(filter.toLowerCase()));
    return h('section', { class: 'panel list', 'aria-label': 'Orders' },
      h('div', { class: 'bar' }, h('h2', {}, `Orders`), h('span', { class: 'note' }, store.orders.size || ''),
        h('input', { 'data-filter': '', type: 'search', placeholder: 'Filter: id, tenant, status  ( / )', 'aria-label': 'Filter orders', value: filter, oninput: (e) => { filter = e.target.value; changed(); } })),
      all.length === 0 ? h('p', { class: 'empty' }, store.orders.size ? 'No order matches the filter.' : 'No orders yet. Send a request, or use any client: orders that come in from elsewhere appear here too.')
        : h('div', { class: 'scroll' }, h('table', {},
          h('caption', { class: 'sr' }, 'Orders, the latest first'),
          h('thead', {}, h('tr', {}, ['Order', 'Tenant', 'Status', 'Seen by', 'Took'].map((t, i) => h('th', { scope: 'col', class: i === 4 ? 'num' : '', title: i === 3 ? 'Polled status, webhook, websocket' : i === 4 ? 'From the first to the latest that was seen of it' : null }, t)))),
          h('tbody', {}, all.slice(0, shown).map((o) => memo(o.id, [o, o.id === chosen], () => h('tr', { class: o.id === chosen ? 'chosen' : '' },
            h('td', { class: 'id' }, h('a', { href: href(`orders/${encodeURIComponent(o.id)}`), 'data-row': '', class: 'mono', title: o.id, 'aria-current': o.id === chosen ? 'true' : null }, short(o.id))),
            h('td', { class: 'tenant', title: o.tenant }, o.tenant ?? ''),
            h('td', { class: 'state' }, chip(o.status), o.reason ? h('span', { class: 'note' }, ` ${o.reason}`) : '', o.errors && tone(o.status) === 'busy' ? h('span', { class: 'chip bad', title: 'failed tries' }, o.errors) : ''),
            h('td', { class: 'dots' }, lanes.map(([lane, name]) => h('span', { class: `dot ${o.channels[lane] ? 'on' : ''}`, title: `${name}: ${o.channels[lane] ?? 0}` }, h('span', { class: 'sr' }, `${name} ${o.channels[lane] ?? 0} `)))),
            h('td', { class: 'num' }, span(Date.parse(o.last) - Date.parse(o.first)))))))),
          all.length > shown ? h('p', { class: 'note' }, `The latest ${shown} of ${all.length}; the filter finds the others.`) : null));
  }

  function detail() {
    if (!chosen) {
      return h('section', { class: 'panel detail', 'aria-label': 'Order' }, h('p', { class: 'empty' }, 'Choose an order to see what its client sees on each channel: polled status, webhook, websocket.'));
    }
    const o = store.orders.get(chosen) ?? one.data?.order;
    if (!o) return h('section', { class: 'panel detail', 'aria-label': 'Order' }, h('p', { class: one.error ? 'error' : 'note' }, one.error || 'Loading…'));
    const entries = one.data?.order.id === chosen ? one.data.entries : [];
    return h('section', { class: 'panel detail', 'aria-label': 'Order' },
      h('div', { class: 'bar' }, h('h2', { class: 'mono long' }, o.id), chip(o.status, { id: 'order-status' }), o.reason ? h('span', { class: 'note' }, o.reason) : null),
      h('p', { class: 'row facts' },
        o.tenant ? h('span', {}, 'tenant ', h('b', {}, o.tenant)) : null,
        h('span', {}, 'sequence ', h('b', {}, o.sequence)),
        h('span', {}, 'first seen ', h('b', { class: 'mono' }, clock(o.first))),
        o.machine ? h('a', { href: href(`executions/${o.machine}/${encodeURIComponent(o.execution)}`) }, o.state ? `in ${o.state}` : o.outcome ? `workflow ${o.outcome.replace('Execution', '').toLowerCase()}` : 'workflow') : null,
        h('a', { href: href(`logs?about=${encodeURIComponent(o.id)}`) }, 'logs'),
        button('Cancel order', () => cancel(o, link(entries)), { disabled: !link(entries) || o.final || tone(o.status) !== 'busy' && o.status !== 'QUEUED' })),
      entries.length ? [chart(o, entries), timeline(o, entries)] : h('p', { class: 'note' }, 'Nothing came by a channel yet.'),
      events());
  }

  /** Where the order's status is: its client was told so, or asked there. */
  const link = (entries) => entries.find((e) => e.detail?.links?.status)?.detail.links.status ?? entries.find((e) => e.lane === 'poll' && e.what.startsWith('GET '))?.what.slice(4);

  async function cancel(o, path) {
    try {
      const { responses } = await post('send', { tenant: o.tenant || draft.tenant, times: 1, request: { name: '', method: 'DELETE', path, body: '' } });
      say(`${responses[0].status} ${responses[0].text}`, responses[0].status >= 400 ? 'bad' : '');
    } catch (e) {
      say(e.message, 'bad');
    }
  }

  /** The three lanes along time. */
  function chart(o, entries) {
    const from = Date.parse(o.first);
    const to = Math.max(...entries.map((e) => Date.parse(e.until ?? e.time)), from + 100);
    const w = Math.max((document.querySelector('.detail')?.clientWidth ?? 726) - 26, 420);
    const left = 96, right = 16, row = 26;
    const x = (at) => left + ((Date.parse(at) - from) / (to - from)) * (w - left - right);
    const total = to - from;
    const ticks = [0, 0.25, 0.5, 0.75, 1];
    return s('svg', { class: 'lanes', viewBox: `0 0 ${w} ${row * 3 + 20}`, width: w, height: row * 3 + 20, role: 'img', 'aria-label': `Events of the order on three channels over ${span(total)}` },
      ticks.map((t) => s('g', { key: `t${t}` }, s('line', { class: 'grid', x1: left + t * (w - left - right), x2: left + t * (w - left - right), y1: 4, y2: row * 3 }),
        s('text', { class: 'tick', x: left + t * (w - left - right), y: row * 3 + 14, 'text-anchor': t === 1 ? 'end' : t === 0 ? 'start' : 'middle' }, t ? `+${span(total * t)}` : '0'))),
      lanes.map(([lane, name], i) => s('g', { key: lane },
        s('text', { class: 'lane', x: 0, y: row * i + 18 }, name), s('line', { class: 'rail', x1: left, x2: w - right, y1: row * i + 14, y2: row * i + 14 }),
        entries.filter((e) => e.lane === lane).map((e) => [
          e.until ? s('line', { class: `stay ${tone(e.status)}`, x1: x(e.time), x2: x(e.until), y1: row * i + 14, y2: row * i + 14 }) : null,
          s('circle', { class: `mark ${e.err ? 'bad' : tone(e.status)}`, cx: x(e.time), cy: row * i + 14, r: 5 }, s('title', {}, `${clock(e.time)} ${e.status} ${e.sequence || ''} ${e.err ?? ''}`)),
        ]))));
  }

  function timeline(o, entries) {
    const from = Date.parse(o.first);
    return h('div', { class: 'scroll' }, h('table', { class: 'timeline' },
      h('caption', { class: 'sr' }, 'What came by each channel, in order'),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Time'), lanes.map(([, name]) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, entries.map((e, i) => h('tr', { key: i },
        h('td', { class: 'mono when', title: clock(e.time) }, `+${span(Date.parse(e.time) - from)}`),
        lanes.map(([lane]) => h('td', {}, lane === e.lane ? cell(e, from) : '')))))));
  }

  function cell(e) {
    const failed = /^[45]/.test(e.http ?? '') ? e.http : '';
    const error = e.err && !e.err.startsWith(failed) ? `${failed} ${e.err}`.trim() : e.err || failed;
    return h('details', { class: 'event' }, h('summary', {},
      e.status ? chip(e.status) : null, error ? h('span', { class: 'chip bad' }, error) : null,
      e.sequence ? h('span', { class: 'note' }, `#${e.sequence}`) : null,
      e.lane === 'poll' && !e.what.startsWith('GET') ? h('span', { class: 'note' }, e.what.split(' ')[0]) : null,
      e.lane === 'webhook' ? h('span', { class: 'note' }, error ? '' : e.http) : null,
      e.times > 1 ? h('span', { class: 'note' }, `× ${e.times}`) : null),
    h('dl', {}, h('dt', {}, 'id'), h('dd', { class: 'mono' }, e.id || '—'), h('dt', {}, 'at'), h('dd', { class: 'mono' }, clock(e.time), e.until ? ` to ${clock(e.until)}` : ''), h('dt', {}, 'what'), h('dd', { class: 'mono' }, e.what, ' ', e.http ?? '')),
    e.detail ? block(e.detail, 'What it said') : null);
  }

  /** What a line of the log says, without the rest of it. */
  function said(line) {
    try {
      const { msg, message } = JSON.parse(line);
      return msg ?? message ?? 'metrics';
    } catch {
      return line.slice(0, 120);
    }
  }

  function events() {
    const all = trail.data?.events ?? [];
    return h('details', { class: 'trail' }, h('summary', {}, `Everything that happened (${all.length})`),
      all.length ? h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, h('tr', {}, ['Time', 'Kind', 'What', 'From', 'To', ''].map((t) => h('th', { scope: 'col' }, t)))),
        h('tbody', {}, all.map((e) => memo(e.seq, [], () => h('tr', { class: e.err ? 'failed' : '' },
          h('td', { class: 'mono when' }, clock(e.time)), h('td', {}, e.kind), h('td', { class: 'mono long' }, e.kind === 'log' ? said(e.detail) : e.action), h('td', {}, labelOf(actor(e.from))), h('td', {}, labelOf(actor(e.to))), h('td', { class: 'fail' }, e.err ?? ''))))))) : null);
  }

  return {
    enter({ parts }) {
      chosen = parts[0] ?? null;
      seen = '';
      if (chosen) {
        one.go(`orders/${encodeURIComponent(chosen)}`);
        trail.go(`trace?about=${encodeURIComponent(chosen)}&limit=400`);
      }
    },
    render() {
      const o = chosen && store.orders.get(chosen);
      const mark = o ? `${o.id} ${o.last} ${o.status} ${JSON.stringify(o.channels)}` : '';
      if (o && mark !== seen) {
        seen = mark;
        one.refresh(true);
        trail.refresh();
      }
      return h('div', { class: 'split' }, h('div', { class: 'side' }, form()), h('div', { class: 'rest' }, list(), detail()));
    },
  };
}
