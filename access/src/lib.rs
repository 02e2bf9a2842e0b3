//! x
pub mod authn;
mod bounded;
mod id_range;
mod labels;
mod load;
mod network;
mod pattern;
mod peer;
pub mod rules;
mod who;
pub use id_range::IdRange;
pub use labels::{LabelError, Labels, MAX_LABEL_LEN, MAX_LABELS};
pub use load::{Fingerprint, LoadError, LoadErrors};
pub use network::{Network, host};
pub use pattern::Pattern;
pub use peer::Peer;
pub use who::Who;
