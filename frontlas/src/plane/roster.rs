use frontier_protocol::{ReportAck, Superseded};
use frontier_transport::{CloseReason, LinkHandle, Priority};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The frontiers that are connected here, one connection each: the one that joined last.
#[derive(Clone, Default)]
pub(super) struct Roster {
    seats: Arc<Mutex<HashMap<String, Seat>>>,
}

struct Seat {
    epoch: u64,
    link: LinkHandle,
}

/// A place in the roster, given back when dropped.
pub(super) struct Seated {
    roster: Roster,
    frontier: String,
    epoch: u64,
}

impl Roster {
    /// Takes in a connection, and closes an earlier one of that frontier. `None` if a later one is here.
    pub(super) fn enter(&self, frontier: &str, epoch: u64, link: LinkHandle) -> Option<Seated> {
        let mut seats = self.seats.lock();
        if seats.get(frontier).is_some_and(|seat| seat.epoch > epoch) {
            return None;
        }
        let earlier = seats.insert(frontier.to_owned(), Seat { epoch, link });
        drop(seats);
        if let Some(earlier) = earlier {
            earlier.link.close(CloseReason::Superseded);
        }
        Some(Seated { roster: self.clone(), frontier: frontier.to_owned(), epoch })
    }

    /// Tells a frontier, if it is connected here, that these edges have moved away from it.
    pub(super) fn tell(&self, frontier: &str, superseded: Vec<Superseded>) {
        let seats = self.seats.lock();
        if let Some(seat) = seats.get(frontier) {
            seat.notify(&ReportAck { superseded, ..ReportAck::done() });
        }
    }

    /// Asks every frontier that is connected here for a snapshot.
    pub(super) fn ask_for_snapshots(&self) {
        let notice = ReportAck { resync: true, ..ReportAck::done() };
        self.seats.lock().values().for_each(|seat| seat.notify(&notice));
    }
}

impl Seat {
    fn notify(&self, notice: &ReportAck<'_>) {
        // A frontier that is gone hears of it when it comes again, from the verdicts on its snapshot.
        let _ = self.link.send(Priority::Answer, |out| notice.encode(0, out));
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        let mut seats = self.roster.seats.lock();
        if seats.get(&self.frontier).is_some_and(|seat| seat.epoch == self.epoch) {
            seats.remove(&self.frontier);
        }
    }
}
