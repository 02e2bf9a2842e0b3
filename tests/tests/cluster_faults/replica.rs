//! One replica of frontlas, as a user of its API sees it.

use frontier_api::cluster::cluster_service_client::ClusterServiceClient;
use frontier_api::cluster::{
    Edge, Frontier, GetEdgeByIdRequest, GetEdgesCountRequest, GetFrontierByEdgeIdRequest,
    GetServicesCountRequest, ListEdgesRequest, ListFrontiersRequest, ListServicesRequest, Service,
};
use frontier_tests::Frontlas;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// One replica of frontlas, as users ask it.
#[derive(Clone)]
pub(crate) struct Replica(ClusterServiceClient<Channel>);

/// What a replica says of the whole cluster.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) frontiers: Vec<Frontier>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) services: Vec<Service>,
    pub(crate) edge_count: u64,
    pub(crate) service_count: u64,
}

impl Replica {
    /// Connects when it is first asked, and again after a loss.
    pub(crate) fn of(frontlas: &Frontlas) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", frontlas.control()));
        let endpoint = endpoint.expect("an address is a URL").timeout(Duration::from_secs(10));
        Self(ClusterServiceClient::new(endpoint.connect_lazy()))
    }

    /// The record of an edge; `None` if it is offline.
    pub(crate) async fn edge(&mut self, id: u64) -> Result<Option<Edge>, Status> {
        let answer = self.0.get_edge_by_id(GetEdgeByIdRequest { edge_id: id }).await;
        Ok(found(answer)?.and_then(|answer| answer.edge))
    }

    /// The frontier of an edge; `None` if it is offline.
    pub(crate) async fn frontier_of(&mut self, id: u64) -> Result<Option<String>, Status> {
        let answer = self.0.get_frontier_by_edge(GetFrontierByEdgeIdRequest { edge_id: id }).await;
        Ok(found(answer)?.and_then(|answer| answer.frontier).map(|frontier| frontier.frontier_id))
    }

    /// Everything. What changes meanwhile may be seen in part.
    pub(crate) async fn all(&mut self) -> Result<Directory, Status> {
        let frontiers = self.0.list_frontiers(ListFrontiersRequest::default()).await?.into_inner().frontiers;
        let edge_count = self.0.get_edges_count(GetEdgesCountRequest {}).await?.into_inner().count;
        let service_count = self.0.get_services_count(GetServicesCountRequest {}).await?.into_inner().count;
        let services = ListServicesRequest { count: Some(1000), ..ListServicesRequest::default() };
        let services = self.0.list_services(services).await?.into_inner().services;
        let edges = self.edges().await?;
        Ok(Directory { frontiers, edges, services, edge_count, service_count })
    }

    async fn edges(&mut self) -> Result<Vec<Edge>, Status> {
        let mut edges = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = ListEdgesRequest { count: Some(1000), page_token, ..ListEdgesRequest::default() };
            let page = self.0.list_edges(page).await?.into_inner();
            edges.extend(page.edges);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(edges);
            }
        }
    }
}

fn found<T>(answer: Result<tonic::Response<T>, Status>) -> Result<Option<T>, Status> {
    match answer {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}
