// A table of any length: only the rows in sight are there. It is one stop of the Tab key; arrows go from row to row.

import { h } from './dom.js';
import { nextFrame } from './frames.js';

const ROW = 44;
const ROW_OF_PHONE = 66;
// Rows beyond the edge of what is in sight, so that scrolling shows no gap.
const MARGIN = 6;
// How far a row is looked for that has gone elsewhere, and how many of those in sight are.
const FAR = 3000;
const LOOKED_FOR = 4;
const NARROW = matchMedia('(max-width: 719px)');

let number = 0;

/**
 * A grid called `label`. A column is `{key, name, width, cell}`, where `cell(row)` gives text or an element; rows have a
 * name at the key `id`. `onOpen(row)` is called for a row that is clicked or has Enter, `onEnd()` when the last rows come
 * into sight. `above` is what the button says that leads to rows which have come at the top; without it there is none.
 *
 * Rows that come and go move nothing that somebody is at: the row under the pointer stays where it is, else the active one
 * if the grid has the focus, else the top one, unless that is the very top, where the newest are let in.
 */
export class Grid {
  #id;
  #columns;
  #onOpen;
  #onEnd;
  #rows = [];
  #active = 0;
  #activeId = null;
  /** Whether somebody has come to the active row. Until then it is the first one, whichever that is. */
  #isPicked = false;
  /** How far down in the grid the pointer is, while it is there. */
  #pointer = null;
  /** Where it was scrolled to by itself, from the very top, to keep a row in its place. */
  #pushedTo = null;
  /** Room above the first row, in pixels, that keeps a row in its place after those above it have left. */
  #lift = 0;
  #above;
  #shown = new Map();
  #name = `grid-${(number += 1)}`;
  #draw = () => this.#paint();

