//! The OpenAPI documents.
//!
//! ```text
//! proto/*.proto ─ comments, types, fields of requests ─┐
//! GatewayRoute, ClusterRoute ─ methods and paths ──────┼─▶ Document ─▶ openapi/*.json ─▶ /openapi.json
//! gateway_json, json ─ what they write and read ───────┤
//! gateway.rs, cluster.rs ─ bounds, roles, errors ──────┘
//!
//! BrokerRoute, session_json ─ methods, paths, types ─┐
//! broker.rs ─ what is said of routes, errors ────────┴─▶ Document ─▶ openapi/broker.json
//! ```

mod bounds;
mod broker;
mod cluster;
mod comment;
mod document;
mod errors;
mod gateway;
mod operation;
mod parameter;
mod plain;
mod sample;
mod schema;

use crate::{HERE, check};
use document::Document;
use protox::prost_reflect::DescriptorPool;
use std::path::Path;

/// The messages and services of these files, with their comments.
fn pool(files: &[&str]) -> DescriptorPool {
    let files =
        protox::compile(files, [Path::new(HERE).join("proto")]).expect("the protobuf files are right");
    DescriptorPool::from_file_descriptor_set(files).expect("they stand for themselves")
}

fn check_document(name: &str, document: Document) {
    let mut text = serde_json::to_string_pretty(&document.whole()).expect("it is JSON");
    text.push('\n');
    check(&format!("openapi/{name}.json"), text.as_bytes());
}

#[test]
fn the_document_of_the_gateway_is_up_to_date() {
    check_document("gateway", gateway::document());
}

#[test]
fn the_document_of_the_broker_is_up_to_date() {
    check_document("broker", broker::document());
}

#[test]
fn the_document_of_frontlas_is_up_to_date() {
    check_document("frontlas", cluster::document());
}
