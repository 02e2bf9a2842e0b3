//! What differs between frontiers, edges and services.

use crate::exit::Exit;
use crate::failure::Outcome;
use crate::plane::Plane;
use crate::timestamp::age;
use frontier_api::json::{self, Snapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;

/// A kind of record.
pub(crate) trait Kind: Clone + Debug + Send + Sync + 'static {
    type Record: Serialize + Send + Sync;
    /// A page of a list.
    type Page: DeserializeOwned + Send;
    const NAME: &'static str;
    /// As paths and queries call it.
    const PLURAL: &'static str;
    const HEADER: &'static [&'static str];

    fn row(record: &Self::Record) -> Vec<String>;
    /// The frontier that it is connected to, or that it is.
    fn frontier(record: &Self::Record) -> &str;
    fn open(page: Self::Page) -> (Vec<Self::Record>, Option<String>);
    fn of(part: &Snapshot) -> &[Self::Record];
    /// The one with this id, if it is there.
    fn find(plane: &mut Plane, id: &str) -> impl Future<Output = Outcome<Option<Self::Record>>>;
}

#[derive(Clone, Debug)]
pub(crate) struct Frontiers;
#[derive(Clone, Debug)]
pub(crate) struct Edges;
#[derive(Clone, Debug)]
pub(crate) struct Services;

impl Kind for Frontiers {
    type Record = json::Frontier;
    type Page = json::Frontiers;
    const NAME: &'static str = "frontier";
    const PLURAL: &'static str = "frontiers";
    const HEADER: &'static [&'static str] =
        &["FRONTIER", "STATE", "EDGES", "SERVICES", "FORWARDING", "EDGEBOUND", "SERVICEBOUND"];

    fn row(record: &json::Frontier) -> Vec<String> {
        let word = |is, yes: &str, no: &str| if is { yes.to_owned() } else { no.to_owned() };
        vec![
            record.frontier_id.clone(),
            word(record.draining, "draining", "ready"),
            record.edge_count.to_string(),
            record.service_count.to_string(),
            word(record.forwarding, "yes", "no"),
            record.advertised_eb_url.clone(),
            record.advertised_sb_url.clone(),
        ]
    }

    fn frontier(record: &json::Frontier) -> &str {
        &record.frontier_id
    }

    fn open(page: json::Frontiers) -> (Vec<json::Frontier>, Option<String>) {
        (page.frontiers.into_iter().flatten().collect(), page.cursor)
    }

    fn of(part: &Snapshot) -> &[json::Frontier] {
        &part.frontiers
    }

    async fn find(plane: &mut Plane, id: &str) -> Outcome<Option<json::Frontier>> {
        let page: json::Frontiers =
            plane.get("/cluster/v1/frontiers", &[("frontier_ids", id.to_owned())]).await?;
        Ok(page.frontiers.into_iter().flatten().next())
    }
}

impl Kind for Edges {
    type Record = json::Edge;
    type Page = json::Edges;
    const NAME: &'static str = "edge";
    const PLURAL: &'static str = "edges";
    const HEADER: &'static [&'static str] = &["EDGE", "FRONTIER", "ADDR", "AGE"];

    fn row(record: &json::Edge) -> Vec<String> {
        let json::Edge { edge_id, addr, frontier_id, stamp, .. } = record;
        vec![edge_id.to_string(), frontier_id.clone(), addr.clone(), age(Duration::from_micros(*stamp))]
    }

    fn frontier(record: &json::Edge) -> &str {
        &record.frontier_id
    }

    fn open(page: json::Edges) -> (Vec<json::Edge>, Option<String>) {
        (page.edges.into_iter().flatten().collect(), page.cursor)
    }

    fn of(part: &Snapshot) -> &[json::Edge] {
        &part.edges
    }

    async fn find(plane: &mut Plane, id: &str) -> Outcome<Option<json::Edge>> {
        let asked = plane.get("/cluster/v1/edge", &[("edge_id", id.to_owned())]).await;
        there(asked.map(|found: json::OneEdge| found.edge))
    }
}

impl Kind for Services {
    type Record = json::Service;
    type Page = json::Services;
    const NAME: &'static str = "service";
    const PLURAL: &'static str = "services";
    const HEADER: &'static [&'static str] = &["SERVICE", "NAME", "FRONTIER", "ADDR", "AGE"];

    fn row(record: &json::Service) -> Vec<String> {
        let json::Service { service_id, service, addr, frontier_id, stamp, .. } = record;
        let age = age(Duration::from_micros(*stamp));
        vec![service_id.to_string(), service.clone(), frontier_id.clone(), addr.clone(), age]
    }

    fn frontier(record: &json::Service) -> &str {
        &record.frontier_id
    }

    fn open(page: json::Services) -> (Vec<json::Service>, Option<String>) {
        (page.services.into_iter().flatten().collect(), page.cursor)
    }

    fn of(part: &Snapshot) -> &[json::Service] {
        &part.services
    }

    async fn find(plane: &mut Plane, id: &str) -> Outcome<Option<json::Service>> {
        let asked = plane.get("/cluster/v1/service", &[("service_id", id.to_owned())]).await;
        there(asked.map(|found: json::OneService| found.service))
    }
}

/// `None` where the answer is that nobody of the id is there.
fn there<T>(asked: Outcome<T>) -> Outcome<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.exit == Exit::Failure && failure.is_not_found() => Ok(None),
        Err(failure) => Err(failure),
    }
}
