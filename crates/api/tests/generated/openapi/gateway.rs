//! The document of a gateway.

use super::comment::comment;
use super::document::Document;
use super::operation::Operation;
use super::schema::Schemas;
use super::{bounds, plain, pool};
use frontier_api::gateway::change::What;
use frontier_api::gateway_json::{self as json, Call, LogLevel, Publish};
use frontier_api::{GatewayRoute, gateway};
use protox::prost_reflect::DescriptorPool;
use serde_json::{Value, to_value};

const TAGS: &[(&str, &str)] = &[
    ("edges", "Edges that are connected to this gateway."),
    ("services", "Services that are connected to it."),
    ("gateway", "The gateway as a whole."),
    plain::TAGGED,
];

/// What is sent on a watch.
const EVENTS: &[(&str, &str)] =
    &[("snapshot", "Snapshot"), ("change", "Change"), ("rates", "Rates"), ("end", "Error")];

fn operation(route: GatewayRoute) -> Operation {
    use GatewayRoute as R;
    const REQUEST: &[u16] = &[404, 413, 415, 424];
    match route {
        R::ListEdges | R::ListEdgeRPCs => Operation::read("edges", &[]),
        R::GetEdge => Operation::read("edges", &[404]),
        R::KickEdge => Operation::operate("edges", &[404]),
        R::CallEdge | R::PublishToEdge => Operation::operate("edges", REQUEST).with_body(),
        R::ListServices | R::ListServiceRPCs | R::ListServiceTopics => Operation::read("services", &[]),
        R::GetService => Operation::read("services", &[404]),
        R::KickService => Operation::operate("services", &[404]),
        R::CallService | R::PublishToService => Operation::operate("services", REQUEST).with_body(),
        R::GetStatus | R::GetPolicy => Operation::read("gateway", &[]),
        R::GetLogLevel => Operation::read("gateway", &[409]),
        R::SetLogLevel => Operation::operate("gateway", &[409, 413, 415, 503]).with_body(),
        R::Drain => Operation { role: "admin", ..Operation::operate("gateway", &[415]) },
        R::Watch => Operation { events: EVENTS, ..Operation::read("gateway", &[]) },
    }
}

fn schemas(pool: &DescriptorPool) -> Schemas {
    let message = |name: &str| {
        let found = pool.get_message_by_name(&format!("controlplane.{name}"));
        found.unwrap_or_else(|| panic!("there is no message {name}"))
    };
    let nothing = || serde_json::json!({});
    let mut schemas = Schemas::default();
    schemas.answer(&message("Edge"), |it: gateway::Edge| json::Edge::from(it));
    schemas.answer(&message("Service"), |it: gateway::Service| json::Service::from(it));
    schemas.answer(&message("ListEdgesResponse"), |it: gateway::ListEdgesResponse| json::Edges::from(it));
    schemas.answer(&message("ListServicesResponse"), |it: gateway::ListServicesResponse| {
        json::Services::from(it)
    });
    schemas
        .answer(&message("ListEdgeRPCsResponse"), |it: gateway::ListEdgeRpCsResponse| json::Rpcs::from(it));
    schemas.answer(&message("ListServiceRPCsResponse"), |it: gateway::ListServiceRpCsResponse| {
        json::Rpcs::from(it)
    });
    schemas.answer(&message("ListServiceTopicsResponse"), |it: gateway::ListServiceTopicsResponse| {
        json::Topics::from(it)
    });
    schemas.answer(&message("KickEdgeResponse"), |_: gateway::KickEdgeResponse| nothing());
    schemas.answer(&message("KickServiceResponse"), |_: gateway::KickServiceResponse| nothing());
    schemas
        .answer(&message("CallResponse"), |it: gateway::CallResponse| json::Answer { payload: it.payload });
    schemas.answer(&message("PublishResponse"), |_: gateway::PublishResponse| nothing());
    schemas.answer(&message("Status"), |it: gateway::Status| json::Status::from(it));
    schemas.answer(&message("Rule"), |it: gateway::Rule| json::Rule::from(it));
    schemas.answer(&message("Quota"), |it: gateway::Quota| json::Quota::from(it));
    schemas.answer(&message("Policy"), |it: gateway::Policy| json::Policy::from(it));
    schemas.answer(&message("LogLevel"), |it: gateway::LogLevel| LogLevel { level: it.level });
    schemas.answer(&message("DrainResponse"), |_: gateway::DrainResponse| nothing());
    schemas.answer(&message("Snapshot"), |it: gateway::Snapshot| json::Snapshot::from(it));
    schemas.answer(&message("Latency"), |it: gateway::Latency| {
        json::Rates::from(gateway::Rates { latency: Some(it), ..Default::default() }).latency
    });
    schemas.answer(&message("Rates"), |it: gateway::Rates| json::Rates::from(it));
    schemas.tagged(&message("Change"), changes());
    schemas.body::<Call>(&message("CallEdgeRequest"), &["edge_id"], bounds::apply);
    schemas.body::<Call>(&message("CallServiceRequest"), &["service_id"], bounds::apply);
    schemas.body::<Publish>(&message("PublishToEdgeRequest"), &["edge_id"], bounds::apply);
    schemas.body::<Publish>(&message("PublishToServiceRequest"), &["service_id"], bounds::apply);
    schemas.body::<LogLevel>(&message("SetLogLevelRequest"), &[], bounds::apply);
    schemas
}

fn changes() -> impl Iterator<Item = Value> {
    let all = [
        What::EdgeOnline(gateway::Edge::default()),
        What::EdgeOffline(gateway::EdgeOffline::default()),
        What::ServiceOnline(gateway::Service::default()),
        What::ServiceOffline(gateway::ServiceOffline::default()),
    ];
    all.into_iter().map(|what| to_value(json::Change::from(what)).expect("it is JSON"))
}

pub(crate) fn document() -> Document {
    let pool = pool(&["frontier.proto"]);
    let service = pool.get_service_by_name("controlplane.ControlPlane").expect("it is there");
    let text = comment(&service.parent_file(), service.path(), service.name());
    let (title, schemas) = ("Control plane of a gateway", schemas(&pool));
    let mut document = Document::new(title, text, TAGS, schemas);
    for route in GatewayRoute::ALL {
        let (method, path) = (route.method(), route.path());
        let operation = operation(*route).describe(&service, route.call(), &method, path);
        document.operation(&method, path, operation);
    }
    assert_eq!(service.methods().count(), GatewayRoute::ALL.len(), "each call has a route");
    document
}
