//! A chat room: one service, any number of clients, each an edge.
//!
//! ```sh
//! cargo run -p frontier-sdk --example chatroom -- service
//! cargo run -p frontier-sdk --example chatroom -- client --name ada
//! ```
//!
//! The service gives out the EdgeIDs by what the clients say of themselves, refuses a name that is taken,
//! tells everyone who comes and leaves, and sends what one client says to all of them.

#[path = "../access/options.rs"]
mod access;
mod card;
mod client;
#[path = "../access/log.rs"]
mod log;
mod room;
mod service;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// What the messages are about, both ways.
const TOPIC: &str = "chat";

/// The method by which a client says who it is.
const INTRODUCE: &str = "introduce";

/// The method by which the room says who is in it.
const MEMBERS: &str = "members";

/// A chat room.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Run the room.
    Service(service::Options),
    /// Join the room: what you type is said, what others say is printed. Leaves at the end of the input.
    Client(client::Options),
}

#[tokio::main]
async fn main() -> Result<()> {
    log::to_stderr();
    match Cli::parse().role {
        Role::Service(options) => service::run(options).await,
        Role::Client(options) => client::run(options).await,
    }
}
