// Work for the next picture: however often it is asked for until then, it is done once.

const wanted = new Set();
let isAsked = false;

function run() {
  isAsked = false;
  const now = [...wanted];
  wanted.clear();
  for (const work of now) work();
}

/** Does `work` before the next picture is shown. The same function is done once. */
export function nextFrame(work) {
  wanted.add(work);
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(run);
}

/** Calls `work` each second until `signal` says stop, at the second of the clock so that all go together. */
export function everySecond(work, signal) {
  let timer;
  const next = () => {
    timer = setTimeout(() => { work(); next(); }, 1000 - (Date.now() % 1000));
  };
  next();
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}
