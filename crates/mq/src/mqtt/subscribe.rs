//! Topics of MQTT as a source: a session that the server keeps, or one that begins anew with each connection.
//!
//! ```text
//!   connect ─▶ SUBSCRIBE ─▶ PUBLISH, as many as the server may send ─▶ held ─▶ ended ─▶ PUBACK, in their order
//!                   ▲                                                              │
//!                   └──(what was not acked comes again, as of the same session)────┘
//! ```

use super::NAME;
use super::connect::{self, Access, Opened};
use super::decode::{Packet, Publish, Reason, decode};
use super::encode;
use super::reason::{FAILURE, describe};
use super::unacked::{Arrival, Unacked};
use crate::dial::first_of;
use crate::link::{Link, Progress};
use crate::source::{Intake, Reader};
use crate::{MqttSourceConfig, Record};
use bytes::Bytes;
use data_encoding::BASE64;
use std::collections::VecDeque;

/// Where a sink writes the users' own header.
const CUSTOM: &str = "Frontier-Custom";

/// The id of the packet that subscribes: nothing else has one of ours.
const SUBSCRIBE: u16 = 1;

/// Bytes that are to go, beyond which nothing is read.
const OUTPUT: usize = 1 << 20;

/// Bytes of a packet beside its payload that are taken in any case.
const MIN_PACKET: usize = 256 << 10;

/// One session.
#[derive(Debug)]
pub(crate) struct Subscriber {
    config: MqttSourceConfig,
    client_id: String,
    /// Which of the addresses is tried first.
    first: usize,
    unacked: Unacked,
}

/// Its connection.
pub(crate) struct SubscriberSession {
    link: Link,
    /// Bytes of a packet that the server may send.
    max_size: usize,
    /// What came before the subscription was acked, and is not held yet.
    early: VecDeque<Publish>,
    /// Acks that are to go, and are not told of.
    acking: usize,
}

impl Subscriber {
    pub(crate) fn new(config: &MqttSourceConfig) -> Self {
        let given = config.client_id.clone();
        let client_id = given.unwrap_or_else(|| format!("{NAME}{:016x}", rand::random::<u64>()));
        Self { config: config.clone(), client_id, first: 0, unacked: Unacked::default() }
    }

    /// Bytes of a packet that the server may send: what all that is held may have, so that each is taken that could be.
    fn max_packet_size(intake: &Intake) -> usize {
        intake.bounds().bytes.clamp(MIN_PACKET, encode::MAX_REST)
    }

    async fn open(&mut self, intake: &Intake) -> Result<Opened, String> {
        let Self { config, client_id, .. } = self;
        let access = Access {
            client_id,
            credentials: &config.credentials,
            tls: config.tls.as_ref(),
            keep_alive: config.keep_alive,
            session: connect::Session {
                is_clean: config.session.is_none(),
                expiry: config.session.unwrap_or_default(),
                receive_max: u16::try_from(intake.bounds().most()).unwrap_or(u16::MAX),
                max_packet_size: Self::max_packet_size(intake),
            },
        };
        let connecting = |addr| connect::connect(access, addr);
        let within = intake.bounds().connect_timeout;
        let (opened, next) = first_of(&config.addrs, self.first, within, connecting).await?;
        self.first = next;
        if config.group.is_some() && opened.server.shares_subscriptions == Some(0) {
            return Err("the broker shares no subscriptions, and there is a `group`".to_owned());
        }
        Ok(opened)
    }

    /// Looks at everything that has come and for which there is room: whether there was none for more. An error ends the
    /// session.
    fn read(&mut self, session: &mut SubscriberSession, intake: &Intake) -> Result<bool, String> {
        loop {
            let room = intake.room_of_all();
            let (mut records, mut ids, mut result) = (Vec::new(), Vec::new(), Ok(true));
            while records.len() < room
                && let Some(publish) = session.early.pop_front()
            {
                ids.push(publish.id);
                records.push(record(publish));
            }
            while records.len() < room && result == Ok(true) {
                result = match decode(session.link.input(), session.max_size) {
                    Ok(Some(packet)) => self.on(packet).map(|publish| {
                        if let Some(publish) = publish {
                            ids.push(publish.id);
                            records.push(record(publish));
                        }
                        true
                    }),
                    Ok(None) => Ok(false),
                    Err(cause) => Err(cause),
                };
            }
            if !records.is_empty() {
                for (number, id) in intake.take(records).into_iter().zip(ids) {
                    self.unacked.hold(id, number);
                }
            }
            // Of those that came again some may have ended.
            self.ack(session, intake, 0);
            let is_more = result?;
            if room == 0 || !is_more {
                return Ok(room == 0);
            }
        }
    }

    /// What a packet brings that is not known. The error is one line.
    fn on(&mut self, packet: Packet) -> Result<Option<Publish>, String> {
        match packet {
            Packet::Publish(publish) if publish.qos > 1 => {
                Err("the broker sends with QoS 2 what was asked for with QoS 1".to_owned())
            }
            Packet::Publish(publish) if publish.qos == 0 => Ok(Some(publish)),
            Packet::Publish(publish) => {
                let is_new = self.unacked.arrive(&publish)? == Arrival::New;
                Ok(is_new.then_some(publish))
            }
            Packet::SubAck { id: SUBSCRIBE, codes, text } => granted(&codes, &text).map(|()| None),
            Packet::PingResp => Ok(None),
            Packet::Disconnect(reason) => {
                Err(format!("the broker ends the connection: {}", describe(&reason)))
            }
            Packet::ConnAck(_) | Packet::PubAck { .. } | Packet::SubAck { .. } => {
                Err("the broker says what was not asked for".to_owned())
            }
        }
    }

