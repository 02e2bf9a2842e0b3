use frontier_protocol::{Plan, ReportAck, Superseded};
use frontier_transport::{CloseReason, LinkHandle, Priority};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// The frontiers that are connected here, one connection each: the one that joined last.
#[derive(Clone, Default)]
pub(super) struct Roster {
    seats: Arc<Mutex<HashMap<String, Seat>>>,
    newcomers: Arc<Notify>,
}

struct Seat {
    epoch: u64,
    link: LinkHandle,
    /// The plan that it was told last, as it was sent.
    plan: Vec<u8>,
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
        let earlier = seats.insert(frontier.to_owned(), Seat { epoch, link, plan: Vec::new() });
        drop(seats);
        self.newcomers.notify_one();
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

    /// Waits until another one has come. Cancel safe.
    pub(super) async fn newcomer(&self) {
        self.newcomers.notified().await;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.lock().is_empty()
    }

    /// Tells every frontier that is connected here what it is to do, unless it has been told and nothing is to
    /// be done.
    pub(super) fn tell_plans<'a>(&self, plan: impl Fn(&str) -> Plan<'a>) {
        for (frontier, seat) in &mut *self.seats.lock() {
            seat.tell_plan(&plan(frontier));
        }
    }

    /// Asks every frontier that is connected here for a snapshot.
    pub(super) fn ask_for_snapshots(&self) {
        let notice = ReportAck { resync: true, ..ReportAck::done() };
        self.seats.lock().values().for_each(|seat| seat.notify(&notice));
    }
}

impl Seat {
    fn tell_plan(&mut self, plan: &Plan<'_>) {
        let mut wire = Vec::new();
        let is_idle = plan.others.iter().all(|other| other.want == 0);
        // What does not fit the layout the directory would not have taken.
        if plan.encode(0, &mut wire).is_err() || (is_idle && wire == self.plan) {
            return;
        }
        // One that is gone hears of it when it comes again.
        let _ = self.link.send(Priority::Answer, |out| {
            out.extend_from_slice(&wire);
            Ok(())
        });
        self.plan = wire;
    }

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
