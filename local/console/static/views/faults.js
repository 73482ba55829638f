import { h, button } from '../dom.js';
import { store, post, changed, labelOf } from '../store.js';
import { clock } from '../format.js';
import { say } from '../dialogs.js';

const kinds = {
  throttle: ['Throttle', 'Refused as by a service that has too much to do'],
  fail: ['Fail', 'Fails with an error of your choice'],
  'crash-before': ['Crash before', 'The process or the call is lost before it has an effect'],
  'crash-after': ['Crash after', 'The effect is there, the answer is lost'],
  duplicate: ['Duplicate', 'Happens twice'],
  slow: ['Delay', 'Takes longer'],
};

const services = ['sqs:SendMessage', 'sqs:*', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:*', 'states:StartExecution', 'states:*', 'sns:Publish', 'lambda:Invoke', '*:*'];

export default function faults() {
  const draft = { target: '', kind: 'crash-before', errorName: '', message: '', seconds: 5, probability: 100, times: 0 };
  let error = '';
  const active = () => store.state?.faults ?? [];

  async function set(all) {
    error = '';
    try {
      const r = await post('faults', { faults: all.map(({ happened, ...f }) => f) });
      if (store.state) store.state.faults = r.faults;
    } catch (e) {
      error = e.message;
    }
    changed();
  }

  const same = (a, b) => a.name === b.name;

  function add(e) {
    e.preventDefault();
    const f = { name: '', target: draft.target.trim(), kind: draft.kind, probability: draft.probability >= 100 ? 0 : draft.probability / 100, times: Number(draft.times) || 0 };
    if (draft.kind === 'fail') Object.assign(f, { errorName: draft.errorName, message: draft.message });
    if (draft.kind === 'slow') f.seconds = Number(draft.seconds);
    f.name = `${f.target} ${f.kind}${f.errorName ? ` ${f.errorName}` : ''}`;
    set([...active().filter((x) => !same(x, f)), f]);
  }

  const describe = (f) => [
    kinds[f.kind]?.[0] ?? f.kind, f.errorName ? ` ${f.errorName}` : '', ` · ${f.target}`, f.delay ? ` · ${f.delay / 1e9} s` : '', f.probability ? ` · ${Math.round(f.probability * 100)} %` : '', f.times ? ` · ${f.times === 1 ? 'once' : `${f.times} times`}` : '',
  ].join('');

  function presets() {
    const { info } = store;
    if (!info.presets.length) return null;
    return h('section', { class: 'panel', 'aria-label': 'Switches' }, h('h2', {}, 'Switches'),
      h('ul', { class: 'switches' }, info.presets.map((p) => {
        const on = active().find((x) => same(x, p));
        return h('li', { key: p.name }, h('button', {
          type: 'button', role: 'switch', 'aria-checked': on ? 'true' : 'false', class: 'switch', onclick: () => set(on ? active().filter((x) => !same(x, p)) : [...active(), p]),
        }, h('span', { class: 'knob', 'aria-hidden': 'true' }), h('span', {}, h('b', {}, p.name), h('small', {}, describe(p)))), on ? h('span', { class: 'chip warn' }, `happened ${on.happened} ×`) : null);
      })));
  }

  function inbox() {
    const { state, info } = store;
    if (!info.inbox || !state?.inbox) return null;
    const choose = async (status, seconds) => {
      try {
        state.inbox = await post('inbox', { status, seconds });
      } catch (e) {
        say(e.message, 'bad');
      }
      changed();
    };
    const { status, seconds } = state.inbox;
    return h('section', { class: 'panel', 'aria-label': 'Receiver of webhooks' }, h('h2', {}, 'Receiver of webhooks'), h('p', { class: 'row', role: 'group', 'aria-label': 'It answers with' },
      [[204, 0, 'takes them'], [503, 0, 'is down (503)'], [429, 0, 'has enough (429)'], [410, 0, 'is gone (410)'], [204, 20, 'takes 20 s']].map(([code, slow, text]) => button(text, () => choose(code, slow), { key: text, 'aria-pressed': status === code && seconds === slow ? 'true' : 'false' }))),
    h('p', { class: 'note' }, `${state.inbox.got} requests so far.`));
  }

  function compose() {
    const { info } = store;
    const bind = (name, props) => ({ name, value: draft[name], oninput: (e) => { draft[name] = e.target.value; changed(); }, autocomplete: 'off', ...props });
    return h('section', { class: 'panel', 'aria-label': 'Another fault' }, h('h2', {}, 'Another fault'),
      h('form', { onsubmit: add },
        h('div', { class: 'fields' },
          h('label', {}, 'What happens', h('select', bind('kind'), info.faultKinds.map((k) => h('option', { value: k }, kinds[k]?.[0] ?? k)))),
          h('label', { class: 'grow' }, 'To which function or call', h('input', bind('target', { list: 'targets', required: true, class: 'mono', placeholder: 'charge, or dynamodb:UpdateItem' }))),
          h('datalist', { id: 'targets' }, [...new Set(info.functions.map((f) => f.handler)), ...services].map((t) => h('option', { value: t })))),
        h('div', { class: 'fields' },
          draft.kind === 'fail' ? h('label', {}, 'Error', h('input', bind('errorName', { class: 'mono', placeholder: 'PaymentDeclined' }))) : null,
          draft.kind === 'fail' ? h('label', { class: 'grow' }, 'Message', h('input', bind('message'))) : null,
          draft.kind === 'slow' ? h('label', {}, 'Seconds', h('input', bind('seconds', { type: 'number', min: 0.1, step: 0.1 }))) : null,
          h('label', {}, 'Probability, %', h('input', bind('probability', { type: 'number', min: 1, max: 100 }))),
          h('label', {}, 'Times (0: until removed)', h('input', bind('times', { type: 'number', min: 0 })))),
        h('p', { class: 'note' }, kinds[draft.kind]?.[1]),
        h('p', { class: 'row' }, h('button', { class: 'primary' }, 'Make it happen'), error ? h('span', { class: 'error', role: 'alert' }, error) : null)));
  }

  function list() {
    const all = active();
    return h('section', { class: 'panel', 'aria-label': 'Active faults' },
      h('div', { class: 'bar' }, h('h2', {}, 'Active'), all.length ? button('Remove all', () => set([])) : null),
      all.length === 0 ? h('p', { class: 'empty' }, 'Everything works as it should. Break something.') : rows(all),
      h('h3', {}, 'Lately'), lately());
  }

  function rows(all) {
    const remove = (f) => button('Remove', () => set(all.filter((x) => !same(x, f))), { 'aria-label': `Remove ${f.name}` });
    return h('table', {}, h('caption', { class: 'sr' }, 'Active faults'),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Fault'), h('th', { scope: 'col' }, 'Does'), h('th', { scope: 'col', class: 'num' }, 'Happened'), h('th', { scope: 'col' }, h('span', { class: 'sr' }, 'Remove')))),
      h('tbody', {}, all.map((f) => h('tr', { key: f.name }, h('td', {}, h('b', {}, f.name)), h('td', { class: 'note' }, describe(f)), h('td', { class: 'num' }, f.happened), h('td', { class: 'num' }, remove(f))))));
  }

  function lately() {
    const all = store.events.filter((e) => e.kind === 'fault').slice(-15).reverse();
    return all.length ? h('ul', { class: 'lately' }, all.map((e) => h('li', { key: e.seq }, h('span', { class: 'mono' }, clock(e.time)), ` ${e.detail} → ${labelOf(e.to)}`))) : h('p', { class: 'note' }, 'No fault has happened yet.');
  }

  return { render: () => h('div', { class: 'two' }, h('div', { class: 'stack' }, presets(), inbox(), compose()), h('div', { class: 'stack' }, list())) };
}
