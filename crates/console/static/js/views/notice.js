// What has come of something that was done: a line that goes away by itself.

import { h } from '../dom.js';

const SHOWN = 6000;

/** Shows the line, and has screen readers say it. */
export function notice(text, kind = 'good') {
  const line = h('p', { class: `notice ${kind}` }, text);
  const list = document.getElementById('notices');
  // Above a panel that is open, which is above everything else.
  (document.querySelector('dialog[open]') ?? document.body).append(list);
  list.append(line);
  setTimeout(() => line.remove(), SHOWN);
}
