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

/** A point of a line's middle part, which path draws as a curve; t is between its ends, 0 and 1. */
function along(points, t) {
  const i = Math.floor((points.length - 1) / 2);
  const [[x0, y0], [x1, y1]] = [points[i], points[i + 1]];
  const u = 1 - t;
  const x = (x0 + x1) / 2;
  return [u ** 3 * x0 + 3 * u * u * t * x + 3 * u * t * t * x + t ** 3 * x1, u ** 3 * y0 + 3 * u * u * t * y0 + 3 * u * t * t * y1 + t ** 3 * y1];
}

/** Where the counts of edges are: on their lines, off the boxes and off each other as far as that can be. */
export function places(drawing) {
  const taken = drawing.nodes.map((n) => [n.x - 16, n.y - 12, n.x + n.w + 16, n.y + n.h + 10]);
  return new Map(drawing.edges.map((e) => {
    const spots = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78].map((t) => along(e.points, t));
    const [x, y] = spots.find(([sx, sy]) => !taken.some(([l, t, r, b]) => sx > l && sx < r && sy > t && sy < b)) ?? spots[0];
    taken.push([x - 28, y - 16, x + 28, y + 16]);
    return [e, [x, y]];
  }));
}

/** Scrolls a canvas so that an element is in its middle. */
export function centre(canvas, element) {
  if (!canvas || !element) return;
  const box = canvas.getBoundingClientRect();
  const at = element.getBoundingClientRect();
  canvas.scrollLeft += at.left + at.width / 2 - box.left - box.width / 2;
  canvas.scrollTop += at.top + at.height / 2 - box.top - box.height / 2;
}
