// Numbers and times as people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const UNITS = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];

/** 12,345: with every digit. */
export const count = (value) => whole.format(Number(value ?? 0));

/** 12.3k: three digits at most, for where there is no room. */
export function short(value) {
  const number = Number(value ?? 0);
  for (const [unit, letter] of UNITS) {
    if (Math.abs(number) >= unit * 0.9995) return trim(number / unit) + letter;
  }
  return Number.isInteger(number) ? String(number) : trim(number);
}

function trim(number) {
  const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
  return String(Number(number.toFixed(digits)));
}

/** 12.3k/s. */
export const rate = (value) => `${short(value)}/s`;

/** 420 µs, from seconds. */
export function duration(seconds) {
  if (!(seconds >= 0)) return '–';
  if (seconds < 1e-3) return `${trim(seconds * 1e6)} µs`;
  if (seconds < 1) return `${trim(seconds * 1e3)} ms`;
  if (seconds < 60) return `${trim(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** 1.5 MiB. */
export function bytes(value) {
  let number = Number(value ?? 0);
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (number < 1024 || unit === 'GiB') return `${trim(number)} ${unit}`;
    number /= 1024;
  }
  return '';
}

/** How long ago, from seconds since 1970. */
export function ago(seconds) {
  const passed = Math.max(0, Date.now() / 1000 - Number(seconds));
  return passed < 1 ? 'now' : duration(Math.floor(passed));
}

/** 2026-11-29 23:45:50, of this place, from seconds since 1970. */
export function time(seconds) {
  const date = new Date(Number(seconds) * 1000);
  const two = (number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${clock(date)}`;
}

/** 23:45:50. */
export function clock(date = new Date()) {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((it) => String(it).padStart(2, '0')).join(':');
}

/** Whether the first of two ids, which are numbers of 64 bits as text, comes before the second. */
export const isBefore = (one, other) => (one.length === other.length ? one < other : one.length < other.length);

/** "1 edge", "2 edges". */
export const counted = (number, noun) => `${count(number)} ${noun}${Number(number) === 1 ? '' : 's'}`;
