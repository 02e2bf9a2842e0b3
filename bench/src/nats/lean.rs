//! Client and service that speak the NATS protocol themselves, with the same connection as the relay's.

use std::net::SocketAddr;
use std::str;
use std::sync::Arc;
use std::task::Waker;

use anyhow::{Context, Result, ensure};
use bytes::{Buf, BytesMut};
use tokio::task::JoinSet;

use crate::console::Console;
use crate::dialogue::Ready;
use crate::drive::{Caller, drive};
use crate::wire::{Connection, Outbox, Peer, Slot};
use crate::work::Calls;
use protocol::{LINE_END, PONG, Received, split, subscribe};

mod protocol;

/// Callers that share connections.
///
/// Each connection subscribes to all its inboxes at once, as NATS clients do; the last token of one names the
/// caller.
pub(super) async fn call(
    server: SocketAddr,
    process: usize,
    calls: Calls,
    console: &mut Console,
) -> Result<()> {
    let mut connections = JoinSet::new();
    let mut callers = Vec::with_capacity(calls.callers);
    for edge in 0..calls.edges {
        let inbox = format!("_INBOX.{process}-{edge}");
        let stream = subscribe(server, &format!("{inbox}.*")).await?;
        let slots: Arc<[Slot]> = (0..calls.callers_on(edge)).map(|_| Slot::default()).collect();
        let outbox = Arc::new(Outbox::default());
        for number in 0..slots.len() {
            let size = calls.size.as_usize();
            let mut request = format!("PUB {SUBJECT} {inbox}.{number} {size}\r\n").into_bytes();
            request.resize(request.len() + size, b'*');
            request.extend_from_slice(b"\r\n");
            callers.push(NatsCaller { outbox: outbox.clone(), slots: slots.clone(), number, request, size });
        }
        connections.spawn(Connection::new(stream, outbox, Inbox { slots }).run());
    }
    drive(callers, connections, console).await
}

/// Hands every answer to the caller that its subject names.
#[derive(Debug)]
struct Inbox {
    slots: Arc<[Slot]>,
}

impl Peer for Inbox {
    fn receive(&mut self, inbox: &mut BytesMut, replies: &mut Vec<u8>) -> Result<()> {
        let mut rest = &inbox[..];
        while let Some((received, behind)) = split(rest)? {
            match received {
                Received::Message { subject, payload, .. } => {
                    let number =
                        subject.rsplit(|&b| b == b'.').next().context("a message without a subject")?;
                    let number: usize = str::from_utf8(number)?.parse()?;
                    self.slots.get(number).context("an answer that nobody waits for")?.answer(payload.len());
                }
                Received::Ping => replies.extend_from_slice(PONG),
                Received::Other => {}
            }
            rest = behind;
        }
        let used = inbox.len() - rest.len();
        inbox.advance(used);
        Ok(())
    }
}

/// One request in flight on a connection that it shares.
#[derive(Debug)]
struct NatsCaller {
    outbox: Arc<Outbox>,
    slots: Arc<[Slot]>,
    number: usize,
    request: Vec<u8>,
    size: usize,
}

impl Caller for NatsCaller {
    async fn call(&mut self) -> Result<()> {
        self.outbox.push([&self.request]).into_iter().for_each(Waker::wake);
        let length = self.slots[self.number].answered().await;
        ensure!(length == self.size, "{length} bytes came back of {}", self.size);
        Ok(())
    }
}

/// Answers every request with what the request held.
pub(super) async fn serve(server: SocketAddr, console: &mut Console) -> Result<()> {
    let connection = Connection::new(subscribe(server, SUBJECT).await?, Outbox::default().into(), Echo);
    console.ready(Ready::default())?;
    tokio::select! {
        result = connection.run() => result,
        () = console.closed() => Ok(()),
    }
}

#[derive(Debug)]
struct Echo;

impl Peer for Echo {
    fn receive(&mut self, inbox: &mut BytesMut, replies: &mut Vec<u8>) -> Result<()> {
        let mut rest = &inbox[..];
        while let Some((received, behind)) = split(rest)? {
            match received {
                Received::Message { reply_to, payload, .. } => {
                    let reply_to = reply_to.context("a request that wants no answer")?;
                    let length = payload.len().to_string();
                    for part in [b"PUB ", reply_to, b" ", length.as_bytes(), LINE_END, payload, LINE_END] {
                        replies.extend_from_slice(part);
                    }
                }
                Received::Ping => replies.extend_from_slice(PONG),
                Received::Other => {}
            }
            rest = behind;
        }
        let used = inbox.len() - rest.len();
        inbox.advance(used);
        Ok(())
    }
}

/// What the service subscribes to.
const SUBJECT: &str = "bench";
