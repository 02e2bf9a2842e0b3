//! What the daemons of this workspace share, and nothing of the domain.
//!
//! | module | what it is for |
//! |---|---|
//! | [`bind_advice`](bind_advice()) | what mends that an address can't be listened on |
//! | [`foreign_keys`] | keys of the Go original that mean nothing here |
//! | [`telemetry`] | the `log` section and the subscriber that it describes |
//! | [`log_flags`] | options of a command line about the log |
//! | [`reload`] | SIGHUP and changes of files |
//! | [`supervisor`] | what systemd is told |
//! | [`shutdown`] | the signals that ask the process to end |
//! | [`process`] | exit codes, the limit on open files, the name of the host |

mod bind_advice;
pub mod foreign_keys;
pub mod log_flags;
pub mod process;
pub mod reload;
pub mod shutdown;
pub mod supervisor;
pub mod telemetry;

pub use bind_advice::bind_advice;
