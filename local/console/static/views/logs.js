import { h } from '../dom.js';
import { store, live, labelOf, changed } from '../store.js';
import { clock, block } from '../format.js';

const levels = { ERROR: 'bad', WARN: 'warn', INFO: 'busy', DEBUG: 'idle' };

export default function logs({ go }) {
  const found = live('logs', 600);
  let about = '';
  let from = '';
  let follow = true;
  let typing = null;
  let seen = 0;

  const address = () => go(`logs?${new URLSearchParams(Object.entries({ about, from }).filter(([, v]) => v))}`.replace(/\?$/, ''), { replace: true, focus: false });

  /** A line's time, level and text, if it is one of those that are JSON. */
  function parse(e) {
    try {
      const j = JSON.parse(e.detail);
      const { time, level, msg, message, ...rest } = j;
      return { level: level ?? '', text: msg ?? message ?? '', rest };
    } catch {
      return { level: '', text: e.detail ?? '', rest: null };
    }
  }

  return {
    enter({ query }) {
      about = query.get('about') ?? '';
      from = query.get('from') ?? '';
      found.go(`logs?limit=1000&about=${encodeURIComponent(about)}`);
    },
    render() {
      const last = store.events.findLast((e) => e.kind === 'log')?.seq ?? 0;
      if (follow && last !== seen) {
        seen = last;
        found.refresh();
      }
      const all = found.data?.events ?? [];
      const functions = [...new Set(all.map((e) => e.from))].sort();
      const lines = all.filter((e) => !from || e.from === from);
      if (follow) requestAnimationFrame(() => {
        const box = document.querySelector('main .log-lines');
        if (box) box.scrollTop = box.scrollHeight;
      });
      return h('section', { class: 'panel full', 'aria-label': 'Logs' },
        h('div', { class: 'bar' }, h('h2', {}, 'Logs'),
          h('input', {
            'data-filter': '', type: 'search', class: 'grow mono', placeholder: 'Words that a line has, such as an order’s id  ( / )', 'aria-label': 'Search logs', value: about,
            oninput: (e) => {
              about = e.target.value;
              clearTimeout(typing);
              typing = setTimeout(address, 250);
            },
          }),
          h('select', { 'aria-label': 'Function', value: from, onchange: (e) => { from = e.target.value; address(); } }, h('option', { value: '' }, 'all functions'), [...new Set([...functions, from])].filter(Boolean).map((f) => h('option', { value: f }, labelOf(f)))),
          h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: follow, onchange: (e) => { follow = e.target.checked; changed(); } }), 'follow')),
        found.error ? h('p', { class: 'error' }, found.error) : null,
        lines.length === 0 ? h('p', { class: 'empty' }, about ? 'No line has these words.' : 'No logs yet. Functions log when they run: send an order.')
          : h('div', { class: 'log-lines', tabindex: 0, role: 'log', 'aria-label': 'Log lines', 'aria-live': 'off' }, lines.map((e) => {
            const { level, text, rest } = parse(e);
            return h('details', { key: e.seq, class: `line ${levels[level] ?? ''}` }, h('summary', {},
              h('span', { class: 'mono when' }, clock(e.time)), h('span', { class: 'who' }, labelOf(e.from)), level ? h('span', { class: `level ${levels[level] ?? ''}` }, level) : null,
              h('span', { class: 'text mono' }, text, rest ? h('span', { class: 'note' }, ` ${brief(rest)}`) : '')), block(e.detail, 'Line'));
          })));
    },
  };
}

const brief = (rest) => Object.entries(rest).filter(([k]) => !['requestId', 'function', 'Function', 'timestamp', 'messageId', '_aws'].includes(k)).map(([k, v]) => `${k}=${typeof v === 'object' ? JSON.stringify(v) : v}`).join(' ').slice(0, 300);
