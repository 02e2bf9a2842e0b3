//! Where sessions are kept.
//!
//! ```text
//!   create ───┐
//!             ▼                         commit
//!          Log ── append, append, … ───────────── append …     complete, complete, …      purge     delete
//!             ▲    (may be lost)    (what is before it is not)  (request out, response in)
//!   acquire ──┘ with what was committed; every earlier Log of the session is fenced off
//! ```
//!
//! A session has one owner at a time: the broker that holds the [`Log`] with the highest [`Fence`]. The others' are answered
//! with [`StoreError::Fenced`], whatever they ask, so a broker that comes back after it was given up harms nothing.

use crate::batch::Commit;
use crate::id::{ClientId, Fence, MessageId, Position, Sequence, SessionId};
use crate::message::{Request, Response};
use crate::settings::Settings;
use std::pin::Pin;
use std::sync::Arc;

/// The future of an operation of a store.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why an operation of a store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another broker has acquired the session, or it was deleted.
    #[error("the session has another owner")]
    Fenced,
    /// There is a session of this id already.
    #[error("there is such a session")]
    Exists,
    /// There is no room. Nothing was done.
    #[error("the store is full")]
    Full,
    /// The store can't promise what it would have to for such a session: why. One line.
    #[error("{0}")]
    Unsupported(String),
    /// The store does not answer, or not as it should. Whether it was done is not known; it may be said again. One
    /// line, without secrets.
    #[error("{0}")]
    Unavailable(String),
    /// What the store gives back is not what was put there, and never will be. One line.
    #[error("{0}")]
    Damaged(String),
}

/// What is left of a session when its broker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing.
    Process,
    /// What was committed of one that is interactive; and of one that is durable, or it is refused.
    Server,
    /// Everything that was committed, once the commit was answered.
    Disk,
}

/// What is kept of a session beside its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// As it was created.
    pub settings: Settings,
    /// Who created it; `None` where nobody is asked.
    pub creator: Option<Arc<str>>,
    /// When, in milliseconds since 1970.
    pub created_at: u64,
    /// What its creator noted, unread: the store's users decide on its form.
    pub notes: Vec<u8>,
}

/// A session whose owner one has become.
pub struct Opened {
    /// Its part of the store.
    pub log: Box<dyn Log>,
    /// What it was created with.
    pub record: SessionRecord,
    /// What was committed, by client.
    pub clients: Vec<Recovered>,
}

/// A client, and what was committed of it.
pub type Recovered = (ClientId, RecoveredClient);

/// What was committed of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveredClient {
    /// Its last commit.
    pub commit: Commit,
    /// The requests that have no response, in their order.
    pub pending: Vec<(Sequence, MessageId)>,
    /// The responses that are there, in their order: of which request, and how many bytes they have.
    pub answered: Vec<(Position, MessageId, usize)>,
    /// How many of its responses are faults, with those that are gone.
    pub failed: u64,
    /// The place of the next response.
    pub next_position: Position,
    /// The responses before it were fetched.
    pub acknowledged: Position,
}

/// A request and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRequest {
    /// Among those of its client.
    pub sequence: Sequence,
    /// As it was sent.
    pub request: Request,
}

/// A response and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// Among those of its client.
    pub position: Position,
    /// As it is given out.
    pub response: Response,
}

/// A request that is answered: it goes, and its response comes, in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Of the request.
    pub sequence: Sequence,
    /// Of the response. Its owner counts them, so a completion may be said again.
    pub position: Position,
    /// The response.
    pub response: Response,
}

/// How much is read at once: at least one item, if there is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The most items.
    pub items: usize,
    /// No more items once these have so many bytes.
    pub bytes: usize,
}

/// Where sessions are kept.
///
/// # Cancel safety
/// A dropped answer leaves the store consistent; whether the operation was done is not known, and it may be said again.
///
/// # Errors
/// Every operation may fail with [`StoreError::Unavailable`].
pub trait Store: Send + Sync + 'static {
    /// What is left of a session when its broker ends.
    fn durability(&self) -> Durability;

    /// Keeps a new session, whose owner the caller becomes.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if there is one of this id, [`StoreError::Full`], [`StoreError::Unsupported`].
    fn create(&self, record: SessionRecord) -> Answer<'_, Box<dyn Log>>;

    /// Makes the caller the owner of a session, whoever was it before. `None` if there is none of this id.
    fn acquire(&self, session: SessionId) -> Answer<'_, Option<Opened>>;

    /// The ids of the sessions that are kept, in order, some at a time: those after `after`.
    fn sessions(&self, after: Option<SessionId>) -> Answer<'_, Vec<SessionId>>;
}

/// The part of a store for one session, of its owner.
///
/// # Cancel safety
/// As for [`Store`].
///
/// # Errors
/// Every operation may fail with [`StoreError::Fenced`] and [`StoreError::Unavailable`], and then changes nothing.
pub trait Log: Send + Sync + 'static {
    /// Its number among the owners of the session.
    fn fence(&self) -> Fence;

    /// Keeps requests, which follow each other and those before them. They may be lost until they are committed: with
    /// `commit` they are at once, in one step.
    ///
    /// # Errors
    /// [`StoreError::Full`]: none of them is kept.
    fn append<'a>(
        &'a self,
        client: &'a ClientId,
        requests: Vec<StoredRequest>,
        commit: Option<Commit>,
    ) -> Answer<'a, ()>;

    /// Has what was appended kept for good, as far as the store keeps anything for good.
    ///
    /// # Errors
    /// [`StoreError::Full`]
    fn commit<'a>(&'a self, client: &'a ClientId, commit: Commit) -> Answer<'a, ()>;

    /// Drops the requests from this place on. They were not committed.
    fn discard<'a>(&'a self, client: &'a ClientId, from: Sequence) -> Answer<'a, ()>;

    /// Requests from this place on that have no response, in their order.
    fn requests<'a>(
        &'a self,
        client: &'a ClientId,
        from: Sequence,
        budget: Budget,
    ) -> Answer<'a, Vec<StoredRequest>>;

    /// Puts responses in the place of their requests. Those that were put before are left as they are. A full store takes
    /// them all the same: what was accepted is answered.
    fn complete<'a>(&'a self, client: &'a ClientId, completions: Vec<Completion>) -> Answer<'a, ()>;

    /// Responses from this place on, in their order.
    fn responses<'a>(
        &'a self,
        client: &'a ClientId,
        from: Position,
        budget: Budget,
    ) -> Answer<'a, Vec<StoredResponse>>;

    /// Notes that the responses before this place were fetched. It never goes back.
    fn acknowledge<'a>(&'a self, client: &'a ClientId, before: Position) -> Answer<'a, ()>;

    /// Drops the responses before this place.
    fn forget<'a>(&'a self, client: &'a ClientId, before: Position) -> Answer<'a, ()>;

    /// Drops a client: its requests, responses and numbers.
    fn purge<'a>(&'a self, client: &'a ClientId) -> Answer<'a, ()>;

    /// Drops the session. Every later operation is answered with [`StoreError::Fenced`].
    fn delete(&self) -> Answer<'_, ()>;
}
