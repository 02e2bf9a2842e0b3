//! Requests to frontlas, the directory of a cluster.

mod address;
mod channel;
mod discovery;
mod error;
mod greeting;
mod lookups;
mod shown;

pub(crate) use address::Address;
pub(crate) use discovery::{Discovery, endpoint, servicebound};
pub(crate) use error::FrontlasError;
pub(crate) use lookups::Lookups;
pub(crate) use shown::Shown;
#[cfg(feature = "session")]
pub(crate) use {channel::open_with, error::describe};

use crate::credentials::Credentials;
use frontier_api::cluster::cluster_service_client::ClusterServiceClient;
use frontier_api::cluster::{
    Frontier, GetFrontierByEdgeIdRequest, ListFrontiersRequest, Position, WatchKind, WatchRequest,
    WatchResponse,
};
use frontier_protocol::EdgeId;
use frontier_transport::{ClientTls, ProxyChoice, Staggered};
use parking_lot::Mutex;
use shown::ShowError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Code, Response, Status, Streaming};

type Client = ClusterServiceClient<Channel>;

/// How long one replica may take to answer, once its name has been looked up.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a replica is waited for before the next one is asked beside it.
const HEAD_START: Duration = Duration::from_secs(1);

/// For how long requests fail at once after no replica has answered.
const UNREACHABLE_PAUSE: Duration = Duration::from_secs(1);

/// The longest answer, in bytes: a list of all gateways.
const MAX_RESPONSE: usize = 16 * 1024 * 1024;

/// All replicas of frontlas that the user has named.
pub(crate) struct Frontlas {
    replicas: Vec<Replica>,
    /// What each request shows.
    credentials: Credentials,
    /// The one that answered last.
    preferred: AtomicUsize,
    /// How the last request failed, unless one has been answered since.
    failure: Mutex<Option<FrontlasError>>,
    /// Until when requests fail at once, and why.
    unreachable: Mutex<Option<(Instant, FrontlasError)>>,
}

struct Replica {
    address: Address,
    client: Client,
    lookups: Lookups,
}

impl Frontlas {
    /// Connects to nobody yet. Called within a runtime.
    pub(crate) fn new(
        addresses: Vec<Address>,
        tls: &ClientTls,
        proxy: &ProxyChoice,
        credentials: Credentials,
    ) -> Self {
        let replica = |address: Address| {
            let lookups = Lookups::default();
            let channel = channel::open(&address, tls, proxy, &lookups);
            let client = Client::new(channel).max_decoding_message_size(MAX_RESPONSE);
            Replica { address, client, lookups }
        };
        let replicas = addresses.into_iter().map(replica).collect();
        let (failure, unreachable) = (Mutex::new(None), Mutex::new(None));
        Self { replicas, credentials, preferred: AtomicUsize::new(0), failure, unreachable }
    }

    /// Whether each replica is reached over TLS.
    pub(crate) fn is_secured(&self) -> bool {
        self.replicas.iter().all(|replica| replica.address.is_tls)
    }

    /// All gateways.
    pub(crate) async fn frontiers(&self) -> Result<Vec<Frontier>, FrontlasError> {
        let list = |mut client: Client, shown: Shown| async move {
            client.list_frontiers(shown.by(ListFrontiersRequest::default())).await
        };
        Ok(self.request(list).await?.frontiers)
    }

