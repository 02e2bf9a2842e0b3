//! x
pub mod authn;
mod bounded;
mod labels;
mod load;
mod network;
mod pattern;
pub use labels::{LabelError, Labels, MAX_LABEL_LEN, MAX_LABELS};
pub use load::{Fingerprint, LoadError, LoadErrors};
pub use network::{Network, host};
pub use pattern::Pattern;
