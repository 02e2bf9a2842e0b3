//! `cloudsoa.BrokerService`: docs/sessions.md.

mod convert;
mod receiving;
mod responses;
mod sending;

use crate::api::{Api, Refusal, client, who};
use crate::session::Flush;
use axum::Router;
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Operator};
use frontier_api::broker::broker_service_server::{BrokerService, BrokerServiceServer};
use frontier_api::broker::{
    AttachSessionRequest, BrokerRequest, BrokerResponse, CloseSessionRequest, CreateSessionRequest,
    FlushRequestsReply, FlushRequestsRequest, GetResponsesRequest, GetSessionRequest,
    GetSessionStatusRequest, PurgeClientRequest, SendSummary, SessionInfoReply, SessionStatusReply,
};
use frontier_sessions::ClientId;
use futures_util::Stream;
use std::pin::Pin;
use tonic::{Request, Response, Status, Streaming};

/// The calls that read requests with their payloads, for as long as their clients send.
const UPLOADS: [&str; 2] =
    ["/cloudsoa.BrokerService/SendRequests", "/cloudsoa.BrokerService/SendAndGetResponses"];

/// Every call.
pub(crate) fn routes(api: Api) -> Router {
    let config = api.sessions.config();
    let size = config.server.request_size;
    // What is beside a payload is no longer than any other message.
    let longest = config.limits.session.message_size + size;
    let service = |size| BrokerServiceServer::new(Grpc(api.clone())).max_decoding_message_size(size);
    let router = Router::new().route_service("/cloudsoa.BrokerService/{call}", service(size));
    UPLOADS.iter().fold(router, |router, path| router.route_service(path, service(longest)))
}

/// Whether a call takes as long as its client sends.
pub(crate) fn is_upload(path: &str) -> bool {
    UPLOADS.contains(&path)
}

pub(crate) struct Grpc(Api);

type Answer<T> = Result<Response<T>, Status>;
type Responses = Pin<Box<dyn Stream<Item = Result<BrokerResponse, Status>> + Send>>;

/// Who asks, and what.
fn taken<T>(mut request: Request<T>) -> Result<(Operator, T), Refusal> {
    // Every request that is let pass has one.
    let operator = request.extensions_mut().remove::<Operator>().ok_or(ApiError::Internal)?;
    Ok((operator, request.into_inner()))
}

/// A text of a message, where the empty one stands for none.
fn named(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn client_of(text: &str) -> Result<ClientId, Refusal> {
    Ok(client(named(text))?)
}

#[tonic::async_trait]
impl BrokerService for Grpc {
    async fn create_session(&self, request: Request<CreateSessionRequest>) -> Answer<SessionInfoReply> {
        let (operator, create) = taken(request)?;
        let (settings, notes) = convert::settings(create, self.0.sessions.config().timeouts)?;
        let session = self.0.create(&operator, settings, &notes).await?;
        Ok(Response::new(convert::info(&session, None)))
    }

    async fn get_session(&self, request: Request<GetSessionRequest>) -> Answer<SessionInfoReply> {
        let (operator, get) = taken(request)?;
        let session = self.0.session(&get.session_id, &operator, OperatorRole::Read)?;
        Ok(Response::new(convert::info(&session, None)))
    }

    async fn attach_session(&self, request: Request<AttachSessionRequest>) -> Answer<SessionInfoReply> {
        let (operator, attach) = taken(request)?;
        let client_id = named(&attach.client_id);
        client_of(&attach.client_id)?;
        let kind = attach.session_type.map(convert::kind).transpose()?;
        let session = self.0.session(&attach.session_id, &operator, OperatorRole::Operate)?;
        session.attach(who(&operator), kind).await.map_err(Refusal::from)?;
        Ok(Response::new(convert::info(&session, client_id.map(str::to_owned))))
    }

    async fn close_session(&self, request: Request<CloseSessionRequest>) -> Answer<()> {
        let (operator, close) = taken(request)?;
        self.0.close(&operator, &close.session_id).await?;
        Ok(Response::new(()))
    }

    async fn get_session_status(
        &self,
        request: Request<GetSessionStatusRequest>,
    ) -> Answer<SessionStatusReply> {
        let (operator, get) = taken(request)?;
        let session = self.0.session(&get.session_id, &operator, OperatorRole::Read)?;
        Ok(Response::new(convert::status(&session, self.0.figures(&session))))
    }

    async fn send_requests(&self, request: Request<Streaming<BrokerRequest>>) -> Answer<SendSummary> {
        let (operator, stream) = taken(request)?;
        let _slot = self.0.watches.reserve()?;
        let mut sending = sending::Sending::new(self.0.clone(), operator, stream);
        sending.run(false).await?;
        Ok(Response::new(sending.summary()))
    }

    async fn flush_requests(&self, request: Request<FlushRequestsRequest>) -> Answer<FlushRequestsReply> {
        let (operator, read) = taken(request)?;
        let session = self.0.session(&read.session_id, &operator, OperatorRole::Operate)?;
        let client = client_of(&read.client_id)?;
        let flush = Flush { batch: read.batch_id, sent: read.sent, ends: read.end };
        let flushed = session.flush(who(&operator), client, flush).await.map_err(Refusal::from)?;
        Ok(Response::new(FlushRequestsReply { pending: flushed.pending, committed: flushed.committed }))
    }

    type GetResponsesStream = Responses;

    async fn get_responses(&self, request: Request<GetResponsesRequest>) -> Answer<Responses> {
        let (operator, get) = taken(request)?;
        let slot = self.0.watches.reserve()?;
        let session = self.0.session(&get.session_id, &operator, OperatorRole::Operate)?;
        let (start, client) = (convert::start(&get)?, client_of(&get.client_id)?);
        let reader = self.0.reader(session, who(&operator), client, start).await?;
        let left = (get.count > 0).then_some(get.count);
        Ok(Response::new(Box::pin(responses::Pushed::new(reader, left, slot).stream())))
    }

    type SendAndGetResponsesStream = Responses;

    async fn send_and_get_responses(&self, request: Request<Streaming<BrokerRequest>>) -> Answer<Responses> {
        let (operator, stream) = taken(request)?;
        let slot = self.0.watches.reserve()?;
        let sending = sending::Sending::new(self.0.clone(), operator, stream);
        Ok(Response::new(Box::pin(receiving::stream(self.0.clone(), sending, slot))))
    }

    async fn purge_client(&self, request: Request<PurgeClientRequest>) -> Answer<()> {
        let (operator, purge) = taken(request)?;
        self.0.purge(&operator, &purge.session_id, client_of(&purge.client_id)?).await?;
        Ok(Response::new(()))
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        convert::refused(refusal)
    }
}
