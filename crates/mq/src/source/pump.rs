//! What goes to receivers, and to the dead letters, as soon as it may.

use super::dead_letter::DeadLetterFile;
use super::deliveries::{Dead, Verdict};
use super::{Delivery, Intake, Receive};
use crate::DeadLetter;
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Deliveries that are given out at once.
const BATCH: usize = 256;

/// Dead letters that are written at once.
const DEAD_BATCH: usize = 64;

/// The first pause before dead letters are tried again that could not be written.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Gives out what may go, until it is dropped.
pub(super) async fn run(intake: &Intake, receiver: &dyn Receive) -> Infallible {
    tokio::join!(deliver(intake, receiver), bury(intake)).0
}

async fn deliver(intake: &Intake, receiver: &dyn Receive) -> Infallible {
    loop {
        let sent = intake.send(BATCH);
        let is_full = sent.len() == BATCH;
        if !sent.is_empty() {
            let timeout = intake.bounds().timeout;
            let delivery = |(number, job, record): (u64, std::sync::Arc<super::target::Job>, _)| {
                let record: std::sync::Arc<super::Record> = record;
                Delivery {
                    number,
                    to: job.to.clone(),
                    is_call: job.is_call,
                    name: job.name.clone(),
                    key: job.key.clone(),
                    custom: record.custom.clone(),
                    payload: record.payload.clone(),
                    timeout,
                }
            };
            receiver.deliver(sent.into_iter().map(delivery).collect());
        }
        if is_full {
            // There is more, and others run meanwhile.
            tokio::task::yield_now().await;
            continue;
        }
        let due = intake.next_due();
        let due = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = intake.work() => {}
            () = due => {}
        }
    }
}

/// Writes dead letters, for ever: what can't be written waits.
async fn bury(intake: &Intake) -> Infallible {
    let mut pause = FIRST_PAUSE;
    loop {
        intake.died().await;
        let dead = intake.dead(DEAD_BATCH);
        let (count, why, verdict) = put_away(intake, &dead).await;
        let has_failed = why.is_some();
        intake.written(&dead, count, why, verdict);
        if has_failed {
            sleep_until(Instant::now() + pause).await;
            pause = (2 * pause).min(intake.max_pause().max(FIRST_PAUSE));
        } else {
            pause = FIRST_PAUSE;
        }
    }
}

async fn put_away(intake: &Intake, dead: &[Dead]) -> (usize, Option<String>, Verdict) {
    match intake.dead_letter() {
        // Those that could not be written are held no more: nothing waits for the file.
        _ if dead.is_empty() => (0, None, Verdict::GivenUp),
        DeadLetter::Drop => (dead.len(), None, Verdict::GivenUp),
        DeadLetter::Reject => (dead.len(), None, Verdict::Rejected),
        DeadLetter::File(path, max_size) => {
            let file = DeadLetterFile { path: path.clone(), max_size: *max_size };
            let (source, dead) = (intake.name().to_owned(), dead.to_vec());
            let written = tokio::task::spawn_blocking(move || file.write(&source, &dead)).await;
            let (count, why) = written.unwrap_or_else(|error| (0, Some(error.to_string())));
            (count, why, Verdict::GivenUp)
        }
    }
}
