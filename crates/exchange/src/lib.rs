//! The forwarding core of the gateway: who is connected, where calls, messages and streams go, and what becomes
//! of them. It opens no socket and knows no wire.
//!
//! ```text
//!   a wire decodes ─▶ Inbound ─▶ Exchange::on ─▶ route ─▶ Outlet of the target ─▶ its wire encodes
//!                                   │    ├─ the edge is not here ─▶ RemoteEdges ─▶ Outlet of the owner gateway
//!                                   │    └─ no service here takes the name ─▶ what others offer ─▶ the same
//!                                   └─ registry ─▶ Feed ─▶ followers
//! ```
//!
//! Everything that connects is a [`Peer`]: an identity, the requests that are pending from and to it, and an
//! [`Outlet`], through which the exchange sends. The native wire is an outlet; so are another wire, a topic that
//! goes to a message broker, the gateway's own calls, and the lobby, where requests wait whose edge is looked for.
//!
//! # Contract of a wire
//! 1. It makes a [`Peer`] and joins it with [`Exchange::join_edge`], [`Exchange::join_service`] or
//!    [`Exchange::join_gateway`]. What it gets is a [`Seat`]: dropping it ends the peer, however that comes about.
//! 2. It hands over what the peer sends with [`Exchange::on`], any number of times with one [`Batch`] of [`Exchange::batch`], and drops
//!    the batch before it waits: only then are those woken who were sent something.
//!    What an edge tells with its handshake it hands to [`Exchange::add_methods`]; later, as a service,
//!    with [`Inbound::Register`].
//!    A registration of more than a few hundred names it hands to [`Exchange::register`], which lets others run.
//! 3. Streams and payloads too large to be queued come with a [`Leg`]: [`Exchange::on_stream`],
//!    [`Exchange::on_payload_request`], [`Exchange::on_payload_reply`].
//!    What another gateway asks for itself comes with [`Exchange::on_reserved_call`].
//! 4. An error of these is a [`Violation`]: the peer broke the rules, and the wire ends its connection.
//! 5. When the connection has ended it calls [`Exchange::leave`] with the requests that never left, and drops
//!    the seat.

mod answer;
mod authorization;
mod balance;
mod batch;
mod census;
mod claim;
mod counters;
mod envelope;
mod exchange;
mod failure;
mod feed;
mod forward;
mod hash;
mod inbound;
mod join;
mod latch;
mod leave;
mod leg;
mod leg_share;
mod limits;
mod lobby;
mod log;
mod outgoing;
mod outlet;
mod overdue;
mod own_call;
mod payload;
mod peer;
mod pending;
mod permit;
pub mod presence;
mod punctuality;
mod registration;
mod registry;
mod relocation;
mod remote;
mod remote_caller;
mod remote_edge;
mod remote_names;
mod route;
mod seat;
mod self_probe;
mod shares;
mod silence;
mod stream;
mod sweep;
mod take_over;
#[cfg(test)]
mod testing;
mod trace;
mod turn;
mod view;

pub use answer::Unsent;
pub use authorization::{Authorization, AuthorizationCell};
pub use balance::Balance;
pub use batch::Batch;
pub use census::{Census, Outboxes};
pub use counters::{Counters, Counts, Direction, Part, RateMeter, Rates, Traffic};
pub use envelope::{CorrelationId, Destination, Envelope, Outcome, RequestKind};
pub use exchange::{Exchange, Settings};
pub use failure::{Failure, RegistrationError, Violation};
pub use feed::{Change, Connection, Follower, Key, Missed};
pub use hash::scatter;
pub use inbound::{Inbound, OfferedName, Registration, Reply, Returned};
pub use latch::Latch;
pub use leg::{BeginError, BoxFuture, IncomingLeg, Leg, NewLeg, write_all};
pub use limits::{Limits, key as limit_key};
pub use outgoing::{Head, LocalCaller, Outgoing, Sender, StreamHead, StreamSender};
pub use outlet::{CloseReason, Departure, OpenError, Outlet, QueueError, Queued};
pub use own_call::{OwnReply, ReservedCall};
pub use peer::{Identity, Peer, Stage};
#[doc(hidden)]
pub use registry::Held;
pub use registry::{ClaimError, NameChange, NameChanges, NameFollower};
pub use remote::{Found, Lookup, RemoteEdges};
pub use remote_caller::RemoteCaller;
pub use remote_edge::{LocalEdge, RemoteEdge};
pub use seat::Seat;
pub use self_probe::ProbeError;
pub use stream::{StreamRequest, StreamTarget};
pub use trace::{Asked, Span, Tracer};
