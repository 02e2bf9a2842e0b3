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
use axum::Router;
use axum::extract::Path;
use axum::routing::{delete, get, post};

type Answer = Result<axum::response::Response, Refusal>;

type Id = Path<String>;

/// Every route.
pub(crate) fn routes(api: Api) -> Router {
    const SESSION: &str = "/api/v1/sessions/{id}";
    let of = |rest: &str| format!("{SESSION}{rest}");
    Router::new()
        .route("/api/v1/sessions", get(sessions::list).post(sessions::create))
        .route(SESSION, get(sessions::get).delete(sessions::close))
        .route(&of("/attach"), post(sessions::attach))
        .route(&of("/status"), get(sessions::status))
        .route(&of("/requests"), post(requests::send))
        .route(&of("/requests/flush"), post(requests::flush))
        .route(&of("/responses"), get(responses::get))
        .route(&of("/clients/{client}"), delete(sessions::purge))
        .route("/ws/v1/sessions/{id}/responses", get(push::push))
        .with_state(api)
}
