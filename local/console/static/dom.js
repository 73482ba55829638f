// Elements made by functions, and a way to bring what is on the page up to date without losing focus,
// selection or scroll positions. Text only ever becomes text nodes.

const SVG = 'http://www.w3.org/2000/svg';
const booleans = new Set(['disabled', 'checked', 'open', 'hidden', 'required', 'selected', 'readonly', 'multiple']);

function dispatch(event) {
  const handler = event.currentTarget.$on?.[event.type];
  if (handler) handler(event);
}

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) {
      (element.$on ??= {})[name.slice(2)] = value;
      element.addEventListener(name.slice(2), dispatch);
    } else if (name === 'value') {
      element.$value = String(value);
    } else if (booleans.has(name)) {
      element.setAttribute(name, '');
    } else {
      element.setAttribute(name, value);
    }
  }
  add(element, children);
  if (element.$value !== undefined) element.value = element.$value;
  return element;
}

function add(parent, children) {
  for (const child of children) {
    if (child === undefined || child === null || child === false || child === '') continue;
    if (Array.isArray(child)) add(parent, child);
    else parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** An HTML element. Props that begin with "on" are handlers; "key" tells siblings apart. */
export const h = (tag, props, ...children) => build(document.createElement(tag), props, children);

/** An SVG element. */
export const s = (tag, props, ...children) => build(document.createElementNS(SVG, tag), props, children);

/** An element that is made only if it is new or something in mark changed: a row of a long list, which costs nothing while it stays
 * as it is. The key tells it apart from its siblings. */
export function memo(key, mark, make) {
  const element = document.createElement('x-memo');
  element.setAttribute('key', key);
  element.$mark = mark;
  element.$make = make;
  return element;
}

function made(place) {
  const element = place.$make();
  element.setAttribute('key', place.getAttribute('key'));
  element.$mark = place.$mark;
  return element;
}

/** A new element, with all in it that is made only now. */
function settled(node) {
  if (node.$make) return settled(made(node));
  if (node.nodeType === 1) for (const place of [...node.getElementsByTagName('x-memo')]) place.replaceWith(made(place));
  return node;
}

const unchanged = (a, b) => a && a.length === b.length && a.every((x, i) => x === b[i]);

const keyOf = (node) => (node.nodeType === 1 ? node.getAttribute('key') : null);

/** Makes the children of a node those given, changing as little as possible. */
export function update(parent, ...children) {
  const holder = document.createDocumentFragment();
  add(holder, children);
  morphChildren(parent, holder);
}

function morphChildren(old, wanted) {
  const keyed = new Map();
  for (const child of old.childNodes) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let at = old.firstChild;
  for (const want of [...wanted.childNodes]) {
    const key = keyOf(want);
    let have = null;
    if (key !== null) {
      have = keyed.get(key) ?? null;
      keyed.delete(key);
    } else if (at && keyOf(at) === null && at.nodeType === want.nodeType && at.nodeName === want.nodeName) {
      have = at;
    }
    let fresh = want;
    if (have && want.$make) fresh = unchanged(have.$mark, want.$mark) ? null : made(want);
    if (have && (!fresh || have.nodeName === fresh.nodeName)) {
      if (have === at) at = at.nextSibling;
      else old.insertBefore(have, at);
      if (fresh) {
        morph(have, fresh);
        have.$mark = fresh.$mark;
      }
    } else {
      old.insertBefore(settled(fresh), at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function morph(have, want) {
  if (have.nodeType === 3) {
    if (have.data !== want.data) have.data = want.data;
    return;
  }
  if (have.nodeType !== 1) return;
  for (const { name } of [...have.attributes]) {
    if (!want.hasAttribute(name) && !(name === 'open' && have.nodeName === 'DETAILS')) have.removeAttribute(name);
  }
  for (const { name, value } of want.attributes) {
    if (name === 'open' && have.nodeName === 'DETAILS') continue; // whoever opened it decides
    if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  }
  if (want.$on || have.$on) {
    for (const type of Object.keys(want.$on ?? {})) {
      if (!have.$on?.[type]) have.addEventListener(type, dispatch);
    }
    have.$on = want.$on;
  }
  if (have.nodeName === 'TEXTAREA') {
    if (want.$value !== undefined && want.$value !== have.$value) have.value = want.$value;
    have.$value = want.$value;
    return;
  }
  morphChildren(have, want);
  if (have.nodeName === 'INPUT' && (have.type === 'checkbox' || have.type === 'radio')) {
    have.checked = want.hasAttribute('checked');
  } else if (want.$value !== undefined && document.activeElement !== have && have.value !== want.$value) {
    have.value = want.$value;
  }
}

/** A button. */
export const button = (label, onclick, props) => h('button', { type: 'button', onclick, ...props }, label);

/** The part of a physical name or an id that tells it apart, the whole of it as a title. */
export const mono = (text, props) => h('span', { class: 'mono', title: text, ...props }, text);
