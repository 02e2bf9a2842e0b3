//! The document of frontlas.

use super::comment::comment;
use super::document::Document;
use super::operation::Operation;
use super::plain::{self, plain};
use super::pool;
use super::schema::{Departs, Schemas};
use frontier_api::cluster::change::What;
use frontier_api::{ClusterRoute, cluster, json};
use http::Method;
use protox::prost_reflect::DescriptorPool;
use serde_json::{Value, to_value};

const TAGS: &[(&str, &str)] = &[
    ("frontiers", "The gateways of the cluster."),
    ("edges", "Edges that are connected to any of them."),
    ("services", "Services that are connected to any of them."),
    ("cluster", "The cluster as a whole."),
    plain::TAGGED,
];

/// What is sent on a watch.
const EVENTS: &[(&str, &str)] = &[("snapshot", "Snapshot"), ("change", "Change"), ("end", "Error")];

/// A page says where the next one begins under the name of the parameter that takes it.
const PAGE: Departs = Departs { renamed: &[("cursor", "next_page_token")], left_out: &["cursor"] };

fn operation(route: ClusterRoute) -> Operation {
    use ClusterRoute as R;
    match route {
        R::GetFrontierByEdge => Operation::read("frontiers", &[404, 503]),
        R::ListFrontiers => Operation::read("frontiers", &[503]),
        R::GetEdgeByID => Operation::read("edges", &[404, 503]),
        R::ListEdges | R::GetEdgesCount => Operation::read("edges", &[503]),
        R::GetServiceByID => Operation::read("services", &[404, 503]),
        R::ListServices | R::GetServicesCount => Operation::read("services", &[503]),
        R::Watch => Operation { events: EVENTS, ..Operation::read("cluster", &[410, 503]) },
    }
}

fn schemas(pool: &DescriptorPool) -> Schemas {
    let message = |name: &str| {
        let found = pool.get_message_by_name(&format!("controlplane.{name}"));
        found.unwrap_or_else(|| panic!("there is no message {name}"))
    };
    let mut schemas = Schemas::default();
    schemas.answer(&message("Frontier"), |it: cluster::Frontier| json::Frontier::from(it));
    schemas.answer(&message("Edge"), |it: cluster::Edge| json::Edge::from(it));
    schemas.answer(&message("Service"), |it: cluster::Service| json::Service::from(it));
    schemas.answer_but(
        &message("GetFrontierByEdgeIDResponse"),
        Departs { renamed: &[("fontier", "frontier")], left_out: &[] },
        |it: cluster::GetFrontierByEdgeIdResponse| {
            let frontier: json::Frontier = it.frontier.unwrap_or_default().into();
            json::OneFrontier { fontier: frontier.clone(), frontier }
        },
    );
    schemas.answer(&message("GetEdgeByIDResponse"), |it: cluster::GetEdgeByIdResponse| json::OneEdge {
        edge: it.edge.unwrap_or_default().into(),
    });
    schemas.answer(&message("GetServiceByIDResponse"), |it: cluster::GetServiceByIdResponse| {
        json::OneService { service: it.service.unwrap_or_default().into() }
    });
    schemas.answer(&message("GetEdgesCountResponse"), |it: cluster::GetEdgesCountResponse| json::Count {
        count: it.count,
    });
    schemas.answer(&message("GetServicesCountResponse"), |it: cluster::GetServicesCountResponse| {
        json::Count { count: it.count }
    });
    let cursor = |token: String| (!token.is_empty()).then_some(token);
    schemas.answer_but(&message("ListFrontiersResponse"), PAGE, |it: cluster::ListFrontiersResponse| {
        json::Frontiers { cursor: cursor(it.next_page_token), frontiers: and_nobody(it.frontiers) }
    });
    schemas.answer_but(&message("ListEdgesResponse"), PAGE, |it: cluster::ListEdgesResponse| json::Edges {
        cursor: cursor(it.next_page_token),
        edges: and_nobody(it.edges),
    });
    schemas.answer_but(&message("ListServicesResponse"), PAGE, |it: cluster::ListServicesResponse| {
        json::Services { cursor: cursor(it.next_page_token), services: and_nobody(it.services) }
    });
    schemas.answer(&message("Snapshot"), |it: cluster::Snapshot| json::Snapshot::from(it));
    schemas.tagged(&message("Change"), changes());
    schemas
}

/// In an answer by ids, somebody may not be there.
fn and_nobody<T, R: From<T>>(items: Vec<T>) -> Vec<Option<R>> {
    [None].into_iter().chain(items.into_iter().map(|item| Some(item.into()))).collect()
}

fn changes() -> impl Iterator<Item = Value> {
    let former = || "f1".to_owned();
    let all = [
        What::FrontierOnline(cluster::Frontier::default()),
        What::FrontierOffline(cluster::FrontierOffline::default()),
        What::EdgeOnline(cluster::EdgeOnline { former_frontier_id: former(), ..Default::default() }),
        What::EdgeOffline(cluster::EdgeOffline::default()),
        What::ServiceOnline(cluster::ServiceOnline { former_frontier_id: former(), ..Default::default() }),
        What::ServiceOffline(cluster::ServiceOffline::default()),
    ];
    all.into_iter().map(|what| to_value(json::Change::from(what)).expect("it is JSON"))
}

/// A browser that connects again says by itself where it was.
fn last_event_id() -> Value {
    serde_json::json!({
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id of the last event that was seen: where to go on from, or with a snapshot if that is not \
                        possible any more.",
        "schema": {"type": "string"},
    })
}

/// Health as clients of `ClusterService` know it.
fn health() -> Value {
    let answer = serde_json::json!({"description": "It can."});
    let mut health = plain("getClusterHealth", "Whether frontlas can answer", answer, &[400, 404]);
    health["responses"]["417"] = serde_json::json!({"description": "It can't, as things are."});
    health["parameters"] = serde_json::json!([{
        "name": "service",
        "in": "query",
        "description": "Which service; empty for all together.",
        "schema": {"type": "string", "enum": ["", "controlplane.ClusterService"], "default": ""},
    }]);
    health
}

pub(crate) fn document() -> Document {
    let pool = pool(&["cluster.proto"]);
    let service = pool.get_service_by_name("controlplane.ClusterService").expect("it is there");
    let text = comment(&service.parent_file(), service.path(), service.name());
    let mut document = Document::new("Control plane of frontlas", text, TAGS, schemas(&pool));
    for route in ClusterRoute::ALL {
        let (method, path) = (route.method(), route.path());
        let mut operation = operation(*route).describe(&service, route.call(), &method, path);
        if *route == ClusterRoute::Watch {
            let parameters = operation["parameters"].as_array_mut().expect("it has some");
            parameters.push(last_event_id());
        }
        document.operation(&method, path, operation);
    }
    assert_eq!(service.methods().count(), ClusterRoute::ALL.len(), "each call has a route");
    document.operation(&Method::GET, "/cluster/v1/health", health());
    document
}
