//! The answers that are errors, which are the same wherever they come from.

use serde_json::{Map, Value, json};

/// A status, what the document calls it, the codes that go with it, none where there is no body, and when it comes.
struct Failure {
    status: u16,
    name: &'static str,
    codes: &'static [&'static str],
    when: &'static str,
}

const ALL: &[Failure] = &[
    Failure {
        status: 400,
        name: "Invalid",
        codes: &["INVALID_ARGUMENT"],
        when: "A parameter or the body is wrong; the message says which.",
    },
    Failure {
        status: 401,
        name: "Unauthenticated",
        codes: &["UNAUTHENTICATED"],
        when: "The credentials are missing, or not good.",
    },
    Failure {
        status: 403,
        name: "Denied",
        codes: &["PERMISSION_DENIED"],
        when: "The credentials are good, and have no role, or one that may not do this.",
    },
    Failure {
        status: 404,
        name: "NotFound",
        codes: &["NOT_FOUND"],
        when: "Who is asked for is not connected, or has left meanwhile.",
    },
    Failure {
        status: 409,
        name: "Precondition",
        codes: &["FAILED_PRECONDITION"],
        when: "It can't be done as things are; the message says why.",
    },
    Failure {
        status: 410,
        name: "Gone",
        codes: &["OUT_OF_RANGE"],
        when: "The position is not in the history: watch again without it.",
    },
    Failure {
        status: 413,
        name: "TooLarge",
        codes: &["INVALID_ARGUMENT"],
        when: "The body is longer than `request_size`, or its payload than the peer takes.",
    },
    Failure {
        status: 414,
        name: "TargetTooLong",
        codes: &[],
        when: "Path and query are too long: ask for less at once. There is no body.",
    },
    Failure {
        status: 415,
        name: "MediaType",
        codes: &["INVALID_ARGUMENT"],
        when: "A browser has sent this, and not as `application/json`.",
    },
    Failure {
        status: 424,
        name: "PeerFailed",
        codes: &["ABORTED"],
        when: "The peer was asked and has answered with an error, which `peer` has.",
    },
    Failure {
        status: 429,
        name: "Exhausted",
        codes: &["RESOURCE_EXHAUSTED"],
        when: "Too many at once, a peer that takes no more for now, or credentials that have failed too often.",
    },
    Failure {
        status: 431,
        name: "HeadTooLong",
        codes: &[],
        when: "The head of the request is longer than 64 KiB. There is no body.",
    },
    Failure { status: 500, name: "Internal", codes: &["INTERNAL"], when: "A bug of the daemon." },
    Failure {
        status: 503,
        name: "Unavailable",
        codes: &["UNAVAILABLE"],
        when: "What is needed for an answer can't be reached, or this process is ending: ask again, or another one.",
    },
    Failure {
        status: 504,
        name: "Deadline",
        codes: &["DEADLINE_EXCEEDED"],
        when: "It took longer than `request_timeout`, or a peer has not answered in time.",
    },
];

/// What every route may answer that asks for credentials.
const EVERYWHERE: &[u16] = &[401, 403, 414, 429, 431, 500, 504];

/// References to those that a route may answer, beside those of every route.
pub(crate) fn references(more: &[u16]) -> Map<String, Value> {
    let known = |status: &u16| ALL.iter().any(|failure| failure.status == *status);
    assert!(more.iter().all(known), "{more:?}");
    let is_in = |failure: &&Failure| EVERYWHERE.contains(&failure.status) || more.contains(&failure.status);
    let reference = |failure: &Failure| {
        let path = format!("#/components/responses/{}", failure.name);
        (failure.status.to_string(), json!({"$ref": path}))
    };
    ALL.iter().filter(is_in).map(reference).collect()
}

/// What the references lead to.
pub(crate) fn responses(used: impl Fn(&str) -> bool) -> Map<String, Value> {
    let response = |failure: &Failure| {
        let body = json!({
            "allOf": [
                {"$ref": "#/components/schemas/Error"},
                {"properties": {"code": {"enum": failure.codes}}},
            ],
        });
        let mut response = json!({"description": failure.when});
        if !failure.codes.is_empty() {
            response["content"] = json!({"application/json": {"schema": body}});
        }
        match failure.status {
            401 => {
                response["headers"]["WWW-Authenticate"] = json!({
                    "description": "What would do: `Bearer`.", "required": true, "schema": {"type": "string"},
                });
            }
            429 => {
                response["headers"]["Retry-After"] = json!({
                    "description": "After how many seconds credentials are looked at again, where they have failed too \
                                    often.",
                    "schema": {"type": "integer", "minimum": 0},
                });
            }
            _ => {}
        }
        (failure.name.to_owned(), response)
    };
    ALL.iter().filter(|failure| used(failure.name)).map(response).collect()
}

/// The body of each of them.
pub(crate) fn schema() -> Value {
    let mut codes: Vec<_> = ALL.iter().flat_map(|failure| failure.codes).copied().collect();
    codes.dedup();
    json!({
        "type": "object",
        "description": "Why there is no answer.",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string", "description": "What kind of error: the name of the code of gRPC.", "examples": codes},
            "message": {"type": "string", "description": "What went wrong, for people."},
            "peer": {
                "type": "object",
                "description": "What a peer has answered, where one was asked.",
                "required": ["code", "detail", "text"],
                "properties": {
                    "code": {"type": "string", "description": "The code of the wire, as text, such as `method not found`."},
                    "detail": {
                        "type": "integer", "format": "uint32", "minimum": 0, "maximum": u32::MAX,
                        "description": "The number that an application gives its errors; 0 for none.",
                    },
                    "text": {"type": "string", "description": "What it said."},
                },
            },
        },
    })
}
