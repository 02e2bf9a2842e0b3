//! What a broker answers that does not have the sessions: what the one says that does, which it asks.

mod forward;

pub(crate) use forward::{Forwarder, place};

use crate::api::Refusal;
use crate::leading::{Leading, Place};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use frontier_sessions::{Fault, FaultCode};
use http::{HeaderMap, HeaderName, header};
use std::sync::Arc;
use tonic::Status;

/// A request has it that a broker has passed on: it is not passed on again.
const PASSED_ON: HeaderName = HeaderName::from_static("x-frontier-passed-on");

/// Who has the sessions, and the way there.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) leading: Leading,
    pub(crate) forwarder: Arc<Forwarder>,
}

/// Has a request answered here if the sessions are here, and else where they are.
pub(crate) async fn enforce(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let is_grpc = is_grpc(request.headers());
    let leader = match gate.leading.place() {
        Place::Here => return next.run(request).await,
        Place::There(leader) => leader,
        Place::Nowhere => {
            let why = match gate.leading.trouble() {
                Some(_) => "redis can't be used, and no broker has the sessions",
                None => "no broker has the sessions yet: they are being taken up",
            };
            return refuse(is_grpc, why.to_owned());
        }
    };
    if request.headers().contains_key(PASSED_ON) {
        return refuse(is_grpc, format!("the broker at {} has the sessions", leader.address));
    }
    let answered = tokio::select! {
        answered = gate.forwarder.forward(&leader, request, &gate.leading) => answered,
        () = gate.leading.leaves(&leader) => Err("it has them no more".to_owned()),
    };
    answered.unwrap_or_else(|why| {
        refuse(
            is_grpc,
            format!("the broker at {} has the sessions, and does not answer: {why}", leader.address),
        )
    })
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// By REST or by gRPC, as it was asked.
fn refuse(is_grpc: bool, text: String) -> Response {
    let refusal = Refusal::from(Fault::new(FaultCode::NotOwner, text));
    if is_grpc { Status::from(refusal).into_http() } else { refusal.into_response() }
}
