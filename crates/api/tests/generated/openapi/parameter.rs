//! The parameters of a route: the fields of its request, but those that its body has.

use super::bounds;
use super::comment::comment;
use super::schema::number;
use protox::prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

/// Those in the path, then those of the query, in the order of their numbers.
pub(crate) fn parameters(path: &str, request: &MessageDescriptor, in_body: bool) -> Vec<Value> {
    let is_in_path = |field: &FieldDescriptor| path.contains(&format!("{{{}}}", field.name()));
    let (in_path, in_query): (Vec<_>, Vec<_>) = request.fields().partition(is_in_path);
    assert_eq!(
        in_path.len(),
        path.matches('{').count(),
        "{path}: what is in it is not in {}",
        request.name()
    );
    let in_path = in_path.iter().map(|field| parameter(field, "path"));
    let in_query = in_query.iter().filter(|_| !in_body).map(|field| parameter(field, "query"));
    in_path.chain(in_query).collect()
}

fn parameter(field: &FieldDescriptor, place: &str) -> Value {
    let mut schema = match field.kind() {
        Kind::String => json!({"type": "string"}),
        Kind::Bool => json!({"type": "boolean", "default": false}),
        Kind::Enum(kinds) => json!({"type": "string", "enum": words(&kinds)}),
        // Written as text: what it looks like is among the bounds.
        Kind::Message(_) => json!({"type": "string"}),
        kind => number(&kind),
    };
    if field.is_list() {
        schema = json!({"type": "array", "items": schema});
    }
    bounds::apply(field, &mut schema);
    let message = field.parent_message();
    let description = bounds::rest_description(field)
        .map_or_else(|| comment(&message.parent_file(), field.path(), field.full_name()), str::to_owned);
    let mut parameter = json!({
        "name": field.name(), "in": place, "description": description, "schema": schema,
    });
    let is_needed = place == "path" || bounds::is_needed(field);
    if is_needed {
        parameter["required"] = true.into();
    }
    parameter
}

/// `edges` for `WATCH_KIND_EDGES`; what is not specified can't be asked for.
fn words(kinds: &EnumDescriptor) -> Vec<String> {
    let word = |name: &str| name.trim_start_matches("WATCH_KIND_").to_lowercase();
    kinds.values().filter(|value| value.number() != 0).map(|value| word(value.name())).collect()
}
