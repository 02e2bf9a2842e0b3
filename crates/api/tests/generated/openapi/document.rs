//! A document: what is said of the whole, and the operations by their paths.

use super::schema::Schemas;
use super::{errors, plain};
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A document under construction.
pub(crate) struct Document {
    title: &'static str,
    description: String,
    tags: &'static [(&'static str, &'static str)],
    paths: BTreeMap<String, Map<String, Value>>,
    schemas: Schemas,
    /// Errors, beside those that all daemons may answer.
    failures: Map<String, Value>,
}

impl Document {
    /// One with these schemas, and the paths of every daemon.
    pub(crate) fn new(
        title: &'static str,
        description: String,
        tags: &'static [(&'static str, &'static str)],
        schemas: Schemas,
    ) -> Self {
        let mut document =
            Self { title, description, tags, paths: BTreeMap::new(), schemas, failures: Map::new() };
        document.schemas.add("Error", errors::schema());
        plain::add(&mut document);
        document
    }

    /// Adds an operation.
    pub(crate) fn operation(&mut self, method: &Method, path: &str, operation: Value) {
        let verb = method.as_str().to_lowercase();
        let known = self.paths.entry(path.to_owned()).or_default().insert(verb, operation);
        assert!(known.is_none(), "{method} {path} is there twice");
    }

    /// Adds a schema.
    pub(crate) fn schema(&mut self, name: &str, schema: Value) {
        self.schemas.add(name, schema);
    }

    /// Adds an answer to which operations refer.
    pub(crate) fn failure(&mut self, name: &str, response: Value) {
        self.failures.insert(name.to_owned(), response);
    }

    /// All of it. Every reference leads somewhere, and everything is referred to.
    pub(crate) fn whole(self) -> Value {
        let Self { title, description, tags, paths, schemas, failures } = self;
        let paths = json!(paths);
        let is_used = |text: &Value, path: &str| text.to_string().contains(&format!("\"{path}\""));
        let mut responses =
            errors::responses(|name| is_used(&paths, &format!("#/components/responses/{name}")));
        responses.extend(failures);
        let schemas = schemas.into_map();
        let everything = json!([&paths, &responses, &schemas]);
        for name in schemas.keys() {
            assert!(is_used(&everything, &format!("#/components/schemas/{name}")), "{name} is not used");
        }
        let mut left = &everything.to_string()[..];
        while let Some((_, after)) = left.split_once("\"#/components/schemas/") {
            let (name, after) = after.split_once('"').expect("text ends");
            assert!(schemas.contains_key(name), "there is no schema {name}");
            left = after;
        }
        let tags = tags.iter().map(|(name, text)| json!({"name": name, "description": text}));
        json!({
            "openapi": "3.1.1",
            "info": {
                "title": title,
                "version": env!("CARGO_PKG_VERSION"),
                "description": description,
                "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/", "description": "Where this document is from."}],
            "security": [{"token": []}, {"certificate": []}],
            "tags": tags.collect::<Vec<_>>(),
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": responses,
                "securitySchemes": {
                    "token": {
                        "type": "http", "scheme": "bearer",
                        "description": "A token with a role: one of a file of tokens, or a JWT.",
                    },
                    "certificate": {"type": "mutualTLS", "description": "A client's certificate that has a role."},
                },
            },
        })
    }
}
