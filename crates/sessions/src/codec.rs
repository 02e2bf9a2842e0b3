//! What stores keep of sessions, as bytes: the same in all of them.
//!
//! Requests and responses carry a checksum, which is looked at when they are read: what is kept for long is not always what was
//! written. A record is JSON, so that later versions can add to it.

mod record;
mod value;

pub use record::{read_record, write_record};
pub use value::{message_id, read_request, read_response, response_size, write_request, write_response};
