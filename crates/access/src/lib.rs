//! Who may connect and what they may do, without sockets or sessions.
//!
//! | module | decides | when |
//! |---|---|---|
//! | [`authn`] | who is this, by its token or certificate? | once, when a peer connects |
//! | [`rules`] | may it do this at all? | for each registration, call, message and stream |
//! | [`quota`] | has it done too much of it? | the same |
//!
//! [`Access`] is a configuration with all of its files read: tokens, keys, rules, quotas. It does not change; to
//! reload is to load another one. Whoever owns it decides when, puts it in place, and asks the peers that are
//! connected again if it wants to.
//!
//! ```
//! use std::time::Instant;
//!
//! use frontier_access::authn::{AuthConfig, Credentials};
//! use frontier_access::{Access, AccessConfig, ClockReading, Principal};
//! use frontier_config as config;
//! use frontier_protocol::{EdgeId, Role};
//!
//! let text = "
//! edgebound: {auth: {methods: []}}
//! quotas: [{for: edge, calls: {rate: 100, burst: 1}}]
//! ";
//! let config = config::load(text, &|_| None, &[], |root| {
//!     let auth = AuthConfig::read(&root.section("edgebound").section("auth"));
//!     AccessConfig { auth: [("edgebound".to_owned(), auth)].into(), ..AccessConfig::read(root) }
//! })?;
//! let access = Access::load(&config, Instant::now())?;
//!
//! // A peer connects …
//! let (address, now) = ([192, 0, 2, 7].into(), ClockReading::now());
//! let asked = access.authenticator("edgebound").expect("it is configured above");
//! let credentials = Credentials { token: None, certificate: None };
//! let verified = access.authenticate(asked, Role::Edge, address, &credentials, now)?;
//! let id = verified.confirm_edge(Some(EdgeId(7)))?.unwrap_or(EdgeId(7));
//! let peer = Principal {
//!     role: Role::Edge,
//!     subject: &verified.subject,
//!     edge_id: Some(id),
//!     service: "",
//!     labels: &verified.labels,
//!     address: Some(address),
//! };
//! let grants = access.rules().grants(&peer);
//! let meter = access.quotas().connect(&peer, now.instant)?;
//!
//! // … and calls.
//! grants.may_call("echo")?;
//! meter.call(64, now.instant)?;
//! assert!(meter.call(64, now.instant).is_err(), "a burst is one call");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here reads a clock but [`ClockReading::now`], and nothing waits but [`Access::load`], which reads files.
//! What peers can make it hold is bounded: failures of addresses, and buckets that nobody is connected to.
//! Tokens and keys are in no `Debug` form, log or error text.

mod access;
pub mod authn;
mod bounded_map;
mod config;
mod description;
mod given_up;
mod half_open;
mod id_range;
mod labels;
mod load;
mod log_limiter;
mod network;
mod pattern;
mod principal;
pub mod quota;
pub mod rules;
mod trusted_proxies;

pub use access::{Access, ClockReading};
pub use bounded_map::{BoundedMap, Retention};
pub use config::{AccessConfig, QuotaSource};
pub use description::{Condition, LimitDescription, QuotaDescription, RuleDescription};
pub use frontier_protocol::PeerText;
pub use given_up::GivenUp;
pub use half_open::{Crowded, HalfOpen, Place};
pub use id_range::IdRange;
pub use labels::{LabelError, Labels, MAX_LABEL_LEN, MAX_LABELS};
pub use load::{LoadError, LoadErrors, LoadWarning};
pub use log_limiter::{LogDecision, LogLimiter};
pub use network::Network;
pub use pattern::Pattern;
pub use principal::{Principal, Selector};
pub use trusted_proxies::TrustedProxies;
