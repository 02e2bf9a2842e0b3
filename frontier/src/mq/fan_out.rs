//! One message to all edges that have some labels: those of this gateway, since each gateway reads for its own.

use super::courier::Courier;
use frontier_mq::{Answer, Delivery, HadBy};
use frontier_protocol::EdgeId;
use futures_util::{StreamExt, stream};
use std::sync::Arc;

/// Edges that are asked at once.
const WINDOW: usize = 256;

/// Labels that an edge must have, all of them.
type Wanted = Arc<[(Box<str>, Box<str>)]>;

/// Sends it to each edge that has not had it, and tells the source when all have answered.
pub(super) async fn run(courier: Courier, delivery: Delivery, labels: Wanted, had_by: Arc<HadBy>) {
    let edges = edges(&courier, &labels, &had_by).await;
    let answer = if !edges.is_empty() {
        ask_all(&courier, &delivery, &edges, &had_by).await
    } else if had_by.is_any() {
        Answer::Done
    } else {
        Answer::Absent("no edge with these labels is here".to_owned())
    };
    courier.source().answered(delivery.number, answer);
}

async fn edges(courier: &Courier, labels: &Wanted, had_by: &HadBy) -> Vec<u64> {
    let mut edges = Vec::new();
    let visit = |edge: &Arc<frontier_exchange::Peer>| {
        let Some(id) = edge.edge_id().filter(|_| edge.is_online()) else { return };
        let has_all = edge
            .authorization()
            .with_labels(|own| labels.iter().all(|(key, value)| own.get(key) == Some(&**value)));
        if has_all && !had_by.has(id.0) {
            edges.push(id.0);
        }
    };
    courier.exchange().for_each_edge_in_slices(visit).await;
    edges
}

async fn ask_all(courier: &Courier, delivery: &Delivery, edges: &[u64], had_by: &HadBy) -> Answer {
    let ask = |edge: u64| async move { (edge, courier.ask_edge(edge, delivery).await) };
    let mut answers = stream::iter(edges.iter().copied().map(ask)).buffer_unordered(WINDOW);
    let mut without = Without::default();
    while let Some((edge, answer)) = answers.next().await {
        match answer {
            Answer::Done => had_by.note(edge),
            // One that has left is one of them no more; one that has no room is asked again.
            Answer::Absent(_) if courier.exchange().edge(EdgeId(edge)).is_none() => {}
            answer => without.note(edge, answer),
        }
    }
    match without.answer(edges.len()) {
        Some(answer) => answer,
        None if had_by.is_any() => Answer::Done,
        None => Answer::Absent("no edge with these labels is here any more".to_owned()),
    }
}

/// The edges that do not have it.
#[derive(Debug, Default)]
struct Without {
    count: usize,
    has_failed: bool,
    has_no_room: bool,
    first: Option<(u64, String)>,
}

impl Without {
    fn note(&mut self, edge: u64, answer: Answer) {
        let text = match answer {
            Answer::Done => return,
            Answer::Absent(text) => {
                self.has_no_room = true;
                text
            }
            Answer::Failed(text) => {
                self.has_failed = true;
                text
            }
            Answer::Refused(text) => text,
        };
        self.count += 1;
        self.first.get_or_insert((edge, text));
    }

    /// What becomes of the message: an attempt has failed if one of them has failed it. What some refuse goes on for those
    /// that have no room. `None` where all have it.
    fn answer(self, asked: usize) -> Option<Answer> {
        let (edge, text) = self.first?;
        let text = format!("{} of {asked} edges do not have it; edge {edge}: {text}", self.count);
        Some(match (self.has_failed, self.has_no_room) {
            (true, _) => Answer::Failed(text),
            (false, true) => Answer::Absent(text),
            (false, false) => Answer::Refused(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(answers: &[Answer]) -> Option<Answer> {
        let mut without = Without::default();
        for (edge, answer) in (1..).zip(answers) {
            without.note(edge, answer.clone());
        }
        without.answer(answers.len())
    }

    #[test]
    fn only_who_fails_it_costs_an_attempt_and_only_what_all_the_others_have_is_refused() {
        let (full, failed, refused) =
            (Answer::Absent("full".into()), Answer::Failed("no".into()), Answer::Refused("never".into()));
        assert_eq!(answer(&[Answer::Done]), None);
        assert!(matches!(answer(&[Answer::Done, refused.clone()]), Some(Answer::Refused(_))));
        assert!(matches!(answer(&[refused.clone(), full.clone()]), Some(Answer::Absent(_))));
        let text = "2 of 3 edges do not have it; edge 1: full".to_owned();
        assert_eq!(answer(&[full, Answer::Done, failed]), Some(Answer::Failed(text)));
    }
}
