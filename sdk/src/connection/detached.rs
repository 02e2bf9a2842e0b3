//! Payloads that are too long for the lane and travel on a mux stream of their own.

use crate::Error;
use frontier_protocol::{Code, EncodeError};
use frontier_transport::LinkHandle;
use tokio::io::AsyncWriteExt;

/// What stands in a frame in place of a detached payload.
pub(crate) fn length(payload: &[u8]) -> Result<[u8; 4], EncodeError> {
    let len = u32::try_from(payload.len()).map_err(|_| EncodeError::PayloadTooLong(payload.len()))?;
    Ok(len.to_be_bytes())
}

/// Sends the frame `head` and the payload that belongs to it. If this is dropped before its end the
/// stream is reset, and the gateway sees that the payload is not whole.
pub(crate) async fn send(link: &LinkHandle, head: &[u8], payload: &[u8]) -> Result<(), Error> {
    let mut stream = link.open_stream().await.map_err(|error| Error::new(error.code(), error.to_string()))?;
    let written = async {
        stream.write_all(head).await?;
        stream.write_all(payload).await?;
        stream.shutdown().await
    };
    written.await.map_err(|error| Error::new(Code::Disconnected, error.to_string()))?;
    stream.linger();
    Ok(())
}
