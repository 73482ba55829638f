import { h, memo } from '../dom.js';
import { store, get, labelOf, changed } from '../store.js';
import { clock, block } from '../format.js';

const most = 500; // lines on the page

const levels = { ERROR: 'bad', WARN: 'warn', INFO: 'busy', DEBUG: 'idle' };

export default function logs({ go }) {
  let lines = [];
  let error = '';
  let asked = null; // whose lines these are
  let busy = false;
  let waits = false; // something came meanwhile
  let about = '';
  let from = '';
  let follow = true;
  let typing = null;
  let seen = 0;
  let shown = ''; // what the box was scrolled for

  /** Fetches the lines that are new. */
  async function refresh() {
    if (busy) {
      waits = true;
      return;
    }
    busy = true;
    const words = about;
    try {
      const after = words === asked ? lines.at(-1)?.seq ?? 0 : 0;
      const { events } = await get(`logs?limit=${most}&about=${encodeURIComponent(words)}&after=${after}`);
      if (words !== asked) lines = [];
      asked = words;
      lines = [...lines, ...events].slice(-most);
      error = '';
    } catch (e) {
      error = e.message;
    }
    setTimeout(() => {
      busy = false;
      if (waits || words !== about) {
        waits = false;
        refresh();
      }
    }, words !== about ? 0 : 300);
    changed();
  }

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
      refresh();
    },
    render() {
      const last = store.events.findLast((e) => e.kind === 'log')?.seq ?? 0;
      if (follow && last !== seen) {
        seen = last;
        refresh();
      }
      const functions = [...new Set(lines.map((e) => e.from))].sort();
      const fit = lines.filter((e) => !from || e.from === from);
      const mark = `${fit.at(-1)?.seq} ${fit.length} ${follow}`;
      if (follow && mark !== shown) requestAnimationFrame(() => {
        const box = document.querySelector('main .log-lines');
        if (box) box.scrollTop = box.scrollHeight;
      });
      shown = mark;
      return h('section', { class: 'panel full', 'aria-label': 'Logs' },
        h('div', { class: 'bar' }, h('h2', {}, 'Logs'), h('span', { class: 'note' }, fit.length ? `${fit.length}${fit.length === most ? ', the latest' : ''}` : ''),
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
        error ? h('p', { class: 'error' }, error) : null,
        fit.length === 0 ? h('p', { class: 'empty' }, asked === null ? 'Loading…' : about || from ? 'No line has these words.' : 'No logs yet. Functions log when they run: send an order.')
          : h('div', { class: 'log-lines', tabindex: 0, role: 'log', 'aria-label': 'Log lines', 'aria-live': 'off' }, fit.map((e) => memo(e.seq, [], () => {
            const { level, text, rest } = parse(e);
            return h('details', { class: `line ${levels[level] ?? ''}` }, h('summary', {},
              h('span', { class: 'mono when' }, clock(e.time)), h('span', { class: 'who' }, labelOf(e.from)), level ? h('span', { class: `level ${levels[level] ?? ''}` }, level) : null,
              h('span', { class: 'text mono' }, text, rest ? h('span', { class: 'note' }, ` ${brief(rest)}`) : '')), block(e.detail, 'Line'));
          }))));
    },
  };
}

const brief = (rest) => Object.entries(rest).filter(([k]) => !['requestId', 'function', 'Function', 'timestamp', 'messageId', '_aws'].includes(k)).map(([k, v]) => `${k}=${typeof v === 'object' ? JSON.stringify(v) : v}`).join(' ').slice(0, 300);
