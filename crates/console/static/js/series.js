// Values of the last minutes, one for each second.

/** How much is kept: five minutes, which is what fits in a plot. */
export const LENGTH = 300;

/** A ring of values; what is older than its length is forgotten. */
export class Series {
  #values = new Float64Array(LENGTH).fill(NaN);
  #next = 0;

  push(value) {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % LENGTH;
  }

  /** The value of so many seconds ago; NaN where none is known. */
  ago(seconds) {
    return this.#values[(this.#next - 1 - seconds + 2 * LENGTH) % LENGTH];
  }

  get last() {
    return this.ago(0);
  }
}

/** What happens in a second, counted. */
export class Counter {
  series = new Series();
  #count = 0;

  add(number = 1) {
    this.#count += number;
  }

  /** Ends the second. */
  tick() {
    this.series.push(this.#count);
    this.#count = 0;
  }
}
