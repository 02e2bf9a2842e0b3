//! One entry of a token file.

use super::TokenHash;
use crate::authn::{OperatorRole, Verified};
use crate::labels::Labels;
use crate::pattern::Pattern;
use frontier_config::{FromValue, Invalid, Section, Value};
use frontier_protocol::{EdgeId, ServiceId};
use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// One token of the file, and who presents it.
#[derive(Clone, Debug)]
pub(super) struct TokenEntry {
    pub(super) hash: TokenHash,
    pub(super) verified: Verified,
}

impl TokenEntry {
    pub(super) fn read(entry: &Section<'_>) -> Self {
        let hash = entry.required("hash", TokenHash::NONE);
        let edge_id = id(entry, "edge_id").map(EdgeId);
        let service: Option<String> = entry.optional("service");
        let service_id = id(entry, "service_id").map(ServiceId);
        if edge_id.is_some() && (service.is_some() || service_id.is_some()) {
            entry.reject("edge_id", "a token is for an edge or for a service, not for both");
        }
        if service.as_deref() == Some("") {
            entry.reject("service", "must not be empty");
        }
        let frontier: Option<String> = entry.optional("frontier");
        if frontier.is_some() && (edge_id.is_some() || service.is_some() || service_id.is_some()) {
            entry.reject("frontier", "a token is for a frontier, or for an edge or a service, not for both");
        }
        if frontier.as_deref() == Some("") {
            entry.reject("frontier", "must not be empty; \"*\" is any");
        } else if let Some(Err(error)) = frontier.as_deref().map(Pattern::new) {
            entry.reject("frontier", error.to_string());
        }
        let role: Option<OperatorRole> = entry.optional("role");
        if role.is_some() && frontier.is_some() {
            entry.reject("role", "a token is for a frontier or for an operator, not for both");
        }
        let verified = Verified {
            subject: entry.optional("name").unwrap_or_else(|| hash.short()),
            edge_id,
            service,
            service_id,
            frontier,
            role,
            labels: labels(entry),
            expires: entry.optional("not_after").map(|Timestamp(time)| time),
            ..Verified::default()
        };
        Self { hash, verified }
    }
}

/// 0 stands for "none" on the wire, so it is nobody's.
fn id(entry: &Section<'_>, key: &'static str) -> Option<u64> {
    let id = entry.optional(key);
    if id == Some(0) {
        entry.reject(key, "0 is no id");
    }
    id
}

fn labels(entry: &Section<'_>) -> Labels {
    let mut labels = Labels::new();
    for (key, value) in entry.map::<String>("labels") {
        if let Err(error) = labels.set(&key, &value) {
            entry.reject("labels", error.to_string());
        }
    }
    labels
}

/// A time with its zone, as in RFC 3339.
#[derive(Debug)]
struct Timestamp(SystemTime);

impl FromValue for Timestamp {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let what = "a time such as 2027-01-01T00:00:00Z";
        let text = value.text(what)?;
        let parsed = OffsetDateTime::parse(text, &Rfc3339);
        parsed.map(|time| Self(time.into())).map_err(|_| Invalid::expected(what, text))
    }
}
