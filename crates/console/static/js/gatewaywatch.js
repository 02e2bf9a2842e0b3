// What a gateway measures, asked for each second: how much went through it since, how long it took, who came and left.

import { send } from './api.js';
import { everySecond } from './frames.js';
import { buckets, parse, quantile, sum } from './metrics.js';
import { Series } from './series.js';

const STARTED = 'frontier_requests_started_total';
const ENDED = 'frontier_requests_total';
const TOOK = 'frontier_request_duration_seconds';
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

const QUANTILES = { p50: 0.5, p99: 0.99, p999: 0.999 };

/** Asks each second until `signal` says stop. */
export function gatewayWatch(live, signal) {
  const names = [...Object.keys(GROWS), ...Object.keys(IS), ...Object.keys(QUANTILES)];
  live.rates = Object.fromEntries(names.map((name) => [name, new Series()]));
  live.gateway = null;
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
      live.setStatus('live');
    } catch (error) {
      if (signal.aborted) return;
      before = null;
      names.forEach((name) => live.rates[name].push(NaN));
      live.setStatus('lost', error.message);
    } finally {
      isAsking = false;
    }
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
  const calls = (labels) => labels.kind === 'call' && ofPeers(labels);
  const now = buckets(samples, TOOK, calls);
  const then = before ? buckets(before.samples, TOOK, calls) : now;
  for (const [name, share] of Object.entries(QUANTILES)) live.rates[name].push(quantile(share, then, now));
}
