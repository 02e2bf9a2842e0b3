//! Where a request goes: by name to a service, by EdgeID to an edge, here or at another gateway. Nothing is sent.

use crate::balance::{Chooser, Tried};
use crate::limits::key;
use crate::outgoing::Sender;
use crate::remote_edge::LocalEdge;
use crate::remote_names::gone_elsewhere;
use crate::{Destination, Envelope, Exchange, Failure, Peer, RequestKind};
use frontier_protocol::{Code, EdgeId, Offered, is_reserved};
use std::sync::Arc;

/// Where a request goes, and in whose name.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    pub(crate) target: Arc<Peer>,
    pub(crate) from: Sender<'a>,
}

/// Why there is no route.
#[derive(Debug)]
pub(crate) enum Unrouted {
    Failed(Failure),
    /// This edge is not here.
    NotHere(EdgeId),
    /// No service here takes the name for which another gateway asks.
    NoTaker(Failure),
}

impl From<Failure> for Unrouted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Route<'a> {
    /// To the edge itself.
    pub(crate) fn edge(target: Arc<Peer>) -> Self {
        Self { target, from: Sender::Unnamed }
    }

    /// To the gateway where `edge` is, for the service `requester`.
    pub(crate) fn owner(owner: Arc<Peer>, requester: &'a Peer, edge: EdgeId, returns: bool) -> Self {
        Self { target: owner, from: Sender::Service { service: requester.as_caller(), edge, returns } }
    }

    /// To a gateway that offers the name, for `edge`.
    pub(crate) fn by_name(owner: Arc<Peer>, edge: LocalEdge<'a>, returns: bool) -> Self {
        Self { target: owner, from: Sender::ByName { edge, returns } }
    }
}

