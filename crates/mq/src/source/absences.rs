//! Receivers that are not there, and since when: what a source waits for is a receiver, and not a message.

use super::target::Receiver;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// Receivers that are remembered; of more those are forgotten that were asked for longest ago.
const MAX_RECEIVERS: usize = 65_536;

/// Receivers that were not there when they were last asked for.
#[derive(Debug, Default)]
pub(super) struct Absences {
    known: HashMap<Receiver, Absence>,
    by_last: BTreeSet<(Instant, Receiver)>,
}

#[derive(Clone, Copy, Debug)]
struct Absence {
    since: Instant,
    /// When it was asked for last.
    last: Instant,
}

impl Absences {
    /// It was not there: since when that is so. What was before nobody knows where it was not asked for in twice `within`, which
    /// is how long it is waited for: the attempt at the end of that time has an answer only behind it.
    pub(super) fn note(&mut self, receiver: &Receiver, within: Duration, now: Instant) -> Instant {
        let before = self.known.get(receiver).copied();
        let since = before.filter(|it| now.saturating_duration_since(it.last) <= within.saturating_mul(2));
        let since = since.map_or(now, |it| it.since);
        if let Some(before) = before {
            self.by_last.remove(&(before.last, receiver.clone()));
        } else if self.known.len() >= MAX_RECEIVERS
            && let Some((_, oldest)) = self.by_last.pop_first()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(receiver.clone(), Absence { since, last: now });
        self.by_last.insert((now, receiver.clone()));
        since
    }

    /// It has answered.
    pub(super) fn end(&mut self, receiver: &Receiver) {
        if let Some(absence) = self.known.remove(receiver) {
            self.by_last.remove(&(absence.last, receiver.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_secs(10);

    #[test]
    fn an_absence_begins_once_and_ends_with_an_answer_or_with_what_nobody_knows() {
        let (mut absences, start) = (Absences::default(), Instant::now());
        let (one, other) = (Receiver::Edge(1), Receiver::Edge(2));
        assert_eq!(absences.note(&one, WITHIN, start), start);
        let later = start + WITHIN + Duration::from_millis(1);
        assert_eq!(absences.note(&one, WITHIN, later), start);
        assert_eq!(absences.note(&other, WITHIN, later), later);
        absences.end(&one);
        assert_eq!(absences.note(&one, WITHIN, later), later);
        // For so long nobody has looked whether it was there.
        let much_later = later + 2 * WITHIN + Duration::from_nanos(1);
        assert_eq!(absences.note(&other, WITHIN, much_later), much_later);
        assert_eq!(absences.by_last.len(), absences.known.len());
    }

    #[test]
    fn no_more_are_remembered_than_may_be() {
        let (mut absences, start) = (Absences::default(), Instant::now());
        for (after, edge) in (0..).zip(0..=MAX_RECEIVERS as u64) {
            absences.note(&Receiver::Edge(edge), WITHIN, start + Duration::from_nanos(after));
        }
        assert_eq!((absences.known.len(), absences.by_last.len()), (MAX_RECEIVERS, MAX_RECEIVERS));
        assert!(!absences.known.contains_key(&Receiver::Edge(0)));
    }
}
