//! Frames as owned fields: what the golden files hold and the strategies generate, and its encoding.

mod offers;
mod parse;
mod plane;

use crate::json::{Decimal, Hex};
use frontier_protocol::{
    Ack, Advertised, Code, Custom, EdgeId, EncodeError, Epoch, Flags, GoAway, Hello, Lookup, LookupAck,
    Names, Open, OpenAck, Publish, Register, RegisterAck, Registration, Reject, Request, Response, Returned,
    Role, Session, Token, Welcome, ping, pong, pong_at,
};
use serde::{Deserialize, Serialize};

/// The part of a frame's header that is not implied by the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) flags: u8,
    pub(crate) code: u16,
    pub(crate) id: Decimal,
}

macro_rules! fields {
    ($($name:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(crate) struct $name { $(pub(crate) $field: $type),* }
        )*
    };
}

/// One connection of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Presence {
    pub(crate) op: u8,
    pub(crate) id: Decimal,
    pub(crate) stamp: Decimal,
    pub(crate) addr: String,
    pub(crate) name: String,
    /// Only where it is told: vectors of before stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<OwnedClaim>,
}

/// The answer to a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Taken {
    pub(crate) detail: u32,
    pub(crate) superseded: Vec<Replaced>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) held: Vec<Replaced>,
    pub(crate) text: String,
}

fields! {
    Empty {}
    Life { directory_time: Option<Decimal> }
    OwnedHello {
        lowest_version: u8,
        highest_version: u8,
        role: u8,
        features: u32,
        max_frame: u32,
        heartbeat_ms: u32,
        wanted_id: Decimal,
        name: String,
        meta: Hex,
        token: Option<String>,
        topics: Vec<String>,
        methods: Vec<String>,
        servicebound: String,
        edgebound: String,
        session: Option<OwnedSession>,
    }
    OwnedSession { client: Decimal, attempt: u32, since: Decimal }
    Grant {
        version: u8,
        features: u32,
        max_frame: u32,
        heartbeat_ms: u32,
        id: Decimal,
        epoch: Decimal,
        max_payload: Decimal,
        directory_time: Option<Decimal>,
    }
    Text { text: String }
    Leave { grace_ms: u32, alternatives: Vec<String>, delay_ms: u32, text: String }
    Outcome { detail: u32, text: String }
    Addressed { timeout_ms: u32, name: String, custom: Hex, edge_tail: Option<Decimal>, payload: Hex }
    Answer { detail: u32, custom: Hex, edge_tail: Option<Decimal>, payload: Hex }
    Row { names: Vec<String> }
    Wish { peer: Decimal, timeout_ms: u32, name: String, meta: Hex }
    Raw { payload: Hex }
    Presences { entries: Vec<Presence> }
    Replaced { edge: Decimal, stamp: Decimal }
    OwnedClaim { since: Decimal, comes_back: bool, proof: u8, subject: Decimal }
    Wanted { edge: Decimal }
    Found { detail: u32, frontier: String, servicebound: String }
    OtherGateway { want: Decimal, edges: Decimal, frontier: String, edgebound: String, servicebound: String }
    Schedule { keep: Decimal, rate: u32, others: Vec<OtherGateway> }
    OtherPlace { frontier: String, servicebound: String }
    Places { others: Vec<OtherPlace> }
    NameChange { of: String, name: String, is_offered: bool }
    NameChanges { entries: Vec<NameChange> }
}

/// The fields behind the header, owned, as the golden files spell them. `custom` is whole, the tail
/// included; `edge_tail` is there if its last 8 bytes are an EdgeID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "fields")]
pub(crate) enum Fields {
    Hello(OwnedHello),
    Welcome(Grant),
    Reject(Outcome),
    Ping(Empty),
    Pong(Life),
    GoAway(Leave),
    Publish(Addressed),
    Ack(Outcome),
    Request(Addressed),
    Response(Answer),
    Cancel(Empty),
    Register(Row),
    RegisterAck(Text),
    Unregister(Row),
    UnregisterAck(Text),
    Open(Wish),
    OpenAck(Outcome),
    Data(Raw),
    Report(Presences),
    ReportAck(Taken),
    Lookup(Wanted),
    LookupAck(Found),
    Plan(Schedule),
    Members(Places),
    Returned(Addressed),
    Offer(NameChanges),
}

