//! From a frame to its owned fields.

use super::{
    Addressed, Answer, Empty, Fields, Found, Grant, Leave, Life, Outcome, OwnedHello, OwnedSession, Raw, Row,
    Text, Wanted, Wish,
};
use crate::json::{Decimal, Hex};
use frontier_protocol::{
    Ack, Custom, Frame, GoAway, Hello, Kind, Lookup, LookupAck, Members, Offer, Open, OpenAck, ParseError,
    Plan, Publish, Register, RegisterAck, Reject, Report, ReportAck, Request, Response, Returned, Welcome,
};

impl Fields {
    /// The fields of a frame, read by the crate; `tailed` says whether its `custom` has a tail.
    pub(crate) fn parse(frame: &Frame, tailed: bool) -> Result<Self, ParseError> {
        let texts = |names: Vec<&str>| names.into_iter().map(String::from).collect();
        let tail = |custom: Custom<'_>| {
            let split = tailed.then(|| Custom::split_tail(custom.body()).expect("a tail"));
            (Hex::from(custom.body()), split.map(|(_, edge)| Decimal(edge.0)))
        };
        Ok(match frame.kind {
            Kind::Hello => {
                let hello = Hello::parse(frame)?;
                Self::Hello(OwnedHello {
                    lowest_version: hello.versions.0,
                    highest_version: hello.versions.1,
                    role: hello.role.to_wire(),
                    features: hello.features,
                    max_frame: hello.max_frame,
                    heartbeat_ms: hello.heartbeat_ms,
                    wanted_id: Decimal(hello.id),
                    name: hello.name.into(),
                    meta: hello.meta.into(),
                    token: hello.token.map(|token| token.expose().into()),
                    topics: texts(hello.topics),
                    methods: texts(hello.methods),
                    servicebound: hello.advertised.servicebound.into(),
                    edgebound: hello.advertised.edgebound.into(),
                    session: hello.session.map(|it| OwnedSession {
                        client: Decimal(it.client),
                        attempt: it.attempt,
                        since: Decimal(it.since.0),
                    }),
                })
            }
            Kind::Welcome => {
                let welcome = Welcome::parse(frame)?;
                Self::Welcome(Grant {
                    version: welcome.version,
                    features: welcome.features,
                    max_frame: welcome.max_frame,
                    heartbeat_ms: welcome.heartbeat_ms,
                    id: Decimal(welcome.id),
                    epoch: Decimal(welcome.epoch.0),
                    max_payload: Decimal(welcome.max_payload),
                    directory_time: welcome.directory_time.map(Decimal),
                })
            }
            Kind::Reject => {
                let Reject { detail, text, .. } = Reject::parse(frame)?;
                Self::Reject(Outcome { detail, text: text.into() })
            }
            Kind::Ping => Self::Ping(Empty {}),
            Kind::Pong => {
                Self::Pong(Life { directory_time: frontier_protocol::pong_time(frame).map(Decimal) })
            }
            Kind::GoAway => {
                let GoAway { grace_ms, delay_ms, alternatives, text, .. } = GoAway::parse(frame)?;
                let (alternatives, text) = (texts(alternatives), text.into());
                Self::GoAway(Leave { grace_ms, alternatives, delay_ms, text })
            }
            Kind::Publish => {
                let Publish { timeout_ms, topic, custom, payload } = Publish::parse(frame)?;
                let (custom, edge_tail) = tail(custom);
                let (name, payload) = (topic.into(), payload.into());
                Self::Publish(Addressed { timeout_ms, name, custom, edge_tail, payload })
            }
            Kind::Ack => {
                let Ack { detail, text, .. } = Ack::parse(frame)?;
                Self::Ack(Outcome { detail, text: text.into() })
            }
            Kind::Request => {
                let Request { timeout_ms, method, custom, payload } = Request::parse(frame)?;
                let (custom, edge_tail) = tail(custom);
                let (name, payload) = (method.into(), payload.into());
                Self::Request(Addressed { timeout_ms, name, custom, edge_tail, payload })
            }
            Kind::Response => {
                let Response { detail, custom, payload, .. } = Response::parse(frame)?;
                let (custom, edge_tail) = tail(custom);
                let payload = payload.into();
                Self::Response(Answer { detail, custom, edge_tail, payload })
            }
            Kind::Cancel => Self::Cancel(Empty {}),
            Kind::Register => Self::Register(Row { names: texts(Register::parse(frame)?.names) }),
            Kind::Unregister => Self::Unregister(Row { names: texts(Register::parse(frame)?.names) }),
            Kind::RegisterAck => Self::RegisterAck(Text { text: RegisterAck::parse(frame)?.text.into() }),
            Kind::UnregisterAck => Self::UnregisterAck(Text { text: RegisterAck::parse(frame)?.text.into() }),
            Kind::Open => {
                let Open { peer, timeout_ms, name, meta } = Open::parse(frame)?;
                Self::Open(Wish { peer: Decimal(peer), timeout_ms, name: name.into(), meta: meta.into() })
            }
            Kind::OpenAck => {
                let OpenAck { detail, text, .. } = OpenAck::parse(frame)?;
                Self::OpenAck(Outcome { detail, text: text.into() })
            }
            Kind::Data => Self::Data(Raw { payload: Hex::from(&frame.body[..]) }),
            Kind::Report => Self::Report(Report::parse(frame)?.into()),
            Kind::ReportAck => Self::ReportAck(ReportAck::parse(frame)?.into()),
            Kind::Lookup => Self::Lookup(Wanted { edge: Decimal(Lookup::parse(frame)?.edge.0) }),
            Kind::LookupAck => {
                let LookupAck { detail, frontier, servicebound, .. } = LookupAck::parse(frame)?;
                let (frontier, servicebound) = (frontier.into(), servicebound.into());
                Self::LookupAck(Found { detail, frontier, servicebound })
            }
            Kind::Plan => Self::Plan(Plan::parse(frame)?.into()),
            Kind::Members => Self::Members(Members::parse(frame)?.into()),
            Kind::Offer => Self::Offer(Offer::parse(frame)?.into()),
            Kind::Returned => {
                let Returned { timeout_ms, name, custom, payload } = Returned::parse(frame)?;
                let (custom, edge_tail) = tail(custom);
                let (name, payload) = (name.into(), payload.into());
                Self::Returned(Addressed { timeout_ms, name, custom, edge_tail, payload })
            }
        })
    }
}
