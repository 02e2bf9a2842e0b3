//! The service's process: it answers every request with what the request held.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use async_nats::{Client, Subscriber};
use futures_util::StreamExt;

use super::super::SUBJECT;
use super::connect;
use crate::console::Console;
use crate::dialogue::Ready;

pub(in super::super) async fn run(server: SocketAddr, console: &mut Console) -> Result<()> {
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
