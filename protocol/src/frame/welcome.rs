//! `Welcome` (0x02): the gateway took the dialler in. From here on calls work in both directions.
//!
//! Body:
//!
//! ```text
//!  version (u8) | reserved (3) | features (u32) | max frame (u32) | heartbeat ms (u32)
//!  id (u64) | epoch (u64) | max payload (u64) | tagged fields
//! ```
//!
//! `id` is the EdgeID or ServiceID of this connection, `epoch` its number among the connections of
//! that id. No tagged field is defined yet.

use super::fields::Reader;
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::{Code, Epoch};
use bytes::BufMut;

const FIXED: usize = 40;

/// What the gateway grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The version of the wire that both speak from here on.
    pub version: u8,
    /// The features that both have.
    pub features: u32,
    /// The longest frame that either may send on the lane, in bytes.
    pub max_frame: u32,
    /// The heartbeat interval, in milliseconds.
    pub heartbeat_ms: u32,
    /// The dialler's EdgeID or ServiceID.
    pub id: u64,
    /// The number of this connection of that id.
    pub epoch: Epoch,
    /// The longest payload that the gateway carries, in bytes.
    pub max_payload: u64,
}

impl Welcome {
    /// Reads a `Welcome` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came or the body is cut short.
    pub fn parse(frame: &Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Welcome)?;
        let mut reader = Reader::new(frame);
        let version = reader.u8("version")?;
        reader.bytes(3, "reserved")?;
        let welcome = Self {
            version,
            features: reader.u32("features")?,
            max_frame: reader.u32("max frame")?,
            heartbeat_ms: reader.u32("heartbeat")?,
            id: reader.u64("id")?,
            epoch: Epoch(reader.u64("epoch")?),
            max_payload: reader.u64("max payload")?,
        };
        while reader.tagged()?.is_some() {}
        Ok(welcome)
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// None in practice: the body has a fixed length.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_header(out, Kind::Welcome, Flags::default(), Code::Ok, 0, FIXED)?;
        out.put_u8(self.version);
        out.put_slice(&[0; 3]);
        out.put_u32(self.features);
        out.put_u32(self.max_frame);
        out.put_u32(self.heartbeat_ms);
        out.put_u64(self.id);
        out.put_u64(self.epoch.0);
        out.put_u64(self.max_payload);
        Ok(())
    }
}
