//! A connection's bytes: what has come and is not looked at, what is to go, and who has been silent since when.

use super::decode::{self, Frame};
use super::encode;
use crate::dial::Stream;
use bytes::BytesMut;
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until};

/// Bytes that are read at once, where there is room for no more of them than this quarter.
const READ_SIZE: usize = 16 << 10;

/// Bytes of a frame before both have agreed on it.
const FIRST_FRAME_MAX: usize = 128 << 10;

/// A connection's bytes.
pub(super) struct Wire {
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    input: BytesMut,
    output: BytesMut,
    /// Something was written, and may stand in a buffer below.
    is_unflushed: bool,
    frame_max: usize,
    /// `None` before both have agreed on it.
    heartbeat: Option<Duration>,
    heard: Instant,
    wrote: Instant,
    /// Nothing was read of late, whether or not there was anything.
    is_unread: bool,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let now = Instant::now();
        Self {
            reader,
            writer,
            input: BytesMut::new(),
            output: BytesMut::new(),
            is_unflushed: false,
            frame_max: FIRST_FRAME_MAX,
            heartbeat: None,
            heard: now,
            wrote: now,
            is_unread: false,
        }
    }

    /// What both have agreed on.
    pub(super) fn tune(&mut self, frame_max: usize, heartbeat: Duration) {
        (self.frame_max, self.heartbeat) = (frame_max, Some(heartbeat));
    }

    pub(super) fn frame_max(&self) -> usize {
        self.frame_max
    }

    /// Where frames to be sent are appended.
    pub(super) fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Whether all has gone.
    pub(super) fn is_idle(&self) -> bool {
        self.output.is_empty() && !self.is_unflushed
    }

    /// How much is to go.
    pub(super) fn unsent(&self) -> usize {
        self.output.len()
    }

    /// The next frame of what has come.
    pub(super) fn decode(&mut self) -> Result<Option<Frame>, String> {
        decode::decode(&mut self.input, self.frame_max)
    }

    /// Reads and writes until something has moved, or a sign of life is due: then that is appended. The error is one line.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn progress(&mut self) -> Result<(), String> {
        if std::mem::take(&mut self.is_unread) {
            // The broker may have been held up here: it has its time again.
            self.heard = Instant::now();
        }
        self.move_on(true).await
    }

    /// The same without reading.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn progress_unread(&mut self) -> Result<(), String> {
        self.is_unread = true;
        self.move_on(false).await
    }

    async fn move_on(&mut self, reads: bool) -> Result<(), String> {
        let Self { reader, writer, input, output, is_unflushed, heartbeat, heard, wrote, .. } = self;
        let due = heartbeat.map(|interval| *wrote + interval / 2);
        let end = heartbeat.map(|interval| *heard + 2 * interval);
        if reads && input.capacity() - input.len() < READ_SIZE / 4 {
            input.reserve(READ_SIZE);
        }
        tokio::select! {
            biased;
            read = reader.read_buf(input), if reads => match read {
                Ok(0) => return Err("the broker has closed the connection".to_owned()),
                Ok(_) => *heard = Instant::now(),
                Err(error) => return Err(error.to_string()),
            },
            sent = send(writer, output, is_unflushed), if !output.is_empty() || *is_unflushed => {
                sent.map_err(|error| error.to_string())?;
                *wrote = Instant::now();
            }
            () = at(due) => {
                encode::heartbeat(output);
                *wrote = Instant::now();
            }
            () = at(end), if reads => {
                return Err(format!("no sign of life from the broker for {:?}", heard.elapsed()));
            }
        }
        Ok(())
    }

    /// Writes all that is to go.
    pub(super) async fn flush(&mut self) -> std::io::Result<()> {
        let Self { writer, output, is_unflushed, .. } = self;
        while !output.is_empty() || *is_unflushed {
            send(writer, output, is_unflushed).await?;
        }
        Ok(())
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
                None => self.progress().await?,
            }
        }
    }
}

/// Writes some of it, or flushes what was written.
///
/// # Cancel safety
/// Cancel safe.
async fn send(
    writer: &mut WriteHalf<Stream>,
    output: &mut BytesMut,
    is_unflushed: &mut bool,
) -> std::io::Result<()> {
    if output.is_empty() {
        writer.flush().await?;
        *is_unflushed = false;
    } else {
        writer.write_buf(output).await?;
        *is_unflushed = true;
    }
    Ok(())
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
