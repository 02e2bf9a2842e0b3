//! How many hosts there should be: for KEDA, and for whoever else starts and stops them.
//!
//! ```text
//!   KEDA ─── externalscaler.ExternalScaler ─▶ keda ┐
//!                                                  ├─▶ Demand: what the sessions of a service want ─▶ Sessions
//!   others ── /api/v1/services/{service}/scaling ──┘
//! ```

mod keda;
mod rest;

pub(crate) use rest::scaling_of;

use crate::dispatch::HostStanding;
use crate::sessions::Sessions;
use axum::Router;
use frontier_admin::Watches;
use frontier_sessions::{Labels, ServiceLoad, SessionState};

/// How much there is to do for a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Requests that wait for a host.
    pub(crate) queued: u64,
    /// Requests that are at one.
    pub(crate) running: u64,
    /// Both, but of each session no fewer than the fewest units that it would like to have, and no more than the most that it
    /// gets at once.
    pub(crate) wanted: u64,
}

impl Demand {
    /// That of the open sessions of `service`; of those that ask for hosts with these labels and no others, if they are given.
    pub(crate) fn of(sessions: &Sessions, service: &str, pool: Option<&Labels>) -> Self {
        let mut demand = Self::default();
        for session in sessions.all() {
            let settings = &session.record.settings;
            if settings.service != service || pool.is_some_and(|pool| *pool != settings.pool) {
                continue;
            }
            let view = session.view();
            let is_open = !matches!(view.state, SessionState::Suspended | SessionState::Finished);
            if view.closing.is_some() || !is_open {
                continue;
            }
            let outstanding = view.counts.queued + view.counts.running;
            let most = match settings.maximum_units {
                0 => u64::MAX,
                units => u64::from(units),
            };
            demand.queued += view.counts.queued;
            demand.running += view.counts.running;
            demand.wanted += outstanding.min(most).max(u64::from(settings.minimum_units));
        }
        demand
    }
}

/// What the rule of growing and shrinking goes by: what is wanted, and the hosts that there are.
fn load(demand: &Demand, hosts: &[HostStanding], on_hold: bool) -> ServiceLoad {
    let count = |is_it: fn(&&HostStanding) -> bool| hosts.iter().filter(is_it).count() as u64;
    ServiceLoad {
        // What a session of few units can't have at once asks for no host.
        queued: demand.wanted.saturating_sub(demand.running),
        running: demand.running,
        hosts: hosts.len() as u64,
        blocked: count(|it| it.state == "blocked"),
        busy: count(|it| it.in_flight > 0),
        idle: count(|it| it.in_flight == 0 && it.state == "ready"),
        capacity: hosts.iter().filter(|it| it.state == "ready").map(|it| u64::from(it.capacity)).sum(),
        on_hold,
    }
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Scaling {
    sessions: Sessions,
    watches: Watches,
    /// How many calls are kept ready at a host, as a multiple of its capacity.
    prefetch: u32,
}

impl Scaling {
    pub(crate) fn new(sessions: Sessions, watches: Watches, prefetch: u32) -> Self {
        Self { sessions, watches, prefetch }
    }
}

/// KEDA's calls over gRPC.
pub(crate) fn routes(scaling: Scaling) -> Router {
    Router::new().route_service(keda::ROUTE, keda::service(scaling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_count_once_as_busy_idle_or_blocked() {
        let host = |state, in_flight| HostStanding {
            edge: 1,
            node: String::new(),
            labels: Labels::new(),
            state,
            capacity: 4,
            in_flight,
        };
        let hosts = [host("ready", 0), host("ready", 3), host("blocked", 0), host("draining", 1)];
        let demand = Demand { queued: 9, running: 4, wanted: 8 };
        let expected = ServiceLoad {
            queued: 4,
            running: 4,
            hosts: 4,
            blocked: 1,
            busy: 2,
            idle: 1,
            capacity: 8,
            on_hold: false,
        };
        assert_eq!(load(&demand, &hosts, false), expected);
    }
}
