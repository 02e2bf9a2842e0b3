// The gateway as a whole: what it is, what it logs, what holds for its peers, and its end.

import { ask, get } from '../api.js';
import { h, replace } from '../dom.js';
import { ago, time } from '../format.js';
import { nextFrame } from '../frames.js';
import { lacking, setRole } from '../role.js';
import { confirm } from './confirm.js';
import { notice } from './notice.js';
import { policy } from './policy.js';

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'];

export function controlPage(main, live, signal) {
  const about = h('div', {}, h('p', { class: 'hint' }, 'Loading…'));
  const log = h('div', {}, h('p', { class: 'hint' }, 'Loading…'));
  const drain = h('div', {});
  const rules = h('div', { class: 'policy' }, h('p', { class: 'hint' }, 'Loading…'));
  const state = h('span', { class: 'badge draining', hidden: true }, 'draining');
  const card = (id, title, ...content) => h('section', { class: 'card', 'aria-labelledby': id }, h('h2', { id }, title), content);
  replace(main, h('div', { class: 'title' }, h('h1', {}, 'Gateway'), state),
    h('div', { class: 'pair' }, card('about-title', 'What it is', about),
      h('div', { class: 'column' }, card('log-title', 'What it logs', log), card('drain-title', 'Drain', drain))),
    card('policy-title', 'What holds for its peers', rules));
  main.className = '';
  const showState = () => { state.hidden = !live.gateway?.draining; };
  live.on('tick', () => nextFrame(showState), signal);
  showState();

  const fill = (element, work) => work().catch((error) => {
    if (!signal.aborted) replace(element, h('p', { class: 'bad' }, error.message));
  });
  fill(about, async () => {
    const status = await get('/v1/status', { signal });
    setRole(status.role);
    replace(about, facts(status));
    // Which role is had is known by now.
    replace(drain, drainPart(status));
  });
  fill(log, async () => replace(log, logPart((await get('/v1/log_level', { signal })).level)));
  fill(rules, async () => replace(rules, policy(await get('/v1/policy', { signal }))));
}

function facts(status) {
  const lines = (all) => all?.map((it) => h('div', {}, it)) ?? [];
  const list = [
    ['Id', status.frontier_id || 'none: it is part of no cluster'],
    ['Version', status.version],
    ['Started', `${time(status.start_time)} (${ago(status.start_time)} ago)`],
    ['For edges', lines(status.edgebound)],
    ['For services', lines(status.servicebound)],
    ['Your role', status.role],
  ];
  return h('dl', { class: 'fields' }, list.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

function logPart(level) {
  const names = h('datalist', { id: 'levels' }, LEVELS.map((it) => h('option', { value: it })));
  const input = h('input', { id: 'level', list: 'levels', value: level, maxlength: 4096, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', 'aria-describedby': 'level-hint' });
  const said = h('p', { class: 'said', role: 'status' });
  const button = h('button', { type: 'submit' }, 'Set it');
  const form = h('form', { novalidate: true }, h('label', { for: 'level' }, 'Level'), h('div', { class: 'line' }, input, names, button),
    h('p', { id: 'level-hint', class: 'hint' }, 'error, warn, info, debug or trace, or one for each part: info,frontier_exchange=debug. It holds until the configuration changes it, or the gateway ends.'),
    lacking('operate', 'To change it'), said);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const told = await ask('PUT', '/v1/log_level', { body: { level: input.value.trim() } });
      input.value = told.level;
      replace(said, h('span', { class: 'good' }, `It logs ${told.level} now.`));
    } catch (error) {
      replace(said, h('span', { class: 'bad' }, `It is as before: ${error.message}`));
      input.focus();
    }
    button.disabled = false;
  });
  return form;
}

function drainPart({ frontier_id: id }) {
  const button = h('button', { class: 'danger', type: 'button' }, 'Drain this gateway');
  const name = id ? `the gateway ${id}` : 'this gateway';
  button.addEventListener('click', async () => {
    const sure = await confirm({
      title: `Drain ${name}?`,
      text: 'Its peers are sent elsewhere, what is in flight is brought to its end, and then the process ends, and this page with it. It is not started again from here.',
      act: 'Drain',
    });
    if (!sure) return;
    button.disabled = true;
    try {
      await ask('POST', '/v1/drain', { body: {} });
      notice('The gateway drains, and ends then.');
    } catch (error) {
      button.disabled = false;
      notice(`It does not drain: ${error.message}`, 'bad');
    }
  });
  return [h('p', { class: 'hint' }, 'Sends its peers elsewhere, lets what is in flight come to its end, and ends the process, as SIGTERM does.'),
    lacking('admin', 'This'), button];
}
