//! Who is there, for whoever looks at Redis: `vtox:services`, `vtox:heartbeats` and `vtox:coordinator:worker_loads`. Readings are not
//! given out by it: that the gateway does by what each worker has in flight.

use crate::fault::Fault;
use crate::load::{self, Load};
use crate::score::rounded;
use crate::store::Store;
use crate::streams::{KEPT_METRICS, METRICS, add, epoch, now};
use redis::{Pipeline, cmd, pipe};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

const SERVICES: &str = "vtox:services";
const HEARTBEATS: &str = "vtox:heartbeats";
const LOADS: &str = "vtox:coordinator:worker_loads";

/// How often it gives a sign of life.
const INTERVAL: Duration = Duration::from_secs(5);

/// After so many seconds without one a service is dead.
const DEAD_AFTER: u32 = 120;

/// Takes out whoever is dead, in one step with looking for it. A field of the services is the id, or name and id.
const EXPIRE: &str = "
local expired = 0
local services = redis.call('HGETALL', KEYS[1])
for at = 1, #services, 2 do
  local is_json, service = pcall(cjson.decode, services[at + 1])
  if not is_json or type(service) ~= 'table' then service = {} end
  local id = type(service.service_id) == 'string' and service.service_id or string.match(services[at], '[^:]*$')
  local beat = tonumber(redis.call('HGET', KEYS[2], id)) or tonumber(service.last_heartbeat)
  if beat and beat < ARGV[1] - ARGV[2] then
    redis.call('HDEL', KEYS[1], services[at])
    redis.call('HDEL', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
    expired = expired + 1
  end
end
return expired";

/// How a worker is listed.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    id: String,
    capabilities: Vec<&'static str>,
    since: f64,
}

/// The list.
#[derive(Clone)]
pub(crate) struct Registry {
    store: Store,
    own: Registration,
}

impl Registration {
    pub(crate) fn new(id: &str, faults: &[Fault]) -> Self {
        let capabilities = faults.iter().map(|fault| fault.name()).collect();
        Self { id: id.to_owned(), capabilities, since: epoch() }
    }

    fn service(&self, at: f64) -> Value {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        json!({
            "service_id": self.id, "service_type": "worker", "service_name": "diagnosis", "host": host.trim(),
            // It listens nowhere: it has dialled the gateway.
            "port": 0, "status": "healthy", "capabilities": self.capabilities, "metadata": {},
            "last_heartbeat": at, "registered_at": self.since, "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

impl Registry {
    pub(crate) fn new(store: Store, own: Registration) -> Self {
        Self { store, own }
    }

    /// Gives signs of life, with what there is to do, for as long as this is polled.
    pub(crate) async fn keep(self, load: Arc<Load>) {
        let mut interval = tokio::time::interval(INTERVAL);
        loop {
            interval.tick().await;
            if let Err(error) = self.store.ask_all::<()>(&self.sign(&load)).await {
                warn!("the registry is not written: {error}");
            }
        }
    }

    /// Is there no longer.
    pub(crate) async fn leave(&self) {
        let mut leave = pipe();
        leave.atomic();
        for key in [SERVICES, HEARTBEATS, LOADS] {
            leave.hdel(key, &self.own.id).ignore();
        }
        // Whoever is not heard of is dead soon.
        let _: Result<(), _> = self.store.ask_all(&leave).await;
    }

    fn sign(&self, load: &Load) -> Pipeline {
        let (id, at, done) = (&self.own.id, epoch(), load.take_done());
        let (count, micros) = done.iter().fold((0, 0), |(count, micros), it| {
            (count + it.count, micros + it.mean.as_micros() * u128::from(it.count))
        });
        let mean =
            Duration::from_micros(u64::try_from(micros / u128::from(count).max(1)).unwrap_or(u64::MAX));
        let of_worker = json!({
            "current_tasks": load.in_flight(), "pending_messages": load.in_flight(),
            "avg_processing_time": rounded(1000.0 * mean.as_secs_f64()), "success_rate": rounded(load.success_rate()),
            "cpu_usage": rounded(load.cpu()), "memory_usage": rounded(load::memory()), "last_updated": at,
        });
        let mut sign = pipe();
        sign.atomic();
        sign.hset(SERVICES, id, self.own.service(at).to_string()).ignore();
        sign.hset(HEARTBEATS, id, at.to_string()).ignore();
        sign.hset(LOADS, id, of_worker.to_string()).ignore();
        let mut expire = cmd("EVAL");
        expire.arg(EXPIRE).arg(3).arg(SERVICES).arg(HEARTBEATS).arg(LOADS).arg(at).arg(DEAD_AFTER);
        sign.add_command(expire).ignore();
        for done in done {
            let fields = [
                ("metric_type", "processing_time".to_owned()),
                ("fault_type", done.fault.name().to_owned()),
                ("consumer_id", format!("{id}_{}_consumer", done.fault.name())),
                ("processing_time", format!("{:.6}", done.mean.as_secs_f64())),
                ("timestamp", now()),
                ("messages_processed", done.count.to_string()),
            ];
            sign.add_command(add(METRICS, KEPT_METRICS, &fields)).ignore();
        }
        sign
    }
}
