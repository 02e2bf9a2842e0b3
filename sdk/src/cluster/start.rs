//! What a cluster's service is built with, and how it is connected first.

use super::{Cluster, Handle, follower};
use crate::builder::Builder;
use crate::cluster::ClusterService;
use crate::connect_error::ConnectError;
use crate::credentials::Credentials;
use crate::frontlas::{Address, Frontlas};
use crate::status::Closed;
use frontier_protocol::Token;
use frontier_transport::{ClientTls, masked_url};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long the other gateways are waited for once there is a connection to one.
const SETTLE_TIME: Duration = Duration::from_secs(1);

impl<P> Builder<P> {
    /// Whom to trust, and what certificate to show, where frontlas is reached over TLS. Unless set, as for
    /// [`tls`](Self::tls).
    pub fn frontlas_tls(mut self, tls: ClientTls) -> Self {
        self.options.cluster.tls = Some(tls);
        self
    }

    /// Credentials to show frontlas, with a role: `read` is enough. What [`token`](Self::token) gives is for the gateways
    /// alone; where one token is good for both, name it twice. Those given before are forgotten.
    pub fn frontlas_token(mut self, token: impl Into<String>) -> Self {
        self.options.cluster.credentials = Credentials::Token(Token::new(token.into()));
        self
    }

    /// Credentials for frontlas that expire: `source` is asked before each request. When it fails, or takes more than 10
    /// seconds, so has the request.
    pub fn frontlas_token_source<F, Fut, E>(mut self, source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.options.cluster.credentials = Credentials::source(source);
        self
    }
}

impl Builder<ClusterService> {
    /// Of how many edges it is remembered to which frontier they are connected, some 100 bytes each. 65,536
    /// unless set. With 0 edges are not watched, and each call looks for its edge first.
    pub fn edge_cache(mut self, edges: usize) -> Self {
        self.options.cluster.edges = edges;
        self
    }

    /// For how long a connection to a frontier is kept that frontlas lists no longer, if it stands. 60
    /// seconds unless set: an emptied directory must not take the frontiers away, which soon report again.
    pub fn removal_grace(mut self, grace: Duration) -> Self {
        self.options.cluster.removal_grace = grace;
        self
    }

    /// Connects to all frontiers. Returns when there is a connection to each, or to at least one for a second.
    ///
    /// # Errors
    /// [`ConnectError`] if a URL or another option is wrong, all frontiers refuse, or there is no connection
    /// to any within the connect timeout.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is left behind.
    pub async fn connect(self) -> Result<ClusterService, ConnectError> {
        let Self { mut options, handlers, .. } = self;
        let addresses = options
            .redial
            .urls
            .iter()
            .map(|url| Address::parse(url).ok_or_else(|| ConnectError::Frontlas(masked_url(url))));
        let addresses = addresses.collect::<Result<Vec<_>, _>>()?;
        let tls = options.cluster.tls.as_ref().unwrap_or(&options.redial.dial.tls);
        let frontlas = Frontlas::new(addresses, tls, options.cluster.credentials.clone());
        if options.identity.id == 0 {
            // Nobody is there yet who could give one out. Of 63 random bits, as a gateway would.
            options.identity.id = rand::random_range(1..=u64::MAX >> 1);
        }
        let cluster = Arc::new(Cluster::new(options, handlers, frontlas));
        let handle = Handle::new(cluster.clone());
        cluster.life.tasks.spawn(follower::run(cluster.clone()));
        tokio::spawn(finish_when_done(cluster.clone()));
        cluster.settled().await?;
        Ok(ClusterService::new(handle))
    }
}

/// Ends the cluster's service when its tasks have ended.
async fn finish_when_done(cluster: Arc<Cluster>) {
    let life = &cluster.life;
    life.leave.cancelled().await;
    life.tasks.close();
    tokio::select! {
        () = life.kill.cancelled() => {}
        () = life.tasks.wait() => {}
    }
    cluster.finish(Closed::Local);
}

impl Cluster {
    /// Waits until the service is connected, as far as it soon will be.
    async fn settled(&self) -> Result<(), ConnectError> {
        let after = self.options.redial.connect_timeout;
        let start = Instant::now();
        let mut changes = self.members.changes();
        let mut first = None;
        loop {
            changes.mark_unchanged();
            let members = self.members.all();
            let connected = members.iter().filter(|member| member.is_connected()).count();
            let is_settled = |member: &&_| -> bool {
                let member: &Arc<super::member::Member> = member;
                member.is_connected() || member.is_draining() || member.failure().is_some()
            };
            let settled = members.iter().filter(is_settled).count();
            if connected > 0 {
                first = first.or_else(|| Some(Instant::now() + SETTLE_TIME));
                if self.members.is_listed() && settled == members.len() {
                    return Ok(());
                }
            }
            let refusal = members.iter().find_map(|member| member.failure());
            if let Some(error) = refusal
                && connected == 0
                && settled == members.len()
                && !error.is_retryable()
            {
                return Err(error);
            }
            // However late the first came, there is no more time than was given.
            let until = first.into_iter().chain(start.checked_add(after)).min();
            let changed = match until {
                Some(until) => timeout_at(until, changes.changed()).await.is_ok(),
                None => changes.changed().await.is_ok(),
            };
            if !changed {
                return if first.is_some() { Ok(()) } else { Err(self.nobody(after)) };
            }
        }
    }

    /// Why there is no connection to any gateway.
    fn nobody(&self, after: Duration) -> ConnectError {
        let failure = self.members.all().into_iter().find_map(|member| member.failure());
        let last = match failure {
            Some(ConnectError::Timeout { last, .. }) => last,
            Some(error) => error.to_string(),
            None if !self.members.is_listed() => self.frontlas.failure(),
            None if self.members.all().is_empty() => "there is no frontier in the cluster".into(),
            None => "still under way".into(),
        };
        ConnectError::Timeout { after, last, retry_after: None }
    }
}