impl Exchange {
    /// Decides where a request of `requester` goes.
    #[inline]
    pub(crate) fn route<'a>(
        &self,
        requester: &'a Peer,
        envelope: &Envelope<'_>,
        tried: &Tried,
    ) -> Result<Route<'a>, Unrouted> {
        let Envelope { kind, to, name, custom, .. } = *envelope;
        self.check_name(name)?;
        let max = match to {
            Destination::Name
            | Destination::NameFor { .. }
            | Destination::LocalName { .. }
            | Destination::Unreadable(_) => self.limits().custom_len,
            Destination::Edge(_) | Destination::LocalEdge { .. } => self.limits().custom_to_edge_len,
        };
        self.check_custom(custom.len(), max)?;
        match to {
            Destination::Name => {
                let Some(id) = requester.edge_id() else {
                    return Err(Failure::new(Code::Protocol, "only an edge's request goes by name").into());
                };
                check_reserved(kind, name)?;
                let chooser = Chooser::online(requester, id);
                let from_edge = || Sender::Edge { id, authorization: Some(requester.authorization()) };
                match self.local_service(chooser, kind, name, tried) {
                    Ok(target) => Ok(Route { target, from: from_edge() }),
                    Err(_) if requester.is_probe() => {
                        Ok(Route { target: self.probe.service().clone(), from: from_edge() })
                    }
                    Err(unrouted) => match self.elsewhere(chooser, kind.into(), name, tried) {
                        // What can't be acked can't be given back, or others could speak for any edge.
                        Some(owner) => {
                            let returns = envelope.wants_reply && !was_elsewhere(tried);
                            Ok(Route::by_name(owner, requester.as_remote_edge(id), returns))
                        }
                        None => Err(unrouted.failure(kind, name, tried).into()),
                    },
                }
            }
            Destination::NameFor { edge, key } => self.route_for_part(requester, envelope, edge, key, tried),
            Destination::LocalName { edge, .. } => {
                check_reserved(kind, name)?;
                self.permit_remote_edge(requester, edge, kind.into(), name)?;
                let chooser = Chooser { id: edge.id, ip: edge.address, affinity: None };
                match self.local_service(chooser, kind, name, tried) {
                    Ok(target) => {
                        Ok(Route { target, from: Sender::Edge { id: edge.id, authorization: None } })
                    }
                    Err(unrouted) => Err(Unrouted::NoTaker(unrouted.failure(kind, name, tried))),
                }
            }
            Destination::Edge(_) if !requester.is_service() => {
                Err(Failure::new(Code::Protocol, "only a service's request goes to an edge").into())
            }
            // Nobody has it but the gateway's own edge, so nobody is asked where it is.
            Destination::Edge(id @ EdgeId(0)) if !requester.is_probe() => {
                Err(Failure::edge_not_online(id).into())
            }
            Destination::Edge(id) => match self.route_to_edge(requester, id, tried)? {
                Some(target) => Ok(Route::edge(target)),
                None if requester.is_probe() => Ok(Route::edge(self.probe.edge().clone())),
                None => match self.known_owner(id, tried) {
                    Some(owner) => Ok(Route::owner(owner, requester, id, true)),
                    None => Err(Unrouted::NotHere(id)),
                },
            },
            Destination::LocalEdge { edge, caller, .. } => {
                let target = self.edge(edge).ok_or(Unrouted::NotHere(edge))?;
                if was_tried(&target, tried) {
                    return Err(edge_lost().into());
                }
                let method = (kind == RequestKind::Call).then_some(name);
                self.permit_remote_caller(requester, caller, method, edge, &target)?;
                Ok(Route::edge(target))
            }
            Destination::Unreadable(text) => Err(Failure::new(Code::Protocol, text).into()),
        }
    }

    /// Where a request goes by name that a part of the gateway makes, such as a source of messages.
    fn route_for_part<'a>(
        &self,
        requester: &'a Peer,
        envelope: &Envelope<'_>,
        edge: Option<EdgeId>,
        key: u64,
        tried: &Tried,
    ) -> Result<Route<'a>, Unrouted> {
        let Envelope { kind, name, .. } = *envelope;
        if !requester.is_of_gateway() {
            return Err(Failure::new(Code::Protocol, "only an edge's request goes by name").into());
        }
        check_reserved(kind, name)?;
        let chooser = Chooser { id: EdgeId(key), ip: None, affinity: None };
        let unrouted = match self.local_service(chooser, kind, name, tried) {
            Ok(target) => {
                let of_edge = |id| Sender::Edge { id, authorization: None };
                return Ok(Route { target, from: edge.map_or(Sender::Unnamed, of_edge) });
            }
            Err(unrouted) => unrouted,
        };
        // Another gateway is asked in the name of an edge or not at all; what it does not have comes back as a failure.
        let elsewhere =
            edge.and_then(|edge| Some((edge, self.elsewhere(chooser, kind.into(), name, tried)?)));
        match elsewhere {
            Some((edge, owner)) => Ok(Route::by_name(owner, requester.as_remote_edge(edge), false)),
            None => Err(unrouted.failure(kind, name, tried).into()),
        }
    }

    /// The edge, if it is here and `requester` may reach it.
    pub(crate) fn route_to_edge(
        &self,
        requester: &Peer,
        id: EdgeId,
        tried: &Tried,
    ) -> Result<Option<Arc<Peer>>, Failure> {
        let Some(target) = self.edge(id) else { return Ok(None) };
        if was_tried(&target, tried) {
            return Err(edge_lost());
        }
        self.permit_reach(requester, id, &target)?;
        Ok(Some(target))
    }

    /// The gateway where the edge is known to be.
    fn known_owner(&self, id: EdgeId, tried: &Tried) -> Option<Arc<Peer>> {
        let owner = self.remote.as_ref()?.known(id, self.clock())?;
        (!was_tried(&owner, tried)).then_some(owner)
    }

    fn local_service(
        &self,
        edge: Chooser<'_>,
        kind: RequestKind,
        name: &str,
        tried: &Tried,
    ) -> Result<Arc<Peer>, NoService> {
        let routes = self.registry().services.routes();
        let candidates = match kind {
            RequestKind::Call => routes.method(name),
            RequestKind::Message => routes.topic(name),
        };
        let candidates = candidates.ok_or(NoService::Unknown)?;
        self.balancer.choose(candidates, edge, tried).cloned().ok_or(NoService::NoneLeft)
    }

    /// Another gateway that offers the name, if there is one that can be asked.
    pub(crate) fn elsewhere(
        &self,
        edge: Chooser<'_>,
        of: Offered,
        name: &str,
        tried: &Tried,
    ) -> Option<Arc<Peer>> {
        self.remote.as_ref()?;
        self.registry().elsewhere.choose(&self.balancer, of, name, edge, tried)
    }

    /// The service of that name here for a stream of an edge.
    pub(crate) fn route_stream(
        &self,
        edge: Chooser<'_>,
        name: &str,
        tried: &Tried,
    ) -> Result<Arc<Peer>, Failure> {
        let routes = self.registry().services.routes();
        let candidates = routes.name(name).ok_or_else(|| {
            Failure::new(Code::ServiceNotOnline, format!("no service of the name {name:?} is online"))
        })?;
        self.balancer.choose(candidates, edge, tried).cloned().ok_or_else(|| {
            Failure::new(Code::ServiceNotOnline, format!("no service of the name {name:?} takes streams now"))
        })
    }

    pub(crate) fn check_name(&self, name: &str) -> Result<(), Failure> {
        let (len, max) = (name.len(), self.limits().name_len);
        if len > max {
            self.counters().refuse(key::NAME);
            let text = format!("a name of {len} bytes is over the limit of {max} ({})", key::NAME);
            return Err(Failure::new(Code::TooLarge, text));
        }
        Ok(())
    }

    pub(crate) fn check_replied_custom(&self, len: usize) -> Result<(), Failure> {
        self.check_custom(len, self.limits().custom_len)
    }

    pub(crate) fn check_payload(&self, len: u64) -> Result<(), Failure> {
        let max = self.limits().payload;
        if len > max {
            self.counters().refuse(key::PAYLOAD);
            let text = format!("a payload of {len} bytes is over the limit of {max} ({})", key::PAYLOAD);
            return Err(Failure::new(Code::TooLarge, text));
        }
        Ok(())
    }

    fn check_custom(&self, len: usize, max: usize) -> Result<(), Failure> {
        if len > max {
            self.counters().refuse(key::CUSTOM);
            let text = format!("a custom header of {len} bytes is over the limit of {max} ({})", key::CUSTOM);
            return Err(Failure::new(Code::TooLarge, text));
        }
        Ok(())
    }
}

