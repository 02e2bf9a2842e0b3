// "Are you sure?"

import { h } from '../dom.js';

/** Asks, and gives whether the answer was yes. What does no harm has the focus. */
export function confirm({ title, text, act }) {
  const no = h('button', { type: 'button', autofocus: true }, 'Cancel');
  const yes = h('button', { class: 'danger', type: 'button' }, act);
  const dialog = h('dialog', { class: 'confirm', role: 'alertdialog', 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-text' },
    h('h2', { id: 'confirm-title' }, title), h('p', { id: 'confirm-text' }, text), h('div', { class: 'buttons' }, no, yes));
  document.body.append(dialog);
  return new Promise((resolve) => {
    no.addEventListener('click', () => dialog.close());
    yes.addEventListener('click', () => dialog.close('yes'));
    dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue === 'yes'); });
    // The page is another one: nobody is asked any more.
    addEventListener('hashchange', () => dialog.close(), { once: true });
    dialog.showModal();
  });
}
