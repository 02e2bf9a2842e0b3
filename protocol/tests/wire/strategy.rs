//! Arbitrary frames and bytes, for the properties.

use crate::json::{Decimal, Hex};
use crate::owned::{
    Addressed, Answer, Empty, Fields, Found, Grant, Header, Leave, Life, NameChange, NameChanges,
    OtherGateway, OtherPlace, Outcome, OwnedClaim, OwnedHello, OwnedSession, Places, Presence, Presences,
    Raw, Replaced, Row, Schedule, Taken, Text, Wanted, Wish,
};
use frontier_protocol::{Flags, TAIL_LEN};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A frame of any kind with any fields.
pub(crate) fn frame() -> impl Strategy<Value = (Header, Fields)> {
    prop_oneof![
        (header(false, false), hello()).prop_map(|(h, f)| (h, Fields::Hello(f))),
        (header(false, false), grant()).prop_map(|(h, f)| (h, Fields::Welcome(f))),
        (header(true, false), said()).prop_map(|(h, f)| (h, Fields::Reject(f))),
        header(false, true).prop_map(|h| (h, Fields::Ping(Empty {}))),
        (header(false, true), option::of(decimal()))
            .prop_map(|(h, directory_time)| (h, Fields::Pong(Life { directory_time }))),
        (header(true, false), flags(Flags::STAYS), leave())
            .prop_map(|(h, flags, f)| (Header { flags, ..h }, Fields::GoAway(f))),
        (header(false, true), any_of(&[Flags::ACKED, Flags::TRACED]), addressed())
            .prop_map(|(h, flags, f)| (Header { flags, ..h }, Fields::Publish(f))),
        (header(true, true), said()).prop_map(|(h, f)| (h, Fields::Ack(f))),
        (header(false, true), flags(Flags::TRACED), addressed())
            .prop_map(|(h, flags, f)| (Header { flags, ..h }, Fields::Request(f))),
        (header(true, true), answer()).prop_map(|(h, f)| (h, Fields::Response(f))),
        header(false, true).prop_map(|h| (h, Fields::Cancel(Empty {}))),
        (header(false, true), flags(Flags::TOPICS), row())
            .prop_map(|(h, flags, f)| (Header { flags, ..h }, Fields::Register(f))),
        (header(true, true), text()).prop_map(|(h, f)| (h, Fields::RegisterAck(f))),
        (header(false, true), flags(Flags::TOPICS), row())
            .prop_map(|(h, flags, f)| (Header { flags, ..h }, Fields::Unregister(f))),
        (header(true, true), text()).prop_map(|(h, f)| (h, Fields::UnregisterAck(f))),
        (header(false, false), flags(Flags::TRACED), wish())
            .prop_map(|(h, flags, f)| (Header { flags, ..h }, Fields::Open(f))),
        (header(true, false), said()).prop_map(|(h, f)| (h, Fields::OpenAck(f))),
        (header(false, false), bytes()).prop_map(|(h, payload)| (h, Fields::Data(Raw { payload }))),
        (header(false, true), part(), flags(Flags::DRAINING), vec(presence(), 0..5)).prop_map(
            |(h, part, draining, entries)| {
                (Header { flags: part | draining, ..h }, Fields::Report(Presences { entries }))
            }
        ),
        (header(true, true), flags(Flags::RESYNC), taken())
            .prop_map(|(h, flags, f)| (Header { flags, ..h }, Fields::ReportAck(f))),
        (header(false, true), decimal()).prop_map(|(h, edge)| (h, Fields::Lookup(Wanted { edge }))),
        (header(true, true), any::<(u32, String, String)>()).prop_map(
            |(h, (detail, frontier, servicebound))| (
                h,
                Fields::LookupAck(Found { detail, frontier, servicebound })
            )
        ),
        (header(false, true), schedule())
            .prop_map(|(h, f)| (Header { flags: Flags::SKIPPABLE.0, ..h }, Fields::Plan(f))),
        (header(false, true), addressed()).prop_map(|(h, f)| (h, Fields::Returned(f))),
        (header(false, true), list_part(), vec(any::<(String, String)>(), 0..4)).prop_map(
            |(h, flags, others)| {
                let place = |(frontier, servicebound)| OtherPlace { frontier, servicebound };
                let others = others.into_iter().map(place).collect();
                (Header { flags, ..h }, Fields::Members(Places { others }))
            }
        ),
        (header(false, true), list_part(), vec(name_change(), 0..5))
            .prop_map(|(h, flags, entries)| (Header { flags, ..h }, Fields::Offer(NameChanges { entries }))),
    ]
}

