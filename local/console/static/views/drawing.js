// Draws what the server laid out.

import { s } from '../dom.js';

/** A smooth path through points; the last part is straight, for the arrow. */
export function path(points, down) {
  if (points.length < 2) return '';
  let d = `M${points[0][0]} ${points[0][1]}`;
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1];
    const [x1, y1] = points[i];
    if (x0 === x1 || y0 === y1) d += `L${x1} ${y1}`;
    else if (down) d += `C${x0} ${(y0 + y1) / 2} ${x1} ${(y0 + y1) / 2} ${x1} ${y1}`;
    else d += `C${(x0 + x1) / 2} ${y0} ${(x0 + x1) / 2} ${y1} ${x1} ${y1}`;
  }
  return d;
}

export const arrows = () => s('defs', {}, ['', 'hot', 'dead'].map((kind) => s('marker', {
  id: `arrow-${kind}`, class: `arrow ${kind}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse', orient: 'auto-start-reverse',
}, s('path', { d: 'M0 0.5L8 4L0 7.5z' }))));

/** A text that fits a width, with the whole of it as a title. */
export const fit = (text, width, size = 6.6) => {
  const most = Math.max(Math.floor(width / size), 3);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
};

/** The point in the middle of a line. */
export const middle = (points) => {
  if (points.length % 2) return points[(points.length - 1) / 2];
  const a = points[points.length / 2 - 1];
  const b = points[points.length / 2];
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
};

/** Scrolls a canvas so that an element is in its middle. */
export function centre(canvas, element) {
  if (!canvas || !element) return;
  const box = canvas.getBoundingClientRect();
  const at = element.getBoundingClientRect();
  canvas.scrollLeft += at.left + at.width / 2 - box.left - box.width / 2;
  canvas.scrollTop += at.top + at.height / 2 - box.top - box.height / 2;
}
