// The values of one key: the numbers as lines over the last minute, anything else as text.

const WINDOW = 60_000;

// What is kept of one line, and how many lines a card has.
const MAX_POINTS = 600;
const MAX_LINES = 4;

// Distinct in both themes, and by lightness for who does not see the hues.
const COLOURS = ["--accent", "--warn", "--bad", "--soft"];

/** The numbers in a message, by name. */
function numbers(data) {
  if (typeof data === "number") return [["value", data]];
  if (data === null || typeof data !== "object") return [];
  return Object.entries(data).filter(([, value]) => typeof value === "number" && Number.isFinite(value));
}

function shown(value) {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

export class Card {
  #lines = new Map();
  #canvas = document.createElement("canvas");
  #list = document.createElement("ul");
  #text = document.createElement("p");
  element = document.createElement("article");

  constructor(key) {
    const heading = document.createElement("h2");
    heading.textContent = key;
    this.element.className = "card";
    this.element.dataset.key = key;
    this.#canvas.setAttribute("role", "img");
    this.#text.hidden = true;
    this.element.append(heading, this.#list, this.#canvas, this.#text);
  }

  /** A message of this key. */
  add({ data, text, base64, time }) {
    const found = numbers(data).slice(0, MAX_LINES);
    for (const [name, value] of found) {
      const line = this.#lines.get(name) ?? this.#add(name);
      if (!line) continue;
      line.points.push([time, value]);
      if (line.points.length > MAX_POINTS) line.points.shift();
    }
    this.#canvas.hidden = this.#lines.size === 0;
    if (found.length === 0) {
      this.#text.hidden = false;
      this.#text.textContent = (text ?? base64 ?? JSON.stringify(data)).slice(0, 300);
    }
  }

  #add(name) {
    if (this.#lines.size === MAX_LINES) return undefined;
    const item = document.createElement("li");
    const value = document.createElement("b");
    item.append(value, name);
    this.#list.append(item);
    const line = { points: [], value, colour: COLOURS[this.#lines.size] };
    this.#lines.set(name, line);
    return line;
  }

  /** Draws what there is, up to now by the clock of the bridge. */
  draw(now) {
    const ratio = devicePixelRatio;
    const { clientWidth, clientHeight } = this.#canvas;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (width === 0) return;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const pen = this.#canvas.getContext("2d");
    const style = getComputedStyle(this.element);
    pen.clearRect(0, 0, width, height);
    pen.lineJoin = "round";
    pen.lineWidth = 1.75 * ratio;
    const told = [];
    for (const [name, { points, value, colour }] of this.#lines) {
      const last = points.at(-1)[1];
      value.textContent = shown(last);
      told.push(`${name} ${shown(last)}`);
      // One point that is older stays, so that a line begins at the edge.
      while (points.length > 1 && points[1][0] < now - WINDOW) points.shift();
      let [low, high] = [Infinity, -Infinity];
      for (const [, each] of points) [low, high] = [Math.min(low, each), Math.max(high, each)];
      const middle = (low + high) / 2;
      const reach = Math.max((high - low) / 2, Math.abs(middle) * 0.01, 1e-9) * 1.15;
      pen.strokeStyle = style.getPropertyValue(colour);
      pen.beginPath();
      for (const [time, each] of points) {
        pen.lineTo(width * (1 - (now - time) / WINDOW), (height * (1 - (each - middle) / reach)) / 2);
      }
      pen.lineTo(width, (height * (1 - (last - middle) / reach)) / 2);
      pen.stroke();
    }
    this.#canvas.setAttribute("aria-label", `The last minute: ${told.join(", ")}`);
  }
}