/// Any bytes, up to a few hundred.
pub(crate) fn bytes() -> impl Strategy<Value = Hex> {
    vec(any::<u8>(), 0..300).prop_map(Hex)
}

/// Bytes that often look like the start of a frame, so that more than the first check is reached.
pub(crate) fn noise() -> impl Strategy<Value = Vec<u8>> {
    let headed = (0..64u32, any::<[u8; 12]>(), vec(any::<u8>(), 0..64))
        .prop_map(|(length, head, body)| [&length.to_be_bytes()[..], &head, &body].concat());
    vec(prop_oneof![vec(any::<u8>(), 0..64), headed], 0..6).prop_map(|parts| parts.concat())
}

fn header(code: bool, id: bool) -> impl Strategy<Value = Header> {
    any::<(u16, u64)>().prop_map(move |(any_code, any_id)| Header {
        flags: 0,
        code: if code { any_code } else { 0 },
        id: Decimal(if id { any_id } else { 0 }),
    })
}

fn flags(flag: Flags) -> impl Strategy<Value = u8> {
    prop_oneof![Just(0), Just(flag.0)]
}

/// Any of these flags.
fn any_of(each: &'static [Flags]) -> impl Strategy<Value = u8> {
    proptest::sample::subsequence(each, 0..=each.len())
        .prop_map(|some| some.into_iter().fold(0, |flags, flag| flags | flag.0))
}

fn decimal() -> impl Strategy<Value = Decimal> {
    any::<u64>().prop_map(Decimal)
}

fn said() -> impl Strategy<Value = Outcome> {
    any::<(u32, String)>().prop_map(|(detail, text)| Outcome { detail, text })
}

fn leave() -> impl Strategy<Value = Leave> {
    (any::<(u32, u32, String)>(), vec(any::<String>(), 0..4)).prop_map(
        |((grace_ms, delay_ms, text), alternatives)| Leave { grace_ms, alternatives, delay_ms, text },
    )
}

fn text() -> impl Strategy<Value = Text> {
    any::<String>().prop_map(|text| Text { text })
}

/// A custom header, with or without a tail.
fn custom() -> impl Strategy<Value = (Hex, Option<Decimal>)> {
    (bytes(), option::of(any::<u64>())).prop_map(|(mut bytes, tail)| {
        bytes.0.extend_from_slice(
            &tail.map(u64::to_be_bytes).unwrap_or_default()[..tail.map_or(0, |_| TAIL_LEN)],
        );
        (bytes, tail.map(Decimal))
    })
}

fn hello() -> impl Strategy<Value = OwnedHello> {
    let fixed = (any::<(u8, u8, u32, u32, u32)>(), 1..=3u8, decimal());
    let names = || vec(any::<String>(), 0..4);
    let rest =
        (any::<String>(), bytes(), option::of(any::<String>()), names(), names(), any::<(String, String)>());
    let session = option::of((decimal(), any::<u32>(), decimal()));
    (fixed, rest, session).prop_map(|(fixed, rest, session)| {
        let (name, meta, token, topics, methods, (servicebound, edgebound)) = rest;
        let ((lowest_version, highest_version, features, max_frame, heartbeat_ms), role, wanted_id) = fixed;
        OwnedHello {
            lowest_version,
            highest_version,
            role,
            features,
            max_frame,
            heartbeat_ms,
            wanted_id,
            name,
            meta,
            token,
            topics,
            methods,
            servicebound,
            edgebound,
            session: session.map(|(client, attempt, since)| OwnedSession { client, attempt, since }),
        }
    })
}

