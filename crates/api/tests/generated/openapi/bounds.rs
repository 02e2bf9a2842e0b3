//! What protobuf has no words for: bounds, defaults, and what REST takes in another way.

use protox::prost_reflect::FieldDescriptor;
use serde_json::{Value, json};

/// The orders of a list by these fields.
fn orders(fields: &[&str]) -> Value {
    let signed = fields.iter().flat_map(|field| ["", "-", "+"].map(|sign| format!("{sign}{field}")));
    let all: Vec<_> = ["".to_owned()].into_iter().chain(signed).collect();
    json!({"enum": all, "default": "-create_time"})
}

/// Makes the schema of a field narrower.
pub(crate) fn apply(field: &FieldDescriptor, schema: &mut Value) {
    let full_name = field.full_name();
    let name = full_name.trim_start_matches("controlplane.");
    let more = match name {
        "ListEdgesRequest.order" => orders(&["create_time", "edge_id", "meta", "addr"]),
        "ListServicesRequest.order" => orders(&["create_time", "service_id", "service", "addr"]),
        "ListEdgeRPCsRequest.order" => orders(&["create_time", "edge_id"]),
        "ListServiceRPCsRequest.order" | "ListServiceTopicsRequest.order" => {
            orders(&["create_time", "service_id"])
        }
        "WatchRequest.after" => json!({"pattern": "^[0-9]{1,20}\\.[0-9]{1,20}$", "examples": ["1763.42"]}),
        _ => match field.name() {
            "page" => json!({"default": 1}),
            "page_size" => json!({"default": 10}),
            "count" => json!({"default": 100}),
            "edge_ids" | "frontier_ids" | "service_ids" => json!({"maxItems": 1000}),
            "method" | "topic" if is_sent(field) => json!({
                "minLength": 1, "maxLength": 255,
                "not": {"enum": ["get_edge_id", "edge_online", "edge_offline"]},
            }),
            "payload" => json!({"default": ""}),
            "timeout_ms" => json!({"default": 0}),
            "level" => {
                json!({"minLength": 1, "maxLength": 4096, "examples": ["info,frontier_exchange=debug"]})
            }
            // In the query of frontlas it is the token, or the number of old.
            "cursor" => {
                *schema = json!({"type": "string"});
                json!({})
            }
            _ => json!({}),
        },
    };
    let (Value::Object(schema), Value::Object(more)) = (schema, more) else { return };
    schema.extend(more);
}

/// What is to be said of a parameter that REST takes in another way than gRPC.
pub(crate) fn rest_description(field: &FieldDescriptor) -> Option<&'static str> {
    let is_of_frontlas = field.parent_message().get_field_by_name("cursor").is_some();
    match field.name() {
        "cursor" => Some(
            "Where the page begins: the `cursor` of the answer before. A number, for clients of old, is how many to pass \
             over: 100,000 at most.",
        ),
        "page_token" if is_of_frontlas => Some("Another name for `cursor`."),
        "after" => Some(
            "Where to go on from: the id of the last event that was seen, `history.number`. Without it the watch starts \
             with a snapshot.",
        ),
        _ => None,
    }
}

/// Whether it is what a peer is sent, and no filter of a list.
fn is_sent(field: &FieldDescriptor) -> bool {
    field.parent_message().get_field_by_name("payload").is_some()
}

/// Whether there is no answer without it: the one id that frontlas is asked for.
pub(crate) fn is_needed(field: &FieldDescriptor) -> bool {
    field.parent_message().name().starts_with("Get")
}
