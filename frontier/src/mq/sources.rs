//! Messages of brokers for edges and services: each consumer of `mq` is a source, and asks the exchange as a part of the
//! gateway.
//!
//! ```text
//!   broker ─▶ Source ─▶ Courier ─▶ exchange ─▶ edge, service
//!      ▲         ▲                     │
//!      └─ ack ───┴── Replies ◀── ack ──┘
//! ```

use super::courier::Courier;
use frontier_exchange::{Exchange, Identity, Peer, RegistrationError, Seat, Stage};
use frontier_mq::{Source, SourceConfig};
use frontier_protocol::EdgeId;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

/// How long a source that is changed or taken away waits for those who have its messages.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The sources of a gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Sources(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    exchange: Arc<Exchange>,
    state: Mutex<State>,
    /// One change after the other: a source ends before another one of its name begins.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    running: Vec<Arc<Running>>,
    /// What they run by, or will.
    wanted: Vec<SourceConfig>,
    /// Where they run; `None` before the start and after the end.
    runtime: Option<Handle>,
}

#[derive(Debug)]
struct Running {
    source: Arc<Source>,
    /// Whether the broker gives out again what was not acked.
    gives_out_again: bool,
    /// What it was started with, as text: what differs there is another source.
    config: String,
    exchange: Arc<Exchange>,
    asks_services: Arc<Peer>,
    seat: Seat,
}

impl Sources {
    pub(crate) fn new(exchange: &Arc<Exchange>, configs: &[SourceConfig]) -> Self {
        let state = State { wanted: configs.to_vec(), ..State::default() };
        let changing = tokio::sync::Mutex::new(());
        Self(Arc::new(Shared { exchange: exchange.clone(), state: Mutex::new(state), changing }))
    }

    /// Starts them, whether their brokers are there or not.
    pub(crate) async fn start(&self) {
        self.0.state.lock().runtime = Some(Handle::current());
        self.apply().await;
    }

    /// These hold from here on: what is the same goes on, the rest ends, and what is new starts. Blocks nobody.
    pub(crate) fn replace(&self, configs: &[SourceConfig]) {
        let runtime = {
            let mut state = self.0.state.lock();
            state.wanted = configs.to_vec();
            state.runtime.clone()
        };
        if let Some(runtime) = runtime {
            let sources = self.clone();
            runtime.spawn(async move { sources.apply().await });
        }
    }

    async fn apply(&self) {
        let _changing = self.0.changing.lock().await;
        let (ending, wanted) = {
            let mut state = self.0.state.lock();
            if state.runtime.is_none() {
                return;
            }
            let wanted: Vec<(String, SourceConfig)> =
                state.wanted.iter().map(|config| (fingerprint(config), config.clone())).collect();
            let is_kept = |it: &Arc<Running>| wanted.iter().any(|(config, _)| *config == it.config);
            let (kept, ending): (Vec<_>, Vec<_>) = state.running.drain(..).partition(is_kept);
            state.running = kept;
            (ending, wanted)
        };
        for running in &ending {
            info!(source = running.source.name(), "it is configured no more, or otherwise");
        }
        stop(ending, STOP_TIMEOUT).await;
        for (text, config) in wanted {
            let is_there = |running: &Arc<Running>| running.config == text;
            if self.0.state.lock().running.iter().any(is_there) {
                continue;
            }
            match start(&self.0.exchange, &config, text.clone()) {
                Ok(running) => {
                    info!(source = &*config.name, "messages come from a broker");
                    let mut state = self.0.state.lock();
                    // It may be closing meanwhile.
                    if state.runtime.is_some() {
                        state.running.push(Arc::new(running));
                    }
                }
                Err(cause) => error!(source = &*config.name, "nothing comes from its broker: {cause}"),
            }
        }
    }

    /// The sources, for whoever asks how they are.
    pub(crate) fn all(&self) -> Vec<Arc<Source>> {
        self.0.state.lock().running.iter().map(|running| running.source.clone()).collect()
    }

    /// Reads no more, waits until those who have messages have answered, or `within` has passed, and leaves the brokers.
    pub(crate) async fn close(&self, within: Duration) {
        let running = {
            let mut state = self.0.state.lock();
            state.runtime = None;
            std::mem::take(&mut state.running)
        };
        stop(running, within).await;
    }
}

async fn stop(running: Vec<Arc<Running>>, within: Duration) {
    let mut closing = JoinSet::new();
    for running in running {
        closing.spawn(async move {
            let left = running.source.close(within).await;
            if left > 0 {
                let source = running.source.name();
                match running.gives_out_again {
                    true => {
                        warn!(
                            source,
                            messages = left,
                            "not delivered: the broker gives these messages out again"
                        );
                    }
                    false => warn!(source, messages = left, "not delivered: these messages are lost"),
                }
            }
        });
    }
    closing.join_all().await;
}

fn start(exchange: &Arc<Exchange>, config: &SourceConfig, text: String) -> Result<Running, String> {
    let mut courier = None;
    let source = Source::start(config, |handle| {
        let new = Courier::new(exchange.clone(), handle);
        courier = Some(new.clone());
        Arc::new(new)
    });
    let source = source.map_err(|error| error.to_string())?;
    let courier = courier.ok_or("it has no courier")?;
    let id = crate::session::unused_service_id(exchange);
    let identity = Identity::Service { id, name: format!("mq:{}", config.name).into() };
    let peer = |identity, outlet| {
        let peer = Peer::new(identity, exchange.next_epoch(), None, outlet, super::NO_SILENCE_LIMIT);
        Arc::new(peer.of_gateway())
    };
    let asks_edges = peer(identity, courier.outlet(false));
    // No edge: nothing reaches it, and in whose name it asks it says each time.
    let asks_services = peer(Identity::Edge { id: EdgeId(0), meta: "".into() }, courier.outlet(true));
    asks_services.advance(Stage::Online);
    courier.set_peers(&asks_edges, &asks_services);
    let joined = exchange.join_service(&asks_edges, &[], &[]);
    let (seat, _) = joined.map_err(|error: RegistrationError| error.to_string())?;
    let (source, exchange) = (Arc::new(source), exchange.clone());
    let gives_out_again = config.backend.gives_out_again();
    Ok(Running { source, gives_out_again, config: text, exchange, asks_services, seat })
}

/// What a source is started with. Secrets show nothing of themselves: what stands for them does.
fn fingerprint(config: &SourceConfig) -> String {
    format!("{config:?} {}", config.secrets)
}

impl Drop for Running {
    fn drop(&mut self) {
        self.exchange.leave(&self.asks_services, &[]);
        let _ = &self.seat;
    }
}

/// One line for each broker that is away, and for dead letters that can't be written.
pub(crate) fn complaints(sources: &[Arc<Source>]) -> Vec<String> {
    let complaint = |source: &Arc<Source>| {
        let (name, status) = (source.name(), source.status());
        let away = status.away.map(|(since, cause)| {
            format!("the broker of mq:{name} is not connected for {} s: {cause}", since.as_secs())
        });
        let waits = status
            .dead_letters_wait
            .map(|why| format!("the dead letters of mq:{name} can't be written: {why}"));
        [away, waits]
    };
    sources.iter().flat_map(complaint).flatten().collect()
}
