import { h } from './dom.js';

const pad = (n, width = 2) => String(n).padStart(width, '0');

/** The time of day, to the millisecond, in the reader's own zone. */
export function clock(at, precise = true) {
  const t = new Date(at);
  const text = `${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}`;
  return precise ? `${text}.${pad(t.getMilliseconds(), 3)}` : text;
}

export const day = (at) => {
  const t = new Date(at);
  return `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())}`;
};

/** A duration in milliseconds, for people. */
export function span(ms) {
  const sign = ms < 0 ? '−' : '';
  const n = Math.abs(ms);
  if (n < 1000) return `${sign}${Math.round(n)} ms`;
  if (n < 60e3) return `${sign}${(n / 1000).toFixed(n < 10e3 ? 2 : 1)} s`;
  const two = (big, name, small, last) => `${sign}${big} ${name}${small ? ` ${small} ${last}` : ''}`;
  if (n < 3600e3) return two(Math.floor(n / 60e3), 'min', Math.floor((n % 60e3) / 1000), 's');
  if (n < 48 * 3600e3) return two(Math.floor(n / 3600e3), 'h', Math.floor((n % 3600e3) / 60e3), 'min');
  return `${sign}${Math.round(n / 86400e3)} days`;
}

/** A document as it is read best: JSON is indented, JSON within strings stays as it is. */
export function pretty(text) {
  if (text === undefined || text === null) return '';
  if (typeof text !== 'string') return JSON.stringify(text, null, 2);
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A pretty document in a box that can be reached by keyboard, since it may have to be scrolled. */
export const block = (text, label) => h('pre', { class: 'block', tabindex: 0, role: 'region', 'aria-label': label }, pretty(text));

const good = /^(COMPLETED|SUCCEEDED|ExecutionSucceeded|2\d\d)$/;
const bad = /(FAILED|REJECTED|ABORTED|TIMED_OUT|ExecutionFailed|ExecutionAborted|ExecutionTimedOut|^[45]\d\d$)/;
const idle = /^(CANCELLED|QUEUED)$/;

export const tone = (status) => (good.test(status) ? 'good' : bad.test(status) ? 'bad' : idle.test(status) ? 'idle' : status ? 'busy' : 'idle');

export const chip = (status, props) => h('span', { class: `chip ${tone(status)}`, ...props }, status || '—');

/** A DynamoDB attribute as plain JSON; numbers stay as they are written. */
export function plain(attribute) {
  const [type, value] = Object.entries(attribute)[0];
  switch (type) {
    case 'M':
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
    case 'L':
      return value.map(plain);
    case 'N':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case 'NULL':
      return null;
    default:
      return value;
  }
}

/** An id without its middle: its beginning says when, its end whose. */
export const short = (id) => (id.length > 30 ? `${id.slice(0, 14)}…${id.slice(-14)}` : id);
