//! Readings of motors, diagnosed by workers that come and go, and shown live on a page.
//!
//! ```text
//!   motor_raw_data ─▶ gateway: a source for each fault ─▶ the worker with the least backlog ─▶ fault_diagnosis_results
//!                                                                                                │          │
//!   page ◀─ /ws/frontend ◀─ gateway: bridge ◀─ frames ◀──────────────────────────────────────────┤          ▼
//!                                                 └◀── vehicle_health_assessments ◀─────────── health ◀─────┘
//! ```
//!
//! [`run`] is the whole of it; the page beside this crate shows what it does.

mod cli;
mod entry;
mod fault;
mod frames;
mod health;
mod load;
mod produce;
mod reading;
mod registry;
mod results;
mod score;
mod signal;
mod store;
mod streams;
mod watch;
mod worker;

pub use cli::run;
