//! The frontier plane through real sockets, with frontiers made by hand.

mod access;
mod directory;
mod errors;
mod frontier;
mod handshake;
mod plans;
mod reports;
mod rules;
