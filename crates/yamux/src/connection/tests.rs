//! Two connections that talk, and one that is told what no peer should say.

use super::acks::ACK_DELAY;
use super::release::MAX_LINGERING;
use super::*;
use crate::header::frame_len;
use crate::{Bulk, Flags, HEADER_LEN, Header, Kind, Violation};
use proptest::prelude::*;
use std::time::Duration;

mod bounds;
mod pair;
mod property;

use pair::{Pair, frames, kinds};

#[expect(clippy::disallowed_methods, reason = "the one instant from which the synthetic ones count")]
fn start() -> Instant {
    Instant::now()
}

fn config() -> Config {
    Config { max_streams: 600, window_growth: 0, max_body: 32 * 1024 }
}

fn server() -> Connection<u32> {
    Connection::new(Role::Server, config())
}

/// What is to go out once acknowledgements have waited.
fn fetch(connection: &mut Connection<u32>) -> Vec<u8> {
    fetch_at(connection, start() + ACK_DELAY)
}

fn fetch_at(connection: &mut Connection<u32>, now: Instant) -> Vec<u8> {
    let (mut out, mut bulk) = (Vec::new(), Bulk::default());
    connection.fetch(&mut out, &mut bulk, || now);
    out.extend_from_slice(bulk.permitted());
    out
}

fn receive(connection: &mut Connection<u32>, headers: &[Header]) -> Result<(), Violation> {
    headers.iter().try_for_each(|header| connection.receive(&header.encode(), start()))
}

#[test]
fn a_stream_is_acknowledged_when_it_is_accepted_and_once() {
    let mut it = server();
    receive(&mut it, &[Header::data(Flags::SYN, 1, 0), Header::window_update(Flags::SYN, 3, 0)]).unwrap();
    assert_eq!(fetch(&mut it), b"", "nobody has it yet");
    assert_eq!((it.accept(start), it.accept(start), it.accept(start)), (Some(1), Some(3), None));
    let acknowledged = [1, 3].map(|stream| Header::window_update(Flags::ACK, stream, 0).encode()).concat();
    assert_eq!(fetch(&mut it), acknowledged);
    it.write(3, b"x", Vec::new);
    assert_eq!(fetch(&mut it), [&Header::data(Flags::NONE, 3, 1).encode()[..], b"x"].concat());
}

#[test]
fn an_acknowledgement_goes_out_with_what_comes_next_and_soon_without() {
    let now = start();
    let mut it = server();
    receive(&mut it, &[1, 3, 5].map(|stream| Header::data(Flags::SYN, stream, 0))).unwrap();
    let ack = |stream| Header::window_update(Flags::ACK, stream, 0).encode();
    assert_eq!((it.accept(|| now), it.accept(|| now)), (Some(1), Some(3)));
    assert_eq!(fetch_at(&mut it, now), b"");
    assert!(it.is_behind() && it.overdue_at() == Some(now + ACK_DELAY));
    it.write(3, b"x", Vec::new);
    let answer = Header::data(Flags::NONE, 3, 1).encode();
    assert_eq!(fetch_at(&mut it, now), [&ack(1)[..], &ack(3), &answer, b"x"].concat());
    assert!(!it.is_behind() && it.overdue_at().is_none());
    assert_eq!(it.accept(|| now), Some(5));
    assert_eq!(fetch_at(&mut it, now + ACK_DELAY - Duration::from_nanos(1)), b"");
    assert_eq!(fetch_at(&mut it, now + ACK_DELAY), ack(5));
}

#[test]
fn one_that_is_given_up_at_once_was_taken_all_the_same() {
    let mut pair = Pair::new(config());
    let stream = pair.open(b"x");
    pair.settle();
    assert_eq!(pair.server.accept(start), Some(stream));
    pair.server.release(stream);
    pair.settle();
    assert!(pair.client.is_taken(stream) && pair.client.is_reset(stream));
    assert!(!pair.client.is_refused(stream));
}

