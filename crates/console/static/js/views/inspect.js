// One edge or service, in a panel of its own: what is known of it, and what can be done with it.

import { h, icon, replace } from '../dom.js';
import { isBefore } from '../format.js';

// Every so many seconds what is shown is read again.
const READ_AGAIN = 2;

/** Opens the panel for an id, and closes it for an empty one. */
export function inspector(kind, path, live, signal) {
  const panel = h('dialog', { class: 'panel', 'aria-labelledby': 'panel-title' });
  let shown = '';
  /** The connection that is shown; empty while none is. */
  let stamp = '';
  let seconds = 0;
  let reading = new AbortController();
  panel.addEventListener('close', () => {
    reading.abort();
    if (shown && location.hash === `#/${path}/${shown}`) location.hash = `#/${path}`;
    shown = '';
    stamp = '';
  });
  // A click beside the panel is one on the dialog itself.
  panel.addEventListener('click', (event) => { if (event.target === panel) panel.close(); });
  document.body.append(panel);
  signal.addEventListener('abort', () => { shown = ''; panel.close(); panel.remove(); }, { once: true });

  live.on(kind.noun, (told) => {
    const { online, offline } = told;
    if (offline === shown && stamp && !(told.stamp && isBefore(told.stamp, stamp))) gone();
    else if (online?.[kind.id] === shown && shown) read(shown);
  }, signal);
  live.on('frontier_gone', (id) => { if (stamp && panel.dataset.frontier === id) gone(); }, signal);
  live.on('tick', () => {
    seconds += 1;
    if (kind.isAsked && stamp && seconds % READ_AGAIN === 0) read(shown);
  }, signal);

  const head = (id, what) => h('header', {},
    h('div', {}, h('p', { class: 'hint' }, kind.noun), h('h2', { id: 'panel-title' }, what ?? id)),
    close());
  const close = () => {
    const button = h('button', { class: 'quiet square', type: 'button', 'aria-label': 'Close' }, icon('close'));
    button.addEventListener('click', () => panel.close());
    return button;
  };
  const gone = () => {
    stamp = '';
    panel.querySelector('.acts')?.remove();
    const words = h('p', { class: 'gone', role: 'status' }, `This ${kind.noun} is not connected any more.`);
    panel.querySelector('.gone')?.remove();
    panel.querySelector('header')?.after(words);
  };

  const read = async (id) => {
    reading.abort();
    reading = new AbortController();
    const { signal: stop } = reading;
    try {
      const row = await kind.one(id, stop);
      if (stop.aborted) return;
      if (row) show(id, row);
      else if (stamp) gone();
      else fail(id, `No ${kind.noun} of this id is connected.`);
    } catch (error) {
      // What is there stays, and is read again.
      if (!stop.aborted && !stamp) fail(id, error.message);
    }
  };

  const fail = (id, why) => replace(panel, head(id), h('p', { class: 'gone', role: 'status' }, why));

  const fields = (row) => {
    const list = kind.fields(row).filter(([, value]) => value !== undefined && value !== '' && value !== null);
    return h('dl', { class: 'fields' }, list.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
  };

  const show = (id, row) => {
    const before = stamp;
    stamp = row.stamp;
    panel.dataset.frontier = row.frontier_id ?? '';
    const list = fields(row);
    // Of the same connection only the figures are other ones: what somebody types beside them stays.
    if (before === stamp) return panel.querySelector('.fields').replaceWith(list);
    const hadFocus = panel.contains(document.activeElement);
    replace(panel, head(id, kind.title?.(row)), list,
      kind.acts?.(row, () => { gone(); live.tell(kind.noun, { offline: id, stamp: row.stamp }); }));
    if (hadFocus) panel.querySelector('header button').focus();
    return undefined;
  };

  return (id) => {
    if (id === shown) return;
    shown = id;
    stamp = '';
    if (!id) return panel.close();
    replace(panel, head(id), h('p', { class: 'hint' }, 'Loading…'));
    if (!panel.open) panel.showModal();
    read(id);
  };
}
