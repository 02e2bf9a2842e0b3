//! Where a request goes: by name to a service, by EdgeID to an edge, here or at another gateway. Nothing is sent.

use crate::balance::{Chooser, Tried};
use crate::limits::key;
use crate::outgoing::Sender;
use crate::{Destination, Envelope, Exchange, Failure, Peer, RequestKind};
use frontier_protocol::{Code, EdgeId, is_reserved};
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
            Destination::Name | Destination::Unreadable(_) => self.limits().custom_len,
            Destination::Edge(_) | Destination::LocalEdge { .. } => self.limits().custom_to_edge_len,
        };
        check_custom(custom.len(), max)?;
        match to {
            Destination::Name => {
                let Some(id) = requester.edge_id() else {
                    return Err(Failure::new(Code::Protocol, "only an edge's request goes by name").into());
                };
                let target = self.route_to_service(requester, id, kind, name, tried)?;
                Ok(Route { target, from: Sender::Edge(id) })
            }
            Destination::Edge(_) if !requester.is_service() => {
                Err(Failure::new(Code::Protocol, "only a service's request goes to an edge").into())
            }
            Destination::Edge(id) => match self.route_to_edge(requester, id, tried)? {
                Some(target) => Ok(Route::edge(target)),
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

    fn route_to_service(
        &self,
        requester: &Peer,
        id: EdgeId,
        kind: RequestKind,
        name: &str,
        tried: &Tried,
    ) -> Result<Arc<Peer>, Failure> {
        let routes = self.registry().services.routes();
        let candidates = match kind {
            RequestKind::Call if is_reserved(name) => {
                return Err(Failure::new(Code::Denied, format!("{name} is reserved for the gateway")));
            }
            RequestKind::Call => routes.method(name).ok_or_else(|| {
                Failure::new(Code::MethodNotFound, format!("no service has registered the method {name:?}"))
            })?,
            RequestKind::Message => routes.topic(name).ok_or_else(|| {
                Failure::new(Code::TopicNotOnline, format!("no service receives the topic {name:?}"))
            })?,
        };
        self.balancer
            .choose(candidates, Chooser::online(requester, id), tried)
            .cloned()
            .ok_or_else(|| none_left(kind, name, tried))
    }

    /// The service of that name for a stream of the edge `id`.
    pub(crate) fn route_stream(
        &self,
        requester: &Peer,
        id: EdgeId,
        name: &str,
        tried: &Tried,
    ) -> Result<Arc<Peer>, Failure> {
        let routes = self.registry().services.routes();
        let candidates = routes.name(name).ok_or_else(|| {
            Failure::new(Code::ServiceNotOnline, format!("no service of the name {name:?} is online"))
        })?;
        self.balancer.choose(candidates, Chooser::online(requester, id), tried).cloned().ok_or_else(|| {
            Failure::new(Code::ServiceNotOnline, format!("no service of the name {name:?} takes streams now"))
        })
    }

    pub(crate) fn check_name(&self, name: &str) -> Result<(), Failure> {
        let (len, max) = (name.len(), self.limits().name_len);
        if len > max {
            let text = format!("a name of {len} bytes is over the limit of {max} ({})", key::NAME);
            return Err(Failure::new(Code::TooLarge, text));
        }
        Ok(())
    }

    pub(crate) fn check_replied_custom(&self, len: usize) -> Result<(), Failure> {
        check_custom(len, self.limits().custom_len)
    }

    pub(crate) fn check_payload(&self, len: u64) -> Result<(), Failure> {
        let max = self.limits().payload;
        if len > max {
            let text = format!("a payload of {len} bytes is over the limit of {max} ({})", key::PAYLOAD);
            return Err(Failure::new(Code::TooLarge, text));
        }
        Ok(())
    }
}

fn check_custom(len: usize, max: usize) -> Result<(), Failure> {
    if len > max {
        let text = format!("a custom header of {len} bytes is over the limit of {max} ({})", key::CUSTOM);
        return Err(Failure::new(Code::TooLarge, text));
    }
    Ok(())
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
