//! A round over the addresses of frontlas: each is tried once, and none uses up the time of the others.

use frontier_transport::Staggered;
use std::time::Duration;
use tokio::time::Instant;

/// How long an address is tried before the next one is tried beside it. Longer than dialling and the handshake take, as
/// a rule: where two let the gateway in, one is left again.
const HEAD_START: Duration = Duration::from_secs(3);

/// For how long, after others have failed, a round waits for those that say nothing: the others may be there again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Tries each of these places once with `connect`: what comes of the first at which that goes well, and where that is.
/// `None` if none does, or once `goes_on`, which is told of each failure and whether other attempts are under way, says no.
pub(super) async fn first_of<T, E, F>(
    places: impl IntoIterator<Item = usize>,
    connect: impl Fn(usize) -> F,
    mut goes_on: impl FnMut(usize, &E, bool) -> bool,
) -> Option<(usize, T)>
where
    F: Future<Output = Result<T, E>>,
{
    let mut attempts = Staggered::new(places, HEAD_START, |place| {
        let connecting = connect(place);
        async move { (place, connecting.await) }
    });
    let mut until = None;
    while let Some((place, outcome)) = attempts.next_by(until).await {
        match outcome {
            Ok(connected) => return Some((place, connected)),
            Err(error) if !goes_on(place, &error, attempts.is_running()) => return None,
            Err(_) => until = Some(Instant::now() + PATIENCE),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::sleep;

    /// What one place does.
    #[derive(Clone, Copy)]
    enum Place {
        /// It accepts, and says nothing.
        Silent,
        LetsIn(u64),
        Fails(u64),
    }
    use Place::{Fails, LetsIn, Silent};

    /// Where it ends, after how long, and what failed meanwhile: where, and whether others were under way.
    async fn round(places: &[Place], goes_on: bool) -> (Option<usize>, Duration, Vec<(usize, bool)>) {
        let begin = Instant::now();
        let mut failed = Vec::new();
        let connect = |place| async move {
            match places[place] {
                Silent => pending().await,
                LetsIn(after) => {
                    sleep(Duration::from_millis(after)).await;
                    Ok(())
                }
                Fails(after) => {
                    sleep(Duration::from_millis(after)).await;
                    Err(())
                }
            }
        };
        let joined = first_of(0..places.len(), connect, |place, (), others| {
            failed.push((place, others));
            goes_on
        });
        let joined = joined.await.map(|(place, ())| place);
        (joined, begin.elapsed(), failed)
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_says_nothing_costs_no_more_than_its_head_start() {
        let ms = Duration::from_millis(10);
        assert_eq!(round(&[Silent, LetsIn(10)], true).await, (Some(1), HEAD_START + ms, vec![]));
        let (joined, took, _) = round(&[Silent, Silent, LetsIn(10)], true).await;
        assert_eq!((joined, took), (Some(2), 2 * HEAD_START + ms));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_is_tried_at_once_when_one_fails_and_silent_ones_are_not_waited_for() {
        let ms = Duration::from_millis;
        assert_eq!(round(&[Fails(5), LetsIn(10)], true).await, (Some(1), ms(15), vec![(0, false)]));
        let (joined, took, failed) = round(&[Silent, Fails(5)], true).await;
        assert_eq!((joined, took), (None, HEAD_START + ms(5) + PATIENCE));
        assert_eq!(failed, [(1, true)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_ends_where_it_shall_not_go_on() {
        let (joined, _, failed) = round(&[Fails(5), LetsIn(10)], false).await;
        assert_eq!((joined, failed), (None, vec![(0, false)]));
    }
}
