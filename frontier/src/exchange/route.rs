use super::balance::{Chooser, Tried};
use super::parcel::{Address, Parcel};
use super::{Exchange, Failure};
use crate::calls::Form;
use crate::forwarding::describe;
use crate::peer::Peer;
use frontier_protocol::{Code, Custom, EdgeId, TAIL_LEN, is_reserved};
use std::sync::Arc;

/// Where a question goes, and what becomes of its custom header on the way.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    pub(crate) target: Arc<Peer>,
    body: &'a [u8],
    /// What stands for the service that asks, if the target is another gateway.
    caller: Option<Vec<u8>>,
    tail: Option<EdgeId>,
    /// Whether the target gives it back if the edge is not there.
    pub(crate) returns: bool,
}

impl<'a> Route<'a> {
    /// To the edge itself.
    pub(super) fn edge(target: Arc<Peer>, body: &'a [u8]) -> Self {
        Self { target, body, caller: None, tail: None, returns: false }
    }

    /// To the gateway where `edge` is, for the service `asker`.
    pub(super) fn holder(
        holder: Arc<Peer>,
        asker: &Peer,
        body: &'a [u8],
        edge: EdgeId,
        returns: bool,
    ) -> Self {
        Self { target: holder, body, caller: Some(describe(asker)), tail: Some(edge), returns }
    }

    /// The custom header for the target.
    pub(crate) fn custom(&self) -> Custom<'_> {
        match (&self.caller, self.tail) {
            (Some(caller), Some(edge)) => Custom::forwarded(self.body, caller, edge),
            (None, Some(edge)) => Custom::tailed(self.body, edge),
            (_, None) => Custom::plain(self.body),
        }
    }
}

/// Why there is no route.
#[derive(Debug)]
pub(crate) enum Unrouted {
    Failed(Failure),
    /// This edge is not here.
    Away(EdgeId),
}

impl From<Failure> for Unrouted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Exchange {
    /// Decides where a question of `asker` goes: by name from an edge, by the tail of its custom header from a
    /// service. Nothing is sent.
    pub(crate) fn route<'a>(
        &self,
        asker: &Peer,
        parcel: &Parcel<'a>,
        tried: &Tried,
    ) -> Result<Route<'a>, Unrouted> {
        let Parcel { form, to, name, custom, .. } = *parcel;
        let added = if to == Address::Name { 0 } else { TAIL_LEN };
        self.check_name(name)?;
        self.check_custom(custom.len() + added)?;
        match to {
            Address::Name => {
                let Some(id) = asker.edge_id() else { return Err(missing().into()) };
                let target = self.route_to_service(asker, id, form, name, tried)?;
                Ok(Route { target, body: custom, caller: None, tail: Some(id), returns: false })
            }
            Address::Edge(id) => match self.route_to_edge(asker, id, tried)? {
                Some(target) => Ok(Route::edge(target, custom)),
                None => match self.known_holder(id, tried) {
                    Some(holder) => Ok(Route::holder(holder, asker, custom, id, true)),
                    None => Err(Unrouted::Away(id)),
                },
            },
            Address::Forwarded { edge, caller, .. } => {
                let target = self.registry.edges.online(edge).ok_or(Unrouted::Away(edge))?;
                if tried.iter().any(|gone| Arc::ptr_eq(gone, &target)) {
                    return Err(lost_edge().into());
                }
                let guest = Self::guest(asker, caller)?;
                self.permit_guest(asker, &guest, (form == Form::Call).then_some(name), edge, &target)?;
                Ok(Route::edge(target, custom))
            }
            Address::Missing => Err(missing().into()),
        }
    }

    /// The edge, if it is here and `asker` may reach it.
    pub(super) fn route_to_edge(
        &self,
        asker: &Peer,
        id: EdgeId,
        tried: &Tried,
    ) -> Result<Option<Arc<Peer>>, Failure> {
        let Some(target) = self.registry.edges.online(id) else { return Ok(None) };
        if tried.iter().any(|edge| Arc::ptr_eq(edge, &target)) {
            return Err(lost_edge());
        }
        self.permit_reach(asker, id, &target)?;
        Ok(Some(target))
    }

    /// The gateway where the edge is known to be.
    fn known_holder(&self, id: EdgeId, tried: &Tried) -> Option<Arc<Peer>> {
        let holder = self.forwarding()?.known(id, self.clock())?;
        (!tried.iter().any(|gone| Arc::ptr_eq(gone, &holder))).then_some(holder)
    }

    fn route_to_service(
        &self,
        asker: &Peer,
        id: EdgeId,
        form: Form,
        name: &str,
        tried: &Tried,
    ) -> Result<Arc<Peer>, Failure> {
        let routes = self.registry.services.routes();
        let candidates = match form {
            Form::Call if is_reserved(name) => {
                return Err(Failure::new(Code::Denied, format!("{name} is reserved for the gateway")));
            }
            Form::Call => routes.method(name).ok_or_else(|| {
                Failure::new(Code::MethodNotFound, format!("no service has registered the method {name:?}"))
            })?,
            Form::Message => routes.topic(name).ok_or_else(|| {
                Failure::new(Code::TopicNotOnline, format!("no service receives the topic {name:?}"))
            })?,
        };
        self.balancer
            .choose(candidates, Chooser::online(asker, id), tried)
            .cloned()
            .ok_or_else(|| none_left(form, name, tried))
    }

    /// The service of that name for a stream of the edge `id`.
    pub(crate) fn route_stream(
        &self,
        asker: &Peer,
        id: EdgeId,
        name: &str,
        tried: &Tried,
    ) -> Result<Arc<Peer>, Failure> {
        let routes = self.registry.services.routes();
        let candidates = routes.name(name).ok_or_else(|| {
            Failure::new(Code::ServiceNotOnline, format!("no service of the name {name:?} is online"))
        })?;
        self.balancer.choose(candidates, Chooser::online(asker, id), tried).cloned().ok_or_else(|| {
            Failure::new(Code::ServiceNotOnline, format!("no service of the name {name:?} takes streams now"))
        })
    }

    pub(super) fn check_name(&self, name: &str) -> Result<(), Failure> {
        let (len, max) = (name.len(), self.limits.name_len);
        if len > max {
            let text = format!("a name of {len} bytes is over the limit of {max}");
            return Err(Failure::new(Code::TooLarge, text));
        }
        Ok(())
    }

    /// Of so many bytes, tail included.
    pub(super) fn check_custom(&self, len: usize) -> Result<(), Failure> {
        let max = self.limits.custom_len;
        if len > max {
            let text = format!("a custom header of {len} bytes is over the limit of {max}");
            return Err(Failure::new(Code::TooLarge, text));
        }
        Ok(())
    }
}

pub(crate) fn offline(id: EdgeId) -> Failure {
    Failure::new(Code::EdgeNotOnline, format!("edge {id} is not online"))
}

fn lost_edge() -> Failure {
    Failure::new(Code::Disconnected, "the edge's connection was lost")
}

fn missing() -> Failure {
    Failure::new(Code::Protocol, "the custom header is too short to end with an EdgeID")
}

fn none_left(form: Form, name: &str, tried: &Tried) -> Failure {
    if !tried.is_empty() {
        return Failure::new(Code::Disconnected, "the connection to the service was lost");
    }
    match form {
        Form::Call => {
            Failure::new(Code::ServiceNotOnline, format!("every service with the method {name:?} is leaving"))
        }
        Form::Message => Failure::new(
            Code::TopicNotOnline,
            format!("every service that receives the topic {name:?} is leaving"),
        ),
    }
}
