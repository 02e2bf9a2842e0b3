//! `ControlPlane` over gRPC.

use super::Shared;
use super::requests::{Receiver, Sent};
use super::watch::WatchFilter;
use frontier_admin::{ApiError, Operator};
use frontier_api::gateway::control_plane_server::ControlPlane;
use frontier_api::gateway::{
    CallEdgeRequest, CallResponse, CallServiceRequest, DrainRequest, DrainResponse, Edge, GetEdgeRequest,
    GetLogLevelRequest, GetPolicyRequest, GetServiceRequest, GetStatusRequest, KickEdgeRequest,
    KickEdgeResponse, KickServiceRequest, KickServiceResponse, ListEdgeRpCsRequest, ListEdgeRpCsResponse,
    ListEdgesRequest, ListEdgesResponse, ListServiceRpCsRequest, ListServiceRpCsResponse,
    ListServiceTopicsRequest, ListServiceTopicsResponse, ListServicesRequest, ListServicesResponse, LogLevel,
    Policy, PublishResponse, PublishToEdgeRequest, PublishToServiceRequest, Service, SetLogLevelRequest,
    Status as GatewayStatus, WatchKind, WatchRequest, WatchResponse,
};
use frontier_exchange::RequestKind;
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use tonic::{Request, Response, Status};

/// What the handlers share.
pub(super) struct Grpc(pub(super) Shared);

impl std::ops::Deref for Grpc {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

type Answer<T> = Result<Response<T>, Status>;

/// Who has sent it. The server adds it to every request.
fn operator<T>(request: &Request<T>) -> Result<Operator, ApiError> {
    request.extensions().get::<Operator>().cloned().ok_or(ApiError::Internal)
}

#[tonic::async_trait]
impl ControlPlane for Grpc {
    async fn list_edges(&self, request: Request<ListEdgesRequest>) -> Answer<ListEdgesResponse> {
        let list = self.queries.edges(request.into_inner()).await?;
        let count = list.count();
        Ok(Response::new(ListEdgesResponse { edges: list.items, count, next_page_token: list.next }))
    }

    async fn get_edge(&self, request: Request<GetEdgeRequest>) -> Answer<Edge> {
        Ok(Response::new(self.queries.edge(request.into_inner().edge_id)?))
    }

    async fn kick_edge(&self, request: Request<KickEdgeRequest>) -> Answer<KickEdgeResponse> {
        let operator = operator(&request)?;
        self.actions.kick_edge(&operator, request.into_inner().edge_id).await?;
        Ok(Response::new(KickEdgeResponse {}))
    }

    async fn list_edge_rp_cs(&self, request: Request<ListEdgeRpCsRequest>) -> Answer<ListEdgeRpCsResponse> {
        let list = self.queries.edge_rpcs(request.into_inner()).await?;
        let count = list.count();
        Ok(Response::new(ListEdgeRpCsResponse { rpcs: list.items, count, next_page_token: list.next }))
    }

    async fn list_services(&self, request: Request<ListServicesRequest>) -> Answer<ListServicesResponse> {
        let list = self.queries.services(request.into_inner()).await?;
        let count = list.count();
        Ok(Response::new(ListServicesResponse { services: list.items, count, next_page_token: list.next }))
    }

    async fn get_service(&self, request: Request<GetServiceRequest>) -> Answer<Service> {
        Ok(Response::new(self.queries.service(request.into_inner().service_id)?))
    }

    async fn kick_service(&self, request: Request<KickServiceRequest>) -> Answer<KickServiceResponse> {
        let operator = operator(&request)?;
        self.actions.kick_service(&operator, request.into_inner().service_id).await?;
        Ok(Response::new(KickServiceResponse {}))
    }

    async fn list_service_rp_cs(
        &self,
        request: Request<ListServiceRpCsRequest>,
    ) -> Answer<ListServiceRpCsResponse> {
        let list = self.queries.service_rpcs(request.into_inner()).await?;
        let count = list.count();
        Ok(Response::new(ListServiceRpCsResponse { rpcs: list.items, count, next_page_token: list.next }))
    }

