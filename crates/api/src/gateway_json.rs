//! The JSON of the REST side of a gateway.
//!
//! As in protobuf's own JSON, 64-bit numbers are written as text (`"7"`), because JavaScript would round them;
//! numbers are read as well. Bytes are base64. Names are those of the protobuf fields.

mod list;
mod peer;
mod request;
mod status;
mod watch;

pub use list::{Edges, Rpcs, Services, Topics};
pub use peer::{Edge, PeerLimits, Service};
pub use request::{Answer, Call, LogLevel, Publish};
pub use status::{Condition, Policy, Quota, QuotaLimit, Rule, Status};
pub use watch::{Change, Latency, Quantiles, Rate, Rates, Snapshot};

use crate::number;
