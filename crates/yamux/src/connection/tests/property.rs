//! Whatever is done at both ends, and however it is cut on its way, what was written is what is read.

#![expect(clippy::cast_possible_truncation, reason = "bytes of a pattern")]

use super::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Debug)]
enum Step {
    Open,
    Write(usize, usize),
    Read(usize),
    Finish(usize),
    /// Moves so many bytes of what one side has sent.
    Carry(bool, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Open),
        4 => (0_usize..8, 1_usize..100_000).prop_map(|(stream, len)| Step::Write(stream, len)),
        3 => (0_usize..8).prop_map(Step::Read),
        1 => (0_usize..8).prop_map(Step::Finish),
        8 => (any::<bool>(), 1_usize..70_000).prop_map(|(side, len)| Step::Carry(side, len)),
    ]
}

/// One side, and what it has sent that has not come.
struct End {
    connection: Connection<u32>,
    bulk: Bulk,
    wire: VecDeque<u8>,
}

impl End {
    fn new(role: Role) -> Self {
        let config = Config { window_growth: 1 << 20, ..config() };
        Self { connection: Connection::new(role, config), bulk: Bulk::default(), wire: VecDeque::new() }
    }

    fn send(&mut self, now: Instant) {
        let mut out = Vec::new();
        self.connection.fetch(&mut out, &mut self.bulk, || now);
        self.wire.extend(out);
        self.wire.extend(self.bulk.permitted());
        self.bulk.advance(self.bulk.permitted().len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_what_is_read(steps in prop::collection::vec(step(), 1..200)) {
        let (mut a, mut b) = (End::new(Role::Client), End::new(Role::Server));
        let (mut now, mut streams) = (start(), Vec::new());
        let (mut written, mut read) = (BTreeMap::<u32, Vec<u8>>::new(), BTreeMap::<u32, Vec<u8>>::new());
        let mut finished = Vec::new();
        // In the end everything is finished, carried and read.
        let ends = (0..8).map(Step::Finish);
        let rest = std::iter::repeat_n([Step::Carry(true, 1 << 20), Step::Carry(false, 1 << 20)], 200).flatten();
        let rest = rest.flat_map(|carry| std::iter::once(carry).chain((0..8).map(Step::Read)));
        for step in steps.into_iter().chain(ends).chain(rest) {
            now += Duration::from_millis(1);
            match step {
                Step::Open if streams.len() < 8 => {
                    let stream = a.connection.open(|| 0).unwrap().unwrap();
                    written.insert(stream, Vec::new());
                    streams.push(stream);
                }
                Step::Open => {}
                Step::Write(at, len) => {
                    let Some(&stream) = streams.get(at) else { continue };
                    let all = written.get_mut(&stream).unwrap();
                    let bytes: Vec<u8> = (all.len()..all.len() + len).map(|at| (at % 251) as u8).collect();
                    if let Write::Some(n) = a.connection.write(stream, &bytes, Vec::new) {
                        all.extend_from_slice(&bytes[..n]);
                    }
                }
                Step::Read(at) => {
                    let Some(stream) = streams.get(at) else { continue };
                    if let Read::Some(bytes) = b.connection.read(*stream, || now) {
                        read.entry(*stream).or_default().extend_from_slice(&bytes);
                    }
                }
                Step::Finish(at) => {
                    let Some(&stream) = streams.get(at) else { continue };
                    a.connection.finish(stream);
                    finished.push(stream);
                }
                Step::Carry(from_a, len) => {
                    let (from, to) = if from_a { (&mut a, &mut b) } else { (&mut b, &mut a) };
                    from.send(now);
                    let n = len.min(from.wire.len());
                    let piece: Vec<u8> = from.wire.drain(..n).collect();
                    prop_assert_eq!(to.connection.receive(&piece, now), Ok(()));
                    while b.connection.accept(start).is_some() {}
                }
            }
        }
        for stream in streams {
            prop_assert!(finished.contains(&stream));
            let (written, read) = (&written[&stream], read.remove(&stream).unwrap_or_default());
            prop_assert!(*written == read, "{} of {} bytes on {stream}", read.len(), written.len());
            prop_assert_eq!(b.connection.read(stream, || now), Read::End);
            prop_assert!(!b.connection.is_reset(stream) && !a.connection.is_reset(stream));
        }
    }

    #[test]
    fn nothing_that_a_peer_sends_is_a_panic(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
        frames in prop::collection::vec((0_u8..4, 0_u16..16, 0_u32..6, 0_u32..40), 0..40),
    ) {
        let mut it = server();
        let mut wire = Vec::new();
        for (kind, flags, stream, length) in frames {
            wire.extend_from_slice(&[0, kind]);
            wire.extend_from_slice(&flags.to_be_bytes());
            wire.extend_from_slice(&stream.to_be_bytes());
            wire.extend_from_slice(&length.to_be_bytes());
            wire.extend(std::iter::repeat_n(1, if kind == 0 { length as usize } else { 0 }));
        }
        for piece in wire.chunks(7).map(<[u8]>::to_vec).chain(pieces) {
            if it.receive(&piece, start()).is_err() {
                break;
            }
            while let Some(stream) = it.accept(start) {
                it.write(stream, b"answer", Vec::new);
                it.read(stream, start);
                if stream % 3 == 0 { it.release(stream) } else { it.finish(stream) }
            }
            fetch(&mut it);
        }
    }

    /// Those of the peer's frames that speak of a stream of ours which it has not heard of change nothing.
    #[test]
    fn a_peer_that_guesses_numbers_of_ours_changes_nothing(
        steps in prop::collection::vec((0_u8..8, 0_u16..16, 0_usize..6), 1..200),
        is_client: bool,
    ) {
        let role = if is_client { Role::Client } else { Role::Server };
        let mut it = Connection::<u32>::new(role, config());
        it.open(|| 0).unwrap();
        let (mut held, mut next) = (Vec::new(), role.first_stream() + 2);
        for (what, flags, at) in steps {
            match what {
                0..=2 => {
                    if let Some(stream) = it.open(|| 0).unwrap() {
                        prop_assert_eq!(stream, next);
                        next += 2;
                        held.push((stream, false));
                    }
                }
                3 if at < held.len() => {
                    it.release(held.swap_remove(at).0);
                }
                4 if at < held.len() => {
                    it.write(held[at].0, b"x", Vec::new);
                }
                5 if at == 0 => {
                    fetch(&mut it);
                    held.iter_mut().for_each(|(_, was_fetched)| *was_fetched = true);
                }
                _ => {
                    let guess = next.saturating_sub(2 * at as u32);
                    let mut frame = match what {
                        6 => Header::window_update(Flags::NONE, guess, 3).encode().to_vec(),
                        _ => [&Header::data(Flags::NONE, guess, 1).encode()[..], b"y"].concat(),
                    };
                    // Any flags but the one that opens.
                    frame[2..4].copy_from_slice(&(flags & !1).to_be_bytes());
                    let told = it.receive(&frame, start());
                    prop_assert_eq!(told, Ok(()));
                }
            }
            for (stream, was_fetched) in &held {
                prop_assert!(*was_fetched || !(it.is_taken(*stream) || it.is_reset(*stream)), "{stream}");
            }
        }
        // Room for others is neither lost nor made.
        held.iter().for_each(|(stream, _)| it.release(*stream));
        fetch(&mut it);
        let more = std::iter::from_fn(|| it.open(|| 0).unwrap()).count();
        prop_assert!((1..=255).contains(&more), "{more}");
    }
}
