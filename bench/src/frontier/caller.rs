//! One caller, on either side.

use anyhow::{Result, ensure};
use bytes::Bytes;
use frontier_sdk::{Edge, EdgeId, Service, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::answer::ECHO;
use super::connect::{METHOD, SERVICE, TOPIC};
use crate::drive::Caller;
use crate::work::Operation;

/// One operation in flight on a connection that it shares.
#[derive(Debug)]
pub(super) struct SdkCaller {
    pub(super) from: From,
    pub(super) operation: Operation,
    pub(super) payload: Bytes,
}

/// Whose caller it is.
#[derive(Debug)]
pub(super) enum From {
    Edge(Edge),
    Service(Service, EdgeId),
}

impl Caller for SdkCaller {
    async fn call(&mut self) -> Result<()> {
        match self.operation {
            Operation::Call => self.request().await,
            Operation::Message => self.publish().await,
            Operation::Stream => there_and_back(self.open().await?).await,
        }
    }
}

impl SdkCaller {
    async fn request(&self) -> Result<()> {
        let payload = self.payload.clone();
        let answer = match &self.from {
            From::Edge(edge) => edge.call(METHOD, payload).await?,
            From::Service(service, id) => service.call(*id, METHOD, payload).await?,
        };
        let (length, sent) = (answer.data.len(), self.payload.len());
        ensure!(length == sent, "{length} bytes came back of {sent}");
        Ok(())
    }

    async fn publish(&self) -> Result<()> {
        let payload = self.payload.clone();
        match &self.from {
            From::Edge(edge) => edge.publish(TOPIC, payload).await?,
            From::Service(service, id) => service.publish(*id, payload).await?,
        }
        Ok(())
    }

    async fn open(&self) -> Result<Stream> {
        Ok(match &self.from {
            From::Edge(edge) => edge.open_stream(SERVICE).meta(ECHO).await?,
            From::Service(service, id) => service.open_stream(*id).meta(ECHO).await?,
        })
    }
}

/// One byte each way, and an orderly end of both directions: a request whose end is known when it is
/// sent, and its response.
async fn there_and_back(mut stream: Stream) -> Result<()> {
    let mut byte = [0x2a];
    stream.write_all(&byte).await?;
    stream.shutdown().await?;
    stream.read_exact(&mut byte).await?;
    ensure!(stream.read(&mut byte).await? == 0, "more than one byte came back");
    Ok(())
}
