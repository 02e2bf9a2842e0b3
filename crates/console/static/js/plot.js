// Lines over the last five minutes, on a canvas.

import { h } from './dom.js';
import { nextFrame } from './frames.js';
import { LENGTH } from './series.js';
import { onColours } from './theme.js';

const HEIGHT = 168;
const LEFT = 52;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 22;

/**
 * A plot of `lines`, each `{name, colour, series}` with the name of a colour of the style sheet. `format` writes values;
 * `log` makes the axis logarithmic, for what spans from microseconds to seconds.
 */
export class Plot {
  #lines;
  #format;
  #log;
  #canvas;
  #swatches;
  #values;
  #at = null;
  #isVisible = true;
  #draw = () => this.#paint();

  constructor({ title, lines, format, log = false }, signal) {
    this.#lines = lines;
    this.#format = format;
    this.#log = log;
    this.#canvas = h('canvas', { height: HEIGHT, tabindex: 0, role: 'img', 'aria-label': title });
    this.#values = lines.map(() => h('output', {}, '–'));
    this.#swatches = lines.map((line) => h('span', { class: `swatch ${line.colour}` }));
    const legend = lines.map((line, index) => h('li', {}, this.#swatches[index], h('span', {}, line.name), this.#values[index]));
    this.when = h('span', { class: 'when' });
    this.element = h('figure', { class: 'plot card' },
      h('figcaption', {}, h('h2', {}, title), this.when, h('ul', { class: 'legend' }, legend)), this.#canvas);
    this.title = title;
    this.#listen(signal);
  }

  /** There are new values. */
  refresh() {
    nextFrame(this.#draw);
  }

  #listen(signal) {
    const canvas = this.#canvas;
    const point = (event) => {
      const { left, width } = canvas.getBoundingClientRect();
      const share = (event.clientX - left - LEFT) / (width - LEFT - RIGHT);
      this.#pointAt(Math.round((1 - share) * (LENGTH - 1)));
    };
    canvas.addEventListener('pointermove', point);
    canvas.addEventListener('pointerdown', point);
    canvas.addEventListener('pointerleave', () => this.#pointAt(null));
    canvas.addEventListener('blur', () => this.#pointAt(null));
    canvas.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: 5, ArrowRight: -5 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.#pointAt((this.#at ?? 0) + step);
    });
    const seen = new IntersectionObserver((entries) => {
      this.#isVisible = entries.at(-1).isIntersecting;
      this.refresh();
    });
    seen.observe(canvas);
    const sized = new ResizeObserver(() => this.refresh());
    sized.observe(canvas);
    const stop = onColours(() => this.refresh());
    signal.addEventListener('abort', () => { seen.disconnect(); sized.disconnect(); stop(); }, { once: true });
  }

  #pointAt(ago) {
    this.#at = ago === null ? null : Math.min(Math.max(ago, 0), LENGTH - 1);
    this.refresh();
  }

  #paint() {
    if (!this.#isVisible) return;
    const at = this.#at ?? 0;
    this.#lines.forEach((line, index) => {
      const value = line.series.ago(at);
      this.#values[index].textContent = Number.isNaN(value) ? '–' : this.#format(value);
    });
    this.when.textContent = this.#at === null ? '' : `${this.#at} s ago`;
    const said = this.#lines.map((line, index) => `${line.name} ${this.#values[index].textContent}`).join(', ');
    this.#canvas.setAttribute('aria-label', `${this.title}, last five minutes. ${this.when.textContent || 'Now'}: ${said}`);
    this.#paintLines();
  }

  #paintLines() {
    const canvas = this.#canvas;
    const width = canvas.clientWidth;
    if (width === 0) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    const pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    // As the browser has settled them: a canvas takes no variables, and not the choice between two themes.
    const style = getComputedStyle(canvas);
    const [text, ground] = [style.color, style.borderTopColor];
    const axis = this.#log ? logAxis(this.#lines) : linearAxis(this.#lines);
    const x = (ago) => width - RIGHT - (ago / (LENGTH - 1)) * (width - LEFT - RIGHT);
    const y = (value) => HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM);

    pen.font = `11px ${style.fontFamily}`;
    pen.fillStyle = text;
    pen.strokeStyle = ground;
    pen.lineWidth = 1;
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    for (const tick of axis.ticks) {
      const at = Math.round(y(tick)) + 0.5;
      pen.beginPath();
      pen.moveTo(LEFT, at);
      pen.lineTo(width - RIGHT, at);
      pen.stroke();
      pen.fillText(this.#format(tick).replace('/s', ''), LEFT - 8, at);
    }
    pen.textAlign = 'center';
    for (let minute = 1; minute < 5; minute += 1) pen.fillText(`−${minute} min`, x(minute * 60), HEIGHT - 8);
    pen.textAlign = 'right';
    pen.fillText('now', width - RIGHT, HEIGHT - 8);

    this.#lines.forEach((line, index) => {
      const { backgroundColor } = getComputedStyle(this.#swatches[index]);
      paintLine(pen, line.series, x, y, backgroundColor, index === 0 && !this.#log);
    });
    if (this.#at !== null) {
      pen.strokeStyle = text;
      pen.beginPath();
      pen.moveTo(x(this.#at), TOP);
      pen.lineTo(x(this.#at), HEIGHT - BOTTOM);
      pen.stroke();
    }
  }
}

function paintLine(pen, series, x, y, colour, isFilled) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.75;
  pen.lineJoin = 'round';
  let from = null;
  const close = (to) => {
    if (from === null) return;
    pen.stroke();
    if (!isFilled) return;
    pen.lineTo(x(to), y(0));
    pen.lineTo(x(from), y(0));
    pen.globalAlpha = 0.12;
    pen.fillStyle = colour;
    pen.fill();
    pen.globalAlpha = 1;
  };
  for (let ago = LENGTH - 1; ago >= 0; ago -= 1) {
    const value = series.ago(ago);
    if (Number.isNaN(value)) {
      close(ago + 1);
      from = null;
    } else if (from === null) {
      from = ago;
      pen.beginPath();
      pen.moveTo(x(ago), y(value));
    } else {
      pen.lineTo(x(ago), y(value));
    }
  }
  close(0);
}

/** The least and the greatest value that is shown. */
function span(lines) {
  let [least, most] = [Infinity, 0];
  for (const { series } of lines) {
    for (let ago = 0; ago < LENGTH; ago += 1) {
      const value = series.ago(ago);
      if (value > most) most = value;
      if (value > 0 && value < least) least = value;
    }
  }
  return [least, most];
}

/** From 0, with steps that are easy to read. */
function linearAxis(lines) {
  const most = Math.max(span(lines)[1], 4);
  const power = 10 ** Math.floor(Math.log10(most / 3));
  const step = [1, 2, 5, 10].map((it) => it * power).find((it) => most / it <= 4);
  const top = Math.ceil(most / step) * step;
  const ticks = [];
  for (let tick = 0; tick <= top + step / 2; tick += step) ticks.push(tick);
  return { ticks, share: (value) => value / top };
}

/** Whole powers of ten around what is shown. */
function logAxis(lines) {
  const [least, most] = span(lines);
  const low = Number.isFinite(least) ? Math.floor(Math.log10(least)) : -5;
  const high = Math.max(most > 0 ? Math.ceil(Math.log10(most)) : low + 2, low + 2);
  const ticks = [];
  for (let power = low; power <= high; power += 1) ticks.push(10 ** power);
  const share = (value) => (value > 0 ? Math.max(0, (Math.log10(value) - low) / (high - low)) : 0);
  return { ticks, share };
}