    async fn list_service_topics(
        &self,
        request: Request<ListServiceTopicsRequest>,
    ) -> Answer<ListServiceTopicsResponse> {
        let list = self.queries.service_topics(request.into_inner()).await?;
        let count = list.count();
        Ok(Response::new(ListServiceTopicsResponse { topics: list.items, count, next_page_token: list.next }))
    }

    async fn call_edge(&self, request: Request<CallEdgeRequest>) -> Answer<CallResponse> {
        let operator = operator(&request)?;
        let CallEdgeRequest { edge_id, method, payload, timeout_ms } = request.into_inner();
        let sent = Sent { kind: RequestKind::Call, name: &method, payload: &payload, timeout_ms };
        let payload = self.requests.send(&operator, Receiver::Edge(edge_id), sent).await?;
        Ok(Response::new(CallResponse { payload }))
    }

    async fn publish_to_edge(&self, request: Request<PublishToEdgeRequest>) -> Answer<PublishResponse> {
        let operator = operator(&request)?;
        let PublishToEdgeRequest { edge_id, topic, payload, timeout_ms } = request.into_inner();
        let sent = Sent { kind: RequestKind::Message, name: &topic, payload: &payload, timeout_ms };
        self.requests.send(&operator, Receiver::Edge(edge_id), sent).await?;
        Ok(Response::new(PublishResponse {}))
    }

    async fn call_service(&self, request: Request<CallServiceRequest>) -> Answer<CallResponse> {
        let operator = operator(&request)?;
        let CallServiceRequest { service_id, method, payload, timeout_ms } = request.into_inner();
        let sent = Sent { kind: RequestKind::Call, name: &method, payload: &payload, timeout_ms };
        let payload = self.requests.send(&operator, Receiver::Service(service_id), sent).await?;
        Ok(Response::new(CallResponse { payload }))
    }

    async fn publish_to_service(&self, request: Request<PublishToServiceRequest>) -> Answer<PublishResponse> {
        let operator = operator(&request)?;
        let PublishToServiceRequest { service_id, topic, payload, timeout_ms } = request.into_inner();
        let sent = Sent { kind: RequestKind::Message, name: &topic, payload: &payload, timeout_ms };
        self.requests.send(&operator, Receiver::Service(service_id), sent).await?;
        Ok(Response::new(PublishResponse {}))
    }

    async fn get_status(&self, request: Request<GetStatusRequest>) -> Answer<GatewayStatus> {
        Ok(Response::new(self.about.status(operator(&request)?.role())))
    }

    async fn get_policy(&self, _: Request<GetPolicyRequest>) -> Answer<Policy> {
        Ok(Response::new(self.about.policy()))
    }

    async fn get_log_level(&self, _: Request<GetLogLevelRequest>) -> Answer<LogLevel> {
        Ok(Response::new(LogLevel { level: self.actions.log_level()? }))
    }

    async fn set_log_level(&self, request: Request<SetLogLevelRequest>) -> Answer<LogLevel> {
        let operator = operator(&request)?;
        let level = self.actions.set_log_level(&operator, &request.into_inner().level).await?;
        Ok(Response::new(LogLevel { level }))
    }

    async fn drain(&self, request: Request<DrainRequest>) -> Answer<DrainResponse> {
        self.actions.drain(&operator(&request)?).await?;
        Ok(Response::new(DrainResponse {}))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Answer<Self::WatchStream> {
        // An unknown number counts as the unspecified kind, which is refused.
        let WatchRequest { kinds, changes_only } = request.into_inner();
        let kinds = kinds.iter().map(|kind| WatchKind::try_from(*kind).unwrap_or_default());
        let filter = WatchFilter { changes_only, ..WatchFilter::new(kinds)? };
        let events = self.watches.open(filter)?;
        Ok(Response::new(Box::pin(events.map(|event| Ok(event?)))))
    }
}
