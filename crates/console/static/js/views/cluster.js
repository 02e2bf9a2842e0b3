// The cluster: its gateways with their loads, and what moves between them.

import { h, replace } from '../dom.js';
import { count, rate, short } from '../format.js';
import { nextFrame } from '../frames.js';
import { Plot } from '../plot.js';
import { eventList } from './events.js';
import { clusterMap } from './map.js';
import { tiles } from './tiles.js';

export function clusterPage(main, live, signal) {
  const plots = [
    new Plot({
      title: 'Edges', format: short,
      lines: [{ name: 'connected', colour: 'c1', series: live.series.edges }],
    }, signal),
    new Plot({
      title: 'Coming and going', format: rate,
      lines: [
        { name: 'connect', colour: 'c1', series: live.counters.came.series },
        { name: 'leave', colour: 'c2', series: live.counters.left.series },
        { name: 'move', colour: 'c3', series: live.counters.moved.series },
      ],
    }, signal),
  ];
  live.on('tick', () => plots.forEach((plot) => plot.refresh()), signal);
  const drains = () => [...live.frontiers.values()].filter((it) => it.draining).length;
  replace(main,
    h('div', { class: 'title' }, h('h1', {}, 'Cluster')),
    tiles([
      ['Gateways', () => count(live.frontiers.size), () => (drains() ? `${drains()} draining` : '')],
      ['Edges', () => count(live.edges)],
      ['Services', () => count(live.services)],
      ['Moving', () => rate(live.moves.reduce((sum, it) => sum + it.rate, 0))],
    ], live, signal),
    h('div', { class: 'pair' },
      h('section', { class: 'card', 'aria-labelledby': 'map-title' }, h('h2', { id: 'map-title' }, 'Map'), clusterMap(live, signal)),
      h('section', { class: 'card', 'aria-labelledby': 'gateways-title' }, h('h2', { id: 'gateways-title' }, 'Gateways'), gateways(live, signal))),
    h('div', { class: 'pair' }, plots.map((plot) => plot.element)),
    h('section', { class: 'card', 'aria-labelledby': 'events-title' }, h('h2', { id: 'events-title' }, 'Events'), eventList(live, 12, signal)));
  main.className = '';
}

/** The table of gateways, with what the map shows and what it has no room for. */
function gateways(live, signal) {
  const body = h('tbody');
  const lines = new Map();
  const show = () => {
    const most = Math.max(1, ...[...live.frontiers.values()].map((it) => it.edges));
    const all = [...live.frontiers.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
    for (const [id, line] of lines) if (!live.frontiers.has(id)) { line.element.remove(); lines.delete(id); }
    all.forEach((it, index) => {
      if (!lines.has(it.id)) lines.set(it.id, gatewayLine(it.id, live));
      const line = lines.get(it.id);
      line.show(it, most, live.moves);
      if (body.children[index] !== line.element) body.insertBefore(line.element, body.children[index] ?? null);
    });
  };
  live.on('tick', () => nextFrame(show), signal);
  live.on('frontiers', () => nextFrame(show), signal);
  show();
  const heads = [['Gateway', ''], ['Edges', 'number'], ['Services', 'number services'], ['Moves', 'number'], ['State', '']];
  return h('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': 'Table of gateways' }, h('table', {},
    h('thead', {}, h('tr', {}, heads.map(([name, kind]) => h('th', { scope: 'col', class: kind }, name)))), body));
}

function gatewayLine(id, live) {
  const bar = h('span', { class: 'bar' }, h('span'));
  const [edges, services, moves, state] = [h('span'), h('td', { class: 'number services' }), h('td', { class: 'number' }), h('td')];
  const link = h('a', { href: '#/edges', title: `The edges of ${id}` }, id);
  link.addEventListener('click', () => { live.asked = { kind: 'edge', by: 'frontier_id', text: id }; });
  const element = h('tr', {}, h('th', { scope: 'row' }, link), h('td', { class: 'number load' }, edges, bar), services, moves, state);
  const set = (at, text) => { if (at.textContent !== text) at.textContent = text; };
  const show = (it, most, all) => {
    set(edges, count(it.edges));
    set(services, count(it.services));
    bar.firstChild.style.width = `${(it.edges / most) * 100}%`;
    const sum = (key) => all.filter((move) => move[key] === id).reduce((total, move) => total + move.rate, 0);
    const [goes, comes] = [sum('from'), sum('to')];
    set(moves, [comes && `+${rate(comes)}`, goes && `−${rate(goes)}`].filter(Boolean).join(' ') || '–');
    const words = it.draining ? 'draining' : it.forwarding ? 'forwarding' : 'alone';
    if (state.textContent !== words) replace(state, h('span', { class: `badge ${words}` }, words));
    element.title = `edges: ${it.edgeUrl}\nservices: ${it.serviceUrl}`;
  };
  return { element, show };
}
