// What a plane measures, from the text that Prometheus reads: names, labels, values.

const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/** The samples of a text by name, each `{labels, value}`. */
export function parse(text) {
  const samples = new Map();
  for (const line of text.split('\n')) {
    const found = LINE.exec(line);
    if (!found) continue;
    const [, name, inner = '', value] = found;
    if (!samples.has(name)) samples.set(name, []);
    const labels = Object.fromEntries([...inner.matchAll(LABEL)].map(([, key, text]) => [key, text]));
    samples.get(name).push({ labels, value: Number(value) });
  }
  return samples;
}

/** The sum of the samples of a name whose labels pass. */
export function sum(samples, name, passes = () => true) {
  let total = 0;
  for (const { labels, value } of samples.get(name) ?? []) if (passes(labels)) total += value;
  return total;
}

/** The buckets of a histogram, `[bound, count]` with all that are at most so long, over all samples whose labels pass. */
export function buckets(samples, name, passes) {
  const counts = new Map();
  for (const { labels, value } of samples.get(`${name}_bucket`) ?? []) {
    if (!passes(labels)) continue;
    const bound = labels.le === '+Inf' ? Infinity : Number(labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].sort(([one], [other]) => one - other);
}

/** Below what a share of those that came between two looks has taken; NaN if there were none. */
export function quantile(share, before, now) {
  const known = new Map(before);
  const grown = now.map(([bound, value]) => [bound, value - (known.get(bound) ?? 0)]);
  const all = grown.at(-1)?.[1] ?? 0;
  if (all <= 0) return NaN;
  const wanted = share * all;
  let [low, below] = [0, 0];
  for (const [bound, value] of grown) {
    if (value >= wanted) {
      // More than the last bound is not known to be how much more.
      if (bound === Infinity) return low;
      return low + (bound - low) * ((wanted - below) / (value - below || 1));
    }
    [low, below] = [bound, value];
  }
  return low;
}
