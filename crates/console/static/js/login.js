// The page in which the token is typed in.

import { Refusal, token } from './api.js';
import { h } from './dom.js';
import { counted } from './format.js';
import { themeButton } from './theme.js';

/** The login; `why` says what was wrong with what was shown before. `onDone` is called once the plane takes the token. */
export function loginPage(plane, why, onDone) {
  const input = h('input', { id: 'token', type: 'password', autocomplete: 'current-password', required: true, spellcheck: 'false',
    'aria-describedby': 'about refused', placeholder: 'frt_… or a JWT' });
  const refused = h('p', { id: 'refused', class: 'refused', role: 'alert' }, why);
  const button = h('button', { class: 'main', type: 'submit' }, 'Log in');
  const form = h('form', { class: 'card', novalidate: true },
    h('label', { for: 'token' }, 'Token'), input, refused, button,
    h('p', { id: 'about', class: 'hint' }, 'One with a role: read to look, operate to kick and to call, admin for all. ',
      'It is kept for this tab alone, and gone with it.'));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const value = input.value.trim();
    if (!value) {
      refused.textContent = 'Type in a token first.';
      return input.focus();
    }
    button.disabled = true;
    refused.textContent = '';
    token.set(value);
    try {
      await plane.check({ quiet: true });
      return onDone();
    } catch (error) {
      token.forget();
      refused.textContent = say(error);
      button.disabled = false;
      input.select();
      return input.focus();
    }
  });
  queueMicrotask(() => input.focus());
  return h('main', { class: 'login', id: 'main', tabindex: -1 },
    h('div', { class: 'corner' }, themeButton()),
    h('div', { class: 'welcome' },
      h('img', { src: 'mark.svg', alt: '', width: 56, height: 56 }),
      h('h1', {}, 'Frontier console'),
      h('p', { class: 'hint' }, `${plane.name} at ${location.host}`)),
    form);
}

function say(error) {
  if (!(error instanceof Refusal)) return `The plane can't be reached: ${error.message}`;
  const wait = error.retryAfter > 0 ? ` Try again in ${counted(error.retryAfter, 'second')}.` : '';
  return `${error.message[0].toUpperCase()}${error.message.slice(1)}.${wait}`;
}
