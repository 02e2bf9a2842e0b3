// The figures at the head of a page.

import { h } from '../dom.js';
import { nextFrame } from '../frames.js';

/** A row of figures, each `[name, () => text, () => note]` where the note may be missing, kept up to date until `signal` says stop. */
export function tiles(figures, live, signal) {
  const values = figures.map(() => [h('span', {}, '–'), h('small')]);
  const set = (at, text) => { if (at.textContent !== text) at.textContent = text; };
  const show = () => figures.forEach(([, read, readNote], index) => {
    set(values[index][0], read());
    set(values[index][1], readNote?.() ?? '');
  });
  live.on('tick', () => nextFrame(show), signal);
  live.on('frontiers', () => nextFrame(show), signal);
  nextFrame(show);
  return h('dl', { class: 'tiles' }, figures.map(([name], index) => h('div', { class: 'card' }, h('dt', {}, name), h('dd', {}, values[index]))));
}
