//! The service's process: it answers every request with what the request held.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::{Buf, BytesMut};

use super::super::SUBJECT;
use super::protocol::{LINE_END, PONG, Received, split, subscribe};
use crate::console::Console;
use crate::dialogue::Ready;
use crate::wire::{Connection, Outbox, Peer};

pub(in super::super) async fn run(server: SocketAddr, console: &mut Console) -> Result<()> {
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
