//! The multiplexer: whatever a peer sends, and however it is cut. Panics when something that must hold does not.

use frontier_yamux::{Bulk, Config, Connection, HEADER_LEN, Header, Kind, Read, Role, Violation, Write};
use std::collections::BTreeMap;
use std::iter;
use std::time::Instant;

/// As few that a short input goes beyond.
const MAX_STREAMS: usize = 8;

/// The lowest bit of the first byte says on which side we are, all of it seeds the sizes of the chunks; the rest is what
/// a peer sends. However it is cut, the same is read, the same rule is broken, and what goes out is in order.
pub fn yamux(input: &[u8], now: Instant) {
    let Some((&seed, wire)) = input.split_first() else { return };
    let role = if seed & 1 == 1 { Role::Server } else { Role::Client };
    let whole = listen(role, wire, iter::repeat(usize::MAX), now);
    let chunked = listen(role, wire, sizes(seed), now);
    assert_eq!(whole, chunked, "chunking changed the outcome");
    answer(role, wire, sizes(seed), now);
}

/// What was read of each stream, and which rule was broken in the end.
type Outcome = (BTreeMap<u32, Vec<u8>>, Option<Violation>);

/// Takes all that comes, and looks at it when the last has come.
fn listen(role: Role, wire: &[u8], sizes: impl Iterator<Item = usize>, now: Instant) -> Outcome {
    let mut connection = connection(role);
    let violation = feed(&mut connection, wire, sizes, now, |_| {});
    let mut streams = BTreeMap::new();
    while let Some(stream) = connection.accept(|| now) {
        let mut came = Vec::new();
        while let Read::Some(bytes) = connection.read(stream, || now) {
            assert!(!bytes.is_empty());
            came.extend_from_slice(&bytes);
        }
        streams.insert(stream, came);
    }
    (streams, violation)
}

/// Does with each stream one of the things that can be done, and sends what is to be sent.
fn answer(role: Role, wire: &[u8], sizes: impl Iterator<Item = usize>, now: Instant) {
    let mut connection = connection(role);
    let (mut sent, mut bulk) = (Vec::new(), Bulk::default());
    let own = connection.open(|| ()).ok().flatten();
    if let Some(own) = own {
        connection.write(own, b"question", Vec::new);
        connection.finish(own);
    }
    feed(&mut connection, wire, sizes, now, |connection| {
        while let Some(stream) = connection.accept(|| now) {
            connection.wait_readable(stream, ());
            let _ = connection.read(stream, || now);
            if let Write::Some(n) = connection.write(stream, &[7; 9_000], Vec::new) {
                assert!(n <= 9_000);
            }
            match stream / 2 % 3 {
                0 => connection.release(stream),
                1 => connection.finish(stream),
                _ => {
                    connection.finish(stream);
                    connection.linger(stream);
                }
            }
        }
        let before = sent.len();
        connection.fetch(&mut sent, &mut bulk, || now);
        let permitted = bulk.permitted().len();
        sent.extend_from_slice(bulk.permitted());
        bulk.advance(permitted);
        assert!(sent.len() - before < 1 << 18, "bounded by what is held");
        connection.take_woken();
    });
    if let Some(own) = own {
        let _ = connection.read(own, || now);
        connection.release(own);
    }
    assert!(connection.streams() <= MAX_STREAMS);
    assert!(pongs(&sent) <= wire.len() / HEADER_LEN, "nobody is answered more than was asked");
}

fn connection(role: Role) -> Connection<()> {
    Connection::new(role, Config { max_streams: MAX_STREAMS, window_growth: 1 << 20, max_body: 4096 })
}

fn feed(
    connection: &mut Connection<()>,
    mut wire: &[u8],
    mut sizes: impl Iterator<Item = usize>,
    now: Instant,
    mut after: impl FnMut(&mut Connection<()>),
) -> Option<Violation> {
    while !wire.is_empty() {
        let size = sizes.next().unwrap_or(usize::MAX).min(wire.len());
        let (piece, rest) = wire.split_at(size);
        if let Err(violation) = connection.receive(piece, now) {
            return Some(violation);
        }
        after(connection);
        wire = rest;
    }
    None
}

/// The answers to pings in `wire`, which must consist of whole frames.
fn pongs(mut wire: &[u8]) -> usize {
    let mut pongs = 0;
    while let Some(header) = wire.first_chunk() {
        let header = Header::decode(*header).expect("what is sent keeps the rules");
        let body = if header.kind == Kind::Data { header.length as usize } else { 0 };
        pongs += usize::from(header.kind == Kind::Ping && header.flags.contains(frontier_yamux::Flags::ACK));
        wire = wire.get(HEADER_LEN + body..).expect("it is whole");
    }
    assert!(wire.is_empty(), "a part of a header");
    pongs
}

/// Sizes from 1 to 64, without end, the same for the same seed.
fn sizes(seed: u8) -> impl Iterator<Item = usize> {
    let mut state = u32::from(seed) + 1;
    iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        1 + (state % 64) as usize
    })
}
