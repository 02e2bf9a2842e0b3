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
