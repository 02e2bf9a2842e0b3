//! One operation: a gRPC call, as REST has it.

use super::comment::{comment, route, summary};
use super::errors;
use super::parameter::parameters;
use http::Method;
use protox::prost_reflect::ServiceDescriptor;
use serde_json::{Map, Value, json};

/// What a call is in REST, beside its route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// The least role that it takes.
    pub(crate) role: &'static str,
    /// What it is about.
    pub(crate) tag: &'static str,
    /// Errors, beside those that every route may answer.
    pub(crate) errors: &'static [u16],
    /// Whether the fields of its request are in a body.
    pub(crate) has_body: bool,
    /// A watch: its events, and the schema of the data of each.
    pub(crate) events: &'static [(&'static str, &'static str)],
}

impl Operation {
    /// A question.
    pub(crate) const fn read(tag: &'static str, errors: &'static [u16]) -> Self {
        Self { role: "read", tag, errors, has_body: false, events: &[] }
    }

    /// A change, or whatever else operators do.
    pub(crate) const fn operate(tag: &'static str, errors: &'static [u16]) -> Self {
        Self { role: "operate", tag, errors, has_body: false, events: &[] }
    }

    /// The same, whose request has a body.
    pub(crate) const fn with_body(self) -> Self {
        Self { has_body: true, ..self }
    }

    /// The operation as the document has it.
    pub(crate) fn describe(
        self,
        service: &ServiceDescriptor,
        call: &str,
        method: &Method,
        path: &str,
    ) -> Value {
        let found = service.methods().find(|it| it.name() == call);
        let found = found.unwrap_or_else(|| panic!("{} has no call {call}", service.full_name()));
        let text = comment(&service.parent_file(), found.path(), call);
        let (said, text) = route(&text);
        assert_eq!(said, format!("{method} {path}"), "the comment of {call} and the table of routes differ");
        let (summary, rest) = summary(&text);
        let Self { role, tag, errors, has_body, events } = self;
        let role_text = format!("Takes the role `{role}`.");
        let description = format!("{rest}\n\n{role_text}");
        let mut operation = json!({
            "operationId": call,
            "tags": [tag],
            "summary": summary,
            "description": description.trim(),
            "x-role": role,
            "responses": errors::references(&[&[400], errors].concat()),
        });
        let request = found.input();
        let parameters = parameters(path, &request, has_body);
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if has_body {
            let schema = json!({"$ref": format!("#/components/schemas/{}", request.name())});
            operation["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": schema}}});
        }
        operation["responses"]["200"] = if events.is_empty() {
            answer(found.output().name(), "What was asked for, or what was done.")
        } else {
            stream(events)
        };
        operation
    }
}

/// An answer in JSON, by the name of its schema.
pub(crate) fn answer(schema: &str, description: &str) -> Value {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

/// An answer of server-sent events. OpenAPI 3.1 has no words for what is in each: `x-events` says it.
fn stream(events: &[(&str, &str)]) -> Value {
    let names: Vec<_> = events.iter().map(|(event, _)| format!("`{event}`")).collect();
    let text = format!(
        "Server-sent events without an end: {}, each with JSON as its data. A frame without data is a sign of life. `end` \
         has the error that ends the stream.",
        names.join(", ")
    );
    let reference = |schema: &str| json!({"$ref": format!("#/components/schemas/{schema}")});
    let events: Map<_, _> =
        events.iter().map(|(event, schema)| ((*event).to_owned(), reference(schema))).collect();
    json!({
        "description": text,
        "content": {"text/event-stream": {"schema": {"type": "string"}, "x-events": events}},
    })
}
