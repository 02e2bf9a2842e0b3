//! The paths that every daemon has and that are no calls: health, metrics, this document.

use super::document::Document;
use super::errors;
use super::operation::answer;
use http::Method;
use serde_json::{Value, json};

const TAG: &str = "daemon";

/// What is said of them as a whole.
pub(crate) const TAGGED: (&str, &str) = (TAG, "The daemon itself: health, metrics, this document.");

pub(crate) fn add(document: &mut Document) {
    document.schema(
        "Readiness",
        json!({
            "type": "object",
            "description": "The daemon can answer.",
            "required": ["status", "degraded"],
            "properties": {
                "status": {
                    "type": "string", "enum": ["ready", "degraded"],
                    "description": "`degraded` where something that it does not depend on is away.",
                },
                "degraded": {
                    "type": "array", "items": {"type": "string"},
                    "description": "What is away: a line each, for people.",
                },
            },
        }),
    );
    let mut add = |path: &str, operation| document.operation(&Method::GET, path, operation);
    add("/healthz", healthz());
    add("/livez", plain("getLiveness", "Whether the process runs", json!({"description": "It does."}), &[]));
    let ready = answer("Readiness", "It can.");
    add("/readyz", plain("getReadiness", "Whether the daemon can answer", ready, &[503]));
    let text = json!({"schema": {"type": "string"}});
    let metrics = json!({
        "description": "What is measured, in the format of Prometheus or, where `Accept` says so, of OpenMetrics.",
        "content": {"text/plain": text, "application/openmetrics-text": text},
    });
    add("/metrics", plain("getMetrics", "What is measured", metrics, &[]));
    let this = json!({
        "description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}},
    });
    add("/openapi.json", plain("getDocument", "This document", this, &[400]));
}

/// The one path that answers whoever asks, with a status and nothing else.
fn healthz() -> Value {
    json!({
        "operationId": "getHealth",
        "tags": [TAG],
        "summary": "Whether the process runs, or can answer",
        "description": "For those who have no credentials: a status without a body.",
        "security": [],
        "parameters": [{
            "name": "ready",
            "in": "query",
            "description": "Asks whether it can answer, and not only whether it runs.",
            "allowEmptyValue": true,
            "schema": {"type": "string", "enum": ["", "true"]},
        }],
        "responses": {
            "200": {"description": "It does."},
            "400": {"description": "There is no such parameter."},
            "503": {"description": "It can't, as things are."},
            "504": errors::references(&[])["504"],
        },
    })
}

/// An operation that takes no more than to be let in.
pub(crate) fn plain(id: &str, summary: &str, answer: Value, errors: &[u16]) -> Value {
    let mut responses = errors::references(errors);
    responses.insert("200".to_owned(), answer);
    json!({
        "operationId": id,
        "tags": [TAG],
        "summary": summary,
        "description": "Takes the role `read`.",
        "x-role": "read",
        "responses": responses,
    })
}
