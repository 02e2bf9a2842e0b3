//! The client's process: edges, and the callers on them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;

use anyhow::{Context, Result, ensure};
use bytes::{Buf, BytesMut};
use tokio::task::JoinSet;

use super::frame::{self, Address, Frame};
use crate::console::Console;
use crate::drive::{Caller, drive};
use crate::loopback::dial;
use crate::wire::{Connection, Outbox, Peer, Slot};
use crate::work::Calls;

pub(super) async fn run(gateway: SocketAddr, calls: Calls, console: &mut Console) -> Result<()> {
    let mut connections = JoinSet::new();
    let mut callers = Vec::with_capacity(calls.callers);
    for edge in 0..calls.edges {
        let slots: Arc<[Slot]> = (0..calls.callers_on(edge)).map(|_| Slot::default()).collect();
        let outbox = Arc::new(Outbox::default());
        for number in 0..slots.len() {
            callers.push(RelayCaller::new(outbox.clone(), slots.clone(), number, calls.size.as_usize())?);
        }
        connections.spawn(Connection::new(dial(gateway).await?, outbox, Answers { slots }).run());
    }
    drive(callers, connections, console).await
}

/// Hands every answer to the caller that its frame names.
#[derive(Debug)]
struct Answers {
    slots: Arc<[Slot]>,
}

impl Peer for Answers {
    fn receive(&mut self, inbox: &mut BytesMut, _: &mut Vec<u8>) -> Result<()> {
        let mut rest = &inbox[..];
        while let Some((frame, behind)) = frame::split(rest)? {
            let slot = self
                .slots
                .get(usize::try_from(frame.address.call)?)
                .context("an answer that nobody waits for")?;
            slot.answer(frame.payload.len());
            rest = behind;
        }
        let used = inbox.len() - rest.len();
        inbox.advance(used);
        Ok(())
    }
}

/// One call in flight on an edge that it shares.
#[derive(Debug)]
struct RelayCaller {
    outbox: Arc<Outbox>,
    slots: Arc<[Slot]>,
    number: usize,
    header: [u8; frame::HEADER],
    payload: Vec<u8>,
}

impl RelayCaller {
    fn new(outbox: Arc<Outbox>, slots: Arc<[Slot]>, number: usize, size: usize) -> Result<Self> {
        let payload = vec![0x2a; size];
        let address = Address { edge: 0, call: u64::try_from(number)? };
        let header = Frame { address, payload: &payload }.header(0)?;
        Ok(Self { outbox, slots, number, header, payload })
    }
}

impl Caller for RelayCaller {
    async fn call(&mut self) -> Result<()> {
        self.outbox.push([&self.header, &self.payload]).into_iter().for_each(Waker::wake);
        let length = self.slots[self.number].answered().await;
        ensure!(length == self.payload.len(), "{length} bytes came back of {}", self.payload.len());
        Ok(())
    }
}
