//! The client's process: connections, and the callers on them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use frontier_sdk::{Code, Edge, EdgeId, Service, Stream};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::answer::SINK;
use super::caller::{From, SdkCaller};
use super::connect::{self, METHOD, SERVICE, lost};
use super::disturbance;
use crate::console::Console;
use crate::drive::{Caller, drive, drive_with};
use crate::meter::Meter;
use crate::network::Address;
use crate::work::{Bulk, Calls};

/// Callers that share edges.
pub(super) async fn on_edges(gateway: Address, calls: Calls, console: &mut Console) -> Result<()> {
    let meter = Arc::new(Meter::new()?);
    let payload = Bytes::from(vec![0x2a; calls.size.as_usize()]);
    let mut background = JoinSet::new();
    let mut callers = Vec::with_capacity(calls.callers);
    for number in 0..calls.edges {
        let edge = connect::edge(gateway).await?;
        if calls.scene.forwards() {
            reaches(&edge).await?;
        }
        for _ in 0..calls.callers_on(number) {
            let from = From::Edge(edge.clone());
            callers.push(SdkCaller { from, operation: calls.operation, payload: payload.clone() });
        }
        if calls.scene.disturbed {
            disturbance::start(&edge, &meter, &mut background);
        }
        background.spawn(async move { Err(lost(&edge.closed().await)) });
    }
    drive_with(meter, callers, calls.interval(), background, console).await
}

/// Callers of one service, spread over edges that are there already.
pub(super) async fn on_service(
    gateway: Address,
    first: usize,
    calls: Calls,
    console: &mut Console,
) -> Result<()> {
    let service = connect::service(gateway).await?;
    let payload = Bytes::from(vec![0x2a; calls.size.as_usize()]);
    let mut callers = Vec::with_capacity(calls.callers);
    for number in 0..calls.edges {
        let id = connect::edge_id(first + number)?;
        is_reached(&service, id).await?;
        for _ in 0..calls.callers_on(number) {
            let from = From::Service(service.clone(), id);
            callers.push(SdkCaller { from, operation: calls.operation, payload: payload.clone() });
        }
    }
    let mut background = JoinSet::new();
    background.spawn(async move { Err(lost(&service.closed().await)) });
    drive_with(Arc::new(Meter::new()?), callers, calls.interval(), background, console).await
}

/// Callers that only write, each into a stream of its own on one edge.
pub(super) async fn on_streams(gateway: Address, bulk: Bulk, console: &mut Console) -> Result<()> {
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

/// Waits until the service can call an edge that has connected: at another gateway frontlas has to hear of it
/// first.
async fn is_reached(service: &Service, id: EdgeId) -> Result<()> {
    let deadline = Instant::now() + REACHED_TIMEOUT;
    loop {
        match service.call(id, METHOD, "").await {
            Err(error) if error.code() == Code::EdgeNotOnline && Instant::now() < deadline => {
                sleep(POLL_INTERVAL).await;
            }
            answer => return answer.map(drop).context("an edge is not reached"),
        }
    }
}

/// Waits until the edge can call a service at another gateway: its own has to hear of it first.
async fn reaches(edge: &Edge) -> Result<()> {
    let deadline = Instant::now() + REACHED_TIMEOUT;
    loop {
        match edge.call(METHOD, "").await {
            Err(error) if error.code() == Code::MethodNotFound && Instant::now() < deadline => {
                sleep(POLL_INTERVAL).await;
            }
            answer => return answer.map(drop).context("no service is reached"),
        }
    }
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

/// How long it may take until an edge can be called, and how often that is tried.
const REACHED_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(10);
