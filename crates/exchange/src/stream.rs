//! Streams: where one goes, and joining its two legs.

use crate::balance::{Chooser, Tried};
use crate::counters::{Part, Traffic};
use crate::forward::remaining_ms;
use crate::join::{Joined, join};
use crate::leg::{BeginError, IncomingLeg, Leg};
use crate::leg_share::LegShare;
use crate::limits::key;
use crate::outgoing::{Head, StreamHead, StreamSender};
use crate::outlet::OpenError;
use crate::remote::Found;
use crate::remote_caller::RemoteCaller;
use crate::remote_edge::RemoteEdge;
use crate::route::{was_elsewhere, was_tried};
use crate::shares::Asker;
use crate::trace::Span;
use crate::{Exchange, Failure, Identity, Peer};
use frontier_protocol::{Code, EdgeId, Offered};
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout_at;

/// A stream that a peer wants to open.
#[derive(Clone, Copy, Debug)]
pub struct StreamRequest<'a> {
    /// Whom it is for.
    pub to: StreamTarget<'a>,
    /// The name that the opener gave, which means something where it is for a service.
    pub name: &'a str,
    /// The opener's own.
    pub meta: &'a [u8],
    /// The trace context; empty without one.
    pub trace: &'a [u8],
    /// When the opener stops waiting.
    pub deadline: Instant,
}

