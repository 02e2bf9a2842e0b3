// What a gateway tells: who comes and goes, as it happens; and each second how much went through it and how long that took.

import { send } from './api.js';
import { counted } from './format.js';
import { everySecond } from './frames.js';
import { parse, sum } from './metrics.js';
import { Series } from './series.js';
import { follow } from './watch.js';

const WATCH = '/v1/watch?kinds=edges,services,rates&changes_only=true';
const STARTED = 'frontier_requests_started_total';
const ENDED = 'frontier_requests_total';
const is = (kind, direction) => (labels) => labels.kind === kind && labels.direction === direction;
// Not those of the gateway itself.
const ofPeers = ({ direction }) => direction === 'to_service' || direction === 'to_edge';
const ofEdges = (result) => (labels) => labels.side === 'edge' && (!result || labels.result === result);

/** What grows, by the name of its series: each second it is told by how much. */
const GROWS = {
  callsToService: (now) => sum(now, STARTED, is('call', 'to_service')),
  callsToEdge: (now) => sum(now, STARTED, is('call', 'to_edge')),
  messagesToService: (now) => sum(now, STARTED, is('message', 'to_service')),
  messagesToEdge: (now) => sum(now, STARTED, is('message', 'to_edge')),
  streams: (now) => sum(now, STARTED, ({ kind }) => kind === 'stream'),
  failed: (now) => sum(now, ENDED, (labels) => labels.result !== 'ok' && ofPeers(labels)),
  came: (now) => sum(now, 'frontier_handshakes_total', ofEdges('ok')),
  left: (now) => sum(now, 'frontier_disconnects_total', ofEdges()),
};

/** What is so now. */
const IS = {
  inFlight: (now) => sum(now, 'frontier_requests_in_flight', ofPeers),
  streamsOpen: (now) => sum(now, 'frontier_streams_open'),
};

/** What the watch tells of how long calls took. */
const QUANTILES = ['p50', 'p99', 'p999'];
// For so long, in milliseconds, what it has told last is what is so now: it tells each second, but not at the same time as
// the clock of this page.
const TOLD = 1900;

/** Follows until `signal` says stop. */
export function gatewayWatch(live, signal) {
  const names = [...Object.keys(GROWS), ...Object.keys(IS), ...QUANTILES];
  live.rates = Object.fromEntries(names.map((name) => [name, new Series()]));
  live.gateway = null;
  const health = new Health(live);
  const told = { latency: null, at: 0 };
  followPeers(live, health, told, signal);
  return askMetrics(live, health, told, signal);
}

/** Both the watch and the metrics have to be had. */
class Health {
  #live;
  #parts = { watch: ['connecting', ''], metrics: ['connecting', ''] };

  constructor(live) {
    this.#live = live;
  }

  set(part, state, why = '') {
    this.#parts[part] = [state, why];
    const all = Object.values(this.#parts);
    const [worst, reason] = all.find(([it]) => it === 'lost') ?? all.find(([it]) => it === 'connecting') ?? ['live', ''];
    this.#live.setStatus(worst, reason);
  }
}

/** Who comes and goes. */
function followPeers(live, health, told, signal) {
  let hasStood = false;
  live.isFollowed = false;
  const on = {
    event: (name, data) => {
      if (name === 'change') change(live, data);
      else if (name === 'rates') Object.assign(told, { latency: data.latency, at: performance.now() });
      else if (name === 'snapshot' && data.first) {
        // Nobody is in it: it says that changes follow, and if it is not the first one, that some were missed.
        live.isFollowed = true;
        if (hasStood) live.tell('missed');
        hasStood = true;
      }
    },
    state: (state, why) => {
      if (state !== 'live') live.isFollowed = false;
      health.set('watch', state, why);
    },
  };
  follow(() => WATCH, on, signal);
}

function change(live, it) {
  const note = (kind, text, many) => live.note(kind, text, many);
  switch (it.type) {
    case 'edge_online':
      note('edge_online', () => `Edge ${title(it.edge.edge_id, it.edge.meta)} connected from ${it.edge.addr}`, (n) => `${counted(n, 'edge')} connected`);
      return live.tell('edge', { online: it.edge });
    case 'edge_offline':
      note('edge_offline', () => `Edge ${it.edge_id} left`, (n) => `${counted(n, 'edge')} left`);
      return live.tell('edge', { offline: it.edge_id, stamp: it.stamp });
    case 'service_online':
      note('service_online', () => `Service ${title(it.service.service_id, it.service.service)} connected from ${it.service.addr}`, (n) => `${counted(n, 'service')} connected`);
      return live.tell('service', { online: it.service });
    case 'service_offline':
      note('service_offline', () => `Service ${it.service_id} left`, (n) => `${counted(n, 'service')} left`);
      return live.tell('service', { offline: it.service_id, stamp: it.stamp });
    default:
      return undefined;
  }
}

const title = (id, name) => (name ? `${id} (${name})` : id);

/** Asks for the metrics each second. */
function askMetrics(live, health, told, signal) {
  let before = null;
  let isAsking = false;
  const ask = async () => {
    // One that takes long is not asked twice.
    if (isAsking) return;
    isAsking = true;
    try {
      const response = await send('GET', '/metrics', { headers: { accept: 'text/plain' }, signal });
      const now = { at: performance.now(), samples: parse(await response.text()) };
      tell(live, before, now);
      before = now;
      health.set('metrics', 'live');
    } catch (error) {
      if (signal.aborted) return;
      before = null;
      [...Object.keys(GROWS), ...Object.keys(IS)].forEach((name) => live.rates[name].push(NaN));
      health.set('metrics', 'lost', error.message);
    } finally {
      isAsking = false;
    }
    const latency = performance.now() - told.at < TOLD ? told.latency?.all : null;
    QUANTILES.forEach((name) => live.rates[name].push(latency?.[name] ?? NaN));
    live.tick();
  };
  everySecond(ask, signal);
  return ask();
}

function tell(live, before, { at, samples }) {
  live.edges = sum(samples, 'frontier_edges');
  live.services = sum(samples, 'frontier_services');
  live.gateway = {
    version: samples.get('frontier_build_info')?.[0]?.labels.version ?? '',
    start: sum(samples, 'process_start_time_seconds'),
    draining: sum(samples, 'frontier_draining') > 0,
  };
  const seconds = before && (at - before.at) / 1000;
  for (const [name, read] of Object.entries(GROWS)) {
    live.rates[name].push(before ? Math.max(0, (read(samples) - read(before.samples)) / seconds) : NaN);
  }
  for (const [name, read] of Object.entries(IS)) live.rates[name].push(read(samples));
}
