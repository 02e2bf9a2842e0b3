//! Frames over a connection, and the signs of life that both sides give.

use super::decode::{self, Frame};
use super::encode;
use crate::dial::Stream;
use crate::link::{Link, Progress};
use bytes::BytesMut;
use std::time::Duration;

/// Bytes of a frame before both have agreed on it.
const FIRST_FRAME_MAX: usize = 128 << 10;

/// A connection's frames.
pub(super) struct Wire {
    link: Link,
    frame_max: usize,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self { link: Link::new(stream), frame_max: FIRST_FRAME_MAX }
    }

    /// What both have agreed on.
    pub(super) fn tune(&mut self, frame_max: usize, heartbeat: Duration) {
        self.frame_max = frame_max;
        self.link.expect_life(heartbeat);
    }

    pub(super) fn frame_max(&self) -> usize {
        self.frame_max
    }

    /// Where frames to be sent are appended.
    pub(super) fn output(&mut self) -> &mut BytesMut {
        self.link.output()
    }

    /// Whether all has gone.
    pub(super) fn is_idle(&self) -> bool {
        self.link.is_idle()
    }

    /// How much is to go.
    pub(super) fn unsent(&self) -> usize {
        self.link.unsent()
    }

    /// The next frame of what has come.
    pub(super) fn decode(&mut self) -> Result<Option<Frame>, String> {
        decode::decode(self.link.input(), self.frame_max)
    }

    /// Reads, unless it is paused, and writes until something has moved, or a sign of life is due: then that is appended. The
    /// error is one line.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn progress(&mut self, is_paused: bool) -> Result<(), String> {
        if self.link.progress(is_paused).await? == Progress::Due {
            encode::heartbeat(self.link.output());
        }
        Ok(())
    }

    /// Writes all that is to go.
    pub(super) async fn flush(&mut self) -> std::io::Result<()> {
        self.link.flush().await
    }

    /// The next frame, signs of life left out.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Frame, String> {
        loop {
            match self.decode()? {
                Some(Frame::Heartbeat) => {}
                Some(frame) => return Ok(frame),
                None => self.progress(false).await?,
            }
        }
    }
}
