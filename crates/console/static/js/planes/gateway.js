// A gateway: who is connected to it, and what goes through it. Served as js/plane.js, beside the other modules.

import { ask, get, url } from './api.js';
import { ago, bytes, count, time } from './format.js';
import { h } from './dom.js';
import { gatewayWatch } from './gatewaywatch.js';
import { setRole } from './role.js';
import { controlPage } from './views/control.js';
import { eventsPage } from './views/events.js';
import { kickButton } from './views/kick.js';
import { overviewPage } from './views/overview.js';
import { peersPage } from './views/peers.js';
import { requestForm } from './views/request.js';

const PAGE = 500;

export const name = 'Gateway';
export const product = 'gateway';

/** Fails where the credentials are not good. */
export const check = async (options) => setRole((await get('/v1/status', options)).role);

export const follow = gatewayWatch;

const since = (row) => h('time', { title: time(row.create_time) }, ago(row.create_time));

/** What both kinds have. The gateway searches and pages by itself. */
const common = (kind) => withActs({
  noun: kind,
  id: `${kind}_id`,
  newestFirst: true,
  isAsked: true,
  async page(token, search, signal) {
    const asked = { page_size: PAGE, page_token: token, [search.text ? search.by : '']: search.text };
    delete asked[''];
    const page = await get(url(`/v1/${kind}s`, asked), { signal });
    return { rows: page[`${kind}s`] ?? [], next: page.next_page_token ?? '' };
  },
  one: (id, signal) => oneOf(kind, id, signal),
  kick: (id) => ask('DELETE', `/v1/${kind}s/${id}`),
  send: (id, what, body, signal) => ask('POST', `/v1/${kind}s/${id}/${what}`, { body, signal }),
});

/** Nothing where nobody of this id is connected. */
const oneOf = (kind, id, signal) => get(`/v1/${kind}s/${id}`, { signal }).catch((error) => {
  if (error.status === 404) return null;
  throw error;
});

const withActs = (kind) => {
  const [request, kick] = [requestForm(kind), kickButton(kind)];
  return { ...kind, acts: (row, onGone) => h('div', { class: 'acts' }, request(row), kick(row, onGone)) };
};

const begins = (row, search, keys) => !search.text || (keys.includes(search.by) && String(row[search.by] ?? '').startsWith(search.text));

const chips = (names) => (names?.length > 0 ? h('span', { class: 'names' }, names.map((it) => h('span', { class: 'chip' }, it))) : '');

const fields = (row) => [
  ['Address', row.addr],
  ['Connected', `${time(row.create_time)} (${ago(row.create_time)})`],
  ['Listener', [row.listener, row.network].filter(Boolean).join(', ')],
  ['Subject', row.subject],
  ['Labels', chips(Object.entries(row.labels ?? {}).map(([key, value]) => `${key}=${value}`))],
  ['Streams', count(row.streams)],
  ['Its own calls in flight', count(row.calls_from)],
  ['Calls to it in flight', count(row.calls_to)],
  ['Waits to be sent', bytes(row.outbox_bytes)],
];

export const kinds = {
  edge: {
    ...common('edge'),
    searches: [['meta', 'Meta'], ['edge_id', 'Id'], ['addr', 'Address'], ['rpc', 'Method']],
    matches: (row, search) => begins(row, search, ['meta', 'addr']) || (search.by === 'edge_id' && row.edge_id === search.text),
    columns: [
      { key: 'id', name: 'Edge', width: 'minmax(9rem, 1fr)', cell: (row) => row.edge_id },
      { key: 'meta', name: 'Meta', width: 'minmax(8rem, 1.5fr)', cell: (row) => row.meta || '–' },
      { key: 'addr', name: 'Address', width: 'minmax(10rem, 1.2fr)', cell: (row) => row.addr },
      { key: 'since', name: 'Connected', width: '8rem', cell: since },
    ],
    /** With the methods that it has told of, which have a list of their own. */
    async one(id, signal) {
      const rpcs = get(url('/v1/edges/rpcs', { edge_id: id, page_size: PAGE }), { signal });
      const [row, { rpcs: methods = [] }] = await Promise.all([oneOf('edge', id, signal), rpcs]);
      return row && { ...row, methods };
    },
    fields: (row) => [['Meta', row.meta], ...fields(row), ['Methods', chips(row.methods)]],
  },
  service: {
    ...common('service'),
    searches: [['service', 'Name'], ['addr', 'Address'], ['rpc', 'Method'], ['topic', 'Topic']],
    matches: (row, search) => begins(row, search, ['service', 'addr']),
    /** What a service takes is not told with it. */
    isUntold: (search) => Boolean(search.text) && ['rpc', 'topic'].includes(search.by),
    columns: [
      { key: 'name', name: 'Service', width: 'minmax(8rem, 1.3fr)', cell: (row) => row.service || '(no name)' },
      { key: 'id', name: 'Id', width: 'minmax(9rem, 1fr)', cell: (row) => row.service_id },
      { key: 'addr', name: 'Address', width: 'minmax(10rem, 1.2fr)', cell: (row) => row.addr },
      { key: 'since', name: 'Connected', width: '8rem', cell: since },
    ],
    title: (row) => row.service || row.service_id,
    /** With the names that it takes, which have lists of their own. */
    async one(id, signal) {
      const list = (what) => get(url(`/v1/services/${what}`, { service_id: id, page_size: PAGE }), { signal });
      const [row, rpcs, topics] = await Promise.all([oneOf('service', id, signal), list('rpcs'), list('topics')]);
      return row && { ...row, methods: rpcs.rpcs ?? [], names: topics.topics ?? [] };
    },
    fields: (row) => [['Id', row.service_id], ...fields(row), ['Methods', chips(row.methods)], ['Topics', chips(row.names)]],
  },
};

export const pages = [
  { path: '', name: 'Overview', icon: 'overview', open: overviewPage },
  { path: 'edges', name: 'Edges', icon: 'edges', open: peersPage(kinds.edge) },
  { path: 'services', name: 'Services', icon: 'services', open: peersPage(kinds.service) },
  { path: 'events', name: 'Events', icon: 'events', open: eventsPage },
  { path: 'gateway', name: 'Gateway', icon: 'gateway', open: controlPage },
];
