// What is known of the stack, kept up to date by one stream of server-sent events.

export const base = document.documentElement.dataset.base;

const keepEvents = 3000;

export const store = {
  info: null,
  state: null,
  orders: new Map(), // by id, in order of their first event
  events: [], // the latest, logs included
  connection: 'connecting',
  failed: '',
};

const listeners = new Set();
let scheduled = false;

/** Has f called after a change, once a frame; what the stream brings is drawn so seldom that at most a third of the time goes by with it. */
export function onChange(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

let drawn = { at: 0, took: 0 };
let later = 0;

/** Draws in the next frame. */
export function changed() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    clearTimeout(later);
    later = 0;
    const begun = performance.now();
    for (const f of listeners) f();
    // A frame's layout and painting take about as long as what is done for it here.
    drawn = { at: performance.now(), took: 2 * (performance.now() - begun) };
  });
}

/** Draws soon, for what comes by itself. */
function streamed() {
  if (scheduled || later) return;
  const wait = drawn.at + 3 * drawn.took - performance.now();
  if (wait <= 0) changed();
  else later = setTimeout(changed, wait);
}

export class ApiError extends Error {}

async function call(path, options) {
  let response;
  try {
    response = await fetch(`${base}/api/${path}`, options);
  } catch {
    throw new ApiError('The stack does not answer: is it still running?');
  }
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(`${response.status}: ${text.slice(0, 300)}`);
  }
  if (!response.ok) throw new ApiError(body.error ?? `${response.status}`);
  return body;
}

export const get = (path) => call(path);

const jobs = new Map(); // what is answered by the stream

/** Posts; what takes longer, as everything does while time is paused, is answered by the stream. */
export async function post(path, body, onPending) {
  const answer = await call(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Console': '1' },
    body: JSON.stringify(body ?? {}),
  });
  if (!answer || answer.pending === undefined) return answer;
  onPending?.();
  return new Promise((resolve, reject) => jobs.set(answer.pending, { resolve, reject }));
}

/** The stack's time now, between two messages of the stream. */
export function stackNow() {
  const { state } = store;
  if (!state) return Date.now();
  return Date.parse(state.now) + (state.paused ? 0 : performance.now() - state.arrived);
}

export function connect() {
  const source = new EventSource(`${base}/api/stream`);
  source.onopen = () => {
    store.connection = 'live';
    changed();
  };
  source.onerror = () => {
    store.connection = source.readyState === EventSource.CLOSED ? 'closed' : 'reconnecting';
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
    changed();
  };
  const on = (name, f) => source.addEventListener(name, (e) => {
    f(JSON.parse(e.data));
    streamed();
  });
  on('hello', async (hello) => {
    if (store.info && store.info.run !== hello.run) {
      location.reload(); // another run of the stack: nothing here is true any more
      return;
    }
  });
  on('state', (state) => {
    state.arrived = performance.now();
    store.state = state;
  });
  on('orders', (all) => {
    for (const o of all) store.orders.set(o.id, o);
    while (store.orders.size > 1000) store.orders.delete(store.orders.keys().next().value);
  });
  on('trace', ({ events }) => {
    const last = store.events.at(-1)?.seq ?? 0;
    store.events.push(...events.filter((e) => e.seq > last));
    if (store.events.length > keepEvents) store.events.splice(0, store.events.length - keepEvents);
  });
  on('template', () => location.reload()); // other resources, other names
  on('job', ({ job, result, error }) => {
    const waiting = jobs.get(job);
    jobs.delete(job);
    if (error) waiting?.reject(new ApiError(error));
    else waiting?.resolve(result);
  });
}

/** A value that is fetched again after every change, at most so often, while somebody looks. */
export function live(path, every = 800) {
  const self = { data: null, error: '', at: -Infinity, busy: false, later: 0, path };
  self.refresh = async (force) => {
    const wait = self.at + every - performance.now();
    if (self.busy || (!force && wait > 0)) {
      self.later ||= setTimeout(() => {
        self.later = 0;
        self.refresh();
      }, Math.max(wait, 50));
      return;
    }
    self.busy = true;
    const asked = self.path;
    try {
      const data = await get(asked);
      if (asked === self.path) {
        self.data = data;
        self.error = '';
      }
    } catch (e) {
      if (asked === self.path) self.error = e.message;
    }
    self.busy = false;
    self.at = performance.now();
    if (asked !== self.path) self.refresh(true);
    streamed();
  };
  self.go = (to) => {
    if (to !== self.path) {
      self.path = to;
      self.data = null;
    }
    self.refresh(true);
  };
  return self;
}

/** The name of a resource for people. */
export const labelOf = (id) => store.info?.labels[id] ?? (id ?? '').replace(/^·/, '');

/** The resource that stands for a role or a service in the drawing, such as a function for its role. */
export const actor = (id) => store.info?.stands?.[id] ?? id;
