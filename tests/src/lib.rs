//! What the end-to-end tests stand on: the gateway as a process, and peers that behave, misbehave, or
//! can't be reached.
//!
//! Nothing here sleeps for things to settle. What must happen is waited for with a deadline
//! ([`within`], [`eventually`]), and a gateway shows its log when the test around it fails.

mod authority;
mod broker;
mod calls_both_ways;
mod deadline;
mod diagnosis;
mod frontlas;
mod gateway;
mod load;
mod log;
mod presence;
mod process;
mod raw_peer;
mod raw_tcp;
mod sdk;
mod settings;
mod stall_proxy;
mod tool;
pub mod web;
mod witness;

pub use self::frontlas::{Frontlas, FrontlasBuilder};
pub use authority::{Authority, Identity, IdentityFiles, SERVER_NAME, Validity, replace};
pub use broker::{Broker, BrokerBuilder};
pub use calls_both_ways::{CallsBothWays, Outcome};
pub use deadline::{DEADLINE, eventually, within};
pub use diagnosis::{Diagnosis, Worker};
pub use frontier_transport::Network;
pub use gateway::{Gateway, GatewayBuilder};
pub use load::{Load, Tally};
pub use log::Log;
pub use presence::{Change, Presence};
pub use process::Process;
pub use raw_peer::{IoSwitch, RawPeer, accept, first_frame, none};
pub use raw_tcp::{RawTcp, yamux};
pub use sdk::{answers_with, connect_error, echo};
pub use settings::Settings;
pub use stall_proxy::StallProxy;
pub use tool::tool;
pub use witness::Witness;