#[test]
fn many_acknowledgements_do_not_wait() {
    let now = start();
    let mut it = server();
    let opened: Vec<u32> = (0..16).map(|n| 2 * n + 1).collect();
    for &stream in &opened {
        receive(&mut it, &[Header::data(Flags::SYN, stream, 0)]).unwrap();
        assert_eq!(fetch_at(&mut it, now), b"");
        assert_eq!(it.accept(|| now), Some(stream));
    }
    let acknowledged: Vec<u32> =
        frames(&fetch_at(&mut it, now)).iter().map(|(header, _)| header.stream).collect();
    assert_eq!(acknowledged, opened);
}

#[test]
fn a_stream_given_up_half_closed_is_reset_and_its_peer_told_on_both_halves() {
    let mut pair = Pair::new(config());
    let stream = pair.open(b"question");
    pair.client.finish(stream);
    pair.settle();
    assert_eq!(pair.server.accept(start), Some(stream));
    pair.server.write(stream, b"part", Vec::new);
    pair.settle();
    assert!(matches!(pair.client.read(stream, start), Read::Some(_)));
    assert_eq!(pair.client.read(stream, start), Read::Blocked);
    pair.client.wait_readable(stream, 7);
    pair.client.wait_writable(stream, 8);
    pair.client.take_woken();
    pair.server.release(stream);
    pair.settle();
    assert_eq!(pair.client.take_woken(), [7, 8]);
    assert!(pair.client.is_reset(stream), "though its own half had ended");
    assert_eq!(pair.client.read(stream, start), Read::End);
    pair.client.release(stream);
    pair.settle();
    assert_eq!((pair.client.streams(), pair.server.streams()), (1, 1), "only the lanes are left");
}

#[test]
fn what_was_written_before_it_was_given_up_arrives() {
    let mut pair = Pair::new(config());
    let stream = pair.open(&[7; 100_000][..50_000]);
    pair.client.release(stream);
    pair.settle();
    assert_eq!(pair.server.accept(start), Some(stream));
    assert_eq!(pair.read_all(stream).len(), 50_000);
    assert!(pair.server.is_reset(stream));
    assert_eq!(pair.server.write(stream, b"x", Vec::new), Write::Closed);
}

#[test]
fn one_that_lingers_takes_nothing_from_its_reader_and_tells_its_writer() {
    let mut pair = Pair::new(config());
    let stream = pair.open(b"all of it");
    pair.client.finish(stream);
    pair.client.linger(stream);
    pair.settle();
    assert_eq!(pair.server.accept(start), Some(stream));
    assert_eq!((pair.read_all(stream), pair.server.is_reset(stream)), (b"all of it".to_vec(), false));
    pair.server.write(stream, b"does anybody read", Vec::new);
    pair.settle();
    assert!(
        pair.server.is_given_up(stream) && !pair.server.is_reset(stream),
        "nobody does, and all was read"
    );
}

#[test]
fn those_that_linger_are_forgotten_with_the_peers_end_and_bounded_without() {
    let mut pair = Pair::new(config());
    let mut streams = Vec::new();
    for _ in 0..MAX_LINGERING + 10 {
        let stream = pair.open(b"x");
        pair.client.finish(stream);
        pair.client.linger(stream);
        pair.settle();
        assert_eq!(pair.server.accept(start), Some(stream));
        streams.push(stream);
    }
    assert_eq!(pair.client.streams(), 1 + MAX_LINGERING);
    let given_up = |pair: &Pair| streams.iter().filter(|stream| pair.server.is_given_up(**stream)).count();
    assert_eq!(given_up(&pair), 0, "whoever has not read all yet is not disturbed");
    for stream in &streams[..10] {
        pair.server.write(*stream, b"does anybody read", Vec::new);
    }
    pair.settle();
    assert_eq!(given_up(&pair), 10);
    for stream in streams {
        pair.server.finish(stream);
        pair.settle();
    }
    assert_eq!(pair.client.streams(), 1);
}

