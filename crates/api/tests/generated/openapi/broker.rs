//! The document of the broker of work sessions, whose JSON is not protobuf's.

use super::document::Document;
use super::operation::answer;
use super::plain;
use super::schema::Schemas;
use frontier_api::BrokerRoute;
use frontier_api::session_json as json;
use http::Method;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

const TEXT: &str = "Sessions of work: clients send requests, hosts compute them, and clients fetch the responses. A client without a \
                    name is `default`.";

const TAGS: &[(&str, &str)] = &[
    ("sessions", "Sessions, and how they stand."),
    ("requests", "What is sent to a session."),
    ("responses", "What is fetched from it."),
    ("scaling", "How many hosts there should be."),
    plain::TAGGED,
];

/// What a route is, beside its method and path.
struct Operation {
    tag: &'static str,
    role: &'static str,
    summary: &'static str,
    text: &'static str,
    query: &'static [&'static str],
    body: Option<&'static str>,
    /// The status when all is well, what that means, and the schema of the body.
    done: (u16, &'static str, Option<&'static str>),
    errors: &'static [u16],
}

impl Operation {
    const fn new(tag: &'static str, role: &'static str, summary: &'static str) -> Self {
        Self {
            tag,
            role,
            summary,
            text: "",
            query: &[],
            body: None,
            done: (200, "It is.", None),
            errors: &[],
        }
    }
}

fn operation(route: BrokerRoute) -> Operation {
    use BrokerRoute as R;
    const GONE: (u16, &str, Option<&str>) = (204, "It is gone.", None);
    match route {
        R::CreateSession => Operation {
            body: Some("Create"),
            done: (201, "It is made, and is where `Location` says.", Some("SessionInfo")),
            errors: &[413, 415, 501, 503, 507],
            ..Operation::new("sessions", "operate", "Makes a session")
        },
        R::ListSessions => Operation {
            text: "An `admin` sees all.",
            done: (200, "Those that who asks may use.", Some("[ListedSession]")),
            ..Operation::new("sessions", "read", "Sessions")
        },
        R::GetSession => Operation {
            text: "For 10 minutes after its end as well.",
            done: (200, "The session.", Some("SessionInfo")),
            errors: &[404],
            ..Operation::new("sessions", "read", "One session")
        },
        R::CloseSession => Operation {
            text: "What is queued is not computed, responses are gone. Once more does no harm.",
            done: GONE,
            errors: &[404, 415, 503],
            ..Operation::new("sessions", "operate", "Ends a session")
        },
        R::AttachSession => Operation {
            query: &["clientId", "sessionType"],
            done: (200, "The session.", Some("SessionInfo")),
            errors: &[404, 409, 415, 503],
            ..Operation::new("sessions", "operate", "A session, if it can be used")
        },
        R::GetSessionStatus => Operation {
            done: (200, "How it stands.", Some("SessionStatus")),
            errors: &[404],
            ..Operation::new("sessions", "read", "How a session stands")
        },
        R::SendRequests => Operation {
            text: "All of them are taken, or none.",
            query: &["clientId"],
            body: Some("SendRequests"),
            done: (202, "They are taken.", Some("Enqueued")),
            errors: &[404, 409, 413, 415, 503, 507],
            ..Operation::new("requests", "operate", "Sends requests")
        },
        R::FlushRequests => Operation {
            text: "Said again, it commits nothing twice. The body may be left out.",
            query: &["clientId", "end"],
            body: Some("FlushRequests"),
            done: (200, "They are committed.", Some("FlushedRequests")),
            errors: &[404, 409, 413, 415, 503, 507],
            ..Operation::new("requests", "operate", "Commits requests, and ends them")
        },
        R::GetResponses => Operation {
            text: "They count as fetched once they are written, and can be had again until the client is purged. With `stream`, or \
                   `Accept: application/x-ndjson`, they come one a line, as they are computed, up to the end of them or a fault.",
            query: &["clientId", "maxCount", "position", "waitMs", "stream"],
            done: (200, "Responses.", Some("Responses")),
            errors: &[404, 409, 503],
            ..Operation::new("responses", "operate", "Fetches responses")
        },
        R::PushResponses => Operation {
            text: "Each response is a text, as `Response` has it, up to one as `LastLine` or `FailedLine` has it. The client gives credit: \
                   `{\"credit\": 50, \"acknowledge\": 40}`.",
            query: &["clientId", "position", "credit", "acknowledge"],
            done: (101, "A WebSocket, on which responses are pushed.", None),
            errors: &[404, 409, 503],
            ..Operation::new("responses", "operate", "Responses as they are computed")
        },
        R::PurgeClient => Operation {
            text: "Its requests and its responses as well.",
            done: GONE,
            errors: &[404, 409, 415, 503],
            ..Operation::new("responses", "operate", "Drops a client")
        },
        R::GetScaling => Operation {
            text: "By HPC Pack's rule for growing and shrinking.",
            query: &["minimum", "maximum", "capacityPerHost", "shrinkRounds", "keep", "hold"],
            done: (200, "How many there are, and should be.", Some("Scaling")),
            ..Operation::new("scaling", "read", "How many hosts a service should have")
        },
    }
}

