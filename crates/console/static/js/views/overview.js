// A gateway at a glance: how much goes through it, how long that takes, who comes and goes.

import { h, replace } from '../dom.js';
import { ago, count, duration, rate, short } from '../format.js';
import { nextFrame } from '../frames.js';
import { Plot } from '../plot.js';
import { tiles } from './tiles.js';

export function overviewPage(main, live, signal) {
  const { rates } = live;
  const line = (name, colour, series) => ({ name, colour, series });
  const plots = [
    ['Calls', rate, [line('to services', 'c1', rates.callsToService), line('to edges', 'c3', rates.callsToEdge)]],
    ['Call latency', duration, [line('p50', 'c1', rates.p50), line('p99', 'c3', rates.p99), line('p99.9', 'c2', rates.p999)], true],
    ['Messages', rate, [line('to services', 'c1', rates.messagesToService), line('to edges', 'c3', rates.messagesToEdge)]],
    ['Failures and streams', rate, [line('failed', 'c2', rates.failed), line('streams', 'c4', rates.streams)]],
    ['In flight', short, [line('requests', 'c1', rates.inFlight), line('open streams', 'c4', rates.streamsOpen)]],
    ['Edges that come and go', rate, [line('connect', 'c1', rates.came), line('leave', 'c2', rates.left)]],
  ].map(([title, format, lines, log]) => new Plot({ title, format, lines, log }, signal));
  live.on('tick', () => plots.forEach((plot) => plot.refresh()), signal);

  const last = (read, ...series) => {
    const known = series.map((it) => it.last).filter((it) => !Number.isNaN(it));
    return known.length > 0 ? read(known.reduce((total, it) => total + it, 0)) : '–';
  };
  const about = h('p', { class: 'note' });
  const showAbout = () => {
    const it = live.gateway;
    if (!it) return;
    replace(about, `version ${it.version} · up for ${ago(it.start)}`, it.draining && h('span', { class: 'badge draining' }, 'draining'));
  };
  live.on('tick', () => nextFrame(showAbout), signal);
  showAbout();
  replace(main,
    h('div', { class: 'title' }, h('h1', {}, 'Overview'), about),
    tiles([
      ['Edges', () => count(live.edges)],
      ['Services', () => count(live.services)],
      ['Calls', () => last(rate, rates.callsToService, rates.callsToEdge)],
      ['p99 of calls', () => last(duration, rates.p99), () => (rates.failed.last > 0 ? `${rate(rates.failed.last)} fail` : '')],
    ], live, signal),
    h('div', { class: 'pair' }, plots.map((plot) => plot.element)));
  main.className = '';
}
