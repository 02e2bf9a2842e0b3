//! The yamux protocol, version 0, without I/O: bytes and time in, bytes and decisions out.
//!
//! ```text
//!                 receive(bytes) ──▶ ┌────────────┐ ──▶ accept()            streams that the peer opened
//!   the owner                        │ Connection │ ◀─▶ read, write, finish, release    by stream number
//!   of a socket   fetch(out, bulk) ◀ └────────────┘ ──▶ take_woken()        who waits, of any type
//! ```
//!
//! A [`Connection`] holds no socket, task or clock. What comes is given to [`receive`](Connection::receive), and never
//! has to wait for what goes out: what is owed to the peer is kept once per stream. What goes out is fetched with
//! [`fetch`](Connection::fetch) when the socket has taken what was fetched before. So the order is decided as late as can
//! be:
//!
//! 1. what is owed: answers to pings, acknowledgements, credit;
//! 2. the **lane**, which is the first stream of the connection;
//! 3. the ends of other streams;
//! 4. their bytes, in turns, and no more of them on their way than half a second's worth.
//!
//! A stream belongs to whoever opened or accepted it until [`release`](Connection::release) or
//! [`linger`](Connection::linger). Waiters are of any type `W`; a task's waker as a rule.

mod backlog;
mod bulk;
mod config;
mod connection;
mod flight;
mod header;
mod stream;
mod unacknowledged;
mod unread;
mod violation;
mod window;

pub use bulk::Bulk;
pub use config::{Config, Role};
pub use connection::{Connection, OpenError, Read, Write};
pub use header::{Flags, HEADER_LEN, Header, Kind};
pub use violation::Violation;