#[test]
fn no_more_streams_are_opened_than_the_peer_has_not_taken() {
    let mut pair = Pair::new(config());
    let mut opened = Vec::new();
    while let Some(stream) = pair.client.open(|| 9).unwrap() {
        pair.client.write(stream, b"x", Vec::new);
        pair.client.finish(stream);
        opened.push(stream);
    }
    assert_eq!(opened.len(), 256, "half-closed ones count");
    pair.settle();
    assert_eq!(pair.client.open(|| 9), Ok(None));
    for _ in 0..3 {
        assert!(pair.server.accept(start).is_some());
    }
    pair.settle();
    assert_eq!(pair.client.take_woken(), [9]);
    let again = std::iter::from_fn(|| pair.client.open(|| 9).unwrap()).count();
    assert_eq!(again, 3);
}

#[test]
fn one_that_the_peer_refuses_says_so() {
    let mut client = Connection::<u32>::new(Role::Client, config());
    let lane = client.open(|| 0).unwrap().unwrap();
    let [refused, given_up] = [(); 2].map(|()| client.open(|| 0).unwrap().unwrap());
    for stream in [lane, refused, given_up] {
        client.write(stream, b"x", Vec::new);
    }
    fetch(&mut client);
    receive(&mut client, &[Header::window_update(Flags::RST, refused, 0)]).unwrap();
    assert!(client.is_reset(refused) && client.is_refused(refused));
    receive(&mut client, &[Header::window_update(Flags::ACK, given_up, 0)]).unwrap();
    assert!(client.is_taken(given_up));
    receive(&mut client, &[Header::data(Flags::RST, given_up, 0)]).unwrap();
    assert!(client.is_reset(given_up) && !client.is_refused(given_up));
}

#[test]
fn a_good_go_away_ends_no_stream_but_lets_none_begin() {
    let mut pair = Pair::new(config());
    let stream = pair.open(b"question");
    pair.settle();
    receive(&mut pair.client, &[Header::go_away(0)]).unwrap();
    assert!(pair.client.peer_leaves());
    assert_eq!(pair.client.open(|| 0), Err(OpenError::GoAway));
    assert_eq!(pair.server.accept(start), Some(stream));
    pair.server.write(stream, b"answer", Vec::new);
    pair.server.finish(stream);
    pair.settle();
    assert_eq!(pair.client.read(stream, start), Read::Some(Bytes::from_static(b"answer")));
    assert_eq!((pair.client.read(stream, start), pair.client.is_reset(stream)), (Read::End, false));
}

#[test]
fn what_breaks_the_rules_is_named_and_ends_the_connection() {
    let data = |flags, stream, length| Header::data(flags, stream, length).encode();
    let cases: [(&[[u8; 12]], Violation); 9] = [
        (&[data(Flags::SYN, 2, 0)], Violation::Number(2)),
        (&[data(Flags::SYN, 0, 0)], Violation::Number(0)),
        (&[data(Flags::SYN, 1, 0), data(Flags::SYN, 1, 0)], Violation::Duplicate(1)),
        (
            &[data(Flags::SYN, 1, 256 * 1024 + 1)],
            Violation::Window { stream: 1, len: 256 * 1024 + 1, window: 256 * 1024 },
        ),
        (
            &[
                data(Flags::SYN, 1, 0),
                Header::window_update(Flags::NONE, 1, u32::MAX - 256 * 1024).encode(),
                Header::window_update(Flags::NONE, 1, 1).encode(),
            ],
            Violation::Credit(1),
        ),
        (&[Header::go_away(1).encode()], Violation::GoAway(1)),
        (&[[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]], Violation::Version(1)),
        (&[[0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]], Violation::Kind(9)),
        (
            &[data(Flags::SYN, 1, 0), data(Flags::SYN, 3, 0), data(Flags::SYN, 5, 0)],
            Violation::TooManyStreams(2),
        ),
    ];
    for (frames, violation) in cases {
        let mut it = Connection::<u32>::new(Role::Server, Config { max_streams: 2, ..config() });
        let told = frames.iter().try_for_each(|frame| it.receive(frame, start()));
        assert_eq!(told, Err(violation));
        assert_eq!(it.open(|| 0), Err(OpenError::Closed), "after {violation}");
    }
}

