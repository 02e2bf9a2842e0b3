// A watch: server-sent events over fetch, since the browser's own client for them can't send a token. It connects
// again by itself, from the last position.

import { send } from './api.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
// The daemon gives a sign of life every `keepalive`, 15 s unless it is set.
const LONGEST_SILENCE = 120_000;

/**
 * Follows a watch until `signal` says stop.
 *
 * `path(last)` is where it is, after the event of the id `last` if there is one; it may ask for something first. `on.event(name,
 * data)` hears each event, `on.state` whether it is `live`, and else why not.
 */
export async function follow(path, on, signal) {
  let pause = FIRST_PAUSE;
  let last = '';
  while (!signal.aborted) {
    try {
      const at = await path(last);
      for await (const { event, data, id } of open(at, signal, () => on.state('live'))) {
        pause = FIRST_PAUSE;
        if (id) last = id;
        if (event === 'end') throw new Error(JSON.parse(data).message);
        if (data) on.event(event, JSON.parse(data));
      }
      throw new Error('the plane has closed the watch');
    } catch (error) {
      // After a 401 the login takes over.
      if (signal.aborted || error.status === 401) return;
      // The history has gone on without us: from the beginning, then.
      if (error.status === 410) last = '';
      on.state('lost', error.message);
    }
    await wait(pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

/** The events of one watch, as they come. It ends with the loop that reads them. */
export async function* open(path, signal, onOpen = () => {}) {
  const attempt = new AbortController();
  const stop = () => attempt.abort();
  signal.addEventListener('abort', stop);
  let alarm = setTimeout(stop, LONGEST_SILENCE);
  try {
    const response = await send('GET', path, { headers: { accept: 'text/event-stream' }, signal: attempt.signal });
    onOpen();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; ;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(alarm);
      alarm = setTimeout(stop, LONGEST_SILENCE);
      text += value;
      let from = 0;
      for (let end; (end = text.indexOf('\n\n', from)) >= 0; from = end + 2) yield parse(text.slice(from, end));
      text = text.slice(from);
    }
  } finally {
    clearTimeout(alarm);
    attempt.abort();
    signal.removeEventListener('abort', stop);
  }
}

/** One event, by the rules of the HTML standard as far as the daemons use them. */
function parse(frame) {
  const found = { event: 'message', data: '', id: '' };
  for (const line of frame.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) found[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '');
  }
  return found;
}

const wait = (time, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, time);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});
