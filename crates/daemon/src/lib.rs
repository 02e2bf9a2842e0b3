//! What the daemons of this workspace share, and nothing of the domain.
//!
//! | module | what it is for |
//! |---|---|
//! | [`config`] | YAML text to typed settings, every mistake reported at once |
//! | [`telemetry`] | the `log` section and the subscriber that it describes |
//! | [`reload`] | SIGHUP and changes of files |
//! | [`shutdown`] | signals, and a drain with a deadline |
//! | [`limits`] | the limit on open files |
//! | [`exit`] | the exit codes that a supervisor may rely on |
//!
//! Configuration never reads the process environment by itself: the daemon's `main` hands a lookup in, and a test
//! hands in a map.
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Duration;
//!
//! use frontier_daemon::config::{self, Override, Section};
//! use frontier_daemon::telemetry::LogConfig;
//!
//! struct ListenConfig {
//!     addr: SocketAddr,
//!     handshake_timeout: Duration,
//! }
//!
//! impl ListenConfig {
//!     fn read(listen: &Section<'_>) -> Self {
//!         Self {
//!             addr: listen.get("addr", SocketAddr::from(([0, 0, 0, 0], 30012))),
//!             handshake_timeout: listen.get("handshake_timeout", Duration::from_secs(10)),
//!         }
//!     }
//! }
//!
//! let text = "edgebound:\n  listen:\n    addr: 127.0.0.1:4000\n";
//! let overrides = [Override::new("LISTEN_HANDSHAKE_TIMEOUT", "edgebound.listen.handshake_timeout")];
//! // A daemon passes `&|name| std::env::var(name).ok()`.
//! let environment = |name: &str| (name == "LISTEN_HANDSHAKE_TIMEOUT").then(|| "5s".to_owned());
//!
//! let (listen, log) = config::load(text, &environment, &overrides, |root| {
//!     (ListenConfig::read(&root.section("edgebound").section("listen")), LogConfig::read(&root.section("log")))
//! })
//! .expect("the text above has no mistakes");
//!
//! assert_eq!(listen.addr.port(), 4000);
//! assert_eq!(listen.handshake_timeout, Duration::from_secs(5));
//! assert_eq!(log, LogConfig::default());
//! ```

pub mod config;
pub mod exit;
pub mod host;
pub mod limits;
pub mod reload;
pub mod shutdown;
pub mod telemetry;
