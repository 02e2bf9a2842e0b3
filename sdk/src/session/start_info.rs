//! What is said of a session before it is made.

use crate::credentials::Credentials;
use crate::options::ProxySetting;
use frontier_api::broker::CreateSessionRequest;
use frontier_protocol::Token;
use frontier_transport::ClientTls;
use std::fmt;
use std::time::Duration;

/// How long nobody may answer before it is told, unless it is said.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session that is to be made, and how its broker is reached. Nothing is checked before [`Session::create`](crate::Session::create).
#[must_use = "nothing happens before `Session::create`"]
pub struct SessionStartInfo {
    pub(super) url: String,
    pub(super) tls: ClientTls,
    pub(super) proxy: ProxySetting,
    pub(super) credentials: Credentials,
    pub(super) patience: Duration,
    pub(super) request: CreateSessionRequest,
}

impl SessionStartInfo {
    /// At the broker of this URL, `http://host:port` or `https://host:port` (30020 unless said), of this service.
    pub fn new(url: impl Into<String>, service: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            tls: ClientTls::default(),
            proxy: ProxySetting::Environment,
            credentials: Credentials::None,
            patience: PATIENCE,
            request: CreateSessionRequest { service_name: service.into(), ..Default::default() },
        }
    }

    /// Credentials to show the broker.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.credentials = Credentials::Token(Token::new(token.into()));
        self
    }

    /// Credentials that expire: `source` is asked before each request. When it fails, or takes more than 10 seconds, so has the
    /// request.
    pub fn token_source<F, Fut, E>(mut self, source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.credentials = Credentials::source(source);
        self
    }

    /// Whom to trust, and what certificate to show, where the broker is reached over TLS. Without it the CAs of the system are
    /// trusted, and none is shown.
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = tls;
        self
    }

    /// Connects through a proxy, as [`Builder::proxy`](crate::Builder::proxy) has it. Unless set, the environment says which.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxySetting::To(url.into());
        self
    }

    /// Connects without a proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxySetting::Direct;
        self
    }

    /// How long no broker may answer before it is told. 60 seconds unless set.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The fewest units that it would like to have, for those who add hosts. 0 unless set.
    pub fn minimum_units(mut self, units: u32) -> Self {
        self.request.minimum_units = i32::try_from(units).unwrap_or(i32::MAX);
        self
    }

    /// The most calls at once, without those that are kept ready at hosts. 0, unless set, for no limit.
    pub fn maximum_units(mut self, units: u32) -> Self {
        self.request.maximum_units = i32::try_from(units).unwrap_or(i32::MAX);
        self
    }

    /// 0 to 4000, 2000 unless set: each 500 more is twice as much of the time of hosts, as long as others wait for them.
    pub fn priority(mut self, priority: u16) -> Self {
        self.request.priority = Some(priority.into());
        self
    }

    /// A label that its hosts must have. The version of a host is the label `version`.
    pub fn pool(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.pool.insert(label.into(), value.into());
        self
    }

    /// A node whose hosts it would rather be computed at, as long as they take more at once: at most 16 of them. Where they do
    /// not, or are not there, it is computed at others.
    pub fn preferred_node(mut self, node: impl Into<String>) -> Self {
        self.request.preferred_nodes.push(node.into());
        self
    }

    /// A label of hosts that it would rather be computed at, in the same way; of several, a host has to have all.
    pub fn preferred_pool(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.preferred_pool.insert(label.into(), value.into());
        self
    }

    /// Stays at the host that was used last while that takes more. It does not unless set.
    pub fn sticky(mut self, sticky: bool) -> Self {
        self.request.sticky = sticky;
        self
    }

    /// Whether others than its creator may use it. They may not unless set.
    pub fn share_session(mut self, share: bool) -> Self {
        self.request.share_session = share;
        self
    }

    /// How long it lasts without a client. As the broker has it, unless set.
    pub fn session_idle_timeout(mut self, time: Duration) -> Self {
        self.request.session_idle_timeout = time.try_into().ok();
        self
    }

    /// How long a client lasts that does nothing and for which nothing is done. As the broker has it, unless set.
    pub fn client_idle_timeout(mut self, time: Duration) -> Self {
        self.request.client_idle_timeout = time.try_into().ok();
        self
    }

    /// How long the first client may take to come. As the broker has it, unless set.
    pub fn client_connection_timeout(mut self, time: Duration) -> Self {
        self.request.client_connection_timeout = time.try_into().ok();
        self
    }

    /// How long one call on a host may take. As the broker has it, unless set.
    pub fn service_operation_timeout(mut self, time: Duration) -> Self {
        self.request.service_operation_timeout = time.try_into().ok();
        self
    }

    /// Something to find again with the session.
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.properties.insert(name.into(), value.into());
        self
    }
}

impl fmt::Debug for SessionStartInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStartInfo").field("request", &self.request).finish_non_exhaustive()
    }
}
