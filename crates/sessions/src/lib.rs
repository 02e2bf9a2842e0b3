//! Work sessions, as HPC Pack has them: clients send batches of requests, hosts compute them, clients fetch the responses.
//!
//! ```text
//!              send, flush, end ┌─────────┐ offered     ┌────────────┐
//!   clients ───────────────────▶│ Session │────────────▶│ Dispatcher │◀── hosts join, drain, leave
//!           ◀───────────────────│         │◀────────────│            │
//!                     responses └────┬────┘      grants └────────────┘
//!                                    │ append, commit, complete
//!                               ┌────▼────┐
//!                               │   Log   │ of a Store
//!                               └─────────┘
//! ```
//!
//! Nothing here opens a socket, reads a clock or spawns a task: time is passed in, and what is decided is returned, for the
//! broker to do.
//!
//! - [`Session`] is one session: its state and timers, the [`Client`]s that send to it, and what of theirs is to be
//!   dispatched. It holds numbers and message ids; bodies are in the store.
//! - [`Dispatcher`] shares the hosts of one service among its sessions: who is next, and on which host.
//! - [`Store`] is where sessions are kept, and [`Log`] the part of it for one of them; [`MemoryStore`] is one. Every store
//!   passes the tests of `contract`, a module that the feature of that name has; [`codec`] has what they keep as bytes.
//! - [`ScalingRule`] says how many hosts there should be.
//! - [`Fault`] is why something was refused, with its code, as clients see it.

mod batch;
mod bodies;
mod client;
pub mod codec;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod dispatcher;
mod fault;
mod id;
mod limits;
mod memory;
mod message;
mod scaling;
mod session;
mod settings;
mod store;
mod throttle;

pub use batch::{Batch, Commit};
pub use bodies::gather;
pub use client::{Client, ClientCounts, ClientState, EndOfResponses, EndReason, Next, Taken, Verdict};
pub use dispatcher::{
    AttemptId, Balance, DispatchConfig, Dispatcher, Ending, Figures, Grant, HedgeConfig, Host, HostKey,
    HostState, Labels, SessionPlan,
};
pub use fault::{Category, Fault, FaultCode};
pub use id::{BatchId, ClientId, Fence, MessageId, Position, Sequence, SessionId};
pub use limits::Limits;
pub use memory::MemoryStore;
pub use message::{CallFault, Outcome, Request, Response};
pub use scaling::{Advice, ScalingRule, ServiceLoad};
pub use session::{Closing, Expired, Flushing, Reading, Sending, Session, SessionState, Start};
pub use settings::{Affinity, Preference, SessionKind, Settings, Timeouts};
pub use store::{
    Answer, Budget, Completion, Durability, Log, Opened, Recovered, RecoveredClient, SessionRecord, Store,
    StoreError, StoredRequest, StoredResponse,
};
pub use throttle::Throttle;
