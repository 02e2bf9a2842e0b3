//! What should not disturb small calls on the same connection.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use frontier_sdk::Edge;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::answer::STALL;
use super::connect::{SERVICE, TOPIC};
use crate::meter::Meter;

/// Starts a stream whose reader stalls, and large messages one after the other.
pub(super) fn start(edge: &Edge, meter: &Arc<Meter>, tasks: &mut JoinSet<Result<()>>) {
    tasks.spawn(stall(edge.clone()));
    tasks.spawn(send_large(edge.clone(), meter.clone()));
}

/// Writes until nothing more fits anywhere, and goes on waiting for room that never comes.
async fn stall(edge: Edge) -> Result<()> {
    let mut stream = edge.open_stream(SERVICE).meta(STALL).await.context("opening the stalled stream")?;
    let bytes = vec![0x2a; 64 << 10];
    loop {
        stream.write_all(&bytes).await.context("the stalled stream")?;
    }
}

async fn send_large(edge: Edge, meter: Arc<Meter>) -> Result<()> {
    let payload = Bytes::from(vec![0x2a; LARGE_MESSAGE_SIZE]);
    loop {
        edge.publish(TOPIC, payload.clone()).await.context("a large message")?;
        meter.large_message_ended();
    }
}

const LARGE_MESSAGE_SIZE: usize = 4 << 20;
