use crate::MuxStream;
use frontier_protocol::{DecodeError, Decoder, Frame};
use std::io;
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
            let chunk = stream.chunk().await.ok_or(FirstFrameError::Ended)??;
            decoder.push(chunk);
            if let Some(frame) = decoder.next()? {
                stream.unread(decoder.into_rest());
                return Ok(Self { frame, stream });
            }
        }
    }
}