fn grant() -> impl Strategy<Value = Grant> {
    (any::<(u8, u32, u32, u32)>(), decimal(), decimal(), decimal(), option::of(decimal())).prop_map(
        |((version, features, max_frame, heartbeat_ms), id, epoch, max_payload, directory_time)| Grant {
            version,
            features,
            max_frame,
            heartbeat_ms,
            id,
            epoch,
            max_payload,
            directory_time,
        },
    )
}

fn addressed() -> impl Strategy<Value = Addressed> {
    (any::<(u32, String)>(), custom(), bytes()).prop_map(
        |((timeout_ms, name), (custom, edge_tail), payload)| Addressed {
            timeout_ms,
            name,
            custom,
            edge_tail,
            payload,
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    (any::<u32>(), custom(), bytes()).prop_map(|(detail, (custom, edge_tail), payload)| Answer {
        detail,
        custom,
        edge_tail,
        payload,
    })
}

fn part() -> impl Strategy<Value = u8> {
    let snapshot = |flags: [Flags; 2]| Flags::SNAPSHOT.with(flags[0]).with(flags[1]).0;
    let none = Flags::default();
    prop_oneof![
        Just(0),
        Just(snapshot([none, none])),
        Just(snapshot([Flags::FIRST, none])),
        Just(snapshot([Flags::LAST, none])),
        Just(snapshot([Flags::FIRST, Flags::LAST])),
    ]
}

/// The flags of a list that may take several frames, which an older receiver passes over.
fn list_part() -> impl Strategy<Value = u8> {
    (flags(Flags::FIRST), flags(Flags::LAST)).prop_map(|(first, last)| Flags::SKIPPABLE.0 | first | last)
}

fn name_change() -> impl Strategy<Value = NameChange> {
    let of = prop_oneof![Just("method"), Just("topic"), Just("service")];
    (of, any::<(String, bool)>()).prop_map(|(of, (name, is_offered))| NameChange {
        of: of.into(),
        name,
        is_offered,
    })
}

fn presence() -> impl Strategy<Value = Presence> {
    (1..=4u8, 1..=u64::MAX, decimal(), any::<(String, String)>(), option::of(claim())).prop_map(
        |(op, id, stamp, (addr, name), claim)| {
            // Who has left claims nothing.
            let claim = claim.filter(|_| op % 2 == 1);
            Presence { op, id: Decimal(id), stamp, addr, name, claim }
        },
    )
}

fn claim() -> impl Strategy<Value = OwnedClaim> {
    (decimal(), any::<bool>(), 0..=3u8, decimal())
        .prop_map(|(since, comes_back, proof, subject)| OwnedClaim { since, comes_back, proof, subject })
}

fn taken() -> impl Strategy<Value = Taken> {
    let replaced =
        || (1..=u64::MAX, decimal()).prop_map(|(edge, stamp)| Replaced { edge: Decimal(edge), stamp });
    (any::<(u32, String)>(), vec(replaced(), 0..4), vec(replaced(), 0..4))
        .prop_map(|((detail, text), superseded, held)| Taken { detail, superseded, held, text })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let other = (decimal(), decimal(), any::<(String, String, String)>()).prop_map(
        |(want, edges, (frontier, edgebound, servicebound))| OtherGateway {
            want,
            edges,
            frontier,
            edgebound,
            servicebound,
        },
    );
    (decimal(), any::<u32>(), vec(other, 0..4)).prop_map(|(keep, rate, others)| Schedule {
        keep,
        rate,
        others,
    })
}

fn row() -> impl Strategy<Value = Row> {
    vec(any::<String>(), 0..5).prop_map(|names| Row { names })
}

fn wish() -> impl Strategy<Value = Wish> {
    (decimal(), any::<(u32, String)>(), bytes()).prop_map(|(peer, (timeout_ms, name), meta)| Wish {
        peer,
        timeout_ms,
        name,
        meta,
    })
}
