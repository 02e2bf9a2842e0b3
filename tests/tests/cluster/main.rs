//! Gateways of a cluster: what they tell frontlas, and that their edges do not notice.

mod by_name;
mod failures;
mod forwarding;
mod identity;
mod log;
mod moves;
mod planes;
mod presence;
mod traces;
mod world;
