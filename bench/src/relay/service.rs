//! The service's process: it sends every frame back.

use std::net::SocketAddr;

use anyhow::Result;
use bytes::{Buf, BytesMut};

use super::frame;
use crate::console::Console;
use crate::dialogue::Ready;
use crate::loopback::dial;
use crate::wire::{Connection, Outbox, Peer};

pub(super) async fn run(gateway: SocketAddr, console: &mut Console) -> Result<()> {
    let connection = Connection::new(dial(gateway).await?, Outbox::default().into(), Echo);
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
        while let Some((frame, behind)) = frame::split(rest)? {
            replies.extend_from_slice(&frame.header(frame.address.edge)?);
            replies.extend_from_slice(frame.payload);
            rest = behind;
        }
        let used = inbox.len() - rest.len();
        inbox.advance(used);
        Ok(())
    }
}
