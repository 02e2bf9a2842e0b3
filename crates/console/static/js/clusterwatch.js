// What frontlas tells of the cluster, as counts: the console does not keep who is where.

import { get, url } from './api.js';
import { counted } from './format.js';
import { everySecond } from './frames.js';
import { follow, open } from './watch.js';

// How often, in seconds, gateways are counted anew. What is told in between is added.
const RECOUNT = 3;
// For how many seconds a move between two gateways is shown.
const MOVES_SHOWN = 4;

/** Follows the cluster until `signal` says stop. */
export function clusterWatch(live, signal) {
  const cluster = new ClusterState(live);
  let seconds = 0;
  everySecond(() => {
    cluster.tick();
    seconds += 1;
    if (seconds % RECOUNT === 0 && live.status.state === 'live') recount(cluster, signal).catch(() => {});
  }, signal);
  const on = {
    event: (name, data) => { if (name === 'change') cluster.change(data); },
    state: (state, why) => live.setStatus(state, why),
  };
  let hasStood = false;
  const path = async (last) => {
    const after = last || await position(signal);
    // From a new beginning: what was told before is not all that has happened.
    if (hasStood && !last) live.tell('missed');
    hasStood = true;
    await recount(cluster, signal);
    return url('/cluster/v1/watch', { after });
  };
  return follow(path, on, signal);
}

/** Where the history is now. A watch of gateways alone begins with few records; one of all would with everybody. */
async function position(signal) {
  for await (const { id } of open('/cluster/v1/watch?kinds=frontiers', signal)) {
    if (id) return id;
  }
  throw new Error('the watch has ended before its snapshot was whole');
}

async function recount(cluster, signal) {
  cluster.recount((await get('/cluster/v1/frontiers', { signal })).frontiers);
}

/** Gateways with their loads, and what moves between them. */
class ClusterState {
  #live;
  #moves = new Map();

  constructor(live) {
    this.#live = live;
    live.frontiers = new Map();
    live.moves = [];
  }

  recount(frontiers) {
    const known = this.#live.frontiers;
    const found = new Map();
    for (const it of frontiers) {
      found.set(it.frontier_id, { ...record(it), edges: Number(it.edge_count), services: Number(it.service_count) });
    }
    const isOther = known.size !== found.size || [...found.keys()].some((id) => !known.has(id));
    this.#live.frontiers = found;
    this.#sum();
    if (isOther) this.#live.tell('frontiers');
  }

  change(change) {
    const { counters } = this.#live;
    const note = (kind, text, many) => this.#live.note(kind, text, many);
    switch (change.type) {
      case 'frontier_online': return this.#frontier(change.frontier);
      case 'frontier_offline':
        this.#live.frontiers.delete(change.frontier_id);
        note('frontier_offline', () => `Gateway ${change.frontier_id} has gone`, (n) => `${n} gateways have gone`);
        // Who was there has gone with it; nobody tells of each.
        this.#live.tell('frontier_gone', change.frontier_id);
        return this.#live.tell('frontiers');
      case 'edge_online': {
        const { edge, former_frontier_id: former } = change;
        this.#add('edges', edge.frontier_id, 1);
        if (former && former !== edge.frontier_id) this.#move(edge, former);
        else if (!former) {
          counters.came.add();
          note('edge_online', () => `Edge ${edge.edge_id} connected to ${edge.frontier_id}`, (n) => `${counted(n, 'edge')} connected`);
        } else this.#add('edges', former, -1);
        return this.#live.tell('edge', { online: edge });
      }
      case 'edge_offline':
        this.#add('edges', change.frontier_id, -1);
        counters.left.add();
        note('edge_offline', () => `Edge ${change.edge_id} left ${change.frontier_id}`, (n) => `${counted(n, 'edge')} left`);
        return this.#live.tell('edge', { offline: change.edge_id, stamp: change.stamp });
      case 'service_online': {
        const { service, former_frontier_id: former } = change;
        this.#add('services', service.frontier_id, 1);
        if (former) this.#add('services', former, -1);
        note('service_online', () => `Service ${title(service)} connected to ${service.frontier_id}`, (n) => `${counted(n, 'service')} connected`);
        return this.#live.tell('service', { online: service });
      }
      case 'service_offline':
        this.#add('services', change.frontier_id, -1);
        note('service_offline', () => `Service ${change.service_id} left ${change.frontier_id}`, (n) => `${counted(n, 'service')} left`);
        return this.#live.tell('service', { offline: change.service_id, stamp: change.stamp });
      default:
        return undefined;
    }
  }

  tick() {
    const moves = [];
    for (const [key, move] of this.#moves) {
      move.recent.push(move.now);
      if (move.recent.length > MOVES_SHOWN) move.recent.shift();
      move.now = 0;
      const number = move.recent.reduce((sum, it) => sum + it, 0);
      if (number === 0) this.#moves.delete(key);
      else moves.push({ from: move.from, to: move.to, rate: number / MOVES_SHOWN });
    }
    this.#live.moves = moves;
    this.#sum();
    this.#live.tick();
  }

  #frontier(it) {
    const known = this.#live.frontiers.get(it.frontier_id);
    const change = record(it);
    // A gateway that comes is told of without loads, as one that drains is.
    this.#live.frontiers.set(it.frontier_id, { edges: 0, services: 0, ...known, ...change });
    const words = change.draining ? 'drains' : known ? 'has come again' : 'has come';
    this.#live.note(`frontier_${change.draining ? 'draining' : 'online'}`, () => `Gateway ${it.frontier_id} ${words}`, (n) => `${n} gateways: ${words}`);
    this.#live.tell('frontiers');
  }

  #move(edge, former) {
    this.#add('edges', former, -1);
    this.#live.counters.moved.add();
    const key = JSON.stringify([former, edge.frontier_id]);
    if (!this.#moves.has(key)) this.#moves.set(key, { from: former, to: edge.frontier_id, now: 0, recent: [] });
    this.#moves.get(key).now += 1;
    this.#live.note(
      `moved ${key}`,
      () => `Edge ${edge.edge_id} moved from ${former} to ${edge.frontier_id}`,
      (n) => `${counted(n, 'edge')} moved from ${former} to ${edge.frontier_id}`,
    );
  }

  #add(what, id, number) {
    const frontier = this.#live.frontiers.get(id);
    if (frontier) frontier[what] = Math.max(0, frontier[what] + number);
  }

  #sum() {
    let [edges, services] = [0, 0];
    for (const it of this.#live.frontiers.values()) {
      edges += it.edges;
      services += it.services;
    }
    this.#live.edges = edges;
    this.#live.services = services;
  }
}

const title = (service) => service.service || service.service_id;

const record = (it) => ({
  id: it.frontier_id,
  draining: it.draining,
  forwarding: it.forwarding,
  edgeUrl: it.advertised_eb_url || it.advertised_eb_addr,
  serviceUrl: it.advertised_sb_url || it.advertised_sb_addr,
});
