//! `ClusterService` over gRPC.

use super::queries::Queries;
use super::watch::{ClusterWatches, WatchEvent, WatchFilter};
use crate::model::Kind;
use frontier_api::cluster::cluster_service_server::ClusterService;
use frontier_api::cluster::watch_response::Event;
use frontier_api::cluster::{
    Change, GetEdgeByIdRequest, GetEdgeByIdResponse, GetEdgesCountRequest, GetEdgesCountResponse,
    GetFrontierByEdgeIdRequest, GetFrontierByEdgeIdResponse, GetServiceByIdRequest, GetServiceByIdResponse,
    GetServicesCountRequest, GetServicesCountResponse, ListEdgesRequest, ListEdgesResponse,
    ListFrontiersRequest, ListFrontiersResponse, ListServicesRequest, ListServicesResponse, WatchKind,
    WatchRequest, WatchResponse,
};
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use tonic::{Request, Response, Status};

/// What the handlers share.
pub(super) struct Grpc {
    pub(super) queries: Queries,
    pub(super) watches: ClusterWatches,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ClusterService for Grpc {
    async fn get_frontier_by_edge(
        &self,
        request: Request<GetFrontierByEdgeIdRequest>,
    ) -> Answer<GetFrontierByEdgeIdResponse> {
        let frontier = self.queries.frontier_by_edge(request.into_inner().edge_id).await?;
        Ok(Response::new(GetFrontierByEdgeIdResponse { frontier: Some(frontier) }))
    }

    async fn list_frontiers(&self, request: Request<ListFrontiersRequest>) -> Answer<ListFrontiersResponse> {
        let list = self.queries.frontiers(request.into_inner()).await?;
        Ok(Response::new(ListFrontiersResponse {
            cursor: list.cursor,
            frontiers: filled(list.items),
            next_page_token: list.next_token,
        }))
    }

    async fn list_edges(&self, request: Request<ListEdgesRequest>) -> Answer<ListEdgesResponse> {
        let list = self.queries.edges(request.into_inner()).await?;
        Ok(Response::new(ListEdgesResponse {
            cursor: list.cursor,
            edges: filled(list.items),
            next_page_token: list.next_token,
        }))
    }

    async fn get_edge_by_id(&self, request: Request<GetEdgeByIdRequest>) -> Answer<GetEdgeByIdResponse> {
        let edge = self.queries.edge(request.into_inner().edge_id).await?;
        Ok(Response::new(GetEdgeByIdResponse { edge: Some(edge) }))
    }

    async fn get_edges_count(&self, _: Request<GetEdgesCountRequest>) -> Answer<GetEdgesCountResponse> {
        let count = self.queries.count(Kind::Edge).await?;
        Ok(Response::new(GetEdgesCountResponse { count }))
    }

    async fn list_services(&self, request: Request<ListServicesRequest>) -> Answer<ListServicesResponse> {
        let list = self.queries.services(request.into_inner()).await?;
        Ok(Response::new(ListServicesResponse {
            cursor: list.cursor,
            services: filled(list.items),
            next_page_token: list.next_token,
        }))
    }

    async fn get_service_by_id(
        &self,
        request: Request<GetServiceByIdRequest>,
    ) -> Answer<GetServiceByIdResponse> {
        let service = self.queries.service(request.into_inner().service_id).await?;
        Ok(Response::new(GetServiceByIdResponse { service: Some(service) }))
    }

    async fn get_services_count(
        &self,
        _: Request<GetServicesCountRequest>,
    ) -> Answer<GetServicesCountResponse> {
        let count = self.queries.count(Kind::Service).await?;
        Ok(Response::new(GetServicesCountResponse { count }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Answer<Self::WatchStream> {
        let request = request.into_inner();
        // An unknown number counts as the unspecified kind, which is refused.
        let kinds = request.kinds.iter().map(|kind| WatchKind::try_from(*kind).unwrap_or_default());
        let filter = WatchFilter::new(kinds)?;
        let events = self.watches.open(request.after.map(Into::into), filter).await?;
        Ok(Response::new(Box::pin(events.map(|event| Ok(message(event?))))))
    }
}

fn message(event: WatchEvent) -> WatchResponse {
    match event {
        WatchEvent::Snapshot(part) => WatchResponse { position: None, event: Some(Event::Snapshot(part)) },
        WatchEvent::SnapshotEnd(part, position) => {
            WatchResponse { position: Some(position.into()), event: Some(Event::Snapshot(part)) }
        }
        WatchEvent::Change(what, position) => WatchResponse {
            position: Some(position.into()),
            event: Some(Event::Change(Change { what: Some(what) })),
        },
        WatchEvent::Keepalive(position) => WatchResponse { position: Some(position.into()), event: None },
    }
}

/// Protobuf has no list of optional messages: an empty one stands for what is not there.
fn filled<T: Default>(items: Vec<Option<T>>) -> Vec<T> {
    items.into_iter().map(Option::unwrap_or_default).collect()
}