impl Fields {
    /// The frame as bytes, made by the crate.
    pub(crate) fn encode(&self, header: Header) -> Result<Vec<u8>, EncodeError> {
        let (id, flags, code) = (header.id.0, Flags(header.flags), Code::from_wire(header.code));
        let mut out = Vec::new();
        match self {
            Self::Hello(f) => Hello {
                versions: (f.lowest_version, f.highest_version),
                role: Role::from_wire(f.role).expect("a role"),
                features: f.features,
                max_frame: f.max_frame,
                heartbeat_ms: f.heartbeat_ms,
                id: f.wanted_id.0,
                name: &f.name,
                topics: f.topics.iter().map(String::as_str).collect(),
                methods: f.methods.iter().map(String::as_str).collect(),
                meta: &f.meta.0,
                token: f.token.as_deref().map(Token::new),
                advertised: Advertised { servicebound: &f.servicebound, edgebound: &f.edgebound },
                session: f.session.as_ref().map(|it| Session {
                    client: it.client.0,
                    attempt: it.attempt,
                    since: Epoch(it.since.0),
                }),
            }
            .encode(&mut out)?,
            Self::Welcome(f) => Welcome {
                version: f.version,
                features: f.features,
                max_frame: f.max_frame,
                heartbeat_ms: f.heartbeat_ms,
                id: f.id.0,
                epoch: Epoch(f.epoch.0),
                max_payload: f.max_payload.0,
                directory_time: f.directory_time.map(|time| time.0),
            }
            .encode(&mut out)?,
            Self::Reject(f) => Reject { code, detail: f.detail, text: &f.text }.encode(&mut out)?,
            Self::Ping(_) => ping(id, &mut out),
            Self::Pong(Life { directory_time: None }) => pong(id, &mut out),
            Self::Pong(Life { directory_time: Some(time) }) => pong_at(id, time.0, &mut out),
            Self::GoAway(f) => GoAway {
                code,
                grace_ms: f.grace_ms,
                delay_ms: f.delay_ms,
                alternatives: f.alternatives.iter().map(String::as_str).collect(),
                stays: flags.has(Flags::STAYS),
                text: &f.text,
            }
            .encode(&mut out)?,
            Self::Publish(f) => {
                let custom = custom(&f.custom, f.edge_tail);
                let (timeout_ms, topic, payload) = (f.timeout_ms, f.name.as_str(), &f.payload.0[..]);
                Publish { timeout_ms, topic, custom, payload }.encode_with(id, flags, &mut out)?;
            }
            Self::Ack(f) => Ack { code, detail: f.detail, text: &f.text }.encode(id, &mut out)?,
            Self::Request(f) => {
                let custom = custom(&f.custom, f.edge_tail);
                let (timeout_ms, method, payload) = (f.timeout_ms, f.name.as_str(), &f.payload.0[..]);
                Request { timeout_ms, method, custom, payload }.encode_with(id, flags, &mut out)?;
            }
            Self::Response(f) => {
                let custom = custom(&f.custom, f.edge_tail);
                Response { code, detail: f.detail, custom, payload: &f.payload.0 }
                    .encode_with(id, flags, &mut out)?;
            }
            Self::Cancel(_) => frontier_protocol::Cancel::encode(id, &mut out)?,
            Self::Register(f) => f.register(Registration::Add, flags).encode(id, &mut out)?,
            Self::Unregister(f) => f.register(Registration::Remove, flags).encode(id, &mut out)?,
            Self::RegisterAck(f) => {
                RegisterAck { change: Registration::Add, code, text: &f.text }.encode(id, &mut out)?;
            }
            Self::UnregisterAck(f) => {
                RegisterAck { change: Registration::Remove, code, text: &f.text }.encode(id, &mut out)?;
            }
            Self::Open(f) => {
                Open { peer: f.peer.0, timeout_ms: f.timeout_ms, name: &f.name, meta: &f.meta.0 }
                    .encode_with(flags, &mut out)?;
            }
            Self::OpenAck(f) => OpenAck { code, detail: f.detail, text: &f.text }.encode(&mut out)?,
            Self::Data(f) if flags.has(Flags::END) && f.payload.0.is_empty() => {
                out.extend_from_slice(&frontier_protocol::data_end());
            }
            Self::Data(f) => {
                out.extend_from_slice(&frontier_protocol::data_header(f.payload.0.len())?);
                out.extend_from_slice(&f.payload.0);
            }
            Self::Report(f) => f.report(flags).encode(id, &mut out)?,
            Self::ReportAck(f) => f.ack(code, flags).encode(id, &mut out)?,
            Self::Lookup(f) => Lookup { edge: EdgeId(f.edge.0) }.encode(id, &mut out)?,
            Self::LookupAck(f) => {
                let Found { detail, frontier, servicebound } = f;
                LookupAck { code, detail: *detail, frontier, servicebound }.encode(id, &mut out)?;
            }
            Self::Plan(f) => f.plan().encode(id, &mut out)?,
            Self::Members(f) => f.members(flags).encode(id, &mut out)?,
            Self::Offer(f) => f.offer(flags).encode(id, &mut out)?,
            Self::Returned(f) => {
                let custom = custom(&f.custom, f.edge_tail);
                let (timeout_ms, name, payload) = (f.timeout_ms, f.name.as_str(), &f.payload.0[..]);
                Returned { timeout_ms, name, custom, payload }.encode_with(id, flags, &mut out)?;
            }
        }
        Ok(out)
    }

    /// Whether `custom` ends with an EdgeID.
    pub(crate) fn is_tailed(&self) -> bool {
        match self {
            Self::Publish(f) | Self::Request(f) | Self::Returned(f) => f.edge_tail.is_some(),
            Self::Response(f) => f.edge_tail.is_some(),
            _ => false,
        }
    }
}

impl Row {
    fn register(&self, change: Registration, flags: Flags) -> Register<'_> {
        let of = if flags.has(Flags::TOPICS) { Names::Topics } else { Names::Methods };
        Register { change, of, names: self.names.iter().map(String::as_str).collect() }
    }
}

fn custom(whole: &Hex, edge_tail: Option<Decimal>) -> Custom<'_> {
    match edge_tail {
        None => Custom::plain(&whole.0),
        Some(Decimal(edge)) => {
            let (body, _) = Custom::split_tail(&whole.0).expect("room for the tail");
            Custom::tailed(body, EdgeId(edge))
        }
    }
}
