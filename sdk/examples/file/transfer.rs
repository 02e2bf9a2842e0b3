//! One file over one stream: its size, its bytes, its checksum, and the answer.

use crate::partial::Partial;
use anyhow::{Context, Result, bail, ensure};
use frontier_sdk::{Stream, StreamMessage};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// How long the receiver may take over the last bytes and the disk.
const ACK_TIMEOUT: Duration = Duration::from_secs(300);

/// What was transferred.
pub(crate) struct Transferred {
    size: u64,
    checksum: Vec<u8>,
}

impl fmt::Display for Transferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, SHA-256 ", self.size)?;
        self.checksum.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Sends a file, and returns when the receiver has verified and kept it.
///
/// After an error it is not known whether the receiver has the file: its answer may have been lost.
pub(crate) async fn send(stream: &mut Stream, path: &Path) -> Result<Transferred> {
    let mut file = File::open(path).await.with_context(|| format!("can't open {}", path.display()))?;
    let size = file.metadata().await?.len();
    stream.publish("size", size.to_string()).await.context("the receiver does not take it")?;
    let mut checksum = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        // A file that grows meanwhile is sent as long as it was; one that shrinks can't be.
        let most = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        let read = file.read(&mut chunk[..most]).await.context("can't read")?;
        ensure!(read > 0, "the file became shorter while it was read");
        checksum.update(&chunk[..read]);
        stream.write_all(&chunk[..read]).await?;
        left -= read as u64;
    }
    let checksum = checksum.finalize().to_vec();
    let verified = stream.publish("checksum", checksum.clone()).timeout(ACK_TIMEOUT).await;
    verified.context("the receiver has not kept it")?;
    Ok(Transferred { size, checksum })
}

/// Receives a file as `path`. There is none unless this returns without an error.
pub(crate) async fn receive(stream: &mut Stream, path: &Path) -> Result<Transferred> {
    let message = next(stream, "size").await?;
    let size: u64 = std::str::from_utf8(&message.data)?.parse().context("that is no size")?;
    let mut partial = match Partial::create(path).await {
        Ok(partial) => partial,
        Err(error) => {
            message.fail(format!("{error:#}"));
            return Err(error);
        }
    };
    message.done();
    let mut checksum = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let most = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        // A stream that is reset or lost is an error here. An end in good order before the last byte is
        // the sender's mistake, and no whole file either.
        let read = stream.read(&mut chunk[..most]).await?;
        ensure!(read > 0, "the sender stopped {left} bytes before the end");
        checksum.update(&chunk[..read]);
        partial.write(&chunk[..read]).await?;
        left -= read as u64;
    }
    let message = next(stream, "checksum").await?;
    let checksum = checksum.finalize().to_vec();
    if message.data != checksum {
        message.fail("the checksum is another one");
        bail!("the checksum is another one");
    }
    if let Err(error) = partial.keep().await {
        message.fail(format!("{error:#}"));
        return Err(error);
    }
    message.done();
    // Lets the answer out before the stream is dropped. If this fails the sender has dropped the stream, because
    // it has the answer, or was lost; the file is whole in either case.
    let _ = stream.shutdown().await;
    Ok(Transferred { size, checksum })
}

async fn next(stream: &Stream, topic: &str) -> Result<StreamMessage> {
    let message = stream.recv().await.context("the stream was lost")?;
    ensure!(message.topic == topic, "{:?} came where {topic:?} must", message.topic);
    Ok(message)
}
