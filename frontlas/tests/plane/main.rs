//! The frontier plane through real sockets, with frontiers made by hand.

mod directory;
mod errors;
mod frontier;
mod handshake;
mod reports;
mod rules;