/// Whom a stream is for.
#[derive(Clone, Copy, Debug)]
pub enum StreamTarget<'a> {
    /// A service of the request's name: an edge opens it.
    Name,
    /// This edge: a service opens it.
    Edge(EdgeId),
    /// This edge, and only if it is here, for a service of another gateway.
    LocalEdge(EdgeId, &'a Arc<RemoteCaller>),
    /// A service here of the request's name, and only here, for an edge of another gateway.
    LocalName(&'a RemoteEdge),
    /// Its wire could not read whom: it fails with `Protocol` and this text.
    Unreadable(&'static str),
}

/// What was found out about an edge that is not here.
#[derive(Debug, Default)]
struct Search {
    /// Where it is not.
    avoid: Option<Arc<Peer>>,
    /// Whether it was said to be here.
    is_here: bool,
    /// Whether a link was lost over it.
    is_lost: bool,
}

/// A leg that the target has taken, and its place among those that the target has.
#[derive(Debug)]
struct Opened {
    target: Arc<Peer>,
    leg: Box<dyn Leg>,
    share: LegShare,
}

impl Exchange {
    /// Opens the second leg of a stream and joins the two until they end. With `excess` the opener has more streams
    /// than it may have, and is told so.
    ///
    /// # Cancel safety
    /// Cancel safe: both legs are reset.
    pub async fn on_stream(
        self: &Arc<Self>,
        opener: &Arc<Peer>,
        request: StreamRequest<'_>,
        mut leg: Box<dyn IncomingLeg>,
        excess: bool,
    ) {
        let direction = opener.direction();
        let start = Instant::now();
        let begun = self.counters().begin(Traffic::Stream, direction);
        let mut span = self.begin_stream_span(opener, request.name, request.trace);
        let context: Option<Box<[u8]>> = span.as_ref().map(|span| span.context().into());
        let request = StreamRequest { trace: context.as_deref().unwrap_or(request.trace), ..request };
        let permitted =
            if excess { Err(self.too_many_streams()) } else { self.check_stream(opener, &request) };
        let opened = match permitted {
            Err(failure) => Err(failure),
            Ok(()) => {
                let opened = timeout_at(request.deadline.into(), self.open_target(opener, &request));
                let opened = tokio::select! {
                    // What has been decided is told, whatever else has happened.
                    biased;
                    opened = opened => opened,
                    // Whoever it was for is told by the reset of the second leg.
                    () = std::future::poll_fn(|cx| leg.poll_abandoned(cx)) => {
                        end(span, Code::Cancelled);
                        return begun.end(Code::Cancelled);
                    }
                };
                let late = |_| Err(Failure::new(Code::Deadline, "the stream was not accepted in time"));
                opened.unwrap_or_else(late)
            }
        };
        match opened {
            Ok(Opened { target, leg: onward, share: _share }) => {
                begun.end(Code::Ok);
                if let Some(span) = &mut span {
                    span.routed(&target);
                }
                end(span, Code::Ok);
                self.counters().stream_took(direction, start.elapsed());
                // An opener that is gone does not hear it: the target's leg is dropped and so reset.
                if leg.accept().await.is_ok() {
                    let opened = Joined { leg, payer: opener.clone() };
                    let _joined = self.counters().join(direction);
                    let passed = |part: Part, bytes: usize| {
                        self.counters().passed(Traffic::Stream, direction, part, bytes as u64);
                    };
                    join(opened, Joined { leg: onward, payer: target }, passed).await;
                }
            }
            Err(failure) => {
                begun.end(failure.code);
                end(span, failure.code);
                leg.refuse(&failure).await;
            }
        }
    }

    fn check_stream(&self, opener: &Peer, request: &StreamRequest<'_>) -> Result<(), Failure> {
        let (len, max) = (request.meta.len(), self.limits().meta);
        if len > max {
            self.counters().refuse(key::META);
            let text = format!("a meta of {len} bytes is over the limit of {max} ({})", key::META);
            return Err(Failure::new(Code::TooLarge, text));
        }
        self.check_name(request.name)?;
        self.permit_stream(opener, request.name)
    }

    pub(crate) fn too_many_streams(&self) -> Failure {
        self.counters().refuse(key::STREAMS);
        Failure::new(
            Code::Overloaded,
            format!("{} streams are open, the most there may be ({})", self.limits().streams, key::STREAMS),
        )
    }

    /// Opens the second leg of a stream and waits until the acceptor has taken it.
    async fn open_target(
        self: &Arc<Self>,
        opener: &Peer,
        request: &StreamRequest<'_>,
    ) -> Result<Opened, Failure> {
        let StreamRequest { to, name, .. } = *request;
        let asker = match to {
            StreamTarget::LocalEdge(_, caller) => Asker::behind(opener, caller),
            StreamTarget::LocalName(edge) => Asker::edge_behind(opener, edge.id),
            _ => Asker::of(opener),
        };
        let (mut tried, mut search) = (Tried::new(), Search::default());
        loop {
            let (target, from) = match to {
                StreamTarget::Name => {
                    let Some(id) = opener.edge_id() else {
                        return Err(Failure::new(Code::Protocol, "only an edge's stream goes by name"));
                    };
                    let chooser = Chooser::online(opener, id);
                    match self.route_stream(chooser, name, &tried) {
                        Ok(target) => (target, StreamSender::Edge(id, name)),
                        Err(failure) => {
                            let Some(owner) = self.elsewhere(chooser, Offered::Service, name, &tried) else {
                                return Err(failure);
                            };
                            match self.open_by_name(owner, opener, id, request, &mut tried).await? {
                                Some(opened) => return Ok(opened),
                                None => continue,
                            }
                        }
                    }
                }
                StreamTarget::LocalName(edge) => {
                    self.permit_remote_edge(opener, edge, Offered::Service, name)?;
                    let chooser = Chooser { id: edge.id, ip: edge.address, affinity: None };
                    (self.route_stream(chooser, name, &tried)?, StreamSender::Edge(edge.id, name))
                }
                StreamTarget::LocalEdge(id, caller) => {
                    let edge = self.edge(id).ok_or_else(|| Failure::edge_not_online(id))?;
                    self.permit_remote_caller(opener, caller, None, id, &edge)?;
                    (edge, StreamSender::Service(caller.id, &caller.name))
                }
                StreamTarget::Unreadable(text) => return Err(Failure::new(Code::Protocol, text)),
                // Nobody has it, so nobody is asked where it is.
                StreamTarget::Edge(id @ EdgeId(0)) => return Err(Failure::edge_not_online(id)),
                StreamTarget::Edge(id) => match self.edge(id) {
                    Some(edge) => {
                        self.permit_reach(opener, id, &edge)?;
                        (edge, service_sender(opener)?)
                    }
                    None => match self.open_remote(opener, id, request, &mut search).await? {
                        Some(opened) => return Ok(opened),
                        None => continue,
                    },
                },
            };
            let to_edge = !matches!(to, StreamTarget::Name | StreamTarget::LocalName(_));
            if to_edge && was_tried(&target, &tried) {
                return Err(Failure::edge_not_online(EdgeId(target.number())));
            }
            match self.open_at(&target, asker, from, request).await {
                Ok(opened) => return Ok(opened),
                Err(BeginError::Refused(failure)) => return Err(failure),
                Err(BeginError::Lost) => tried.push(target),
            }
        }
    }

    /// [`BeginError::Lost`] if the target is gone and another may be tried.
    async fn open_at(
        &self,
        target: &Arc<Peer>,
        asker: Asker,
        from: StreamSender<'_>,
        request: &StreamRequest<'_>,
    ) -> Result<Opened, BeginError> {
        let share = self.leg_share(target, asker).map_err(BeginError::Refused)?;
        let leg = match target.outlet().open().await {
            Ok(leg) => leg,
            Err(OpenError::Closed) => return Err(BeginError::Lost),
            Err(error) => return Err(BeginError::Refused(self.not_opened(target, &error))),
        };
        // It may have left meanwhile, and hang up before it sees this.
        if !target.is_online() {
            return Err(BeginError::Lost);
        }
        let leg = leg.begin(head(from, request)).await?;
        Ok(Opened { target: target.clone(), leg, share })
    }

    /// Opens a stream of an edge at a gateway that offers the service. `None` if another one may be tried: no service of
    /// that name is there, or nothing was sent there.
    async fn open_by_name(
        &self,
        owner: Arc<Peer>,
        opener: &Peer,
        id: EdgeId,
        request: &StreamRequest<'_>,
        tried: &mut Tried,
    ) -> Result<Option<Opened>, Failure> {
        let share = self.leg_share(&owner, Asker::of(opener))?;
        let leg = match owner.outlet().open().await {
            Ok(leg) if owner.is_online() => leg,
            Ok(_) | Err(OpenError::Closed) => {
                tried.push(owner);
                return Ok(None);
            }
            Err(error) => return Err(self.not_opened(&owner, &error)),
        };
        let from = StreamSender::ByName(opener.as_remote_edge(id), request.name);
        match leg.begin(head(from, request)).await {
            Ok(leg) => Ok(Some(Opened { target: owner, leg, share })),
            Err(BeginError::Refused(failure))
                if matches!(failure.code, Code::ServiceNotOnline | Code::Draining)
                    && !was_elsewhere(tried) =>
            {
                tried.push(owner);
                Ok(None)
            }
            Err(BeginError::Refused(failure)) => Err(failure),
            // A service may have it.
            Err(BeginError::Lost) => Err(Failure::new(Code::Disconnected, owner.lost())),
        }
    }

    /// Opens a stream at the gateway where the edge is. `None` if it is to be tried again.
    async fn open_remote(
        self: &Arc<Self>,
        opener: &Peer,
        id: EdgeId,
        request: &StreamRequest<'_>,
        search: &mut Search,
    ) -> Result<Option<Opened>, Failure> {
        let asker = Asker::of(opener);
        let owner = match self.find(asker, id, search.avoid.as_ref()).await? {
            Found::At(owner) => owner,
            // It may have come here while it was looked for.
            Found::Here if !std::mem::replace(&mut search.is_here, true) => return Ok(None),
            Found::Here => return Err(Failure::edge_not_online(id)),
        };
        match self.open_at(&owner, asker, StreamSender::Remote(opener.as_caller(), id), request).await {
            Ok(opened) => Ok(Some(opened)),
            Err(BeginError::Refused(failure))
                if failure.code == Code::EdgeNotOnline && search.avoid.is_none() =>
            {
                self.forget_owner(id, &owner);
                search.avoid = Some(owner);
                Ok(None)
            }
            Err(BeginError::Refused(failure)) => Err(failure),
            Err(BeginError::Lost) if !std::mem::replace(&mut search.is_lost, true) => Ok(None),
            Err(BeginError::Lost) => Err(Failure::new(Code::Disconnected, owner.lost())),
        }
    }

    /// What the other end of a leg is told that could not be opened to `target`.
    pub(crate) fn not_opened(&self, target: &Peer, error: &OpenError) -> Failure {
        let text = match error {
            OpenError::TooMany(limit) => {
                self.counters().refuse(key::STREAMS);
                format!(
                    "{} has {limit} streams, the most there may be ({})",
                    target.as_receiver(),
                    key::STREAMS
                )
            }
            other => other.to_string(),
        };
        Failure::new(error.code(), text)
    }
}

/// Whether a stream is opened is known.
fn end(span: Option<Box<dyn Span>>, code: Code) {
    if let Some(span) = span {
        span.end(code);
    }
}

/// What is said first on the leg of a stream.
fn head<'a>(from: StreamSender<'a>, request: &StreamRequest<'a>) -> Head<'a> {
    let timeout_ms = remaining_ms(request.deadline, Instant::now());
    Head::Stream(StreamHead { from, meta: request.meta, trace: request.trace, timeout_ms })
}

fn service_sender(opener: &Peer) -> Result<StreamSender<'_>, Failure> {
    match opener.identity() {
        Identity::Service { id, name } => Ok(StreamSender::Service(*id, name)),
        _ => Err(Failure::new(Code::Protocol, "only a service's stream goes to an edge")),
    }
}
