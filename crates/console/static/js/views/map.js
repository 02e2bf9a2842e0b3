// Gateways in a circle: the larger, the more edges; arcs are edges that move. The table beside it says the same in words.

import { svg, replace } from '../dom.js';
import { rate, short } from '../format.js';
import { nextFrame } from '../frames.js';

// In units of the drawing.
const [WIDTH, HEIGHT] = [640, 400];
const [CENTER_X, CENTER_Y] = [WIDTH / 2, HEIGHT / 2];
// Under each gateway, for its name.
const NAME = 26;
// More would not be told apart; those with most edges are shown.
const MOST = 24;

/** The map, kept up to date until `signal` says stop. */
export function clusterMap(live, signal) {
  const arcs = svg('g', { class: 'arcs' });
  const nodes = svg('g');
  const middle = svg('g', { class: 'middle' });
  const drawing = svg('svg', { class: 'map', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' },
    svg('defs', {}, svg('marker', { id: 'head', viewBox: '0 0 8 8', refX: 6, refY: 4, markerWidth: 13, markerHeight: 13, markerUnits: 'userSpaceOnUse', orient: 'auto' },
      svg('path', { d: 'M0 0L8 4L0 8z' }))), arcs, nodes, middle);
  const known = new Map();
  const show = () => {
    const all = [...live.frontiers.values()].sort((one, other) => other.edges - one.edges).slice(0, MOST);
    all.sort((one, other) => (one.id < other.id ? -1 : 1));
    const places = layOut(all);
    for (const [id, node] of known) if (!places.has(id)) { node.element.remove(); known.delete(id); }
    for (const it of all) {
      if (!known.has(it.id)) {
        known.set(it.id, makeNode(it.id));
        nodes.append(known.get(it.id).element);
      }
      known.get(it.id).show(it, places.get(it.id));
    }
    const hidden = live.frontiers.size - all.length;
    replace(middle, ...(all.length > 2 ? total(live, hidden, places) : []));
    replace(arcs, ...live.moves.filter((it) => places.has(it.from) && places.has(it.to)).map((it) => arc(it, places)));
    const moving = live.moves.map((it) => `${rate(it.rate)} from ${it.from} to ${it.to}`).join(', ');
    drawing.setAttribute('aria-label', `${live.frontiers.size} gateways with ${live.edges} edges${moving && `; moving: ${moving}`}`);
  };
  live.on('tick', () => nextFrame(show), signal);
  live.on('frontiers', () => nextFrame(show), signal);
  show();
  return drawing;
}

/** Where each is, and how large. */
function layOut(all) {
  const most = Math.max(1, ...all.map((it) => it.edges));
  const [across, down] = all.length > 12 ? [262, 140] : [225, all.length === 3 ? 150 : 122];
  // So that neighbours on the ellipse do not touch.
  const room = Math.min(64, 0.42 * ((2 * Math.PI * Math.min(across, down) * 1.2) / Math.max(all.length, 3)));
  const places = new Map(all.map((it, index) => {
    const angle = -Math.PI / 2 + (2 * Math.PI * index) / all.length + (all.length === 2 ? Math.PI / 2 : 0);
    const isAlone = all.length === 1;
    return [it.id, {
      x: CENTER_X + (isAlone ? 0 : across * Math.cos(angle)),
      y: CENTER_Y + (isAlone ? 0 : down * Math.sin(angle)),
      room,
      size: Math.max(4, (room - 4) * Math.sqrt(it.edges / most)),
    }];
  }));
  // A triangle has its middle elsewhere than its circle.
  const heights = [...places.values()].map((it) => it.y);
  const shift = CENTER_Y - NAME / 2 - (Math.min(...heights) + Math.max(...heights)) / 2;
  places.forEach((it) => { it.y += shift; });
  return places;
}

function makeNode(id) {
  const [ring, disc] = [svg('circle', { class: 'ring' }), svg('circle', { class: 'disc' })];
  const number = svg('text', { class: 'load' });
  const name = svg('text', { class: 'name' });
  const element = svg('g', { class: 'node' }, ring, disc, number, name);
  name.textContent = id.length > 18 ? `${id.slice(0, 17)}…` : id;
  const show = (it, { x, y, room, size }) => {
    element.setAttribute('class', `node${it.draining ? ' draining' : ''}`);
    element.style.transform = `translate(${x}px, ${y}px)`;
    ring.setAttribute('r', room);
    disc.style.transform = `scale(${size})`;
    disc.setAttribute('r', 1);
    number.setAttribute('y', 5);
    name.setAttribute('y', room + 17);
    number.textContent = short(it.edges);
    // On a small disc the number stands on the ground.
    number.setAttribute('class', size > 26 ? 'load on' : 'load');
  };
  return { element, show };
}

function arc({ from, to, rate: moves }, places) {
  const [start, end] = [places.get(from), places.get(to)];
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const length = Math.hypot(dx, dy) || 1;
  const cut = (place) => (place.room + 5) / length;
  const [x1, y1] = [start.x + dx * cut(start), start.y + dy * cut(start)];
  const [x2, y2] = [end.x - dx * cut(end), end.y - dy * cut(end)];
  // Bent to its left, so that those of both directions are apart.
  const bend = 0.14;
  const [x, y] = [(x1 + x2) / 2 + dy * bend, (y1 + y2) / 2 - dx * bend];
  const thick = Math.min(7, 1.5 + Math.log10(1 + moves) * 2);
  const path = svg('path', { d: `M${x1} ${y1}Q${x} ${y} ${x2} ${y2}`, 'marker-end': 'url(#head)' });
  path.style.strokeWidth = thick;
  const label = svg('text', { x: (x1 + x2) / 4 + x / 2, y: (y1 + y2) / 4 + y / 2 - 4 });
  label.textContent = rate(moves);
  return svg('g', { class: 'arc' }, path, label);
}

function total(live, hidden, places) {
  const middle = [...places.values()].reduce((sum, it) => sum + it.y, 0) / places.size;
  const number = svg('text', { x: CENTER_X, y: middle + 4, class: 'sum' });
  number.textContent = short(live.edges);
  const words = svg('text', { x: CENTER_X, y: middle + 24, class: 'words' });
  words.textContent = hidden > 0 ? `edges; ${hidden} gateways more` : 'edges';
  return [number, words];
}