    /// The gateway that an edge is connected to; `None` if it is offline.
    pub(crate) async fn frontier_of(&self, edge: EdgeId) -> Result<Option<Frontier>, FrontlasError> {
        let request = GetFrontierByEdgeIdRequest { edge_id: edge.0 };
        let find = |mut client: Client, shown: Shown| async move {
            client.get_frontier_by_edge(shown.by(request)).await
        };
        match self.request(find).await {
            Ok(found) => Ok(found.frontier),
            Err(FrontlasError::Refused(status)) if status.code() == Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What changes, after a position or from a snapshot on.
    pub(crate) async fn watch(
        &self,
        after: Option<Position>,
        kinds: &[WatchKind],
    ) -> Result<Streaming<WatchResponse>, FrontlasError> {
        let request = WatchRequest { after, kinds: kinds.iter().map(|kind| i32::from(*kind)).collect() };
        let watch = |mut client: Client, shown: Shown| {
            let request = shown.by(request.clone());
            async move { client.watch(request).await }
        };
        self.request(watch).await
    }

    /// Sends a request to one replica after the other until one answers: each has a head start before the next.
    async fn request<T, Fut>(&self, send: impl Fn(Client, Shown) -> Fut) -> Result<T, FrontlasError>
    where
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        if let Some((until, error)) = &*self.unreachable.lock()
            && *until > Instant::now()
        {
            return Err(error.clone());
        }
        let shown = self.shown().await.inspect_err(|error| *self.failure.lock() = Some(error.clone()))?;
        let first = self.preferred.load(Ordering::Relaxed);
        let mut last = FrontlasError::Away("there is no address of frontlas".into());
        let mut is_unreachable = true;
        let places = (0..self.replicas.len()).map(|turn| (first + turn) % self.replicas.len());
        let mut attempts = Staggered::new(places, HEAD_START, |place| {
            let Replica { client, lookups, .. } = &self.replicas[place];
            let answer = lookups.within(REPLICA_TIMEOUT, send(client.clone(), shown.clone()));
            async move {
                let late = || Err(Status::deadline_exceeded("no answer within the timeout"));
                (place, answer.await.unwrap_or_else(late))
            }
        });
        while let Some((place, answer)) = attempts.next().await {
            let address = &self.replicas[place].address;
            match answer {
                Ok(answer) => {
                    self.preferred.store(place, Ordering::Relaxed);
                    (*self.unreachable.lock(), *self.failure.lock()) = (None, None);
                    return Ok(answer.into_inner());
                }
                Err(status) => {
                    is_unreachable &= matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded);
                    let is_throttled = status.code() == Code::ResourceExhausted;
                    last = FrontlasError::new(address, status);
                    let mut failure = self.failure.lock();
                    // Who is refused too often is told that, and no longer why.
                    if !(is_throttled && matches!(*failure, Some(FrontlasError::Refused(_)))) {
                        *failure = Some(last.clone());
                    }
                }
            }
            if let FrontlasError::Refused(_) = last {
                return Err(last);
            }
        }
        if is_unreachable {
            *self.unreachable.lock() = Some((Instant::now() + UNREACHABLE_PAUSE, last.clone()));
        }
        Err(last)
    }

    /// What the next request shows.
    async fn shown(&self) -> Result<Shown, FrontlasError> {
        Shown::of(&self.credentials).await.map_err(|error| match error {
            ShowError::Token(error) => FrontlasError::Away(error.to_string()),
            // It is not repeated.
            ShowError::Characters => FrontlasError::Refused(Status::invalid_argument(
                "the token for frontlas has characters that HTTP has not",
            )),
        })
    }

    /// Why there is no answer so far.
    pub(crate) fn failure(&self) -> String {
        if let Some(failure) = &*self.failure.lock() {
            return failure.to_string();
        }
        unanswered(self.replicas.iter().map(|replica| &replica.address))
    }

    /// The place of the replica that answered last.
    pub(crate) fn preferred(&self) -> usize {
        self.preferred.load(Ordering::Relaxed)
    }

    /// The replica that answered last is of no use for what goes on for long: the next one comes first.
    pub(crate) fn pass_over(&self) {
        let next = (self.preferred.load(Ordering::Relaxed) + 1) % self.replicas.len().max(1);
        self.preferred.store(next, Ordering::Relaxed);
    }
}

/// That there is no answer yet.
fn unanswered<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let addresses: Vec<_> = addresses.into_iter().map(ToString::to_string).collect();
    format!("frontlas has not answered yet: {}", addresses.join(", "))
}
