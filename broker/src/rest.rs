//! Sessions over HTTP with JSON, and responses over WebSocket: docs/sessions.md.

mod ids;
mod json;
mod push;
mod requests;
mod response;
mod responses;
mod sessions;
mod time_span;

use crate::api::{Api, Refusal, who};
use crate::scaling::{Scaling, scaling_of};
use axum::Router;
use axum::extract::Path;
use axum::routing::{delete, get, post};
use frontier_api::BrokerRoute;

type Answer = Result<axum::response::Response, Refusal>;

type Id = Path<String>;

/// Every route.
pub(crate) fn routes(api: &Api, scaling: &Scaling) -> Router {
    use BrokerRoute as R;
    BrokerRoute::ALL.iter().fold(Router::new(), |router, route| {
        let of_sessions = match route {
            R::CreateSession => post(sessions::create),
            R::ListSessions => get(sessions::list),
            R::GetSession => get(sessions::get),
            R::CloseSession => delete(sessions::close),
            R::AttachSession => post(sessions::attach),
            R::GetSessionStatus => get(sessions::status),
            R::SendRequests => post(requests::send),
            R::FlushRequests => post(requests::flush),
            R::GetResponses => get(responses::get),
            R::PushResponses => get(push::push),
            R::PurgeClient => delete(sessions::purge),
            R::GetScaling => return router.route(route.path(), get(scaling_of).with_state(scaling.clone())),
        };
        router.route(route.path(), of_sessions.with_state(api.clone()))
    })
}
