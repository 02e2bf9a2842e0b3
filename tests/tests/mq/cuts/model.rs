//! What publishers were told, and whether what arrived is what that means.

use frontier_sdk::{Code, Error};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

/// Payloads from here on go beside the others, which may overtake them.
const LARGE: usize = 64 << 10;

/// What was told of a message.
#[derive(Clone, Debug)]
pub(super) enum End {
    Acked,
    /// It may be there.
    Unknown,
    /// It is not there, as the error says.
    NotStored(String),
}

impl End {
    pub(super) fn of(told: Result<(), Error>) -> Self {
        let Err(error) = told else { return Self::Acked };
        let is_known = match error.code() {
            Code::TopicNotOnline | Code::Overloaded | Code::Draining => true,
            // The SDK says so too when its time is up.
            Code::Deadline => error.text().contains("not sent within"),
            Code::Disconnected => false,
            _ => panic!("nothing else happens to these messages: {error}"),
        };
        if is_known { Self::NotStored(error.to_string()) } else { Self::Unknown }
    }
}

/// A message as its publisher knows it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) end: End,
    pub(super) published: Instant,
    pub(super) ended: Instant,
    /// How often the gateway had been killed by these times.
    pub(super) epochs: (u64, u64),
}

/// A message as an independent client has read it.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) payload: Vec<u8>,
    /// The id that the gateway gave it.
    pub(super) id: String,
}

/// What a broker promises.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promises {
    /// What it was given shortly before it is killed may be lost.
    pub(super) forgets: bool,
    /// What is sent again by the same id is there once.
    pub(super) recognizes: bool,
}

/// All that was published in a part.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) edges: BTreeMap<u64, Vec<Sent>>,
    /// How long each answer of a relay took, in order.
    pub(super) took: Vec<Duration>,
    /// Whether messages may have gone to the broker a long time after their acks.
    pub(super) is_spooled: bool,
    /// When the broker was killed.
    pub(super) deaths: Vec<Instant>,
}

/// What came out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) acked: usize,
    pub(super) unknown: usize,
    pub(super) not_stored: usize,
    /// Were there more than once, by the same id.
    pub(super) doubled: usize,
    /// Were acked and not there, where the broker may forget them.
    pub(super) lost: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acked, unknown, not_stored, doubled, lost } = self;
        write!(
            f,
            "{acked} acked, {unknown} unknown, {not_stored} refused, {doubled} there twice, {lost} forgotten by the broker"
        )
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.acked += other.acked;
        self.unknown += other.unknown;
        self.not_stored += other.not_stored;
        self.doubled += other.doubled;
        self.lost += other.lost;
    }
}

/// The bytes of a message: its part, its edge and its number, and as many more as these say.
pub(super) fn payload(part: u64, edge: u64, number: u64) -> Vec<u8> {
    let mut bytes = format!("{part} {edge} {number} ").into_bytes();
    let more = match (edge.wrapping_mul(7919).wrapping_add(number.wrapping_mul(104_729))) % 400 {
        0 => 100_000,
        some => usize::try_from(some * 3 % 700).unwrap(),
    };
    bytes.extend((0..more).map(|at| u8::try_from((at as u64 ^ number ^ edge) % 256).unwrap()));
    bytes
}

/// The part, the edge and the number.
fn numbers(payload: &[u8]) -> [u64; 3] {
    let mut words =
        payload.splitn(4, |byte| *byte == b' ').map(|word| std::str::from_utf8(word).unwrap_or("").parse());
    [(); 3].map(|()| words.next().and_then(Result::ok).unwrap_or_else(|| panic!("{payload:?} is of nobody")))
}

