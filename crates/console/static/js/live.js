// What the console hears from its plane, shared by all of its pages.

import { Counter, Series } from './series.js';
import { clock } from './format.js';

/** Events that are kept to be shown. */
const LONGEST = 500;
/** Changes of one kind in a second that have a line each; more have one together. */
const SINGLY = 5;

/** Topics, their listeners, and the last events. */
export class Live {
  status = { state: 'connecting', why: '' };
  edges = 0;
  services = 0;
  events = [];
  counters = { came: new Counter(), left: new Counter(), moved: new Counter() };
  series = { edges: new Series(), services: new Series() };
  #listeners = new Map();
  #second = new Map();

  /** Hears of a topic until `signal` says stop. */
  on(topic, listener, signal) {
    if (!this.#listeners.has(topic)) this.#listeners.set(topic, new Set());
    const listeners = this.#listeners.get(topic);
    listeners.add(listener);
    signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
  }

  tell(topic, what) {
    this.#listeners.get(topic)?.forEach((listener) => listener(what));
  }

  setStatus(state, why = '') {
    if (state === this.status.state && why === this.status.why) return;
    this.status = { state, why };
    this.tell('status', this.status);
  }

  /** Notes an event, `text()`; those of one kind that are many in a second are told as one by `many(number)`. */
  note(kind, text, many) {
    const group = this.#second.get(kind) ?? { number: 0, lines: [], many };
    this.#second.set(kind, group);
    group.number += 1;
    if (group.lines.length < SINGLY) group.lines.push(text());
  }

  /** Ends the second: counts are moved on, and events are told. */
  tick() {
    Object.values(this.counters).forEach((counter) => counter.tick());
    this.series.edges.push(this.edges);
    this.series.services.push(this.services);
    const at = clock();
    const added = [];
    for (const [kind, { number, lines, many }] of this.#second) {
      const texts = number > SINGLY ? [many(number)] : lines;
      for (const text of texts) added.unshift({ at, kind, text });
    }
    this.#second.clear();
    if (added.length > 0) {
      this.events = added.concat(this.events).slice(0, LONGEST);
      this.tell('events', added);
    }
    this.tell('tick');
  }
}
