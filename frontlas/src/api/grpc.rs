//! `ClusterService` over gRPC.

use super::questions::Questions;
use super::watch::{Kinds, Told, Watches};
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

/// The service, as the generated adapter wants it.
pub(crate) struct Grpc {
    pub(crate) questions: Questions,
    pub(crate) watches: Watches,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ClusterService for Grpc {
    async fn get_frontier_by_edge(
        &self,
        request: Request<GetFrontierByEdgeIdRequest>,
    ) -> Answer<GetFrontierByEdgeIdResponse> {
        let frontier = self.questions.frontier_by_edge(request.into_inner().edge_id).await?;
        Ok(Response::new(GetFrontierByEdgeIdResponse { frontier: Some(frontier) }))
    }

    async fn list_frontiers(&self, request: Request<ListFrontiersRequest>) -> Answer<ListFrontiersResponse> {
        let listed = self.questions.frontiers(request.into_inner()).await?;
        Ok(Response::new(ListFrontiersResponse {
            cursor: listed.cursor,
            frontiers: filled(listed.items),
            next_page_token: listed.next_token,
        }))
    }

    async fn list_edges(&self, request: Request<ListEdgesRequest>) -> Answer<ListEdgesResponse> {
        let listed = self.questions.edges(request.into_inner()).await?;
        Ok(Response::new(ListEdgesResponse {
            cursor: listed.cursor,
            edges: filled(listed.items),
            next_page_token: listed.next_token,
        }))
    }

    async fn get_edge_by_id(&self, request: Request<GetEdgeByIdRequest>) -> Answer<GetEdgeByIdResponse> {
        let edge = self.questions.edge(request.into_inner().edge_id).await?;
        Ok(Response::new(GetEdgeByIdResponse { edge: Some(edge) }))
    }

    async fn get_edges_count(&self, _: Request<GetEdgesCountRequest>) -> Answer<GetEdgesCountResponse> {
        let count = self.questions.count(Kind::Edge).await?;
        Ok(Response::new(GetEdgesCountResponse { count }))
    }

    async fn list_services(&self, request: Request<ListServicesRequest>) -> Answer<ListServicesResponse> {
        let listed = self.questions.services(request.into_inner()).await?;
        Ok(Response::new(ListServicesResponse {
            cursor: listed.cursor,
            services: filled(listed.items),
            next_page_token: listed.next_token,
        }))
    }

    async fn get_service_by_id(
        &self,
        request: Request<GetServiceByIdRequest>,
    ) -> Answer<GetServiceByIdResponse> {
        let service = self.questions.service(request.into_inner().service_id).await?;
        Ok(Response::new(GetServiceByIdResponse { service: Some(service) }))
    }

    async fn get_services_count(
        &self,
        _: Request<GetServicesCountRequest>,
    ) -> Answer<GetServicesCountResponse> {
        let count = self.questions.count(Kind::Service).await?;
        Ok(Response::new(GetServicesCountResponse { count }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Answer<Self::WatchStream> {
        let request = request.into_inner();
        // An unknown number counts as the unspecified kind, which is refused.
        let kinds = request.kinds.iter().map(|kind| WatchKind::try_from(*kind).unwrap_or_default());
        let kinds = Kinds::new(kinds)?;
        let told = self.watches.open(request.after.map(Into::into), kinds).await?;
        Ok(Response::new(Box::pin(told.map(|told| Ok(message(told?))))))
    }
}

fn message(told: Told) -> WatchResponse {
    match told {
        Told::Snapshot(part) => WatchResponse { position: None, event: Some(Event::Snapshot(part)) },
        Told::SnapshotEnd(part, position) => {
            WatchResponse { position: Some(position.into()), event: Some(Event::Snapshot(part)) }
        }
        Told::Change(what, position) => WatchResponse {
            position: Some(position.into()),
            event: Some(Event::Change(Change { what: Some(what) })),
        },
        Told::Alive(position) => WatchResponse { position: Some(position.into()), event: None },
    }
}

/// A list of messages has no way to say that one is not there but an empty one.
fn filled<T: Default>(items: Vec<Option<T>>) -> Vec<T> {
    items.into_iter().map(Option::unwrap_or_default).collect()
}
