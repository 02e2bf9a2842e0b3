// A list of edges or services as far as it was asked for: page by page, and kept up to date by what the watch tells.

import { isBefore } from './format.js';

// More than anybody scrolls through, and what a browser can lay out.
const LONGEST = 400_000;
// The pause between two looks at what has changed, in milliseconds; for long lists so many times what a look takes.
const CHANGES_SHOWN = 200;
const REST = 5;
// Who has left while a page was on its way; of more it is not remembered.
const MOST_LEFT = 50_000;

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
  /** Who is in the list, or comes into it with the next look. */
  #known = new Map();
  #came = [];
  #haveLeft = false;
  /** When those had connected who have left since a page was asked for: it may still tell of them. */
  #left = new Map();
  #next = '';
  #isLoading = false;
  #timer = 0;
  #took = 0;
  #look = () => this.#settle();

  constructor(kind, search, onChange, signal) {
    this.#kind = kind;
    this.#search = search;
    this.#onChange = onChange;
    this.#signal = signal;
  }

  get isLoading() {
    return this.#isLoading;
  }

  /** Loads what comes next, so many at least if they are there; where few match, several pages. */
  async more(least = 50) {
    if (this.#isLoading || this.isDone || this.error || this.#signal.aborted) return;
    this.#isLoading = true;
    const wanted = this.rows.length + least;
    try {
      if (this.seen === 0) this.#add(await this.#kind.first?.(this.#search, this.#signal) ?? []);
      do {
        const { rows, next, seen } = await this.#kind.page(this.#next, this.#search, this.#signal);
        this.seen += seen ?? rows.length;
        this.#add(rows);
        this.#next = next;
        this.isDone = !next || this.rows.length >= LONGEST;
        this.#onChange();
      } while (!this.isDone && this.rows.length < wanted);
    } catch (error) {
      if (!this.#signal.aborted) this.error = error;
    } finally {
      this.#isLoading = false;
      this.#left.clear();
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
    if (!this.#kind.matches(row, this.#search)) return;
    const known = this.#known.get(id);
    if (known && isBefore(row.stamp, known.stamp)) return;
    if (known) {
      Object.assign(known, row);
    } else {
      this.#known.set(id, row);
      this.#came.push(row);
    }
    this.#soon();
  }

  /** The connection of that stamp has ended; any, where none is named. */
  offline(id, stamp) {
    if (this.#isLoading && stamp && this.#left.size < MOST_LEFT) this.#left.set(id, stamp);
    const known = this.#known.get(id);
    if (!known || (stamp && isBefore(stamp, known.stamp))) return;
    this.#known.delete(id);
    this.#haveLeft = true;
    this.#soon();
  }

  /** All who are so have left. */
  offlineWhere(isSo) {
    for (const [id, row] of this.#known) if (isSo(row)) this.offline(id);
  }

  /** Long lists are not gone through for each change of many. */
  #soon() {
    if (this.#timer) return;
    this.#timer = setTimeout(this.#look, Math.max(CHANGES_SHOWN, REST * this.#took));
  }

  #add(rows) {
    for (const row of rows) {
      const id = row[this.#kind.id];
      const left = this.#left.get(id);
      if (this.#known.has(id) || (left && !isBefore(left, row.stamp))) continue;
      this.#known.set(id, row);
      this.rows.push(row);
    }
  }

  /** Puts those in who have come and takes those out who have left, in one go. */
  #settle() {
    this.#timer = 0;
    if (this.#signal.aborted) return;
    const begin = performance.now();
    const isHere = (row) => this.#known.get(row[this.#kind.id]) === row;
    const stay = this.#haveLeft ? this.rows.filter(isHere) : this.rows.slice();
    const come = this.#came.filter(isHere);
    this.#came = [];
    this.#haveLeft = false;
    const all = this.#kind.newestFirst ? come.reverse().concat(stay) : this.#merge(stay, come);
    for (const row of all.splice(LONGEST)) this.#known.delete(row[this.#kind.id]);
    // The same array: whoever shows it has kept it.
    this.rows.length = 0;
    for (const row of all) this.rows.push(row);
    this.#took = performance.now() - begin;
    this.#onChange();
  }

  /** In the order of ids; who comes beyond the last page that is loaded comes with its own. */
  #merge(stay, come) {
    const { id } = this.#kind;
    come.sort((one, other) => (isBefore(one[id], other[id]) ? -1 : 1));
    const last = this.isDone ? null : stay.at(-1)?.[id] ?? '';
    const all = [];
    let at = 0;
    for (const row of come) {
      if (last !== null && !isBefore(row[id], last)) {
        this.#known.delete(row[id]);
        continue;
      }
      while (at < stay.length && isBefore(stay[at][id], row[id])) all.push(stay[at++]);
      all.push(row);
    }
    while (at < stay.length) all.push(stay[at++]);
    return all;
  }
}
