// Edges, or services: the list, its search, and whoever is looked at.

import { h, icon, replace } from '../dom.js';
import { counted, count } from '../format.js';
import { nextFrame } from '../frames.js';
import { Grid } from '../grid.js';
import { Peers } from '../peers.js';
import { inspector } from './inspect.js';

// After the last key, before the list is asked for.
const TYPING = 200;

/** The page of one kind of peers, as its plane describes it. */
export const peersPage = (kind) => (main, live, signal) => {
  const path = `${kind.noun}s`;
  const total = () => (kind.noun === 'edge' ? live.edges : live.services);
  let search = { by: kind.searches[0][0], text: '' };
  let peers = null;
  let loading = new AbortController();

  const input = h('input', { type: 'search', placeholder: 'begins with…', 'aria-label': `Search ${path}`, spellcheck: 'false', autocomplete: 'off' });
  const by = h('select', { 'aria-label': 'Search by' }, kind.searches.map(([key, name]) => h('option', { value: key }, name)));
  const note = h('p', { class: 'note', role: 'status' });
  const totalOf = h('span', { class: 'total' });
  const grid = new Grid({
    label: path,
    id: kind.id,
    columns: kind.columns,
    onOpen: (row) => { location.hash = `#/${path}/${row[kind.id]}`; },
    onEnd: () => peers?.more(),
  }, signal);

  const showNote = () => {
    totalOf.textContent = count(total());
    const again = h('button', { type: 'button' }, 'Try again');
    again.addEventListener('click', () => peers.again());
    if (peers.error) return replace(note, `The list can't be read: ${peers.error.message} `, again);
    const found = peers.rows.length;
    if (peers.isLoading && search.text) return replace(note, `${count(found)} found, ${count(peers.seen)} of ${count(total())} searched…`);
    if (peers.isLoading && found === 0) return replace(note, 'Loading…');
    if (found === 0) return replace(note, search.text ? `No ${kind.noun} begins like this.` : `No ${kind.noun} is connected.`);
    if (search.text) return replace(note, `${counted(found, kind.noun)} found${peers.isDone ? '' : ', and there may be more below'}`);
    return replace(note, peers.isDone ? counted(found, kind.noun) : `The first ${count(found)}; more come as you scroll`);
  };
  const changed = () => { grid.show(peers.rows); nextFrame(showNote); };
  const load = () => {
    loading.abort();
    loading = new AbortController();
    peers = new Peers(kind, search, changed, loading.signal);
    changed();
    peers.more();
  };
  let typed;
  const searched = () => {
    clearTimeout(typed);
    typed = setTimeout(() => { search = { by: by.value, text: input.value.trim() }; load(); }, TYPING);
  };
  input.addEventListener('input', searched);
  by.addEventListener('change', searched);
  signal.addEventListener('abort', () => { clearTimeout(typed); loading.abort(); }, { once: true });
  live.on(kind.noun, ({ online, offline }) => (online ? peers.online(online) : peers.offline(offline)), signal);
  live.on('tick', () => nextFrame(showNote), signal);

  const heading = `${path[0].toUpperCase()}${path.slice(1)}`;
  replace(main,
    h('div', { class: 'title' }, h('h1', {}, heading, ' ', totalOf),
      h('div', { class: 'search', role: 'search' }, icon('search'), by, input)),
    note, grid.element);
  main.className = 'fills';
  load();
  // A name of a gateway that another page has asked for.
  if (live.asked?.kind === kind.noun) {
    by.value = live.asked.by;
    input.value = live.asked.text;
    search = { by: by.value, text: input.value };
    live.asked = null;
    load();
  }
  return inspector(kind, path, live, signal);
};
