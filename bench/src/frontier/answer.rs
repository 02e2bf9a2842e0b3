//! The side that answers: it sends calls and streams back, and is done with every message at once.

use std::future::pending;

use anyhow::{Context, Result};
use frontier_sdk::{Closed, Edge, HandlerError, Message, Request, Response, Service, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::connect::{self, METHOD, lost};
use crate::console::Console;
use crate::dialogue::Ready;
use crate::network::Address;

/// What a stream is opened for, as its meta says.
pub(super) const ECHO: &str = "echo";
pub(super) const SINK: &str = "sink";
pub(super) const STALL: &str = "stall";

/// Some that answer, and some that could if anybody called their methods.
pub(super) async fn services(
    gateway: Address,
    services: usize,
    idle: usize,
    console: &mut Console,
) -> Result<()> {
    let mut tasks = JoinSet::new();
    let methods = (0..idle).map(|number| format!("{METHOD}-{number}"));
    for method in std::iter::repeat_n(METHOD.to_owned(), services).chain(methods) {
        let service = connect::service(gateway).await?;
        service.register(&method, echo).await?;
        answer(service, &mut tasks);
    }
    until_closed(tasks, console).await
}

pub(super) async fn edges(gateway: Address, first: usize, edges: usize, console: &mut Console) -> Result<()> {
    let mut tasks = JoinSet::new();
    for number in first..first + edges {
        let edge = connect::numbered_edge(gateway, number).await?;
        edge.register(METHOD, echo).await?;
        answer(edge, &mut tasks);
    }
    until_closed(tasks, console).await
}

/// What edges and services have in common.
trait Responder: Clone + Send + Sync + 'static {
    fn message(&self) -> impl Future<Output = Option<Message>> + Send;
    fn stream(&self) -> impl Future<Output = Option<Stream>> + Send;
    fn closed(&self) -> impl Future<Output = Closed> + Send;
}

impl Responder for Edge {
    async fn message(&self) -> Option<Message> {
        self.recv().await
    }

    async fn stream(&self) -> Option<Stream> {
        self.accept_stream().await
    }

    async fn closed(&self) -> Closed {
        Self::closed(self).await
    }
}

impl Responder for Service {
    async fn message(&self) -> Option<Message> {
        self.recv().await
    }

    async fn stream(&self) -> Option<Stream> {
        self.accept_stream().await
    }

    async fn closed(&self) -> Closed {
        Self::closed(self).await
    }
}

fn answer<R: Responder>(responder: R, tasks: &mut JoinSet<Result<()>>) {
    let messages = responder.clone();
    tasks.spawn(async move {
        while let Some(message) = messages.message().await {
            message.done();
        }
        Err(lost(&messages.closed().await))
    });
    tasks.spawn(async move {
        while let Some(stream) = responder.stream().await {
            // A stream that fails is noticed at its other end, by those who count.
            tokio::spawn(serve(stream));
        }
        Err(lost(&responder.closed().await))
    });
}

async fn until_closed(mut tasks: JoinSet<Result<()>>, console: &mut Console) -> Result<()> {
    console.ready(Ready::default())?;
    tokio::select! {
        Some(ended) = tasks.join_next() => ended.context("a connection's task")?,
        () = console.closed() => Ok(()),
    }
}

async fn echo(request: Request) -> Result<Response, HandlerError> {
    Ok(Response::new(request.data))
}

async fn serve(mut stream: Stream) -> Result<()> {
    let purpose = stream.meta().clone();
    if purpose == STALL {
        return pending().await;
    }
    let is_echo = purpose == ECHO;
    let mut buffer = vec![0; if is_echo { ECHO_BUFFER } else { SINK_BUFFER }];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(stream.shutdown().await?),
            read if is_echo => stream.write_all(&buffer[..read]).await?,
            _ => {}
        }
    }
}

/// As much as the service behind the proxy reads at once.
const SINK_BUFFER: usize = 64 << 10;
/// Enough for a byte: a large buffer would cost more than the stream.
const ECHO_BUFFER: usize = 64;
