//! Calls of requests, from the session to whoever makes them and back.

use crate::id::{ClientId, Sequence};
use crate::message::Outcome;
use crate::store::StoredRequest;

/// A request to be called at a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whose.
    pub client: ClientId,
    /// Which of the lives of that client id.
    pub(crate) life: u64,
    /// The request and its place.
    pub stored: StoredRequest,
    /// How many calls of it have been begun before and have failed.
    pub tries: u32,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The host has answered, or the service has.
    Done(Outcome),
    /// It has failed, and counts as a try; why.
    Failed(String),
    /// It was not begun, or was given back: it does not count.
    GivenBack,
}

/// What there is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call this.
    Take(Taken),
    /// Read requests of this client from the store, from this place on, and hand them in with
    /// [`Session::refill`](crate::Session::refill).
    Fetch(ClientId, Sequence),
    /// Nothing.
    Idle,
}
