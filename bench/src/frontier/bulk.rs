//! Callers that only write, each into a stream of its own on one edge.

use anyhow::Result;
use frontier_sdk::Stream;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::answer::SINK;
use super::connect::{self, SERVICE, lost};
use crate::console::Console;
use crate::drive::{Caller, drive};
use crate::network::Address;
use crate::work::Bulk;

pub(super) async fn run(gateway: Address, bulk: Bulk, console: &mut Console) -> Result<()> {
    let edge = connect::edge(gateway).await?;
    let mut callers = Vec::with_capacity(bulk.streams);
    for _ in 0..bulk.streams {
        let stream = edge.open_stream(SERVICE).meta(SINK).await?;
        callers.push(Writer { stream, bytes: vec![0x2a; bulk.writes.as_usize()] });
    }
    let mut background = JoinSet::new();
    background.spawn(async move { Err(lost(&edge.closed().await)) });
    drive(callers, background, console).await
}

#[derive(Debug)]
struct Writer {
    stream: Stream,
    bytes: Vec<u8>,
}

impl Caller for Writer {
    /// Done when the stream has the bytes. Its window and the buffers on the way are full before counting
    /// starts and full when it ends, so what is counted here is what arrives.
    async fn call(&mut self) -> Result<()> {
        self.stream.write_all(&self.bytes).await?;
        Ok(())
    }
}
