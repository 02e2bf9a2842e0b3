// The button that closes the connection of a peer.

import { h } from '../dom.js';
import { lacking } from '../role.js';
import { confirm } from './confirm.js';
import { notice } from './notice.js';

/** The button for this peer, and what else is to be said of it; `onGone` is called once it was kicked. */
export const kickButton = (kind) => (row, onGone) => {
  const id = row[kind.id];
  const button = h('button', { class: 'danger', type: 'button' }, `Kick this ${kind.noun}`);
  button.addEventListener('click', async () => {
    const sure = await confirm({
      title: `Kick ${kind.noun} ${id}?`,
      text: 'Its connection is closed, and what it has in flight fails. A client that reconnects may be back at once.',
      act: 'Kick',
    });
    if (!sure) return;
    button.disabled = true;
    try {
      await kind.kick(id);
      notice(`The ${kind.noun} ${id} was kicked.`);
      onGone();
    } catch (error) {
      button.disabled = false;
      notice(`It was not kicked: ${error.message}`, 'bad');
    }
  });
  return [lacking('operate', 'To kick it'), button];
};
