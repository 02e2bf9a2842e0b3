//! One message to all edges that have some labels: those of this gateway, since each gateway reads for its own.

use super::courier::Courier;
use frontier_mq::{Answer, Delivery, HadBy};
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
    let (mut failed, mut is_lasting, mut first) = (0, true, None);
    while let Some((edge, answer)) = answers.next().await {
        match answer {
            Answer::Done => had_by.note(edge),
            // It has left, and is one of them no more.
            Answer::Absent(_) => {}
            Answer::Failed(text) => {
                (failed, is_lasting) = (failed + 1, false);
                first.get_or_insert((edge, text));
            }
            Answer::Refused(text) => {
                failed += 1;
                first.get_or_insert((edge, text));
            }
        }
    }
    match first {
        None if had_by.is_any() => Answer::Done,
        None => Answer::Absent("no edge with these labels is here any more".to_owned()),
        Some((edge, text)) => {
            let text = format!("{failed} of {} edges do not have it; edge {edge}: {text}", edges.len());
            if is_lasting { Answer::Refused(text) } else { Answer::Failed(text) }
        }
    }
}
