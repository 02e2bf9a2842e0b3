//! Callers with a connection each, whose messages come back.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::console::Console;
use crate::drive::{Caller, drive};
use crate::loopback::dial;
use crate::work::Calls;

pub(super) async fn run(gateway: SocketAddr, calls: Calls, console: &mut Console) -> Result<()> {
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
