//! From reports to the arguments of scripts.

use crate::model::{Event, Kind, Presence, Timestamp};
use frontier_protocol::Claim;
use frontier_redis::Args;

/// One event of a report, as the script takes it.
pub(super) enum EventArgs<'a> {
    Online(&'a Presence),
    Offline(Kind, u64, Timestamp),
}

impl<'a> From<&'a Event> for EventArgs<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Online(presence) => Self::Online(presence),
            &Event::Offline { kind, id, stamp } => Self::Offline(kind, id, stamp),
        }
    }
}

impl EventArgs<'_> {
    pub(super) fn is_valid(&self) -> bool {
        match self {
            Self::Online(presence) => presence.check().is_ok(),
            Self::Offline(..) => true,
        }
    }

    pub(super) fn append_to(&self, args: Args) -> Args {
        let (sign, kind, id, stamp) = match self {
            Self::Online(it) => ("+", it.kind(), it.id, it.stamp),
            &Self::Offline(kind, id, stamp) => ("-", kind, id, stamp),
        };
        args.arg(sign).arg(plural(kind)).arg(id).arg(stamp.min(Timestamp::MAX)).arg(self.record_head())
    }

    /// The beginning of the record's JSON; the script adds what it knows better.
    fn record_head(&self) -> String {
        let Self::Online(Presence { addr, service, claim, .. }) = self else { return String::new() };
        let mut head = match service {
            None => format!(r#""addr":{}"#, json(addr)),
            Some(name) => format!(r#""service":{},"addr":{}"#, json(name), json(addr)),
        };
        if let Some(claim) = claim {
            head.push_str(&format!(r#","claim":{}"#, claim_json(claim)));
        }
        head
    }
}

/// Numbers that a Lua number holds, and the digest as text.
fn claim_json(claim: &Claim) -> String {
    let Claim { since, comes_back, proof, subject } = *claim;
    let (since, proof) = (since.0.min(Timestamp::MAX.0), proof as u8);
    format!(r#"{{"since":{since},"comes_back":{comes_back},"proof":{proof},"subject":"{subject:016x}"}}"#)
}

/// Text in quotes, escaped.
pub(super) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The part of the keys' names that says what they are of.
pub(super) fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Edge => "edges",
        Kind::Service => "services",
    }
}