impl Published {
    /// Compares with what arrived, in its order for each edge.
    pub(super) fn check(&self, part: u64, arrived: &[Arrived], promises: Promises) -> Counts {
        let (mut ids, mut there) = (BTreeMap::<&str, (u64, u64)>::new(), BTreeMap::<u64, Vec<u64>>::new());
        let mut counts = Counts::default();
        for one in arrived {
            let [of_part, edge, number] = numbers(&one.payload);
            // What nobody knew about may come as late as that.
            if of_part != part {
                continue;
            }
            assert!(one.payload == payload(part, edge, number), "edge {edge}: {number} has other bytes");
            let numbers = there.entry(edge).or_default();
            match ids.insert(&one.id, (edge, number)) {
                None => {
                    assert!(!numbers.contains(&number), "edge {edge}: {number} is there by two ids");
                    numbers.push(number);
                }
                Some(before) => {
                    assert_eq!(before, (edge, number), "two messages have the id {}", one.id);
                    counts.doubled += 1;
                }
            }
        }
        assert!(!promises.recognizes || counts.doubled == 0, "{} are there twice", counts.doubled);
        for (edge, sent) in &self.edges {
            let there = there.remove(edge).unwrap_or_default();
            self.check_edge(*edge, sent, &there, promises, &mut counts);
        }
        assert!(there.is_empty(), "nobody has sent {there:?}");
        counts
    }

    fn check_edge(&self, edge: u64, sent: &[Sent], there: &[u64], promises: Promises, counts: &mut Counts) {
        let set: BTreeSet<u64> = there.iter().copied().collect();
        let mut missing = Vec::new();
        for one in sent {
            let is_there = set.contains(&one.number);
            match &one.end {
                End::Acked => counts.acked += 1,
                End::Unknown => counts.unknown += 1,
                End::NotStored(error) => {
                    counts.not_stored += 1;
                    assert!(!is_there, "edge {edge}: {} is there all the same: {error}", one.number);
                }
            }
            if matches!(one.end, End::Acked) && !is_there {
                missing.push(one);
            }
        }
        let shortly = Duration::from_secs(3);
        let is_forgotten = |one: &&Sent| {
            let mut deaths = self.deaths.iter().filter(|death| one.ended <= **death + shortly);
            deaths.any(|death| self.is_spooled || *death <= one.ended + shortly)
        };
        let (forgotten, lost): (Vec<&Sent>, Vec<&Sent>) =
            missing.into_iter().partition(|one| promises.forgets && is_forgotten(one));
        counts.lost += forgotten.len();
        assert!(lost.is_empty(), "edge {edge}: acked and not there: {lost:?}");
        check_order(edge, sent, there);
    }
}

/// One that was published after another's ack is behind it; and of those that went out by one connection, the later one.
fn check_order(edge: u64, sent: &[Sent], there: &[u64]) {
    let reached = reached(sent);
    let sent: BTreeMap<u64, &Sent> = sent.iter().map(|one| (one.number, one)).collect();
    let (mut latest, mut last) = (None::<&Sent>, BTreeMap::<u64, u64>::new());
    for number in there {
        let one = sent.get(number).unwrap_or_else(|| panic!("edge {edge} has not sent {number}"));
        let is_small = payload(0, edge, *number).len() < LARGE;
        if !matches!(one.end, End::Acked) || !is_small {
            continue;
        }
        if let Some(latest) = latest.filter(|latest| latest.published > one.ended) {
            panic!("edge {edge}: {latest:?} is before {one:?}, which was acked before that was sent");
        }
        if latest.is_none_or(|latest| latest.published < one.published) {
            latest = Some(one);
        }
        let (from, to) = one.epochs;
        if from == to && reached.get(&from).is_some_and(|reached| *reached < one.published) {
            let last = last.entry(from).or_insert(*number);
            assert!(*last <= *number, "edge {edge}: {number} is behind {last}, which was sent after it");
            *last = *number;
        }
    }
}

/// When each start of the gateway had acked the first message that was published for it: what is sent from then on goes out at once, by
/// one connection.
fn reached(sent: &[Sent]) -> BTreeMap<u64, Instant> {
    let mut reached = BTreeMap::<u64, Instant>::new();
    for one in sent.iter().filter(|one| matches!(one.end, End::Acked) && one.epochs.0 == one.epochs.1) {
        let first = reached.entry(one.epochs.0).or_insert(one.ended);
        *first = one.ended.min(*first);
    }
    reached
}
