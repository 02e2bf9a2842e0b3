//! The clients' process: callers with a connection each.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::console::Console;
use crate::drive::{Caller, drive};
use crate::loopback::dial;
use crate::work::{Bulk, Calls};

/// Callers whose messages come back.
pub(super) async fn ping_pong(gateway: SocketAddr, calls: Calls, console: &mut Console) -> Result<()> {
    let mut callers = Vec::with_capacity(calls.callers);
    for _ in 0..calls.callers {
        let stream = dial(gateway).await?;
        callers.push(PingPong {
            stream,
            message: vec![0x2a; calls.size.as_usize()],
            answer: vec![0; calls.size.as_usize()],
        });
    }
    drive(callers, JoinSet::new(), console).await
}

#[derive(Debug)]
struct PingPong {
    stream: TcpStream,
    message: Vec<u8>,
    answer: Vec<u8>,
}

impl Caller for PingPong {
    /// Reads while it writes: a large message comes back before all of it is out.
    async fn call(&mut self) -> Result<()> {
        let (mut reader, mut writer) = self.stream.split();
        tokio::try_join!(writer.write_all(&self.message), reader.read_exact(&mut self.answer))?;
        Ok(())
    }
}

/// Callers that only write.
pub(super) async fn bulk(gateway: SocketAddr, bulk: Bulk, console: &mut Console) -> Result<()> {
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
