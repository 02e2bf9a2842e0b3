// A call or a message to a peer, that the gateway sends for who looks at it.

import { bestForm, FORMS, fromBase64, read, show, toBase64 } from '../bytes.js';
import { h, replace } from '../dom.js';
import { bytes as size, duration } from '../format.js';
import { lacking } from '../role.js';

/** What was typed last, for the next peer of the kind: one is seldom tried once. */
const last = new Map();

// In seconds; what is longer the gateway cuts to what a request may take.
const DEADLINE = 5;
const LONGEST = 3600;

let number = 0;

/** The part of the panel in which a peer is called; `kind.send(id, what, body, signal)` does it. */
export const requestForm = (kind) => (row) => {
  const known = last.get(kind.noun) ?? { what: 'call', name: '', form: 'text', payload: '', deadline: DEADLINE };
  const own = `request-${(number += 1)}`;
  const field = (name, element, label) => h('div', { class: `field ${name}` }, h('label', { for: `${own}-${name}` }, label), element);
  const choice = (value, words) => h('label', {}, h('input', { type: 'radio', name: own, value, checked: known.what === value }), words);
  const choices = h('fieldset', { class: 'choice' }, h('legend', {}, 'Send'), choice('call', 'A call'), choice('publish', 'A message'));
  const names = h('datalist', { id: `${own}-names` });
  const name = h('input', { id: `${own}-name`, list: names.id, value: known.name, maxlength: 255, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off' });
  const form = h('select', { id: `${own}-form` }, FORMS.map(([key, words]) => h('option', { value: key }, words)));
  form.value = known.form;
  const payload = h('textarea', { id: `${own}-payload`, rows: 3, value: known.payload, spellcheck: 'false', autocapitalize: 'off' });
  const deadline = h('input', { id: `${own}-deadline`, type: 'number', min: 0.001, max: LONGEST, step: 'any', value: known.deadline, inputmode: 'decimal' });
  const button = h('button', { class: 'main', type: 'submit' });
  const cancel = h('button', { type: 'button', hidden: true }, 'Cancel');
  const answer = h('div', { class: 'answer', role: 'status' });
  const nameLabel = field('name', [name, names], 'Method');

  const what = () => choices.querySelector('input:checked').value;
  const turn = () => {
    const isCall = what() === 'call';
    nameLabel.firstChild.textContent = isCall ? 'Method' : 'Topic';
    button.textContent = isCall ? 'Call it' : 'Send it';
    replace(names, (isCall ? row.methods : row.names)?.map((it) => h('option', { value: it })) ?? []);
  };
  choices.addEventListener('change', turn);
  turn();
  const remember = () => {
    last.set(kind.noun, { what: what(), name: name.value, form: form.value, payload: payload.value, deadline: deadline.value });
  };

  let running = null;
  const element = h('form', { class: 'request', 'aria-label': `Call this ${kind.noun}`, novalidate: true },
    h('h3', {}, `Call this ${kind.noun}`), lacking('operate', 'This'), choices, nameLabel,
    h('div', { class: 'line' }, field('form', form, 'Payload as'), field('deadline', deadline, 'Deadline, in seconds')),
    field('payload', payload, 'Payload'), h('div', { class: 'line' }, button, cancel), answer);
  element.addEventListener('input', remember);
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (running) return;
    const body = take({ what: what(), name, form, payload, deadline }, answer);
    if (!body) return;
    running = new AbortController();
    [button.disabled, cancel.hidden] = [true, false];
    replace(answer, h('p', { class: 'hint' }, 'Waiting for the answer…'));
    const begin = performance.now();
    const took = () => duration((performance.now() - begin) / 1000);
    try {
      const told = await kind.send(row[kind.id], what(), body, running.signal);
      showAnswer(answer, what(), told, took());
    } catch (error) {
      showFailure(answer, running.signal.aborted ? { message: 'It was cancelled.' } : error, took());
    }
    running = null;
    [button.disabled, cancel.hidden] = [false, true];
    answer.scrollIntoView({ block: 'nearest' });
  });
  cancel.addEventListener('click', () => { running?.abort(); button.disabled = false; button.focus(); });
  return element;
};

/** The body of the request; nothing where something is wrong, which is said. */
function take({ what, name, form, payload, deadline }, answer) {
  const wrong = (element, text) => {
    for (const it of [name, payload, deadline]) it.toggleAttribute('aria-invalid', it === element);
    if (!element) return;
    replace(answer, h('p', { class: 'bad' }, text));
    element.focus();
  };
  wrong(null);
  const key = what === 'call' ? 'method' : 'topic';
  if (!name.value) return wrong(name, `Say which ${key}.`);
  const seconds = Number(deadline.value);
  if (!(seconds >= 0.001 && seconds <= LONGEST)) return wrong(deadline, `The deadline must be a number of seconds, from 0.001 to ${LONGEST}.`);
  try {
    const data = read(payload.value, form.value);
    return { [key]: name.value, payload: toBase64(data), timeout_ms: Math.round(seconds * 1000) };
  } catch (error) {
    return wrong(payload, error.message);
  }
}

function showAnswer(answer, what, told, took) {
  if (what === 'publish') return replace(answer, h('p', { class: 'good' }, `It was acked after ${took}.`));
  const data = fromBase64(told.payload);
  const head = h('p', { class: 'good' }, `Answered after ${took} with ${size(data.length)}.`);
  if (data.length === 0) return replace(answer, head);
  const body = h('pre', { tabindex: 0, role: 'group', 'aria-label': 'The answer' });
  const form = h('select', { 'aria-label': 'Show the answer as' }, FORMS.map(([key, words]) => h('option', { value: key }, words)));
  const draw = () => {
    const { text, rest } = show(data, form.value);
    body.textContent = rest > 0 ? `${text}\n… and ${size(rest)} more` : text;
  };
  form.value = bestForm(data);
  form.addEventListener('change', draw);
  draw();
  return replace(answer, h('div', { class: 'line' }, head, form), body);
}

/** What the peer has said stands first: that is what one wants to know. */
function showFailure(answer, { peer, code, message }, took) {
  const title = peer ? `${peer.code}${peer.detail ? ` ${peer.detail}` : ''}` : code;
  replace(answer, h('p', { class: 'bad' }, `Failed after ${took}`, title && [': ', h('code', {}, title)]),
    h('p', { class: 'text' }, peer?.text || message));
}
