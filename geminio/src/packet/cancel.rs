//! `Cancel` (0x73): nobody waits for a call any more. Its id is that of the call.
//!
//! ```text
//!  session (u64) | why (u16): 1 given up, 2 overdue
//! ```
//!
//! Later versions of the original send it; earlier ones end the connection of who sends it to them. So it is read here, and
//! never written.

use super::{number, too_short};
use crate::{DecodeError, Frame};

/// Nobody waits for a call any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled {
    /// The session that the call was sent on.
    pub session: u64,
}

impl Cancelled {
    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError`] if it is too short.
    pub fn parse(frame: &Frame) -> Result<Self, DecodeError> {
        let (session, why) = number(frame, &frame.body)?;
        if why.len() < 2 { Err(too_short(frame)) } else { Ok(Self { session }) }
    }
}
