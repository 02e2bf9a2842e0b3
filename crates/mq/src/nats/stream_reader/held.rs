//! What is known of messages of a consumer, for as long as the source is there.

use super::ack_subject::AckSubject;
use crate::source::Verdict;
use std::collections::{BTreeMap, HashMap};

/// A message that is held, or has ended and of which the server is not known to have heard.
#[derive(Clone, Debug)]
struct Known {
    /// The last one counts, of a message that was given out again.
    subject: String,
    ended: Option<Verdict>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By their sequence in the stream.
    known: BTreeMap<u64, Known>,
    /// The sequences of those that are held, by their numbers here.
    numbers: HashMap<u64, u64>,
    /// Those of which the server is to be told.
    unsent: Vec<u64>,
    /// Acks that the server has not answered, by what they are told apart by.
    acks: HashMap<u64, u64>,
    last_ack: u64,
    /// The last sequence that came.
    last: Option<u64>,
}

impl Held {
    pub(super) fn insert(&mut self, number: u64, ack: AckSubject) {
        self.numbers.insert(number, ack.stream_sequence);
        self.last = self.last.max(Some(ack.stream_sequence));
        self.known.insert(ack.stream_sequence, Known { subject: ack.subject, ended: None });
    }

    /// Whether it is held already, or has ended: then the server gets its ack by this subject.
    pub(super) fn knows(&mut self, ack: &AckSubject) -> bool {
        let Some(known) = self.known.get_mut(&ack.stream_sequence) else { return false };
        known.subject.clone_from(&ack.subject);
        if known.ended.is_some() {
            self.unsent.push(ack.stream_sequence);
        }
        true
    }

    /// These have ended.
    pub(super) fn end(&mut self, ended: &[(u64, Verdict)]) {
        for (number, verdict) in ended {
            let Some(sequence) = self.numbers.remove(number) else { continue };
            if let Some(known) = self.known.get_mut(&sequence) {
                known.ended = Some(*verdict);
                self.unsent.push(sequence);
            }
        }
    }

    /// Of all that have ended the server is to be told once more.
    pub(super) fn send_again(&mut self) {
        self.acks.clear();
        let ended = self.known.iter().filter(|(_, known)| known.ended.is_some());
        self.unsent = ended.map(|(sequence, _)| *sequence).collect();
    }

    /// What is to be told: by what the answer is told apart, to which subject, and the word.
    pub(super) fn take_unsent(&mut self) -> Vec<(u64, String, &'static [u8])> {
        let mut words = Vec::new();
        for sequence in std::mem::take(&mut self.unsent) {
            let Some(Known { subject, ended: Some(verdict) }) = self.known.get(&sequence) else { continue };
            let word: &'static [u8] = match verdict {
                Verdict::Done => b"+ACK",
                Verdict::GivenUp | Verdict::Rejected => b"+TERM",
            };
            self.last_ack += 1;
            self.acks.insert(self.last_ack, sequence);
            words.push((self.last_ack, subject.clone(), word));
        }
        words
    }

    /// The sequence of the message that this answer is about.
    pub(super) fn ack_of(&self, token: u64) -> Option<u64> {
        self.acks.get(&token).copied()
    }

    /// The server has it. Whether that was not known before.
    pub(super) fn acked(&mut self, token: u64, sequence: u64) -> bool {
        self.acks.remove(&token);
        self.known.remove(&sequence).is_some()
    }

    /// The subjects of those that are held.
    pub(super) fn subjects(&self) -> impl Iterator<Item = String> {
        self.known.values().filter(|known| known.ended.is_none()).map(|known| known.subject.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Where a consumer has to begin that is made anew: with the first that is not acked; `None` if nothing came yet.
    pub(super) fn next(&self) -> Option<u64> {
        let first = self.known.keys().next().copied();
        first.or(self.last.map(|last| last + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(sequence: u64, deliveries: u64) -> AckSubject {
        AckSubject::parse(&format!("$JS.ACK.s.c.{deliveries}.{sequence}.1.1.0")).unwrap()
    }

    #[test]
    fn an_end_is_told_until_the_server_says_that_it_has_it() {
        let mut held = Held::default();
        assert_eq!(held.next(), None);
        held.insert(1, ack(7, 1));
        held.insert(2, ack(8, 1));
        assert_eq!((held.next(), held.len()), (Some(7), 2));
        held.end(&[(1, Verdict::Done), (2, Verdict::GivenUp), (9, Verdict::Done)]);
        let sent = held.take_unsent();
        let words: Vec<&[u8]> = sent.iter().map(|(.., word)| *word).collect();
        assert_eq!(words, [&b"+ACK"[..], b"+TERM"]);
        assert!(held.take_unsent().is_empty());
        let token = sent[0].0;
        assert_eq!(held.ack_of(token), Some(7));
        assert!(held.acked(token, 7) && !held.acked(token, 7));
        // The connection is lost: the other one goes out again, by another token.
        held.send_again();
        let again = held.take_unsent();
        assert_eq!(again.len(), 1);
        assert!(again[0].0 != sent[1].0 && held.ack_of(sent[1].0).is_none());
        held.acked(again[0].0, 8);
        assert_eq!((held.next(), held.len()), (Some(9), 0));
    }

    #[test]
    fn what_is_given_out_again_is_not_delivered_twice() {
        let mut held = Held::default();
        held.insert(1, ack(7, 1));
        assert!(held.knows(&ack(7, 2)) && !held.knows(&ack(8, 1)));
        assert_eq!(held.subjects().collect::<Vec<_>>(), [ack(7, 2).subject]);
        held.end(&[(1, Verdict::Done)]);
        held.take_unsent();
        assert!(held.knows(&ack(7, 3)));
        let again = held.take_unsent();
        assert_eq!(again[0].1, ack(7, 3).subject, "it is acked where it was given out last");
    }
}
