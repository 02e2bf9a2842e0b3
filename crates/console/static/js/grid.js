// A table of any length: only the rows in sight are there. It is one stop of the Tab key; arrows go from row to row.

import { h } from './dom.js';
import { nextFrame } from './frames.js';

const ROW = 44;
const ROW_OF_PHONE = 66;
// Rows beyond the edge of what is in sight, so that scrolling shows no gap.
const MARGIN = 6;
// How far a row is looked for that has gone elsewhere.
const FAR = 3000;
const NARROW = matchMedia('(max-width: 719px)');

let number = 0;

/**
 * A grid called `label`. A column is `{key, name, width, cell}`, where `cell(row)` gives text or an element; rows have a
 * name at the key `id`. `onOpen(row)` is called for a row that is clicked or has Enter, `onEnd()` when the last rows come
 * into sight.
 */
export class Grid {
  #id;
  #columns;
  #onOpen;
  #onEnd;
  #rows = [];
  #active = 0;
  #activeId = null;
  /** What is at the top, so that it stays there when rows come before it: its id, and how far it is scrolled past. */
  #anchor = null;
  #shown = new Map();
  #name = `grid-${(number += 1)}`;
  #draw = () => this.#paint();

  constructor({ label, id, columns, onOpen, onEnd }, signal) {
    this.#id = id;
    this.#columns = columns;
    this.#onOpen = onOpen;
    this.#onEnd = onEnd;
    const head = columns.map((it) => h('div', { role: 'columnheader', class: `cell ${it.key}` }, it.name));
    this.space = h('div', { class: 'space', role: 'rowgroup' });
    this.body = h('div', { class: 'scroll', role: 'grid', 'aria-label': label, tabindex: 0 },
      h('div', { class: 'head', role: 'rowgroup' }, h('div', { class: 'row', role: 'row', 'aria-rowindex': 1 }, head)), this.space);
    this.element = h('div', { class: 'grid card' }, this.body);
    this.element.style.setProperty('--columns', columns.map((it) => it.width).join(' '));
    this.body.addEventListener('scroll', () => nextFrame(this.#draw), { passive: true });
    this.body.addEventListener('keydown', (event) => this.#onKey(event));
    this.body.addEventListener('focus', () => nextFrame(this.#draw));
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
      this.#anchor = null;
      this.body.scrollTop = 0;
    }
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
    this.space.style.height = `${rows * height}px`;
    this.body.setAttribute('aria-rowcount', rows + 1);
    this.#keepPlace(height);
    const { scrollTop, clientHeight } = this.body;
    const first = Math.max(0, Math.floor(scrollTop / height) - MARGIN);
    const end = Math.min(rows, Math.ceil((scrollTop + clientHeight) / height) + MARGIN);
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

  /** Rows have come and gone: what is at the top stays there unless that is the very top, and so does the active one. */
  #keepPlace(height) {
    const near = (id, at) => {
      const is = (index) => this.#rows[index]?.[this.#id] === id;
      for (let step = 0; step < FAR; step += 1) {
        if (is(at + step)) return at + step;
        if (is(at - step)) return at - step;
      }
      return at;
    };
    if (this.#activeId !== null) this.#active = near(this.#activeId, this.#active);
    this.#active = Math.min(this.#active, Math.max(0, this.#rows.length - 1));
    this.#activeId = this.#rows[this.#active]?.[this.#id] ?? null;
    const top = this.body.scrollTop;
    if (this.#anchor && top === this.#anchor.top && top > 0) {
      const moved = near(this.#anchor.id, this.#anchor.index) - this.#anchor.index;
      if (moved !== 0) this.body.scrollTop = top + moved * height;
    }
    const index = Math.floor(this.body.scrollTop / height);
    this.#anchor = index < this.#rows.length ? { id: this.#rows[index][this.#id], index, top: this.body.scrollTop } : null;
  }

  #make(id, height) {
    const cells = this.#columns.map((it) => h('div', { role: 'gridcell', class: `cell ${it.key}` }));
    const element = h('div', { role: 'row', class: 'row', id: `${this.#name}-${id}` }, cells);
    element.style.height = `${height}px`;
    this.space.append(element);
    return { element, cells, index: -1 };
  }

  #fill(shown, index, height) {
    const row = this.#rows[index];
    this.#columns.forEach((it, at) => {
      const cell = it.cell(row);
      const text = cell.textContent ?? cell;
      if (shown.cells[at].textContent !== text) shown.cells[at].replaceChildren(cell);
    });
    shown.element.classList.toggle('active', index === this.#active);
    if (shown.index === index) return;
    shown.index = index;
    shown.element.dataset.index = index;
    shown.element.setAttribute('aria-rowindex', index + 2);
    shown.element.style.transform = `translateY(${index * height}px)`;
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
    this.#active = index;
    this.#activeId = this.#rows[index]?.[this.#id] ?? null;
  }

  #reveal() {
    const height = this.#height;
    const head = this.body.firstChild.offsetHeight;
    const top = this.#active * height;
    const room = this.body.clientHeight - head - height;
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    else if (top > this.body.scrollTop + room) this.body.scrollTop = top - room;
    nextFrame(this.#draw);
  }
}