  constructor({ label, id, columns, onOpen, onEnd, above }, signal) {
    this.#id = id;
    this.#columns = columns;
    this.#onOpen = onOpen;
    this.#onEnd = onEnd;
    const head = columns.map((it) => h('div', { role: 'columnheader', class: `cell ${it.key}` }, it.name));
    this.space = h('div', { class: 'space', role: 'rowgroup' });
    this.body = h('div', { class: 'scroll', role: 'grid', 'aria-label': label, tabindex: 0 },
      h('div', { class: 'head', role: 'rowgroup' }, h('div', { class: 'row', role: 'row', 'aria-rowindex': 1 }, head)), this.space);
    this.#above = h('button', { class: 'above', type: 'button', hidden: true }, above);
    this.element = h('div', { class: 'grid card' }, this.body, above && this.#above);
    this.element.style.setProperty('--columns', columns.map((it) => it.width).join(' '));
    this.body.addEventListener('scroll', () => nextFrame(this.#draw), { passive: true });
    this.body.addEventListener('keydown', (event) => this.#onKey(event));
    this.body.addEventListener('focus', () => { this.#isPicked = true; nextFrame(this.#draw); });
    this.body.addEventListener('blur', () => this.#letGo());
    const point = (event) => { this.#pointer = event.clientY - this.body.getBoundingClientRect().top; };
    for (const name of ['pointerenter', 'pointermove', 'pointerdown']) this.body.addEventListener(name, point, { passive: true });
    for (const name of ['pointerleave', 'pointercancel']) {
      this.body.addEventListener(name, () => { this.#pointer = null; this.#letGo(); }, { passive: true });
    }
    this.#above.addEventListener('click', () => {
      [this.#lift, this.#pushedTo] = [0, null];
      this.body.scrollTop = 0;
      this.body.focus();
      this.#pick(0);
      nextFrame(this.#draw);
    });
    this.space.addEventListener('click', (event) => this.#onClick(event));
    const sized = new ResizeObserver(() => nextFrame(this.#draw));
    sized.observe(this.body);
    const narrowed = () => { this.#forget(); nextFrame(this.#draw); };
    NARROW.addEventListener('change', narrowed);
    signal.addEventListener('abort', () => { sized.disconnect(); NARROW.removeEventListener('change', narrowed); }, { once: true });
  }

  /** Shows these rows; the array is kept, and may change before the next call. */
  show(rows) {
    if (rows !== this.#rows) {
      this.#rows = rows;
      this.#active = 0;
      this.#activeId = null;
      this.#forget();
      [this.#lift, this.#pushedTo] = [0, null];
      this.#isPicked = document.activeElement === this.body;
      this.body.scrollTop = 0;
    }
    nextFrame(this.#draw);
  }

  /** Shows another array of the same rows, as they are by now. */
  renew(rows) {
    this.#rows = rows;
    nextFrame(this.#draw);
  }

  get #height() {
    return NARROW.matches ? ROW_OF_PHONE : ROW;
  }

  #forget() {
    this.#shown.clear();
    this.space.replaceChildren();
  }

  #paint() {
    const height = this.#height;
    const rows = this.#rows.length;
    this.#makeRoom();
    this.body.setAttribute('aria-rowcount', rows + 1);
    this.#keepPlace(height);
    const { scrollTop, clientHeight } = this.body;
    const first = Math.max(0, this.#rowAt(scrollTop) - MARGIN);
    const end = Math.min(rows, this.#rowAt(scrollTop + clientHeight) + 1 + MARGIN);
    const before = this.#shown;
    this.#shown = new Map();
    for (let index = first; index < end; index += 1) {
      const id = this.#rows[index][this.#id];
      // A row stays the same element wherever it goes, so that a click on it is not lost.
      const shown = before.get(id) ?? this.#make(id, height);
      before.delete(id);
      this.#shown.set(id, shown);
      this.#fill(shown, index, height);
    }
    before.forEach(({ element }) => element.remove());
    const active = this.#shown.get(this.#activeId)?.element;
    if (active) this.body.setAttribute('aria-activedescendant', active.id);
    else this.body.removeAttribute('aria-activedescendant');
    if (end + 20 >= rows) this.#onEnd();
  }

  /** The place of a row by now that was at `at`; none if it has gone, or has gone far. */
  #near(id, at) {
    const is = (index) => this.#rows[index]?.[this.#id] === id;
    for (let step = 0; step < FAR; step += 1) {
      if (is(at + step)) return at + step;
      if (is(at - step)) return at - step;
    }
    return null;
  }

  /** Rows have come and gone since the last picture: what somebody is at stays where it is. */
  #keepPlace(height) {
    if (!this.#isPicked) this.#active = 0;
    else if (this.#activeId !== null) this.#active = this.#near(this.#activeId, this.#active) ?? this.#active;
    this.#active = Math.min(this.#active, Math.max(0, this.#rows.length - 1));
    this.#activeId = this.#rows[this.#active]?.[this.#id] ?? null;
    const top = this.body.scrollTop;
    if (this.#pushedTo !== null && Math.abs(top - this.#pushedTo) > 1) this.#pushedTo = null;
    const wanted = this.#keptRow(top);
    if (wanted === null) return this.#tellOfAbove(top < height);
    // If it has left, one beside it shows how far the others have moved.
    const shown = [...this.#shown].sort(([, one], [, other]) => Math.abs(one.index - wanted) - Math.abs(other.index - wanted));
    for (const [id, { index }] of shown.slice(0, LOOKED_FOR)) {
      const now = this.#near(id, index);
      if (now === null) continue;
      if (now !== index) this.#scrollBy((now - index) * height, top);
      if (now > index) this.#tellOfAbove(false);
      break;
    }
    if (this.body.scrollTop < height) this.#tellOfAbove(true);
    return undefined;
  }

  /** Which row, by its place in the last picture, is to stay where it is. */
  #keptRow(top) {
    if (this.#pointer !== null) return Math.max(0, this.#rowAt(top + this.#pointer - this.body.firstChild.offsetHeight));
    const active = this.#shown.get(this.#activeId);
    if (active && document.activeElement === this.body) return active.index;
    return top > 0 ? this.#rowAt(top) : null;
  }

  /** The number of the row so far down. */
  #rowAt(place) {
    return Math.floor((place - this.#lift) / this.#height);
  }

  #scrollBy(way, top) {
    // What was lifted comes down before it is scrolled, and is lifted where it can't be scrolled.
    const down = Math.min(Math.max(way, 0), this.#lift);
    this.#lift -= down;
    const to = top + way - down;
    this.#lift += Math.max(0, -to);
    if (top === 0 || this.#pushedTo !== null) this.#pushedTo = Math.max(0, to);
    this.#makeRoom();
    this.body.scrollTop = Math.max(0, to);
  }

  /** All rows, and as much below them as it takes to keep one in its place where they are few. */
  #makeRoom() {
    const kept = this.#pushedTo === null ? 0 : this.#pushedTo + this.body.clientHeight - this.body.firstChild.offsetHeight;
    this.space.style.height = `${Math.max(this.#lift + this.#rows.length * this.#height, kept)}px`;
  }

  #tellOfAbove(areAllInSight) {
    if (this.#above.hidden !== areAllInSight) this.#above.hidden = areAllInSight;
  }

  /** Nobody is at a row any more: what was at the very top goes there again. */
  #letGo() {
    if (this.#pointer !== null || document.activeElement === this.body) return;
    if (this.#pushedTo !== null && Math.abs(this.body.scrollTop - this.#pushedTo) <= 1) this.body.scrollTop = 0;
    [this.#lift, this.#pushedTo] = [0, null];
    nextFrame(this.#draw);
  }

  #make(id, height) {
    const cells = this.#columns.map((it) => h('div', { role: 'gridcell', class: `cell ${it.key}` }));
    const element = h('div', { role: 'row', class: 'row', id: `${this.#name}-${id}` }, cells);
    element.style.height = `${height}px`;
    this.space.append(element);
    return { element, cells, index: -1, top: -1 };
  }

  #fill(shown, index, height) {
    const row = this.#rows[index];
    this.#columns.forEach((it, at) => {
      const cell = it.cell(row);
      const text = cell.textContent ?? cell;
      if (shown.cells[at].textContent !== text) shown.cells[at].replaceChildren(cell);
    });
    shown.element.classList.toggle('active', index === this.#active);
    const top = this.#lift + index * height;
    if (shown.index === index && shown.top === top) return;
    [shown.index, shown.top] = [index, top];
    shown.element.dataset.index = index;
    shown.element.setAttribute('aria-rowindex', index + 2);
    shown.element.style.transform = `translateY(${top}px)`;
  }

  #onClick(event) {
    const element = event.target.closest('.row');
    // Whoever selects text to copy it does not ask for more.
    if (!element || !getSelection().isCollapsed) return;
    this.#pick(Number(element.dataset.index));
    nextFrame(this.#draw);
    this.#onOpen(this.#rows[this.#active]);
  }

  #onKey(event) {
    const page = Math.max(1, Math.floor(this.body.clientHeight / this.#height) - 2);
    const last = this.#rows.length - 1;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === 'Enter' && this.#rows[this.#active]) {
      event.preventDefault();
      this.#onOpen(this.#rows[this.#active]);
    } else if (event.key in steps) {
      event.preventDefault();
      this.#pick(Math.min(Math.max(this.#active + steps[event.key], 0), Math.max(0, last)));
      this.#reveal();
    }
  }

  #pick(index) {
    this.#isPicked = true;
    this.#active = index;
    this.#activeId = this.#rows[index]?.[this.#id] ?? null;
  }

  #reveal() {
    const height = this.#height;
    const head = this.body.firstChild.offsetHeight;
    const top = this.#lift + this.#active * height;
    const room = this.body.clientHeight - head - height;
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    else if (top > this.body.scrollTop + room) this.body.scrollTop = top - room;
    nextFrame(this.#draw);
  }
}