#[test]
fn the_end_of_a_stream_goes_in_a_frame_without_bytes() {
    let mut it = Connection::<u32>::new(Role::Client, config());
    let stream = it.open(|| 0).unwrap().expect("there is room");
    it.write(stream, b"all", Vec::new);
    it.finish(stream);
    let bytes = [&Header::data(Flags::SYN, stream, 3).encode()[..], b"all"].concat();
    assert_eq!(fetch(&mut it), [&bytes[..], &Header::data(Flags::FIN, stream, 0).encode()].concat());
}

#[test]
fn each_ping_is_answered_and_a_peer_that_reads_no_answers_is_cut_off() {
    const MOST: u32 = 8192;
    let mut it = server();
    for value in 0..MOST {
        receive(&mut it, &[Header::ping(Flags::SYN, value)]).unwrap();
    }
    let expected: Vec<_> = (0..MOST).map(|value| Header::ping(Flags::ACK, value).encode()).collect();
    assert_eq!(fetch(&mut it), expected.concat());
    for value in 0..MOST {
        receive(&mut it, &[Header::ping(Flags::SYN, value)]).unwrap();
    }
    let told = receive(&mut it, &[Header::ping(Flags::SYN, 0)]);
    assert_eq!(told, Err(Violation::TooManyPings(MOST as usize)));
}

#[test]
fn frames_of_streams_that_are_not_there_are_passed_over() {
    let mut it = server();
    let stray = [
        Header::window_update(Flags::NONE, 5, 1000),
        Header::data(Flags::RST, 5, 0),
        Header::data(Flags::FIN, 5, 0),
        Header::window_update(Flags::ACK, 2, 0),
        Header::ping(Flags::ACK, 3),
    ];
    receive(&mut it, &stray).unwrap();
    receive(&mut it, &[Header::data(Flags::NONE, 5, 3)]).unwrap();
    it.receive(b"abc", start()).unwrap();
    receive(&mut it, &[Header::data(Flags::SYN, 1, 0)]).unwrap();
    assert_eq!((it.accept(start), it.streams()), (Some(1), 1));
}

#[test]
fn a_stream_that_was_never_written_to_leaves_no_trace() {
    let mut pair = Pair::new(config());
    for _ in 0..1000 {
        let stream = pair.client.open(|| 0).unwrap().unwrap();
        pair.client.release(stream);
    }
    assert_eq!((fetch(&mut pair.client), pair.client.streams()), (Vec::new(), 1));
}

#[test]
fn the_lane_goes_before_bulk_and_ends_go_before_bytes() {
    let mut pair = Pair::new(config());
    pair.open_path();
    let bulk = pair.open(&[1; 60_000]);
    let ended = pair.open(b"");
    pair.client.write(ended, b"x", Vec::new);
    pair.settle();
    pair.client.write(bulk, &[1; 60_000], Vec::new);
    pair.client.finish(ended);
    pair.client.write(1, b"small", Vec::new);
    let out = fetch(&mut pair.client);
    let order: Vec<_> =
        frames(&out).iter().map(|(header, _)| header.stream).filter(|stream| *stream != 0).collect();
    assert_eq!(order[..3], [1, ended, bulk]);
}

#[test]
fn an_end_never_overtakes_the_bytes_before_it() {
    let mut pair = Pair::new(config());
    pair.open_path();
    let stream = pair.open(&[1; 60_000]);
    let (mut out, mut bulk, now) = (Vec::new(), Bulk::default(), start());
    pair.client.fetch(&mut out, &mut bulk, || now);
    assert!(!bulk.is_over());
    pair.client.write(stream, b"more", Vec::new);
    pair.client.finish(stream);
    pair.client.release(stream);
    let mut wire = std::mem::take(&mut out);
    while !bulk.is_over() {
        wire.extend_from_slice(bulk.permitted());
        bulk.advance(bulk.permitted().len());
        pair.client.fetch(&mut out, &mut bulk, || now);
        wire.append(&mut out);
    }
    let of_stream: Vec<_> = frames(&wire).into_iter().filter(|(header, _)| header.stream == stream).collect();
    let bytes: usize = of_stream.iter().map(|(_, body)| body.len()).sum();
    assert_eq!(bytes, 60_004);
    let last = of_stream.last().expect("there are frames").0;
    assert!(last.flags.contains(Flags::RST), "{last:?}");
}

