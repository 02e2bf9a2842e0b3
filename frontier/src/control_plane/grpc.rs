//! `ControlPlane` over gRPC.

use super::actions::Actions;
use super::queries::Queries;
use frontier_admin::{ApiError, Operator};
use frontier_api::gateway::control_plane_server::ControlPlane;
use frontier_api::gateway::{
    Edge, GetEdgeRequest, GetServiceRequest, KickEdgeRequest, KickEdgeResponse, KickServiceRequest,
    KickServiceResponse, ListEdgesRequest, ListEdgesResponse, ListServiceRpCsRequest,
    ListServiceRpCsResponse, ListServiceTopicsRequest, ListServiceTopicsResponse, ListServicesRequest,
    ListServicesResponse, Service,
};
use tonic::{Request, Response, Status};

/// What the handlers share.
pub(super) struct Grpc {
    pub(super) queries: Queries,
    pub(super) actions: Actions,
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
}
