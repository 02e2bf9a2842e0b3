//! Both ends of a connection, and what goes between them.

use super::*;

/// A client and a server; the client has opened the lane, and the server has it.
pub(super) struct Pair {
    pub(super) client: Connection<u32>,
    pub(super) server: Connection<u32>,
    now: Instant,
}

impl Pair {
    pub(super) fn new(config: Config) -> Self {
        let (client, server) = (Connection::new(Role::Client, config), Connection::new(Role::Server, config));
        let mut pair = Self { client, server, now: start() };
        let lane = pair.open(b"lane");
        pair.settle();
        assert_eq!((lane, pair.server.accept(start)), (1, Some(1)));
        pair.settle();
        assert_eq!(pair.read_all(1), b"lane");
        pair
    }

    /// A stream of the client's, with its first bytes.
    pub(super) fn open(&mut self, bytes: &[u8]) -> u32 {
        let stream = self.client.open(|| 0).unwrap().expect("there is room for one more");
        assert_eq!(self.client.write(stream, bytes, Vec::new), Write::Some(bytes.len()));
        stream
    }

    /// Sends so much that the limit of what may be on its way is none any more.
    pub(super) fn open_path(&mut self) {
        let stream = self.open(b"");
        for _ in 0..40 {
            while matches!(self.client.write(stream, &[0; 60_000], Vec::new), Write::Some(_)) {}
            self.settle();
            self.server.accept(start);
            self.read_all(stream);
        }
        self.client.release(stream);
        self.server.release(stream);
        self.settle();
    }

    /// Carries both ways until neither has anything to say.
    pub(super) fn settle(&mut self) {
        loop {
            let now = self.now;
            let sent = [
                carry(&mut self.client, &mut self.server, now),
                carry(&mut self.server, &mut self.client, now),
            ];
            let due =
                [&self.client, &self.server].into_iter().filter_map(|it| Some(it.acks.as_ref()?.due)).max();
            self.now = match due {
                None if sent == [0, 0] => return,
                Some(due) if sent == [0, 0] => self.now.max(due),
                _ => self.now + Duration::from_micros(50),
            };
        }
    }

    /// All that the server has of a stream.
    pub(super) fn read_all(&mut self, stream: u32) -> Vec<u8> {
        let mut all = Vec::new();
        while let Read::Some(bytes) = self.server.read(stream, || self.now) {
            all.extend_from_slice(&bytes);
        }
        all
    }
}

/// How many bytes went.
pub(super) fn carry(from: &mut Connection<u32>, to: &mut Connection<u32>, now: Instant) -> usize {
    let (mut sent, mut bulk) = (0, Bulk::default());
    loop {
        let mut out = Vec::new();
        from.fetch(&mut out, &mut bulk, || now);
        if bulk.permitted().is_empty() && !bulk.is_over() {
            // Waits for an answer, which is carried the other way.
            to.receive(&out, now).unwrap();
            let mut back = Vec::new();
            to.fetch(&mut back, &mut Bulk::default(), || now);
            from.receive(&back, now).unwrap();
            sent += out.len();
            continue;
        }
        out.extend_from_slice(bulk.permitted());
        bulk.advance(bulk.permitted().len());
        to.receive(&out, now).unwrap();
        if out.is_empty() {
            return sent;
        }
        sent += out.len();
    }
}

/// The frames of which `wire` consists.
pub(super) fn frames(mut wire: &[u8]) -> Vec<(Header, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(header) = wire.first_chunk() {
        let header = Header::decode(*header).unwrap();
        let len = if header.kind == Kind::Data { frame_len(wire) } else { HEADER_LEN };
        frames.push((header, wire[HEADER_LEN..len].to_vec()));
        wire = &wire[len..];
    }
    assert_eq!(wire, b"");
    frames
}

pub(super) fn kinds(wire: &[u8]) -> Vec<Kind> {
    frames(wire).iter().map(|(header, _)| header.kind).collect()
}
