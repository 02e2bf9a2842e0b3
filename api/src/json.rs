//! The JSON of the REST side.
//!
//! As in protobuf's own JSON, 64-bit numbers are written as text (`"7"`), because JavaScript would round them;
//! numbers are read as well. Names are those of the protobuf fields. Where a list answers a question by ids, it
//! has `null` for who is not there.

mod list;
mod number;
mod record;

pub use list::{Count, Edges, Frontiers, OneEdge, OneFrontier, OneService, Services};
pub use record::{Edge, Frontier, Service};

use serde::{Deserialize, Serialize};

/// The body of every answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What kind of error: the name of the gRPC code, such as `NOT_FOUND`.
    pub code: String,
    /// What went wrong, for people.
    pub message: String,
}
