// Who came, left and moved, as it happens.

import { h, replace } from '../dom.js';

/** One line of the list. */
export const eventLine = ({ at, kind, text }) => h('li', { class: kind.split(' ')[0] }, h('time', {}, at), h('span', {}, text));

/** The last lines of the list, kept up to date until `signal` says stop. */
export function eventList(live, length, signal) {
  const list = h('ol', { class: 'events', 'aria-label': 'Events, newest first' });
  const none = h('li', { class: 'none' }, 'Nothing has happened since this page was opened.');
  const fill = () => replace(list, live.events.length > 0 ? live.events.slice(0, length).map(eventLine) : none);
  live.on('events', (added) => {
    none.remove();
    list.prepend(...added.slice(0, length).map(eventLine));
    while (list.children.length > length) list.lastChild.remove();
  }, signal);
  fill();
  return list;
}

/** The page of all events that are kept. */
export function eventsPage(main, live, signal) {
  replace(main, h('div', { class: 'title' }, h('h1', {}, 'Events')), h('div', { class: 'card tall', tabindex: 0, role: 'region', 'aria-label': 'Events' }, eventList(live, 500, signal)));
  main.className = 'fills';
}
