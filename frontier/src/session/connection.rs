//! A connection of either wire, as the life of a session needs it: a link of our own, or one of the Go original.

use super::context::Context;
use super::ending::close_code;
use super::handshake::{Handshake, welcome};
use crate::geminio;
use crate::native::{self, NativeOutlet};
use frontier_exchange::{Failure, Identity, Outlet, Peer, Seat, Unsent};
use frontier_protocol::{GoAway, Reject};
use frontier_transport::{CloseReason, Link, Priority, Traffic};
use std::time::Duration;

/// How long a link that is being closed may take to say so to its peer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a link is what nearly everyone has, and an allocation each would be more"
)]
pub(super) enum Connection {
    Native(Link),
    /// Boxed, so that a link of our own does not have the room.
    Geminio(Box<geminio::Connection>),
}

impl From<Link> for Connection {
    fn from(link: Link) -> Self {
        Self::Native(link)
    }
}

impl Connection {
    /// The way to a peer of this identity.
    pub(super) fn outlet(
        &self,
        context: &Context,
        handshake: &Handshake,
        identity: &Identity,
    ) -> Box<dyn Outlet> {
        match self {
            Self::Native(link) => {
                let terms = &handshake.terms;
                let outlet = NativeOutlet::new(link.handle(), terms.max_frame, context.limits.frame);
                let outlet = outlet.with_features(handshake.features);
                Box::new(match identity {
                    Identity::OriginGateway { .. } => outlet.origin_gateway(),
                    _ => outlet,
                })
            }
            Self::Geminio(connection) => connection.outlet(),
        }
    }

    /// Queues the word that the peer is let in. Whether it will go out.
    pub(super) fn welcome(&self, context: &Context, handshake: &Handshake, peer: &Peer) -> bool {
        match self {
            Self::Native(link) => {
                let welcome = welcome(context, handshake, peer);
                link.handle().push(Priority::Reply, |out| welcome.encode(out)).is_ok()
            }
            Self::Geminio(connection) => connection.welcome(peer.number()),
        }
    }

    /// What has come and gone so far.
    pub(super) fn traffic(&self) -> Traffic {
        match self {
            Self::Native(link) => link.traffic(),
            Self::Geminio(connection) => connection.traffic(),
        }
    }

    /// Why it was closed.
    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        match self {
            Self::Native(link) => link.handle().close_reason(),
            Self::Geminio(connection) => connection.close_reason(),
        }
    }

    /// Throws away what was queued: it must not go out any more.
    pub(super) fn take_back(&mut self, reason: CloseReason) {
        match self {
            Self::Native(link) => drop(link.take_unsent(reason)),
            Self::Geminio(connection) => connection.take_back(reason),
        }
    }

    /// Closes it, since its peer is not let in.
    pub(super) async fn reject(self, failure: &Failure) {
        match self {
            Self::Native(link) => {
                let Failure { code, detail, text } = failure;
                let closed = link.close(|out| Reject { code: *code, detail: *detail, text }.encode(out));
                // Whether the peer still hears it is up to the peer.
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
            }
            Self::Geminio(connection) => connection.reject(failure).await,
        }
    }

    /// Carries what its peer sends and gets, until it ends.
    pub(super) async fn serve(&mut self, context: &Context, seat: &Seat) -> CloseReason {
        match self {
            Self::Native(link) => context.native(seat, link).serve(link).await,
            Self::Geminio(connection) => {
                // Boxed, so that a link of our own does not have the room.
                let Context { exchange, policies, limits, .. } = context;
                Box::pin(connection.serve(exchange, seat.peer(), policies, limits)).await
            }
        }
    }

    /// Closes it for everyone who sends to its peer: what was queued and never sent.
    pub(super) fn take_unsent(&mut self, reason: CloseReason) -> Vec<Unsent> {
        match self {
            Self::Native(link) => native::unsent(&link.take_unsent(reason), false),
            Self::Geminio(connection) => connection.take_unsent(reason),
        }
    }

    /// Tells the peer that it ends, if it has to be told, and lets it go.
    pub(super) async fn close(self, reason: &CloseReason) {
        match self {
            Self::Native(link) => {
                if let Some(code) = close_code(reason) {
                    let text = reason.to_string();
                    let closed = link.close(|out| GoAway::new(code, 0, &text).encode(out));
                    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
                }
            }
            Self::Geminio(connection) => connection.close(reason).await,
        }
    }

    /// The link, where our own wire is spoken.
    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match self {
            Self::Native(link) => Some(link),
            Self::Geminio(_) => None,
        }
    }
}

/// The end of a connection in a task of its own: nobody waits for a peer that may be half open.
pub(super) fn close_later(context: &Context, connection: Connection, reason: &CloseReason) {
    let has_words = match &connection {
        Connection::Native(_) => close_code(reason).is_some(),
        Connection::Geminio(_) => true,
    };
    if has_words {
        let reason = reason.clone();
        context.sessions.spawn(async move { connection.close(&reason).await });
    }
}
