use super::balance::Tried;
use super::{Exchange, Failure};
use crate::calls::Form;
use crate::peer::Peer;
use frontier_protocol::{Code, Custom, EdgeId, is_reserved};
use std::sync::Arc;

/// Where a question goes, and what becomes of its custom header on the way.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    pub(crate) target: Arc<Peer>,
    pub(crate) custom: Custom<'a>,
}

impl Exchange {
    /// Decides where a question of `asker` goes: by name from an edge, by the tail of `custom` from a
    /// service. Nothing is sent.
    pub(crate) fn route<'a>(
        &self,
        asker: &Peer,
        form: Form,
        name: &str,
        custom: &'a [u8],
        tried: &Tried,
    ) -> Result<Route<'a>, Failure> {
        self.check_sizes(name, custom)?;
        match asker.edge_id() {
            Some(id) => {
                let target = self.route_to_service(asker, id, form, name, tried)?;
                Ok(Route { target, custom: Custom::tailed(custom, id) })
            }
            None => {
                let (custom, id) = Custom::split_tail(custom).ok_or_else(|| {
                    Failure::new(Code::Protocol, "the custom header is too short to end with an EdgeID")
                })?;
                let target = self.registry.edges.online(id).ok_or_else(|| offline(id))?;
                if tried.iter().any(|edge| Arc::ptr_eq(edge, &target)) {
                    return Err(Failure::new(Code::Disconnected, "the edge's connection was lost"));
                }
                self.permit_reach(asker, id, &target)?;
                Ok(Route { target, custom: Custom::plain(custom) })
            }
        }
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
            .choose(candidates, id, asker.addr.ip(), tried)
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
        self.balancer.choose(candidates, id, asker.addr.ip(), tried).cloned().ok_or_else(|| {
            Failure::new(Code::ServiceNotOnline, format!("no service of the name {name:?} takes streams now"))
        })
    }

    fn check_sizes(&self, name: &str, custom: &[u8]) -> Result<(), Failure> {
        let limits = &self.limits;
        if name.len() > limits.name_len {
            let text = format!("a name of {} bytes is over the limit of {}", name.len(), limits.name_len);
            return Err(Failure::new(Code::TooLarge, text));
        }
        self.check_custom(custom)
    }

    pub(super) fn check_custom(&self, custom: &[u8]) -> Result<(), Failure> {
        let (len, max) = (custom.len(), self.limits.custom_len);
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
