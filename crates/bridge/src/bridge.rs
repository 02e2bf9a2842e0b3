//! The bridge as a whole: its port, its channels, and who is served there.

use crate::channel::Channel;
use crate::counters::{ChannelCounts, Refusal, Refusals};
use crate::deflate::Deflater;
use crate::places::Places;
use crate::pump::{Inbox, Pump};
use crate::routes;
use crate::settings::{BridgeConfig, SessionSettings};
use crate::visitor::{Door, TurnedAway};
use frontier_access::{Access, LogLimiter};
use frontier_admin::{BindError, Probe, Server, admit_line};
use frontier_transport::ServerTls;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

/// How long what is in flight may go on when nobody is served any more.
const GRACE: Duration = Duration::from_secs(2);

/// How many lines a second the log has of those who are turned away.
const LINES_PER_SECOND: u32 = 10;

/// What the bridge is asked to go by, as of now.
pub struct Policy {
    /// Who may come, under the name [`PLANE`](crate::PLANE), and what they may see.
    pub access: Arc<dyn Fn() -> Arc<Access> + Send + Sync>,
    /// Whether those who are here are judged again when that changes, or their credentials expire.
    pub enforce: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) topics: BTreeMap<String, Arc<Channel>>,
    pub(crate) flat: Vec<Arc<Channel>>,
    pub(crate) door: Door,
    pub(crate) places: Arc<Places>,
    pub(crate) sessions: Arc<SessionSettings>,
    pub(crate) tasks: TaskTracker,
    pub(crate) kill: CancellationToken,
    pub(crate) refusals: Refusals,
    refused: LogLimiter,
}

/// The port, open; subscribers wait until [`run`](Self::run).
pub struct Bridge<T> {
    server: Server,
    shared: Arc<Shared>,
    pumps: Vec<Pump<T>>,
}

/// What can be done with a bridge while it runs. Cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl<T: Send + 'static> Bridge<T> {
    /// Listens, and makes an inbox for each topic.
    ///
    /// # Errors
    /// [`BindError`] if the address can't be listened on.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(
        config: &BridgeConfig,
        policy: Policy,
    ) -> Result<(Self, BTreeMap<String, Inbox<T>>), BindError> {
        let server = Server::bind("bridge", &config.server)?;
        let deflater = Arc::new(Deflater::new());
        let (limits, topics, flat) = (config.channel, config.topics.iter(), config.flat.iter());
        let topics = topics
            .map(|topic| (topic.name.clone(), Arc::new(Channel::of_topic(topic, limits, deflater.clone()))));
        let topics: BTreeMap<_, _> = topics.collect();
        let flat = flat.map(|flat| Arc::new(Channel::of_flat(flat, limits, deflater.clone())));
        let flat: Vec<_> = flat.collect();
        let (mut pumps, mut inboxes) = (Vec::new(), BTreeMap::new());
        for name in config.topic_names() {
            let of_flat = flat.iter().filter(|channel| channel.topics.iter().any(|topic| topic == name));
            let channels = topics.get(name).into_iter().chain(of_flat);
            let (pump, inbox) = Pump::new(channels.cloned().collect(), config.pace);
            pumps.push(pump);
            inboxes.insert(name.to_owned(), inbox);
        }
        let Policy { access, enforce } = policy;
        let shared = Arc::new(Shared {
            topics,
            flat,
            door: Door {
                access,
                origins: config.allowed_origins.clone(),
                tickets: crate::tickets::Tickets::default(),
            },
            places: Places::new(config.subscribers, config.subscribers_per_address),
            sessions: Arc::new(SessionSettings {
                heartbeat: config.server.keepalive,
                handshake_timeout: config.server.handshake_timeout,
                compression: config.compression,
                enforce,
            }),
            tasks: TaskTracker::new(),
            kill: CancellationToken::new(),
            refusals: Refusals::default(),
            refused: LogLimiter::new(LINES_PER_SECOND),
        });
        let gate = shared.clone();
        let server = server.gate(move |caller, request| routes::gate(&gate, caller, request));
        let server = server.public(routes::is_public);
        Ok((Self { server, shared, pumps }, inboxes))
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Its TLS, if there is any, to be changed while it runs.
    #[must_use]
    pub fn tls(&self) -> Option<ServerTls> {
        self.server.tls()
    }

    /// What can be done with it while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(self.shared.clone())
    }

    /// Serves until `stop`: then subscribers are told to connect again, and let go. Messages are taken, and their
    /// receipts given to `confirm`, for as long as this is not dropped and there is an inbox.
    pub async fn run(
        self,
        probe: Probe,
        stop: CancellationToken,
        confirm: impl Fn(&mut Vec<T>) + Clone + Send + 'static,
    ) {
        let Self { server, shared, pumps } = self;
        let mut pumping = JoinSet::new();
        for pump in pumps {
            pumping.spawn(pump.run(confirm.clone()));
        }
        let ending = async {
            stop.cancelled().await;
            shared.channels().for_each(|channel| channel.close());
            shared.tasks.close();
            if tokio::time::timeout(GRACE, shared.tasks.wait()).await.is_err() {
                shared.kill.cancel();
                shared.tasks.wait().await;
            }
        };
        let router = routes::routes(&shared);
        tokio::join!(server.run(router, probe, stop.clone(), GRACE), ending);
        while pumping.join_next().await.is_some() {}
    }
}

impl Shared {
    pub(crate) fn channels(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.topics.values().chain(&self.flat)
    }

    /// Counts and logs somebody who is turned away.
    pub(crate) fn note(&self, addr: SocketAddr, turned_away: &TurnedAway) {
        let TurnedAway { why, error } = turned_away;
        self.refusals.note(*why);
        if let Some(suppressed) = admit_line(&self.refused) {
            let reason = frontier_access::PeerText(error);
            warn!(%addr, why = why.as_str(), %reason, suppressed, "turned a subscriber of the bridge away");
        }
    }
}

impl Handle {
    /// Has all subscribers come again, to be judged anew.
    pub fn end_all(&self) {
        self.0.channels().for_each(|channel| channel.end_all());
    }

    /// What is counted of each topic, and of each flat path.
    #[must_use]
    pub fn counts(&self) -> Vec<(&str, ChannelCounts)> {
        self.0.channels().map(|channel| (channel.name.as_str(), channel.counters.counts())).collect()
    }

    /// What is kept of messages, of all topics and paths, in bytes: the last ones, and the last of each key.
    #[must_use]
    pub fn kept(&self) -> [usize; 2] {
        let sizes =
            self.0.channels().map(|it| it.look(|kept| [kept.history.size(), kept.last_values.size()]));
        sizes.fold([0, 0], |sum, size| [sum[0] + size[0], sum[1] + size[1]])
    }

    /// How many were turned away, by why.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Refusal::ALL.into_iter().map(|why| (why.as_str(), self.0.refusals.count(why)))
    }
}

impl<T> std::fmt::Debug for Bridge<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bridge").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