#[test]
fn credit_is_told_once_for_all_that_was_read() {
    let mut it = server();
    receive(&mut it, &[Header::data(Flags::SYN, 1, 0)]).unwrap();
    assert_eq!(it.accept(start), Some(1));
    fetch(&mut it);
    for _ in 0..4 {
        receive(&mut it, &[Header::data(Flags::NONE, 1, 64 * 1024)]).unwrap();
        it.receive(&[0; 64 * 1024], start()).unwrap();
    }
    while matches!(it.read(1, start), Read::Some(_)) {}
    assert_eq!(fetch(&mut it), Header::window_update(Flags::NONE, 1, 256 * 1024).encode());
}

#[test]
fn bytes_wait_for_the_answer_to_a_ping_behind_them() {
    let mut pair = Pair::new(config());
    let stream = pair.open(b"");
    pair.client.write(stream, &[5; 60_000], Vec::new);
    let (mut out, mut bulk, now) = (Vec::new(), Bulk::default(), start());
    pair.client.fetch(&mut out, &mut bulk, || now);
    let first = frames(&out)[0].0;
    assert_eq!(
        (first.kind, first.flags),
        (Kind::Ping, Flags::SYN),
        "the way is measured before it is filled"
    );
    let sent = out.len() + bulk.permitted().len();
    assert!(sent < 8 * 1024, "{sent} bytes into a path of which nothing is known");
    assert!(kinds(&out).iter().filter(|kind| **kind == Kind::Ping).count() == 1);
}

#[test]
fn bytes_wait_no_longer_for_a_peer_that_answers_no_ping() {
    let mut pair = Pair::new(config());
    let stream = pair.open(b"");
    pair.client.write(stream, &[5; 60_000], Vec::new);
    let (mut out, mut bulk, now) = (Vec::new(), Bulk::default(), start());
    pair.client.fetch(&mut out, &mut bulk, || now);
    bulk.advance(bulk.permitted().len());
    pair.client.fetch(&mut out, &mut bulk, || now);
    assert!(bulk.permitted().is_empty() && !bulk.is_over());
    let at = pair.client.overdue_at().expect("the answer is waited for");
    assert!(at <= now + Duration::from_secs(2));
    let mut sent = 0;
    loop {
        pair.client.fetch(&mut out, &mut bulk, || at);
        if bulk.permitted().is_empty() {
            break;
        }
        sent += bulk.permitted().len();
        bulk.advance(bulk.permitted().len());
    }
    assert!(bulk.is_over() && sent > 50_000 && pair.client.overdue_at().is_none(), "{sent}");
}

#[test]
fn streams_that_are_given_up_before_anybody_has_them_take_no_place() {
    for body in [&b""[..], b"first"] {
        let config = Config { max_streams: 4, ..config() };
        let mut it = Connection::<u32>::new(Role::Server, config);
        let len = u32::try_from(body.len()).unwrap();
        let mut wire = Header::data(Flags::SYN, 1, 0).encode().to_vec();
        wire.extend(Header::data(Flags::SYN, 3, 0).encode());
        for stream in (5..5_000).step_by(2) {
            wire.extend_from_slice(&[&Header::data(Flags::SYN, stream, len).encode()[..], body].concat());
            wire.extend(Header::data(Flags::RST, stream, 0).encode());
        }
        wire.extend(Header::window_update(Flags::SYN | Flags::RST, 5_001, 0).encode());
        wire.extend(Header::data(Flags::SYN, 5_003, 0).encode());
        assert_eq!(it.receive(&wire, start()), Ok(()));
        assert!(it.streams() <= 4);
        let accepted: Vec<_> = std::iter::from_fn(|| it.accept(start)).collect();
        assert_eq!((accepted[..2].to_vec(), accepted.last()), (vec![1, 3], Some(&5_003)));
        if body.is_empty() {
            assert_eq!(accepted.len(), 3, "nothing came of the others");
        }
        for stream in accepted {
            it.release(stream);
        }
        fetch(&mut it);
        assert_eq!(it.streams(), 0);
    }
}
