//! The login, up to an open channel with confirms.
//!
//! ```text
//!   version ─▶ Start ─▶ StartOk ─▶ Tune ─▶ TuneOk, Open ─▶ open ─▶ channel, confirms ─▶ what is declared
//! ```

use super::decode::{Close, Frame};
use super::encode::{Method, PREAMBLE, Table, method};
use super::topology;
use super::wire::Wire;
use crate::dial::dial;
use crate::text::one_line;
use crate::{AmqpTopology, BrokerTls, Credentials};
use frontier_config::HostPort;
use std::time::Duration;

/// Whom RabbitMQ knows out of the box, over loopback.
const GUEST: &str = "guest";

/// The shortest frame that everybody takes.
const MIN_FRAME: u32 = 4096;

/// A connection whose channel is open.
pub(super) struct Opened {
    pub(super) wire: Wire,
    /// An alarm, if there is one.
    pub(super) blocked: Option<String>,
}

/// As what the gateway logs in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login<'a> {
    /// Whose connection it is, as the server shows it.
    pub(super) name: &'a str,
    pub(super) credentials: &'a Credentials,
    pub(super) tls: Option<&'a BrokerTls>,
    pub(super) vhost: &'a str,
    pub(super) frame_size: u32,
    pub(super) heartbeat: Duration,
}

/// Connects to a server, opens a channel, and declares what is to be there. The error is one line.
pub(super) async fn connect(
    login: &Login<'_>,
    addr: &HostPort,
    topology: &AmqpTopology,
) -> Result<Opened, String> {
    let stream = dial(addr, login.tls).await?;
    let mut opened = Opened { wire: Wire::new(stream), blocked: None };
    opened.log_in(login).await?;
    opened.open_channel().await?.map_err(|close| refused(&close))?;
    topology::declare(&mut opened, login.name, topology).await?;
    Ok(opened)
}

impl Opened {
    async fn log_in(&mut self, login: &Login<'_>) -> Result<(), String> {
        let wire = &mut self.wire;
        wire.output().extend_from_slice(PREAMBLE);
        let mechanisms = match wire.next().await? {
            Frame::Start(mechanisms) => mechanisms,
            frame => return Err(unexpected(&frame)),
        };
        let (mechanism, response) = shown(login, &mechanisms)?;
        let properties = client_properties(login.name);
        let start_ok = Method::StartOk { properties: &properties, mechanism, response: &response };
        method(wire.output(), &start_ok);
        let (frame_max, heartbeat) = match wire.next().await {
            Ok(Frame::Tune { frame_max, heartbeat }) => (frame_max, heartbeat),
            Ok(Frame::ConnectionClose(close)) => return Err(refused(&close)),
            Ok(frame) => return Err(unexpected(&frame)),
            // Before a server knows that it may say why, it just closes.
            Err(error) => return Err(format!("{error}, at the login")),
        };
        let frame_max = agreed(login.frame_size.max(MIN_FRAME), frame_max);
        let ours = u16::try_from(login.heartbeat.as_secs()).unwrap_or(u16::MAX);
        let heartbeat = agreed(ours.max(1), heartbeat);
        method(wire.output(), &Method::TuneOk { frame_max, heartbeat });
        method(wire.output(), &Method::Open { vhost: login.vhost });
        wire.tune(frame_max as usize, Duration::from_secs(heartbeat.into()));
        self.done().await?.map_err(|close| refused(&close))
    }

    /// Opens the channel, and has it confirm.
    pub(super) async fn open_channel(&mut self) -> Result<Result<(), Close>, String> {
        method(self.wire.output(), &Method::ChannelOpen);
        method(self.wire.output(), &Method::ConfirmSelect);
        for _ in 0..2 {
            if let Err(close) = self.done().await? {
                return Ok(Err(close));
            }
        }
        Ok(Ok(()))
    }

    /// Waits until what was asked for is done, or the channel is closed because of it.
    pub(super) async fn done(&mut self) -> Result<Result<(), Close>, String> {
        loop {
            match self.wire.next().await? {
                Frame::Done => return Ok(Ok(())),
                Frame::ChannelClose(close) => {
                    method(self.wire.output(), &Method::ChannelCloseOk);
                    return Ok(Err(close));
                }
                Frame::ConnectionClose(close) => return Err(refused(&close)),
                Frame::Blocked(reason) => self.blocked = Some(reason),
                Frame::Unblocked => self.blocked = None,
                frame => return Err(unexpected(&frame)),
            }
        }
    }
}

/// How the gateway says who it is: by its certificate where it has no name, else by name and password.
fn shown(login: &Login<'_>, mechanisms: &str) -> Result<(&'static str, Vec<u8>), String> {
    let offers = |mechanism| mechanisms.split(' ').any(|offered| offered == mechanism);
    let Login { credentials, tls, .. } = login;
    let shows_certificate = tls.is_some_and(|tls| tls.identity.is_some());
    if credentials.username.is_none() && shows_certificate && offers("EXTERNAL") {
        return Ok(("EXTERNAL", Vec::new()));
    }
    if !offers("PLAIN") {
        return Err(format!("the broker takes no password: it has {}", one_line(mechanisms)));
    }
    let (username, password) = match (&credentials.username, &credentials.password) {
        (Some(username), Some(password)) => (username.as_str(), password.expose()),
        _ => (GUEST, GUEST),
    };
    Ok(("PLAIN", format!("\0{username}\0{password}").into_bytes()))
}

fn client_properties(sink: &str) -> Table {
    let (mut capabilities, mut properties) = (Table::default(), Table::default());
    for name in [
        "publisher_confirms",
        "basic.nack",
        "connection.blocked",
        "authentication_failure_close",
        "consumer_cancel_notify",
    ] {
        capabilities.flag(name);
    }
    properties
        .text("product", "frontier")
        .text("version", env!("CARGO_PKG_VERSION"))
        .text("connection_name", &format!("frontier {sink}"))
        .table("capabilities", &capabilities);
    properties
}

/// The smaller of both, where 0 stands for no limit of theirs.
fn agreed<T: Ord + From<u8>>(ours: T, theirs: T) -> T {
    if theirs == T::from(0) { ours } else { ours.min(theirs) }
}

/// What a server says when it closes something.
pub(super) fn refused(close: &Close) -> String {
    one_line(&format!("{} ({})", close.text, close.code))
}

fn unexpected(frame: &Frame) -> String {
    match frame {
        Frame::ConnectionClose(close) => refused(close),
        _ => "the broker says what was not asked for".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_limit() {
        for (ours, theirs, both) in [(5_u32, 0, 5), (5, 7, 5), (7, 5, 5)] {
            assert_eq!(agreed(ours, theirs), both);
        }
    }
}
