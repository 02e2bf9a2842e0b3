//! One subscriber over WebSocket.
//!
//! ```text
//!   Idle ──(page, notice, answer)──▶ Sending ──(all written)──▶ Idle
//!     └──(end of the subscription, close, violation)──▶ Closing: a close frame, and the peer's, or a second
//! ```
//!
//! While it sends nothing is read: of what the peer does not take, no more comes about.

use super::frame::{self, Opcode, Violation};
use super::incoming::{Incoming, Input};
use super::socket::Socket;
use crate::flat;
use crate::notice::{Goodbye, Notice};
use crate::subscriber::{Next, Subscriber};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a peer may take to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// After so many heartbeats without a sign of life a peer is taken for gone. Browsers answer pings by themselves.
const MAX_UNHEARD: u32 = 3;

/// What goes out beside messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Notices.
    Told,
    /// Nothing that is not asked for: a page that knows messages alone.
    Flat,
}

/// One subscriber and its connection.
pub(crate) struct Session<T> {
    socket: Socket<T>,
    incoming: Incoming,
    subscriber: Subscriber,
    style: Style,
    is_compressed: bool,
    /// Heartbeats since something was heard.
    unheard: u32,
}

/// Why a session ends.
#[derive(Debug)]
enum End {
    Goodbye(Goodbye),
    /// The peer has said so, with this status.
    Close(Option<u16>),
    Violation(Violation),
    Gone,
}

enum Event {
    Next(Next),
    Received(io::Result<bool>),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Session<T> {
    pub(crate) fn new(io: T, subscriber: Subscriber, style: Style, is_compressed: bool) -> Self {
        let incoming = Incoming::new(is_compressed);
        Self { socket: Socket::new(io), incoming, subscriber, style, is_compressed, unheard: 0 }
    }

    /// Serves it to its end, beginning with this; or until `kill`, where it does not read.
    pub(crate) async fn run(mut self, welcome: Notice, kill: CancellationToken) {
        self.tell(&welcome);
        let end = loop {
            if self.socket.is_waiting() {
                let sent = tokio::select! {
                    sent = self.socket.send() => sent,
                    () = kill.cancelled() => return,
                };
                if sent.is_err() {
                    return;
                }
            }
            let Self { socket, incoming, subscriber, .. } = &mut self;
            let event = tokio::select! {
                next = subscriber.next() => Event::Next(next),
                received = socket.receive(|bytes| incoming.push(bytes)) => Event::Received(received),
            };
            if let Some(end) = self.on(event) {
                break end;
            }
        };
        tokio::select! {
            // Whether it still hears that is up to the peer.
            _ = timeout(CLOSE_TIMEOUT, self.close(end)) => {}
            () = kill.cancelled() => {}
        }
    }

    fn on(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Next(Next::Page(page)) => {
                if page.lost > 0 {
                    self.tell(&Notice::lost(page.lost));
                }
                let deflater = self.is_compressed.then(|| self.subscriber.channel.deflater.clone());
                for frame in page.frames {
                    self.socket.queue(match &deflater {
                        Some(deflater) => frame.deflated(deflater),
                        None => frame.websocket(),
                    });
                }
            }
            Event::Next(Next::Heartbeat(heartbeat)) => {
                self.unheard += 1;
                if self.unheard > MAX_UNHEARD {
                    return Some(End::Goodbye(Goodbye::Silent));
                }
                self.tell(&heartbeat);
                self.socket.queue(frame::control(Opcode::Ping, b""));
            }
            Event::Next(Next::End(goodbye)) => return Some(End::Goodbye(goodbye)),
            Event::Received(Ok(true)) => {
                self.unheard = 0;
                return self.on_input();
            }
            Event::Received(Ok(false) | Err(_)) => return Some(End::Gone),
        }
        None
    }

    /// Looks at all that has come.
    fn on_input(&mut self) -> Option<End> {
        // Of several the last is answered, as the protocol allows: so what waits is bounded.
        let (mut ping, mut text) = (None, None);
        loop {
            match self.incoming.next() {
                Ok(Some(Input::Ping(payload))) => ping = Some(payload),
                Ok(Some(Input::Text(payload))) => text = Some(payload),
                Ok(Some(Input::Close(status))) => return Some(End::Close(status)),
                Ok(Some(Input::Pong | Input::Other)) => {}
                Ok(None) => break,
                Err(violation) => return Some(End::Violation(violation)),
            }
        }
        if let Some(payload) = ping {
            self.socket.queue(frame::control(Opcode::Pong, &payload));
        }
        if self.style == Style::Flat
            && let Some(answer) = text.and_then(|text| flat::answer(&text, &self.subscriber))
        {
            self.socket.queue(frame::text(&answer));
        }
        None
    }

    fn tell(&mut self, notice: &Notice) {
        if self.style == Style::Told {
            self.socket.queue(frame::text(&notice.text));
        }
    }

    async fn close(&mut self, end: End) -> io::Result<()> {
        let (status, reason) = match end {
            End::Goodbye(why) => {
                let goodbye = self.subscriber.goodbye(why);
                self.tell(&goodbye);
                (why.status(), why.reason())
            }
            End::Close(status) => (status.unwrap_or(1000), ""),
            End::Violation(violation) => (violation.status(), ""),
            End::Gone => return Ok(()),
        };
        let is_answer = matches!(end, End::Close(_));
        self.socket.queue(frame::close(status, reason));
        self.socket.send().await?;
        if !is_answer {
            self.hear_close().await?;
        }
        self.socket.shut_down().await
    }

    /// Reads what still comes, up to the peer's close: with something unread, what was said would be taken back by a reset.
    async fn hear_close(&mut self) -> io::Result<()> {
        let Self { socket, incoming, .. } = self;
        while socket.receive(|bytes| incoming.push(bytes)).await? {
            loop {
                match incoming.next() {
                    Ok(Some(Input::Close(_))) | Err(_) => return Ok(()),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
