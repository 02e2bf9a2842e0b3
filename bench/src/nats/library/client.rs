//! The client's process: connections, and the callers on them.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use async_nats::Client;
use bytes::Bytes;
use tokio::task::JoinSet;

use super::super::SUBJECT;
use super::connect;
use crate::console::Console;
use crate::drive::{Caller, drive};
use crate::work::Calls;

/// The library multiplexes the requests of a connection over one subscription by itself. It also reconnects
/// by itself; requests that fail meanwhile are counted.
pub(in super::super) async fn run(server: SocketAddr, calls: Calls, console: &mut Console) -> Result<()> {
    let payload = Bytes::from(vec![0x2a; calls.size.as_usize()]);
    let mut callers = Vec::with_capacity(calls.callers);
    for edge in 0..calls.edges {
        let client = connect(server).await?;
        for _ in 0..calls.callers_on(edge) {
            callers.push(Requester { client: client.clone(), payload: payload.clone() });
        }
    }
    drive(callers, JoinSet::new(), console).await
}

/// One request in flight on a connection that it shares.
#[derive(Debug)]
struct Requester {
    client: Client,
    payload: Bytes,
}

impl Caller for Requester {
    async fn call(&mut self) -> Result<()> {
        let answer = self.client.request(SUBJECT, self.payload.clone()).await?;
        let (length, sent) = (answer.payload.len(), self.payload.len());
        ensure!(length == sent, "{length} bytes came back of {sent}");
        Ok(())
    }
}
