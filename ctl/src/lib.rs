//! `frontctl`, the command line of Frontier. The program's `main` calls [`run`]; all else is here.
//!
//! ```text
//!   cli ──▶ Settings (options, variables, context) ──▶ a command ─┬▶ SDK: edge or service ──▶ gateway
//!                                                                 └▶ Plane: REST and SSE ──▶ frontlas, gateway
//! ```
//! A command gives a `Failure` or nothing; what it prints goes through `output`.

mod bench;
mod bytes_text;
mod call;
mod cli;
mod completion;
mod context;
mod directory;
mod doctor;
mod events;
mod exit;
mod failure;
mod forward;
mod gateway;
mod host;
mod identity;
mod interrupt;
mod output;
mod payload;
mod plane;
mod publish;
mod settings;
mod source;
mod stream;
mod subscribe;
mod timestamp;
mod top;
mod watch;

pub use cli::run;
pub use exit::Exit;