/// A parameter: its schema, and what it says.
fn parameter(name: &str) -> (Value, &'static str) {
    let number = |max: u64| json!({"type": "integer", "minimum": 0, "maximum": max});
    let flag = || json!({"type": "boolean", "default": false});
    match name {
        "id" => (
            json!({"type": "string", "pattern": "^[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}$"}),
            "The id of the session: 32 hexadecimal digits, with hyphens or without.",
        ),
        "client" | "clientId" => (
            json!({"type": "string", "pattern": "^[0-9A-Za-z_{} -]{1,128}$"}),
            "The client; its case means nothing.",
        ),
        "service" => (json!({"type": "string", "minLength": 1}), "The service."),
        "sessionType" => (
            json!({"enum": [0, 1, "Interactive", "Durable"]}),
            "What it is expected to be; another one is refused.",
        ),
        "end" => (flag(), "Whether no more follow."),
        "maxCount" => (
            json!({"type": "integer", "minimum": 0, "maximum": 10_000, "default": 100}),
            "The most responses; with `stream`, at once.",
        ),
        "position" => (
            json!({"type": "string", "pattern": "^(current|begin|[0-9]{1,19})$", "default": "current"}),
            "`current`, with what was not fetched; `begin`, with the first that is kept; or the number of a response.",
        ),
        "waitMs" => (
            json!({"type": "integer", "minimum": 0, "default": 0}),
            "How long to wait for the first one, in milliseconds, within `sessions.request_timeout`.",
        ),
        "stream" => (flag(), "JSON values one a line, without an end until there is one."),
        "credit" => (
            json!({"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 100}),
            "How many responses may come at first.",
        ),
        "acknowledge" => (
            json!({"enum": ["written", "client"], "default": "written"}),
            "When responses count as fetched: when they are written, or when the client says so.",
        ),
        "minimum" => (number(u64::MAX), "The fewest hosts; 0 unless it is there."),
        "maximum" => (number(u64::MAX), "The most hosts; no limit unless it is there."),
        "capacityPerHost" => (
            number(u32::MAX.into()),
            "What a host does at once; the average of those that there are unless it is there.",
        ),
        "shrinkRounds" => (number(u32::MAX.into()), "What the round before said."),
        "keep" => (flag(), "Whether no host is to be stopped."),
        "hold" => (flag(), "Whether no more than the fewest are asked for."),
        other => panic!("nothing is said of the parameter {other}"),
    }
}

fn parameters(path: &str, query: &[&str]) -> Vec<Value> {
    let in_path = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let in_path = in_path.map(|name| (name, "path"));
    let all = in_path.chain(query.iter().map(|name| (*name, "query")));
    let described = all.map(|(name, place)| {
        let (schema, text) = parameter(name);
        let mut one = json!({"name": name, "in": place, "description": text, "schema": schema});
        if place == "path" {
            one["required"] = true.into();
        }
        one
    });
    described.collect()
}

/// A status that is an error: what the document calls it, and when it comes.
const FAILURES: &[(u16, &str, &str)] = &[
    (400, "SessionInvalid", "A parameter or the body is wrong; the message says which."),
    (401, "SessionUnauthenticated", "The credentials are missing, or not good."),
    (403, "SessionDenied", "Who asks may not do this, or not with this session or client."),
    (404, "SessionNotFound", "There is no such session."),
    (409, "SessionState", "It can't be done as session or client are now; the code says why."),
    (413, "SessionTooLarge", "A body, a request or a batch is longer than it may be."),
    (415, "SessionMediaType", "A browser has sent this, and not as `application/json`."),
    (429, "SessionExhausted", "So much is under way that no more is taken for now."),
    (500, "SessionInternal", "A bug of the daemon."),
    (501, "SessionUnsupported", "There are no such sessions here."),
    (
        503,
        "SessionUnavailable",
        "The broker is stopping, or its store does not answer: ask again, or another one.",
    ),
    (504, "SessionDeadline", "It took longer than `sessions.request_timeout`."),
    (507, "SessionStorageFull", "The store takes no more for now."),
];

/// What every route may answer.
const EVERYWHERE: &[u16] = &[400, 401, 403, 429, 500, 504];

fn add_failures(document: &mut Document) {
    for (status, name, when) in FAILURES {
        let schema = json!({"$ref": "#/components/schemas/Refused"});
        let mut response = json!({"description": when, "content": {"application/json": {"schema": schema}}});
        let number = json!({"type": "integer", "minimum": 0});
        match status {
            401 => {
                response["headers"]["WWW-Authenticate"] = json!({
                    "description": "What would do: `Bearer`.", "required": true, "schema": {"type": "string"},
                });
            }
            429 | 503 | 507 => {
                response["headers"]["Retry-After"] =
                    json!({"description": "After how many seconds the same may go well.", "schema": number});
            }
            _ => {}
        }
        document.failure(name, response);
    }
}

fn errors(more: &[u16]) -> Map<String, Value> {
    let statuses =
        FAILURES.iter().filter(|(status, ..)| EVERYWHERE.contains(status) || more.contains(status));
    let mut errors: Map<_, _> = statuses
        .map(|(status, name, _)| {
            (status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}))
        })
        .collect();
    // Those that have no body are the same everywhere.
    errors.insert("414".to_owned(), json!({"$ref": "#/components/responses/TargetTooLong"}));
    errors.insert("431".to_owned(), json!({"$ref": "#/components/responses/HeadTooLong"}));
    errors
}

