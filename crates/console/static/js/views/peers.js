// Edges, or services: the list, its search, and whoever is looked at.

import { h, icon, replace } from '../dom.js';
import { counted, count } from '../format.js';
import { nextFrame } from '../frames.js';
import { Grid } from '../grid.js';
import { Peers } from '../peers.js';
import { inspector } from './inspect.js';

// After the last key, before the list is asked for.
const TYPING = 200;
// Between two times that a list is read again because changes were missed, at least.
const MISSED = 2000;

/** The page of one kind of peers, as its plane describes it. */
export const peersPage = (kind) => (main, live, signal) => {
  const path = `${kind.noun}s`;
  const total = () => (kind.noun === 'edge' ? live.edges : live.services);
  let search = { by: kind.searches[0][0], text: '' };
  let peers = null;
  // The list as it is read again, while that lasts.
  let renewed = null;
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
    above: kind.newestFirst && `Newer ${path} above`,
  }, signal);

  const reload = h('button', { type: 'button' }, 'Read it again');
  reload.addEventListener('click', () => renew());

  // Where nobody tells who comes and goes, or not who belongs here.
  const isOld = () => kind.isAsked && (!live.isFollowed || kind.isUntold?.(search));
  const showNote = () => {
    totalOf.textContent = count(total());
    const found = peers.rows.length;
    const again = h('button', { type: 'button' }, 'Try again');
    again.addEventListener('click', () => peers.again());
    const isCount = !peers.error && !peers.isLoading && found > 0;
    // How many there are changes all the time: that is read, and not said.
    note.setAttribute('aria-live', isCount && !search.text ? 'off' : 'polite');
    if (peers.error) return say(`The list can't be read: ${peers.error.message} `, again);
    if (peers.isLoading && search.text) return say(`${count(found)} found, ${count(peers.seen)} of ${count(total())} searched…`);
    if (peers.isLoading && found === 0) return say('Loading…');
    if (found === 0) return say(search.text ? `No ${kind.noun} begins like this. ` : `No ${kind.noun} is connected. `, isOld() && reload);
    if (search.text) return say(`${counted(found, kind.noun)} found${peers.isDone ? ' ' : ', and there may be more below '}`, isOld() && reload);
    return say(peers.isDone ? `${counted(found, kind.noun)} ` : `The first ${count(found)}; more come as you scroll `, isOld() && reload);
  };
  const say = (text, button) => {
    const had = note.querySelector('button');
    if (note.firstChild?.textContent === text && (had ?? null) === (button || null)) return;
    replace(note, text, button);
  };
  const changed = () => { grid.show(peers.rows); nextFrame(showNote); };
  const load = () => {
    loading.abort();
    loading = new AbortController();
    renewed = null;
    peers = new Peers(kind, search, changed, loading.signal);
    changed();
    peers.more();
  };
  /** Reads as much of the list as there is again, and shows that once it is there. */
  const renew = async () => {
    if (renewed) return;
    const { signal: stop } = loading;
    const list = new Peers(kind, search, () => { if (peers === list) changed(); }, stop);
    renewed = list;
    await list.more(Math.max(peers.rows.length, 50));
    if (stop.aborted || renewed !== list) return;
    renewed = null;
    // Else what is there is better than nothing.
    if (!list.error) {
      peers = list;
      grid.renew(list.rows);
    }
    nextFrame(showNote);
  };
  let missed = 0;
  let lastMissed = 0;
  const renewSoon = () => {
    clearTimeout(missed);
    missed = setTimeout(() => { lastMissed = Date.now(); renew(); }, Math.max(0, lastMissed + MISSED - Date.now()));
  };
  let typed;
  const searched = () => {
    clearTimeout(typed);
    typed = setTimeout(() => { search = { by: by.value, text: input.value.trim() }; load(); }, TYPING);
  };
  input.addEventListener('input', searched);
  by.addEventListener('change', searched);
  signal.addEventListener('abort', () => { clearTimeout(typed); clearTimeout(missed); loading.abort(); }, { once: true });
  const lists = () => [peers, renewed].filter(Boolean);
  live.on(kind.noun, ({ online, offline, stamp }) => lists().forEach((it) => (online ? it.online(online) : it.offline(offline, stamp))), signal);
  live.on('frontier_gone', (id) => lists().forEach((it) => it.offlineWhere((row) => row.frontier_id === id)), signal);
  live.on('missed', renewSoon, signal);
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
