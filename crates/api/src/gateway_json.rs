//! The JSON of the REST side of a gateway.
//!
//! As in protobuf's own JSON, 64-bit numbers are written as text (`"7"`), because JavaScript would round them;
//! numbers are read as well. Bytes are base64. Names are those of the protobuf fields.

mod list;
mod peer;

pub use list::{Edges, Rpcs, Services, Topics};
pub use peer::{Edge, Service};

use crate::number;
