//! Client and service on `async-nats`, as users of NATS write them.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use async_nats::{Client, ConnectOptions, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::task::JoinSet;

use crate::console::Console;
use crate::dialogue::Ready;
use crate::drive::{Caller, drive};
use crate::work::Calls;

/// Callers that share connections.
///
/// The library multiplexes the requests of a connection over one subscription by itself. It also reconnects
/// by itself; requests that fail meanwhile are counted.
pub(super) async fn call(server: SocketAddr, calls: Calls, console: &mut Console) -> Result<()> {
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

/// Answers every request with what the request held.
pub(super) async fn serve(server: SocketAddr, console: &mut Console) -> Result<()> {
    let client = connect(server).await?;
    let requests = client.subscribe(SUBJECT).await.context("subscribing")?;
    // So that the first request finds it.
    client.flush().await.context("subscribing")?;
    console.ready(Ready::default())?;
    tokio::select! {
        result = answer(client, requests) => result,
        () = console.closed() => Ok(()),
    }
}

/// One after the other in one task, the cheapest way that the library has.
async fn answer(client: Client, mut requests: Subscriber) -> Result<()> {
    while let Some(request) = requests.next().await {
        let reply_to = request.reply.context("a request that wants no answer")?;
        client.publish(reply_to, request.payload).await.context("answering")?;
    }
    bail!("nats-server ended the subscription")
}

/// Connects, with the library's defaults.
async fn connect(server: SocketAddr) -> Result<Client> {
    let options = ConnectOptions::new().name("frontier-bench");
    options.connect(server.to_string()).await.context("connecting to nats-server")
}

/// What the service subscribes to.
const SUBJECT: &str = "bench";