/// Why no service here is sent a request.
#[derive(Clone, Copy, Debug)]
enum NoService {
    /// None takes the name.
    Unknown,
    /// Those that do are leaving, or were tried.
    NoneLeft,
}

impl NoService {
    fn failure(self, kind: RequestKind, name: &str, tried: &Tried) -> Failure {
        match (self, kind) {
            (Self::NoneLeft, _) => none_left(kind, name, tried),
            (Self::Unknown, _) if was_elsewhere(tried) => gone_elsewhere(kind, name),
            (Self::Unknown, RequestKind::Call) => {
                Failure::new(Code::MethodNotFound, format!("no service has registered the method {name:?}"))
            }
            (Self::Unknown, RequestKind::Message) => {
                Failure::new(Code::TopicNotOnline, format!("no service receives the topic {name:?}"))
            }
        }
    }
}

impl From<RequestKind> for Offered {
    fn from(kind: RequestKind) -> Self {
        match kind {
            RequestKind::Call => Self::Method,
            RequestKind::Message => Self::Topic,
        }
    }
}

fn check_reserved(kind: RequestKind, name: &str) -> Result<(), Failure> {
    if kind == RequestKind::Call && is_reserved(name) {
        return Err(Failure::new(Code::Denied, format!("{name} is reserved for the gateway")));
    }
    Ok(())
}

/// Whether another gateway had the request before.
pub(crate) fn was_elsewhere(tried: &Tried) -> bool {
    tried.iter().any(|peer| peer.is_owner_gateway())
}

pub(crate) fn was_tried(peer: &Arc<Peer>, tried: &Tried) -> bool {
    tried.iter().any(|gone| Arc::ptr_eq(gone, peer))
}

fn edge_lost() -> Failure {
    Failure::new(Code::Disconnected, "the edge's connection was lost")
}

fn none_left(kind: RequestKind, name: &str, tried: &Tried) -> Failure {
    if !tried.is_empty() {
        return Failure::new(Code::Disconnected, "the connection to the service was lost");
    }
    match kind {
        RequestKind::Call => {
            Failure::new(Code::ServiceNotOnline, format!("every service with the method {name:?} is leaving"))
        }
        RequestKind::Message => Failure::new(
            Code::TopicNotOnline,
            format!("every service that receives the topic {name:?} is leaving"),
        ),
    }
}
