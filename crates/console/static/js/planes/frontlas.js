// Frontlas: the whole cluster. Served as js/plane.js, beside the other modules.

import { get, url } from './api.js';
import { clusterWatch } from './clusterwatch.js';
import { ago, time } from './format.js';
import { h } from './dom.js';
import { clusterPage } from './views/cluster.js';
import { eventsPage } from './views/events.js';
import { peersPage } from './views/peers.js';

const PAGE = 1000;

export const name = 'Cluster';
export const product = 'frontlas';

/** Fails where the credentials are not good. */
export const check = (options) => get('/cluster/v1/edges/count', options);

export const follow = clusterWatch;

const since = (row) => h('time', { title: time(row.stamp / 1e6) }, ago(row.stamp / 1e6));

/** What both kinds have. The directory has pages in the order of ids and no search, so all of them are looked at. */
const common = {
  async page(kind, token, search, signal) {
    const page = await get(url(`/cluster/v1/${kind}s`, { count: PAGE, cursor: token }), { signal });
    const rows = page[`${kind}s`];
    const found = search.text ? rows.filter((row) => this.matches(row, search)) : rows;
    return { rows: found, next: page.cursor ?? '', seen: rows.length };
  },
  matches: (row, search) => !search.text || row[search.by].toLowerCase().startsWith(search.text.toLowerCase()),
  /** Nothing where nobody of this id is connected. */
  async one(kind, id, signal) {
    return (await get(url(`/cluster/v1/${kind}s`, { [`${kind}_ids`]: id }), { signal }))[`${kind}s`][0];
  },
};

/** An id that is written in full is looked up at once. */
const first = (kind) => async (search, signal) => {
  if (search.by !== `${kind}_id` || !/^\d{1,20}$/.test(search.text)) return [];
  const row = await common.one(kind, search.text, signal);
  return row ? [row] : [];
};

const fields = (row) => [
  ['Gateway', row.frontier_id],
  ['Address', row.addr],
  ['Connected', `${time(row.stamp / 1e6)} (${ago(row.stamp / 1e6)})`],
  ['Told to the directory', time(row.update_time)],
];

export const kinds = {
  edge: {
    ...common,
    noun: 'edge',
    id: 'edge_id',
    page: (token, search, signal) => common.page('edge', token, search, signal),
    first: first('edge'),
    one: (id, signal) => common.one('edge', id, signal),
    searches: [['edge_id', 'Id'], ['addr', 'Address'], ['frontier_id', 'Gateway']],
    columns: [
      { key: 'id', name: 'Edge', width: 'minmax(8rem, 1fr)', cell: (row) => row.edge_id },
      { key: 'frontier', name: 'Gateway', width: 'minmax(8rem, 1.2fr)', cell: (row) => row.frontier_id },
      { key: 'addr', name: 'Address', width: 'minmax(10rem, 1.4fr)', cell: (row) => row.addr },
      { key: 'since', name: 'Connected', width: '8rem', cell: since },
    ],
    fields,
  },
  service: {
    ...common,
    noun: 'service',
    id: 'service_id',
    page: (token, search, signal) => common.page('service', token, search, signal),
    first: first('service'),
    one: (id, signal) => common.one('service', id, signal),
    searches: [['service', 'Name'], ['service_id', 'Id'], ['addr', 'Address'], ['frontier_id', 'Gateway']],
    columns: [
      { key: 'name', name: 'Service', width: 'minmax(8rem, 1.2fr)', cell: (row) => row.service || '(no name)' },
      { key: 'id', name: 'Id', width: 'minmax(8rem, 1fr)', cell: (row) => row.service_id },
      { key: 'frontier', name: 'Gateway', width: 'minmax(8rem, 1fr)', cell: (row) => row.frontier_id },
      { key: 'addr', name: 'Address', width: 'minmax(10rem, 1.2fr)', cell: (row) => row.addr },
      { key: 'since', name: 'Connected', width: '8rem', cell: since },
    ],
    fields: (row) => [['Name', row.service || '(no name)'], ...fields(row)],
  },
};

export const pages = [
  { path: '', name: 'Cluster', icon: 'cluster', open: clusterPage },
  { path: 'edges', name: 'Edges', icon: 'edges', open: peersPage(kinds.edge) },
  { path: 'services', name: 'Services', icon: 'services', open: peersPage(kinds.service) },
  { path: 'events', name: 'Events', icon: 'events', open: eventsPage },
];
