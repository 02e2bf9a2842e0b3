//! What the daemons of this workspace share, and nothing of the domain.
//!
//! | module | what it is for |
//! |---|---|
//! | [`bind_advice`](bind_advice()) | what mends that an address can't be listened on |
//! | [`foreign_keys`] | keys of the Go original that mean nothing here |
//! | [`telemetry`] | the `log` section and the subscriber that it describes |
//! | [`log_flags`] | options of a command line about the log |
//! | [`config_source`] | where the configuration is read from |
//! | [`program`] | a daemon as a program: command line, start, signals, drain |
//! | [`reload`] | SIGHUP and changes of files |
//! | [`reloader`] | reading the configuration again, and putting it in place |
//! | [`supervisor`] | what systemd is told |
//! | [`shutdown`] | the signals that ask the process to end |
//! | [`process`] | exit codes, worker threads, the limit on open files, the name of the host |

mod bind_advice;
pub mod config_source;
pub mod foreign_keys;
pub mod log_flags;
pub mod process;
pub mod program;
pub mod reload;
pub mod reloader;
pub mod shutdown;
pub mod supervisor;
pub mod telemetry;

pub use bind_advice::bind_advice;
