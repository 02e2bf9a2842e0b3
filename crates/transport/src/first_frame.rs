//! The opening of a stream: one frame, with which it says what it is for.

use crate::MuxStream;
use bytes::Bytes;
use frontier_protocol::{DecodeError, Decoder, Frame};
use std::io;
use std::ops::ControlFlow;
use thiserror::Error;

/// The frame with which a stream starts, and the stream behind it.
#[derive(Debug)]
pub struct FirstFrame {
    /// The frame.
    pub frame: Frame,
    /// Everything after the frame is still to be read from it.
    pub stream: MuxStream,
}

/// Why no first frame was read.
#[derive(Debug, Error)]
pub enum FirstFrameError {
    /// The stream ended before the frame did.
    #[error("the stream ended inside its first frame")]
    Ended,
    /// The peer takes no more streams now: it has not looked at this one.
    #[error("the peer takes no more streams at the moment")]
    Refused,
    /// The connection was lost.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came is no frame.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl FirstFrame {
    /// Reads the first frame of `stream`, of `max_frame` bytes at most. The caller sets the deadline.
    ///
    /// # Errors
    /// [`FirstFrameError`]; the stream is reset then.
    pub async fn read(mut stream: MuxStream, max_frame: usize) -> Result<Self, FirstFrameError> {
        let mut decoder = Decoder::new(max_frame);
        loop {
            let Some(chunk) = stream.chunk().await else {
                let is_refused = stream.is_refused();
                return Err(if is_refused { FirstFrameError::Refused } else { FirstFrameError::Ended });
            };
            let chunk = chunk?;
            match take_first(decoder, chunk)? {
                ControlFlow::Continue(rest) => decoder = rest,
                ControlFlow::Break((frame, behind)) => {
                    stream.unread(behind);
                    return Ok(Self { frame, stream });
                }
            }
        }
    }
}

/// Goes on with what has come. The frame once it is whole, and what has come behind it.
pub(crate) fn take_first(
    mut decoder: Decoder,
    chunk: Bytes,
) -> Result<ControlFlow<(Frame, Bytes), Decoder>, DecodeError> {
    decoder.push(chunk);
    Ok(match decoder.next()? {
        Some(frame) => ControlFlow::Break((frame, decoder.into_rest())),
        None => ControlFlow::Continue(decoder),
    })
}
