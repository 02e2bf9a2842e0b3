//! What the systems are asked to do.

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use bulk::Bulk;
pub(crate) use calls::{Calls, Operation};
pub(crate) use scene::Scene;

mod bulk;
mod calls;
mod scene;

/// What is done over and over, and how much of it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Work {
    Calls(Calls),
    Bulk(Bulk),
}

impl Work {
    /// The payload of one operation.
    pub(crate) fn bytes_per_operation(&self) -> usize {
        match self {
            Self::Calls(calls) => calls.size.as_usize(),
            Self::Bulk(bulk) => bulk.writes.as_usize(),
        }
    }

    /// What else goes on at the gateway meanwhile.
    pub(crate) fn scene(&self) -> Scene {
        match self {
            Self::Calls(calls) => calls.scene,
            Self::Bulk(_) => Scene::default(),
        }
    }

    /// How a table calls the rate.
    pub(crate) fn unit(&self) -> &'static str {
        match self {
            Self::Calls(calls) => match calls.operation {
                Operation::Call => "calls/s",
                Operation::Message => "messages/s",
                Operation::Stream => "streams/s",
            },
            Self::Bulk(_) => "GB/s",
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls(calls) => calls.fmt(f),
            Self::Bulk(bulk) => bulk.fmt(f),
        }
    }
}

/// Part number `part` of `total` in `parts` parts that differ by at most one.
fn share(total: usize, parts: usize, part: usize) -> usize {
    total / parts + usize::from(part < total % parts)
}
