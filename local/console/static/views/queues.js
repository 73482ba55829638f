import { h, button } from '../dom.js';
import { store, live, labelOf, post, changed } from '../store.js';
import { clock, span, block, chip, short } from '../format.js';
import { href } from '../app.js';
import { say, confirm } from '../dialogs.js';

export default function queues() {
  const all = live('queues', 1000);
  const one = live('queues/none', 700);
  let chosen = null;
  let skip = 0;
  let to = '';
  let rate = '';
  let seen = '';

  const total = (c) => (c ? c.visible + c.inFlight + c.delayed : 0);

  async function act(what, body, done) {
    try {
      await post(`queues/${encodeURIComponent(chosen)}/${what}`, body, () => say('Waiting: time stands still until it goes on.'));
      say(done);
      one.refresh(true);
    } catch (e) {
      say(e.message, 'bad');
    }
  }

  function list() {
    if (!all.data) return h('p', { class: all.error ? 'error' : 'note' }, all.error || 'Loading…');
    if (!all.data.queues.length) return h('p', { class: 'empty' }, 'The template has no queue.');
    const counts = store.state?.queues ?? {};
    return h('table', {},
      h('caption', { class: 'sr' }, 'Queues'),
      h('thead', {}, h('tr', {}, ['Queue', 'Visible', 'In flight', 'Delayed', 'Goes'].map((t, i) => h('th', { scope: 'col', class: i > 0 && i < 4 ? 'num' : '' }, t)))),
      h('tbody', {}, all.data.queues.map((q) => {
        const c = counts[q.id] ?? q;
        const dead = q.sources.length > 0;
        return h('tr', { key: q.id, class: `${q.id === chosen ? 'chosen' : ''} ${dead && total(c) ? 'alarm' : ''}` },
          h('td', {}, h('a', { 'data-row': '', href: href(`queues/${encodeURIComponent(q.id)}`), title: q.name, 'aria-current': q.id === chosen ? 'true' : null }, q.label), dead ? h('span', { class: 'tag' }, 'dead letters') : null),
          h('td', { class: 'num' }, dead && c.visible ? h('span', { class: 'chip bad' }, c.visible) : c.visible), h('td', { class: 'num' }, c.inFlight), h('td', { class: 'num' }, c.delayed),
          h('td', {}, dead ? h('span', { class: 'note' }, `from ${q.sources.map(labelOf).join(', ')}`) : [q.consumer ? `to ${labelOf(q.consumer)}` : '', q.deadLetters ? h('span', { class: 'note' }, `, after ${q.maxReceives} receives to ${labelOf(q.deadLetters)}`) : '']));
      })));
  }

  function detail() {
    if (!chosen) return h('p', { class: 'empty' }, 'Choose a queue to look at its messages. Looking receives nothing: no receive count grows, nothing becomes invisible.');
    const d = one.data;
    if (!d || d.queue.id !== chosen) return h('p', { class: one.error ? 'error' : 'note' }, one.error || 'Loading…');
    const q = d.queue;
    const n = total(store.state?.queues[q.id] ?? q);
    const dead = q.sources.length > 0;
    const task = d.tasks[0];
    return h('div', {},
      h('div', { class: 'bar' }, h('h2', {}, q.label), h('span', { class: 'note' }, `${n} ${n === 1 ? 'message' : 'messages'}`),
        button('Purge…', async () => {
          if (await confirm(`Purge ${q.label}?`, `All ${n} messages are deleted for good.`, 'Purge')) act('purge', {}, 'Purged.');
        }, { disabled: n === 0 })),
      h('p', { class: 'row facts' }, h('span', { class: 'mono long' }, q.url), h('span', {}, `visibility timeout ${q.visibilityTimeout} s`)),
      dead ? h('form', { class: 'row redrive', onsubmit: (e) => { e.preventDefault(); act('redrive', { to, perSecond: Number(rate) || 0 }, 'The messages are on their way back.'); } },
        h('button', { class: 'primary', disabled: n === 0 || task?.Status === 'RUNNING' || (!q.redrive && !to) }, 'Redrive'),
        h('label', {}, 'to ', h('select', { value: to, onchange: (e) => { to = e.target.value; changed(); } }, h('option', { value: '' }, q.redrive ? 'where each came from' : 'choose a queue'), all.data.queues.filter((x) => x.id !== q.id).map((x) => h('option', { value: x.id }, x.label)))),
        h('label', {}, 'at ', h('input', { type: 'number', min: 1, max: 500, class: 'tiny', value: rate, placeholder: 'all', oninput: (e) => { rate = e.target.value; } }), ' a second'),
        h('span', { class: 'note', role: 'status' }, task ? progress(task) : '')) : null,
      dead && !q.redrive ? h('p', { class: 'note' }, 'What is here did not come from a queue by a redrive policy: AWS moves only such messages back.') : null,
      d.messages.length === 0 ? h('p', { class: 'empty' }, n ? 'No messages on this page.' : dead ? 'Nothing has failed. Faults make that happen.' : 'The queue is empty.') : messages(d, q),
      h('p', { class: 'row' }, button('Previous', () => page(skip - d.pageSize), { disabled: skip === 0 }), button('Next', () => page(skip + d.pageSize), { disabled: skip + d.messages.length >= n }), h('span', { class: 'note' }, d.messages.length ? `${skip + 1}–${skip + d.messages.length} of ${n}` : '')));
  }

  function page(n) {
    skip = Math.max(n, 0);
    one.go(`queues/${encodeURIComponent(chosen)}?skip=${skip}`);
  }

  const progress = (t) => `${t.Status === 'RUNNING' ? 'Moving' : t.Status === 'COMPLETED' ? 'Moved' : t.Status.toLowerCase()}: ${t.ApproximateNumberOfMessagesMoved ?? 0} of ${t.ApproximateNumberOfMessagesToMove ?? 0}${t.FailureReason ? ` (${t.FailureReason})` : ''}`;

  const order = (id) => (store.orders.has(id) ? h('a', { href: href(`orders/${encodeURIComponent(id)}`) }, short(id)) : short(id));

  /** The order that a message is about, as its attributes or its body say. */
  function orderOf(m) {
    const attribute = (m.attributes ?? []).find((a) => a.name === 'orderId');
    if (attribute) return attribute.value;
    try {
      const body = JSON.parse(m.body);
      return body.orderId ?? '';
    } catch {
      return '';
    }
  }

  function messages(d) {
    const about = d.messages.some(orderOf);
    return h('div', { class: 'scroll' }, h('table', { class: 'messages' },
      h('caption', { class: 'sr' }, 'Messages in order of arrival'),
      h('thead', {}, h('tr', {}, ['Sent', 'State', 'Receives', ...(about ? ['Order'] : []), 'Message'].map((t) => h('th', { scope: 'col', class: t === 'Receives' ? 'num' : '' }, t)))),
      h('tbody', {}, d.messages.map((m) => h('tr', { key: m.id },
        h('td', { class: 'mono when' }, clock(m.sent)),
        h('td', {}, chip({ visible: 'visible', inFlight: 'in flight', delayed: 'delayed' }[m.state]), m.visibleAt ? h('span', { class: 'note', title: clock(m.visibleAt) }, ` ${span(Date.parse(m.visibleAt) - Date.parse(store.state?.now ?? m.sent))}`) : ''),
        h('td', { class: 'num' }, m.receiveCount),
        about ? h('td', { class: 'mono when', title: orderOf(m) }, order(orderOf(m))) : null,
        h('td', { class: 'message' }, h('details', {}, h('summary', { class: 'mono' }, m.body.slice(0, 400).replace(/\s+/g, ' ')),
          h('dl', { class: 'facts' }, [['id', m.id], ['group', m.groupId], ['failed in', m.deadLetterSource ? labelOf(m.deadLetterSource) : ''], ['size', `${m.size} bytes`], ['received here', m.firstReceived ? `first at ${clock(m.firstReceived)}` : 'never']].filter(([, v]) => v).map(([k, v]) => [h('dt', {}, k), h('dd', { class: 'mono' }, v)]),
            (m.attributes ?? []).map((a) => [h('dt', {}, a.name, h('span', { class: 'note' }, ` ${a.type}`)), h('dd', { class: 'mono' }, a.value)])),
          block(m.body, 'Body of the message'))))))));
  }

  return {
    enter({ parts }) {
      all.refresh(true);
      if (chosen !== (parts[0] ?? null)) {
        skip = 0;
        to = '';
      }
      chosen = parts[0] ?? null;
      if (chosen) one.go(`queues/${encodeURIComponent(chosen)}?skip=${skip}`);
    },
    render() {
      const mark = JSON.stringify([store.state?.queues[chosen], store.events.at(-1)?.seq]);
      if (chosen && mark !== seen) {
        seen = mark;
        one.refresh();
      } else if (one.data?.tasks[0]?.Status === 'RUNNING') one.refresh();
      return h('div', { class: 'stack' }, h('section', { class: 'panel', 'aria-label': 'Queues' }, list()), h('section', { class: 'panel', 'aria-label': 'Messages' }, detail()));
    },
  };
}