fn describe(route: BrokerRoute) -> Value {
    let Operation { tag, role, summary, text, query, body, done, errors: more } = operation(route);
    let (status, meaning, schema) = done;
    let mut described = json!({
        "operationId": route.call(),
        "tags": [tag],
        "summary": summary,
        "description": format!("{text}\n\nTakes the role `{role}`.").trim(),
        "x-role": role,
        "responses": errors(more),
    });
    let parameters = parameters(route.path(), query);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if route == BrokerRoute::SendRequests {
        let key = json!({
            "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 256},
            "description": "The same requests with the same key are sent once, however often they are.",
        });
        described["parameters"].as_array_mut().expect("it has some").push(key);
    }
    if let Some(body) = body {
        let schema = json!({"$ref": format!("#/components/schemas/{body}")});
        let is_required = route != BrokerRoute::FlushRequests;
        described["requestBody"] =
            json!({"required": is_required, "content": {"application/json": {"schema": schema}}});
    }
    let mut well = match schema {
        None => json!({"description": meaning}),
        Some(list) if list.starts_with('[') => {
            let item = json!({"$ref": format!("#/components/schemas/{}", list.trim_matches(['[', ']']))});
            let schema = json!({"type": "array", "items": item});
            json!({"description": meaning, "content": {"application/json": {"schema": schema}}})
        }
        Some(schema) => answer(schema, meaning),
    };
    match route {
        BrokerRoute::CreateSession => {
            well["headers"]["Location"] =
                json!({"description": "Where it is.", "required": true, "schema": {"type": "string"}});
        }
        BrokerRoute::GetResponses => {
            // OpenAPI 3.1 has no words for what is in each line: `x-lines` says it.
            let lines = ["Response", "LastLine", "FailedLine"];
            let lines = lines.map(|name| json!({"$ref": format!("#/components/schemas/{name}")}));
            well["content"]["application/x-ndjson"] = json!({"schema": {"type": "string"}, "x-lines": lines});
        }
        _ => {}
    }
    described["responses"][status.to_string()] = well;
    described
}

/// The schemas of the types, under their names.
fn schemas() -> Schemas {
    let settings =
        SchemaSettings::draft2020_12().with(|it| it.definitions_path = "/components/schemas".into());
    // As they are written, but for what is only read.
    let mut written = settings.clone().for_serialize().into_generator();
    written.subschema_for::<json::SessionInfo>();
    written.subschema_for::<json::ListedSession>();
    written.subschema_for::<json::SessionStatus>();
    written.subschema_for::<json::Enqueued>();
    written.subschema_for::<json::FlushedRequests>();
    written.subschema_for::<json::Responses>();
    written.subschema_for::<json::LastLine>();
    written.subschema_for::<json::FailedLine>();
    written.subschema_for::<json::Refused>();
    written.subschema_for::<json::Scaling>();
    let mut read = settings.for_deserialize().into_generator();
    read.subschema_for::<json::Create>();
    read.subschema_for::<json::SendRequests<'_>>();
    read.subschema_for::<json::FlushRequests>();
    let mut schemas = Schemas::default();
    for (name, mut schema) in written.take_definitions(true).into_iter().chain(read.take_definitions(true)) {
        tidy(&mut schema);
        schemas.add(&name, schema);
    }
    schemas
}

/// Texts on one line, and the bounds of numbers that their formats only name.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            let format = object.get("format").and_then(Value::as_str);
            let (name, max) = match format {
                Some("uint" | "uint64") => ("uint64", u64::MAX),
                Some("uint32") => ("uint32", u32::MAX.into()),
                Some("int32") => ("int32", i32::MAX.unsigned_abs().into()),
                _ => ("", 0),
            };
            if !name.is_empty() {
                object.insert("format".to_owned(), name.into());
                object.entry("maximum").or_insert(max.into());
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        _ => {}
    }
}

pub(crate) fn document() -> Document {
    let mut document = Document::new("Work sessions", TEXT.to_owned(), TAGS, schemas());
    add_failures(&mut document);
    for route in BrokerRoute::ALL {
        let method: Method = route.method();
        document.operation(&method, route.path(), describe(*route));
    }
    document
}
