//! What a client was built with.

use crate::connect_error::ConnectError;
use crate::credentials::Credentials;
use crate::stream::StreamConfig;
use bytes::Bytes;
use frontier_protocol::Role;
use frontier_transport::{
    Backoff, DialOptions, Endpoint, HeaderError, LinkConfig, ProxyChoice, ProxyUrlError, Scheme,
    UpgradeHeaders,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a client was built with.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) identity: Identity,
    pub(crate) credentials: Credentials,
    pub(crate) redial: Redial,
    pub(crate) call_timeout: Duration,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) max_handlers: usize,
    pub(crate) receive_queue: usize,
    pub(crate) window_growth: usize,
    pub(crate) bulk_rate: usize,
    /// Whether an edge tells the gateway what methods it answers.
    pub(crate) tells_methods: bool,
    /// Whether a thread of the SDK carries the connection; unless set it depends on the runtime.
    pub(crate) io_thread: Option<bool>,
    /// For how long that thread stays awake after it had something to do.
    pub(crate) spin: Duration,
    /// Of streams that say nothing else.
    pub(crate) stream: StreamConfig,
    #[cfg(feature = "cluster")]
    pub(crate) cluster: ClusterOptions,
}

/// How a client deals with a cluster of gateways.
#[cfg(feature = "cluster")]
#[derive(Clone, Debug)]
pub(crate) struct ClusterOptions {
    /// For frontlas over TLS, if not as for the gateways.
    pub(crate) tls: Option<frontier_transport::ClientTls>,
    /// What is shown to frontlas: nothing unless set, since what is for the gateways is not for it.
    pub(crate) credentials: Credentials,
    /// How many edges' places are remembered.
    pub(crate) edges: usize,
    /// For how long a gateway is kept that is listed no longer.
    pub(crate) removal_grace: Duration,
}

#[cfg(feature = "cluster")]
impl Default for ClusterOptions {
    fn default() -> Self {
        let removal_grace = Duration::from_secs(60);
        Self { tls: None, credentials: Credentials::None, edges: 65_536, removal_grace }
    }
}

/// Who the client says that it is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) role: Role,
    /// The wanted EdgeID or ServiceID, 0 for none in particular.
    pub(crate) id: u64,
    /// A service's name.
    pub(crate) name: String,
    /// A service's topics at the start.
    pub(crate) topics: Vec<String>,
    pub(crate) meta: Bytes,
}

/// Where and how the client connects, and how it leaves.
#[derive(Clone, Debug)]
pub(crate) struct Redial {
    pub(crate) urls: Vec<String>,
    pub(crate) dial: DialOptions,
    pub(crate) proxy: ProxySetting,
    /// Of WebSocket requests, or what is wrong with the first that can't be sent.
    pub(crate) headers: Result<UpgradeHeaders, HeaderError>,
    /// For the whole of the first connect.
    pub(crate) connect_timeout: Duration,
    /// For what is in flight when the user closes.
    pub(crate) close_timeout: Duration,
    pub(crate) backoff: (Duration, Duration),
    /// Whether a lost connection is made anew.
    pub(crate) reconnect: bool,
    /// Whether a client that was connected ends once a gateway refuses it.
    pub(crate) ends_on_refusal: bool,
    /// Whether the gateways that a draining one names will do as well.
    pub(crate) follows: bool,
    /// Whether others may name addresses without TLS to a client that uses it.
    pub(crate) allows_downgrade: bool,
}

/// Through what the user wants to connect.
#[derive(Clone)]
pub(crate) enum ProxySetting {
    /// What the variables of the environment say.
    Environment,
    Direct,
    /// The proxy with this URL.
    To(String),
}

impl ProxySetting {
    /// What it comes to.
    pub(crate) fn choice(&self) -> Result<ProxyChoice, ProxyUrlError> {
        Ok(match self {
            Self::Direct => ProxyChoice::Direct,
            Self::To(url) => ProxyChoice::To(Arc::new(url.parse()?)),
            Self::Environment => ProxyChoice::from_environment(),
        })
    }
}

impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::To(_) => "To(****)",
        })
    }
}

impl Redial {
    /// How many times the longest pause between attempts the pauses grow to where this client is refused.
    const REFUSAL_FACTOR: u32 = 12;

    /// The least ceiling of such a pause, where there is none between other attempts.
    const LEAST_REFUSAL_PAUSE: Duration = Duration::from_millis(10);

    /// The pauses where this client is refused, each at least half of its ceiling: nothing is gained by haste there.
    pub(crate) fn refusal_backoff(&self) -> Backoff {
        let (min, max) = self.backoff;
        let min = min.max(Self::LEAST_REFUSAL_PAUSE);
        Backoff::equal_jitter(min, max.saturating_mul(Self::REFUSAL_FACTOR))
    }
}

impl Options {
    /// With what the user, or the environment, says of proxies and headers, checked.
    pub(crate) fn checked(mut self) -> Result<Self, ConnectError> {
        let Redial { proxy, headers, dial, urls, .. } = &mut self.redial;
        dial.proxy = proxy.choice().map_err(ConnectError::Proxy)?;
        // Of the gateways that are found later, some may still be dialled over QUIC: those are left out with an error.
        if matches!(dial.proxy, ProxyChoice::To(_)) {
            let endpoints = urls.iter().filter_map(|url| url.parse::<Endpoint>().ok());
            if let Some(endpoint) = endpoints.into_iter().find(|endpoint| endpoint.scheme() == Scheme::Quic) {
                return Err(ConnectError::ProxyOverQuic(endpoint.to_string()));
            }
        }
        dial.headers = headers.clone()?;
        Ok(self)
    }

    /// Whether this is an edge that tells the gateway what methods it answers.
    pub(crate) fn tells_methods(&self) -> bool {
        self.tells_methods && self.identity.role == Role::Edge
    }

    pub(crate) fn new(role: Role, url: String) -> Self {
        Self {
            identity: Identity { role, id: 0, name: String::new(), topics: Vec::new(), meta: Bytes::new() },
            credentials: Credentials::None,
            redial: Redial {
                urls: vec![url],
                dial: DialOptions::default(),
                proxy: ProxySetting::Environment,
                headers: Ok(UpgradeHeaders::default()),
                connect_timeout: Duration::from_secs(10),
                close_timeout: Duration::from_secs(5),
                backoff: (Duration::from_millis(100), Duration::from_secs(10)),
                reconnect: true,
                ends_on_refusal: false,
                follows: true,
                allows_downgrade: false,
            },
            call_timeout: Duration::from_secs(30),
            heartbeat: None,
            max_handlers: 1024,
            receive_queue: 1024,
            window_growth: LinkConfig::WINDOW_GROWTH,
            bulk_rate: if role == Role::Edge { LinkConfig::BULK_RATE } else { 0 },
            tells_methods: true,
            io_thread: None,
            spin: Duration::ZERO,
            stream: StreamConfig::default(),
            #[cfg(feature = "cluster")]
            cluster: ClusterOptions::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_pauses_for_minutes_at_last_and_never_not_at_all() {
        let mut redial = Options::new(Role::Edge, String::new()).redial;
        let last = |redial: &Redial| {
            let mut pauses = redial.refusal_backoff();
            (0..20).map(|_| pauses.next_pause()).last().unwrap()
        };
        let minute = Duration::from_secs(60);
        assert!((minute..=2 * minute).contains(&last(&redial)));
        redial.backoff = (Duration::ZERO, Duration::from_millis(10));
        assert!(last(&redial) >= Duration::from_millis(60));
    }

    #[test]
    fn the_bulk_of_an_edge_alone_is_slowed_down_unless_set() {
        let bulk_rate = |role| Options::new(role, String::new()).bulk_rate;
        assert_eq!((bulk_rate(Role::Edge), bulk_rate(Role::Service)), (LinkConfig::BULK_RATE, 0));
    }
}
