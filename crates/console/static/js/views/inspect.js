// One edge or service, in a panel of its own: what is known of it, and what can be done with it.

import { h, icon, replace } from '../dom.js';

/** Opens the panel for an id, and closes it for an empty one. */
export function inspector(kind, path, live, signal) {
  const panel = h('dialog', { class: 'panel', 'aria-labelledby': 'panel-title' });
  let shown = '';
  let reading = new AbortController();
  panel.addEventListener('close', () => {
    reading.abort();
    if (shown && location.hash === `#/${path}/${shown}`) location.hash = `#/${path}`;
    shown = '';
  });
  // A click beside the panel is one on the dialog itself.
  panel.addEventListener('click', (event) => { if (event.target === panel) panel.close(); });
  document.body.append(panel);
  signal.addEventListener('abort', () => { shown = ''; panel.close(); panel.remove(); }, { once: true });

  live.on(kind.noun, ({ online, offline }) => {
    if (offline === shown && shown) gone();
    else if (online?.[kind.id] === shown && shown) read(shown);
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
      else fail(id, `No ${kind.noun} of this id is connected.`);
    } catch (error) {
      if (!stop.aborted) fail(id, error.message);
    }
  };

  const fail = (id, why) => replace(panel, head(id), h('p', { class: 'gone', role: 'status' }, why));

  const show = (id, row) => {
    const list = kind.fields(row).filter(([, value]) => value !== undefined && value !== '' && value !== null);
    replace(panel, head(id, kind.title?.(row)),
      h('dl', { class: 'fields' }, list.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
      kind.acts?.(row, gone));
  };

  return (id) => {
    if (id === shown) return;
    shown = id;
    if (!id) return panel.close();
    replace(panel, head(id), h('p', { class: 'hint' }, 'Loading…'));
    if (!panel.open) panel.showModal();
    read(id);
  };
}
