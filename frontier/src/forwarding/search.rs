use super::neighbour::Neighbour;
use super::places::{Found, Seeker};
use super::{Forwarding, Parked};
use crate::cluster::LocateError;
use crate::exchange::{Failure, offline};
use crate::peer::Wakes;
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;

/// Looks for an edge, and tells all who wait for it, in the order in which they came.
pub(super) async fn run(forwarding: Arc<Forwarding>, edge: EdgeId, hint: Option<Arc<Neighbour>>) {
    // However this ends, nobody waits for ever.
    let mut search = Search { forwarding: &forwarding, edge, place: None, found: None };
    let found = look(&forwarding, edge, hint).await;
    search.found = Some(match found {
        Ok(Some((place, holder))) => {
            search.place = Some(place);
            Ok(Found::At(holder))
        }
        Ok(None) => Ok(Found::Here),
        Err(failure) => Err(failure),
    });
}

struct Search<'a> {
    forwarding: &'a Arc<Forwarding>,
    edge: EdgeId,
    place: Option<Arc<Neighbour>>,
    found: Option<Result<Found, Failure>>,
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        let found = self.found.take().unwrap_or_else(|| Err(Failure::plain(Code::Internal)));
        loop {
            let seekers = self.forwarding.places.settle(self.edge, self.place.as_ref());
            if seekers.is_empty() {
                return;
            }
            let mut wakes = Wakes::default();
            for seeker in seekers {
                tell(self.forwarding, self.edge, seeker, found.clone(), &mut wakes);
            }
        }
    }
}

fn tell(
    forwarding: &Forwarding,
    edge: EdgeId,
    seeker: Seeker,
    found: Result<Found, Failure>,
    wakes: &mut Wakes,
) {
    match seeker {
        Seeker::Waiter { reply, .. } => {
            // Who no longer waits need not hear of it.
            let _ = reply.send(found);
        }
        Seeker::Question(parked) => {
            let Some(exchange) = forwarding.exchange.upgrade() else { return };
            let Parked { returned_by, .. } = &*parked;
            let found = found.and_then(|found| found.unless(returned_by.as_ref(), edge));
            exchange.unpark(forwarding, edge, &parked, found, wakes);
        }
    }
}

type Place = (Arc<Neighbour>, Arc<crate::peer::Peer>);

/// Where the edge is, with a link to there; `None` if that is here.
async fn look(
    forwarding: &Forwarding,
    edge: EdgeId,
    hint: Option<Arc<Neighbour>>,
) -> Result<Option<Place>, Failure> {
    let mut unreachable = None;
    if let Some(hint) = hint {
        match hint.connect().await {
            Ok(holder) => return Ok(Some((hint, holder))),
            // The edge may have left there with all others.
            Err(failure) => unreachable = Some((hint, failure)),
        }
    }
    let location = match forwarding.locator.locate(edge).await {
        Ok(Some(location)) if *location.frontier == *forwarding.own => return Ok(None),
        Ok(Some(location)) => location,
        Ok(None) => return Err(offline(edge)),
        Err(error) => return Err(unreachable.map_or_else(|| unlocated(edge, error), |(_, failure)| failure)),
    };
    let neighbour = forwarding.neighbours.get(&location)?;
    match unreachable {
        Some((hint, failure)) if Arc::ptr_eq(&hint, &neighbour) => Err(failure),
        _ => neighbour.connect().await.map(|holder| Some((neighbour, holder))),
    }
}

fn unlocated(edge: EdgeId, error: LocateError) -> Failure {
    let code = match error {
        LocateError::Overloaded => Code::Overloaded,
        LocateError::Unreachable | LocateError::Timeout | LocateError::Failed(_) => Code::Internal,
    };
    Failure::new(code, format!("edge {edge} is not online here, and where else can't be told: {error}"))
}
