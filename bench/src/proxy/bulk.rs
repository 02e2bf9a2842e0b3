//! Callers that only write.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::console::Console;
use crate::drive::{Caller, drive};
use crate::loopback::dial;
use crate::work::Bulk;

pub(super) async fn run(gateway: SocketAddr, bulk: Bulk, console: &mut Console) -> Result<()> {
    let mut callers = Vec::with_capacity(bulk.streams);
    for _ in 0..bulk.streams {
        callers.push(Writer { stream: dial(gateway).await?, bytes: vec![0x2a; bulk.writes.as_usize()] });
    }
    drive(callers, JoinSet::new(), console).await
}

#[derive(Debug)]
struct Writer {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Caller for Writer {
    /// Done when the kernel has the bytes. The buffers on the way are full before counting starts and full
    /// when it ends, so what is counted here is what arrives.
    async fn call(&mut self) -> Result<()> {
        self.stream.write_all(&self.bytes).await?;
        Ok(())
    }
}
