//! What goes on between the service and each edge: calls both ways, messages, streams.

use crate::backend::Backend;
use anyhow::{Result, ensure};
use frontier_sdk::Edge;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What the demo sends through a stream, in bytes.
const STREAM_SIZE: usize = 16 * 1024;

/// How long a call to an edge may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// One kind of thing that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    CallUp,
    CallDown,
    Publish,
    Stream,
}

impl Activity {
    pub(crate) const ALL: [Self; 4] = [Self::CallUp, Self::CallDown, Self::Publish, Self::Stream];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CallUp => "calls edge → service",
            Self::CallDown => "calls service → edge",
            Self::Publish => "messages edge → service",
            Self::Stream => "streams, 16 KiB and back",
        }
    }

    /// Does it once.
    pub(crate) async fn perform(self, service: &Backend, edge: &Edge) -> Result<()> {
        match self {
            Self::CallUp => {
                let answer = edge.call("echo", "over there").await?;
                ensure!(answer.data == "over there", "the echo came back changed");
            }
            Self::CallDown => {
                let answer = service.call(edge.id(), "status", CALL_TIMEOUT).await?;
                ensure!(answer.data == "fine", "the status is not fine");
            }
            Self::Publish => edge.publish("telemetry", "21.5 °C").await?,
            Self::Stream => {
                let mut stream = edge.open_stream("demo").await?;
                stream.write_all(&[7; STREAM_SIZE]).await?;
                stream.shutdown().await?;
                let mut back = Vec::with_capacity(STREAM_SIZE);
                stream.read_to_end(&mut back).await?;
                ensure!(back == [7; STREAM_SIZE], "the bytes came back changed");
            }
        }
        Ok(())
    }
}