    /// Appends the acks that may go now that so many have ended. What has to wait for others nobody waits for.
    fn ack(&mut self, session: &mut SubscriberSession, intake: &Intake, ended: usize) {
        let acks = self.unacked.take_acks();
        for id in &acks {
            encode::puback(session.link.output(), *id);
        }
        let awaited = acks.len().min(ended);
        session.acking += awaited;
        if ended > awaited {
            intake.told(ended - awaited);
        }
    }
}

impl Reader for Subscriber {
    type Session = SubscriberSession;

    async fn connect(&mut self, intake: &Intake) -> Result<SubscriberSession, String> {
        let opened = self.open(intake).await?;
        let knows = opened.server.is_session_present && self.config.session.is_some();
        self.unacked.begin(knows);
        let mut link = opened.link;
        let filters: Vec<String> = self.config.filters().collect();
        encode::subscribe(link.output(), SUBSCRIBE, &filters, self.config.takes_retained);
        let (max_size, mut early) = (Self::max_packet_size(intake), VecDeque::new());
        // From the ack on nothing is missed. What a server has kept comes before.
        loop {
            match decode(link.input(), max_size)? {
                Some(packet) => {
                    let is_ack = matches!(packet, Packet::SubAck { .. });
                    early.extend(self.on(packet)?);
                    // Of a session that it knows, Mosquitto 2.0.11 sends more at once than it may: the ack is behind that.
                    if is_ack || early.len() >= intake.bounds().messages {
                        return Ok(SubscriberSession { link, max_size, early, acking: 0 });
                    }
                }
                None => {
                    link.progress(false).await?;
                }
            }
        }
    }

    async fn run(&mut self, session: &mut SubscriberSession, intake: &Intake) -> String {
        loop {
            let has_no_room = match self.read(session, intake) {
                Ok(has_no_room) => has_no_room,
                Err(cause) => return cause,
            };
            let is_full = has_no_room || session.link.unsent() >= OUTPUT;
            tokio::select! {
                biased;
                ended = intake.ended() => {
                    self.unacked.end(&ended);
                    self.ack(session, intake, ended.len());
                }
                progress = session.link.progress(is_full) => match progress {
                    Ok(Progress::Due) => encode::ping(session.link.output()),
                    Ok(Progress::Moved) => {}
                    Err(cause) => return cause,
                },
                () = intake.has_room_of_all(), if is_full && session.link.unsent() < OUTPUT => {}
            }
            if session.link.unsent() == 0 && session.acking > 0 {
                intake.told(std::mem::take(&mut session.acking));
            }
        }
    }

    fn lost(&mut self, _: &Intake) {}

    async fn leave(&mut self, mut session: SubscriberSession, _: &Intake) {
        // The server keeps the session, and what is not acked.
        encode::disconnect(session.link.output());
        let _ = session.link.flush().await;
    }
}

/// Whether all that was asked for was granted.
fn granted(codes: &[u8], text: &str) -> Result<(), String> {
    match codes.iter().find(|code| **code >= FAILURE || **code == 0) {
        None => Ok(()),
        Some(0) => Err("the broker grants QoS 0 alone, which acks nothing".to_owned()),
        Some(code) => {
            let reason = Reason { code: *code, text: text.to_owned() };
            Err(format!("the broker refuses the subscription: {}", describe(&reason)))
        }
    }
}

/// The record that a message becomes.
fn record(publish: Publish) -> Record {
    let (mut headers, mut custom) = (Vec::new(), Bytes::new());
    for (name, value) in publish.properties {
        match BASE64.decode(&value) {
            Ok(bytes) if &*name == CUSTOM => custom = bytes.into(),
            _ => headers.push((name, value)),
        }
    }
    Record {
        origin: publish.topic.into(),
        place: if publish.id == 0 { "".into() } else { publish.id.to_string().into() },
        key: None,
        headers,
        custom,
        payload: publish.payload,
        is_redelivered: publish.is_repeated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sink_writes_is_read_back() {
        let properties =
            vec![("Frontier-Edge-Id".into(), "7".into()), (CUSTOM.into(), BASE64.encode(&[0, 255]).into())];
        let publish = Publish {
            is_repeated: true,
            qos: 1,
            id: 3,
            topic: "plant/7".to_owned(),
            properties,
            payload: "p".into(),
        };
        let read = record(publish.clone());
        assert_eq!(read.header("Frontier-Edge-Id").unwrap(), "7");
        assert_eq!((&read.custom[..], &*read.origin, &*read.place), (&[0, 255][..], "plant/7", "3"));
        assert!(read.is_redelivered && read.headers.len() == 1);
        // What is no Base64 is a header as any other.
        let read = record(Publish { properties: vec![(CUSTOM.into(), "?".into())], ..publish });
        assert_eq!((read.header(CUSTOM).unwrap(), read.custom.len()), (&Bytes::from("?"), 0));
    }

    #[test]
    fn a_subscription_that_is_granted_in_part_is_refused() {
        assert_eq!(granted(&[1, 1], ""), Ok(()));
        assert!(granted(&[1, 0], "").unwrap_err().contains("QoS 0"));
        let cause = granted(&[1, 0x87], "no").unwrap_err();
        assert!(cause.contains("not authorized (0x87): no"), "{cause}");
    }
}
