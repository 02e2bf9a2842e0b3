//! What holds for all frames, all bytes and all chunks, for tails of headers, and for heartbeats.

use crate::owned::Fields;
use crate::{fuzz, strategy};
use bytes::Bytes;
use frontier_protocol::{
    Beat, Custom, Decoder, EdgeId, Flags, Frame, HEADER_LEN, Heartbeat, Publish, Request, TAIL_LEN,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::{Duration, Instant};

const MAX: usize = 256 * 1024;

/// Pushes `wire` in chunks of these sizes, over and over, and takes every frame as soon as it is there.
fn decode(wire: &[u8], sizes: &[usize]) -> Vec<Frame> {
    let mut decoder = Decoder::new(MAX);
    let (mut frames, mut rest) = (Vec::new(), wire);
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, behind) = rest.split_at(size.min(rest.len()));
        rest = behind;
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(frame) = decoder.next().expect("frames only") {
            frames.push(frame);
        }
    }
    assert!(decoder.is_empty());
    frames
}

#[expect(clippy::disallowed_methods, reason = "the one instant from which the synthetic ones count")]
fn start() -> Instant {
    Instant::now()
}

proptest! {
    #[test]
    fn frames_survive_any_chunking(
        sent in vec(strategy::frame(), 0..6),
        sizes in vec(1..200usize, 1..8),
    ) {
        let wire: Vec<u8> =
            sent.iter().flat_map(|(header, fields)| fields.encode(*header).expect("it fits")).collect();
        let received = decode(&wire, &sizes);
        prop_assert_eq!(received.len(), sent.len());
        for (frame, (header, fields)) in received.iter().zip(sent) {
            let read = (frame.flags.0, frame.code.to_wire(), frame.id);
            prop_assert_eq!(read, (header.flags, header.code, header.id.0));
            prop_assert_eq!(Fields::parse(frame, fields.is_tailed()), Ok(fields));
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(seed in any::<u8>(), noise in strategy::noise()) {
        fuzz::decoder(&[&[seed], &noise[..]].concat());
    }

    #[test]
    fn arbitrary_hellos_do_no_harm(noise in strategy::noise()) {
        fuzz::hello(&noise);
    }

    #[test]
    fn a_decoder_gives_back_no_more_than_it_was_given(
        noise in strategy::noise(),
        sizes in vec(1..50usize, 1..8),
    ) {
        let mut decoder = Decoder::new(MAX);
        let (mut given, mut returned, mut rest) = (0, 0, &noise[..]);
        for &size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, behind) = rest.split_at(size.min(rest.len()));
            rest = behind;
            given += chunk.len();
            decoder.push(Bytes::copy_from_slice(chunk));
            loop {
                match decoder.next() {
                    Ok(Some(frame)) => returned += HEADER_LEN + frame.body.len(),
                    Ok(None) => break,
                    Err(_) => {
                        prop_assert!(returned + decoder.into_rest().len() <= given);
                        return Ok(());
                    }
                }
            }
        }
        prop_assert!(returned + decoder.into_rest().len() <= given);
    }

    #[test]
    fn a_tail_that_is_added_can_be_taken_off(
        body in vec(any::<u8>(), 0..100),
        edge in any::<u64>(),
        name in any::<String>(),
        payload in vec(any::<u8>(), 0..100),
    ) {
        let mut plain = Vec::new();
        let (timeout_ms, method, payload) = (1, name.as_str(), &payload[..]);
        let request = Request { timeout_ms, method, custom: Custom::plain(&body), payload };
        request.encode(1, &mut plain).expect("it fits");

        let mut tailed = Vec::new();
        let custom = Custom::tailed(&body, EdgeId(edge));
        Request { custom, ..request }.encode(1, &mut tailed).expect("it fits");
        prop_assert_eq!(tailed.len(), plain.len() + TAIL_LEN);

        let frame = decode(&tailed, &[MAX]).remove(0);
        let parsed = Request::parse(&frame).expect("a request");
        let (split, tail) = Custom::split_tail(parsed.custom.body()).expect("a tail");
        prop_assert_eq!((split, tail, parsed.payload), (&body[..], EdgeId(edge), payload));

        let mut again = Vec::new();
        Request { custom: Custom::plain(split), ..parsed }.encode(1, &mut again).expect("it fits");
        prop_assert_eq!(again, plain);
    }

    #[test]
    fn a_received_header_splits_at_its_last_8_bytes(received in vec(any::<u8>(), 0..40)) {
        match Custom::split_tail(&received) {
            None => prop_assert!(received.len() < TAIL_LEN),
            Some((body, edge)) => {
                let mut wire = Vec::new();
                let custom = Custom::tailed(body, edge);
                let publish = Publish { timeout_ms: 0, topic: "", custom, payload: b"" };
                publish.encode_with(0, Flags::default(), &mut wire).expect("it fits");
                prop_assert!(wire.ends_with(&received));
            }
        }
    }

    #[test]
    fn a_heartbeat_asks_once_an_interval_and_at_once_if_it_is_late(
        steps in vec((0..25_000u64, any::<bool>()), 1..60),
    ) {
        let interval = Duration::from_secs(10);
        let lateness = Duration::from_millis(2_500);
        let mut now = start();
        let mut heartbeat = Heartbeat::new(interval, now);
        let (mut heard, mut pinged, mut due) = (now, now, now + interval);
        let mut asked = None;
        for (step, hears) in steps {
            now += Duration::from_millis(step);
            if hears {
                heartbeat.heard(now);
                heard = now;
                asked = asked.filter(|asked| *asked >= now);
            }
            let is_late = now >= due + lateness;
            let mut beat = heartbeat.poll(now);
            prop_assert!(!is_late || beat == Beat::Ping);
            if beat == Beat::Ping {
                prop_assert!(is_late || now - pinged >= interval);
                pinged = now;
                asked = if is_late { Some(now) } else { asked };
                beat = heartbeat.poll(now);
            }
            match beat {
                Beat::Wait(until) => {
                    prop_assert!(now < until && until <= now + interval);
                    due = until;
                }
                Beat::Ping => prop_assert!(false, "two pings at once"),
                Beat::Dead => {
                    let silent = asked.map_or(now - heard >= 3 * interval, |asked| now - asked >= interval);
                    prop_assert!(silent);
                    break;
                }
            }
        }
    }
}
