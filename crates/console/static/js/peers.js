// A list of edges or services as far as it was asked for: page by page, and kept up to date by what the watch tells.

import { isBefore } from './format.js';

// More than anybody scrolls through, and what a browser can lay out.
const LONGEST = 400_000;
// The pause between two looks at what has changed, in milliseconds.
const CHANGES_SHOWN = 200;

/**
 * The list of one kind at one search. `kind` is of the plane: `page(token, search, signal)` gives `{rows, next, seen}`,
 * `first(search, signal)` what may be found at once, `matches(row, search)` whether a newcomer belongs in it.
 */
export class Peers {
  rows = [];
  isDone = false;
  error = null;
  /** How many were looked at. */
  seen = 0;
  #kind;
  #search;
  #onChange;
  #signal;
  #known = new Map();
  #gone = new Set();
  #next = '';
  #isLoading = false;
  #timer = 0;
  #changed = () => this.#settle();

  constructor(kind, search, onChange, signal) {
    this.#kind = kind;
    this.#search = search;
    this.#onChange = onChange;
    this.#signal = signal;
  }

  get isLoading() {
    return this.#isLoading;
  }

  /** Loads what comes next; where few match, until there are some. */
  async more() {
    if (this.#isLoading || this.isDone || this.error) return;
    this.#isLoading = true;
    const before = this.rows.length;
    try {
      if (this.seen === 0) this.#add(await this.#kind.first?.(this.#search, this.#signal) ?? []);
      do {
        const { rows, next, seen } = await this.#kind.page(this.#next, this.#search, this.#signal);
        this.seen += seen ?? rows.length;
        this.#add(rows);
        this.#next = next;
        this.isDone = !next || this.rows.length >= LONGEST;
        this.#onChange();
      } while (!this.isDone && this.rows.length < before + 50);
    } catch (error) {
      if (!this.#signal.aborted) this.error = error;
    } finally {
      this.#isLoading = false;
      if (!this.#signal.aborted) this.#onChange();
    }
  }

  /** Tries again after an error. */
  again() {
    this.error = null;
    return this.more();
  }

  /** Somebody has come, or has come again elsewhere. */
  online(row) {
    const id = row[this.#kind.id];
    if (this.#gone.has(id)) this.#settle();
    if (!this.#kind.matches(row, this.#search)) return;
    const known = this.#known.get(id);
    if (known) {
      Object.assign(known, row);
    } else if (this.#kind.newestFirst) {
      this.#known.set(id, row);
      this.rows.unshift(row);
    } else {
      // In the order of ids; beyond the last page that is loaded it comes with its own.
      const at = lowerBound(this.rows, id, this.#kind.id);
      if (at === this.rows.length && !this.isDone) return;
      this.#known.set(id, row);
      this.rows.splice(at, 0, row);
    }
    this.#soon();
  }

  /** Somebody has left. */
  offline(id) {
    if (!this.#known.delete(id)) return;
    this.#gone.add(id);
    this.#soon();
  }

  /** Long lists are not gone through for each change of many. */
  #soon() {
    if (this.#timer) return;
    this.#timer = setTimeout(this.#changed, CHANGES_SHOWN);
  }

  #add(rows) {
    for (const row of rows) {
      const id = row[this.#kind.id];
      if (this.#known.has(id)) continue;
      this.#known.set(id, row);
      this.rows.push(row);
    }
  }

  #settle() {
    this.#timer = 0;
    if (this.#signal.aborted) return;
    if (this.#gone.size > 0) {
      const stays = this.rows.filter((row) => !this.#gone.has(row[this.#kind.id]));
      this.rows.length = 0;
      for (const row of stays) this.rows.push(row);
      this.#gone.clear();
    }
    this.#onChange();
  }
}

function lowerBound(rows, id, key) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(rows[middle][key], id)) low = middle + 1;
    else high = middle;
  }
  return low;
}
