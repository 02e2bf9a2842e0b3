//! How a client stands, and how much of what it has.

/// How a client stands.
///
/// ```text
///   Connected ──end──▶ EndRequests ──all are answered──▶ AllRequestsDone ──a response is fetched──▶ GettingResponses
///       │                                                      │                                        │
///       └──────────────────────────── nothing happens for a time ───────────────────────────────────────┴──▶ Disconnected
/// ```
///
/// One that is disconnected is connected again by whatever it does, to the state that its requests are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientState {
    /// It sends requests.
    Connected,
    /// It sends no more, and some are not answered.
    EndRequests,
    /// All are answered.
    AllRequestsDone,
    /// And some of the responses were fetched since.
    GettingResponses,
    /// It has not been heard of for a time.
    Disconnected,
}

/// How much of what a client has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCounts {
    /// Requests that have come.
    pub received: u64,
    /// Of these, those that are not committed.
    pub uncommitted: u64,
    /// Those that wait for a host.
    pub queued: u64,
    /// Those that are at a host.
    pub running: u64,
    /// Those that are answered, by a fault or otherwise.
    pub answered: u64,
    /// Those that are answered by a fault.
    pub failed: u64,
    /// Responses that were not fetched.
    pub unfetched: u64,
}
