//! How many hosts there should be, by HPC Pack's rule of growing and shrinking.

/// What the rule goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalingRule {
    /// How many calls a host does at once; 0 for the average of those that are there.
    pub capacity_per_host: u32,
    /// How many calls are kept at a host beyond its capacity, as a multiple of that.
    pub prefetch: u32,
    /// The fewest hosts.
    pub minimum: u64,
    /// The most hosts.
    pub maximum: u64,
    /// Whether hosts are stopped that have nothing to do.
    pub shrinks: bool,
}

/// How a service stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceLoad {
    /// Requests that wait for a host.
    pub queued: u64,
    /// Requests that are at one.
    pub running: u64,
    /// Hosts that are there, whatever they do.
    pub hosts: u64,
    /// Of these, those that can't be reached now.
    pub blocked: u64,
    /// Of these, those that have calls.
    pub busy: u64,
    /// Of these, those that could be called and have nothing to do.
    pub idle: u64,
    /// What those that can be called do at once.
    pub capacity: u64,
    /// Whether no more is to be had: then it is the fewest.
    pub on_hold: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// So many hosts there should be.
    pub target: u64,
    /// So many of those that are idle should be stopped now.
    pub stop: u64,
    /// To be passed on to the next round.
    pub rounds: u32,
}

/// How often in a row the number of hosts that are stopped doubles at most.
const MOST_ROUNDS: u32 = 30;

impl ScalingRule {
    /// What to do after `rounds` rounds in a row in which hosts were stopped.
    ///
    /// So many are wanted as have room for all that is outstanding, and one for each that can't be reached. Hosts are stopped when all that is
    /// outstanding has room, and more of them are idle than requests wait: first one, then two, four and so on. Those that compute are
    /// never stopped, nor so many that fewer than the fewest are left.
    #[must_use]
    pub fn advise(&self, load: &ServiceLoad, rounds: u32) -> Advice {
        let outstanding = load.queued + load.running;
        let wanted = outstanding.div_ceil(self.per_host(load)) + load.blocked;
        let is_due = self.shrinks
            && outstanding <= load.capacity
            && load.capacity >= load.queued
            && load.idle > load.queued;
        let reduced = if is_due { wanted.saturating_sub(load.idle) } else { wanted };
        let maximum = self.maximum.max(self.minimum);
        let target = if load.on_hold { self.minimum } else { reduced.clamp(self.minimum, maximum) };
        let target = target.max(load.busy);
        if !is_due || target > load.hosts {
            return Advice { target, stop: 0, rounds: 0 };
        }
        let spare = load.hosts.saturating_sub(self.minimum).min(load.idle);
        let stop = spare.min(1 << rounds.min(MOST_ROUNDS));
        Advice { target, stop, rounds: if stop > 0 { rounds.saturating_add(1).min(MOST_ROUNDS) } else { 0 } }
    }

    /// How many calls a host has room for; at least 1.
    fn per_host(&self, load: &ServiceLoad) -> u64 {
        let callable = load.hosts.saturating_sub(load.blocked);
        let capacity = match self.capacity_per_host {
            0 => load.capacity.checked_div(callable).unwrap_or(1).max(1),
            capacity => u64::from(capacity),
        };
        capacity * (1 + u64::from(self.prefetch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: ScalingRule =
        ScalingRule { capacity_per_host: 0, prefetch: 1, minimum: 1, maximum: 10, shrinks: true };

    fn load(queued: u64, running: u64, hosts: u64, idle: u64) -> ServiceLoad {
        ServiceLoad {
            queued,
            running,
            hosts,
            busy: hosts - idle,
            idle,
            capacity: hosts * 4,
            ..ServiceLoad::default()
        }
    }

    #[test]
    fn it_grows_to_what_has_room_for_all_and_one_for_each_that_is_blocked() {
        // 2 hosts of 4, and as many kept ready there: 8 for each.
        assert_eq!(RULE.advise(&load(40, 8, 2, 0), 5), Advice { target: 6, stop: 0, rounds: 0 });
        assert_eq!(RULE.advise(&load(1, 8, 2, 0), 0).target, 2);
        let blocked = ServiceLoad { hosts: 3, blocked: 1, ..load(40, 8, 2, 0) };
        assert_eq!(RULE.advise(&blocked, 0).target, 7);
        assert_eq!(RULE.advise(&load(4000, 8, 2, 0), 0).target, 10, "not over the maximum");
        assert_eq!(RULE.advise(&load(0, 0, 0, 0), 0).target, 1, "not under the minimum");
        let fixed = ScalingRule { capacity_per_host: 16, ..RULE };
        assert_eq!(fixed.advise(&load(40, 8, 0, 0), 0).target, 2, "before there is any host");
        assert_eq!(
            RULE.advise(&load(3, 0, 0, 0), 0).target,
            2,
            "hosts of which nothing is known do one at once"
        );
    }

    #[test]
    fn it_stops_one_idle_host_then_two_then_four() {
        let mut rounds = 0;
        let mut hosts = 10;
        let stopped = [1, 2, 4, 2, 0].map(|_| {
            let advice = RULE.advise(&load(0, 0, hosts, hosts), rounds);
            rounds = advice.rounds;
            hosts -= advice.stop;
            advice.stop
        });
        assert_eq!(stopped, [1, 2, 4, 2, 0], "and leaves the minimum");
        assert_eq!(rounds, 0);
        assert_eq!(RULE.advise(&load(0, 4, 5, 4), 40).stop, 4, "it doubles no further than all");
    }

    #[test]
    fn it_does_not_shrink_while_there_is_too_much_to_do_or_it_must_not() {
        let calm = load(0, 2, 5, 4);
        assert_eq!(RULE.advise(&calm, 0).stop, 1);
        assert_eq!(RULE.advise(&load(4, 2, 5, 4), 0).stop, 0, "as many wait as are idle");
        assert_eq!(RULE.advise(&load(0, 21, 5, 4), 0).stop, 0, "more is outstanding than there is room");
        let never = ScalingRule { shrinks: false, ..RULE };
        assert_eq!(never.advise(&calm, 3), Advice { target: 1, stop: 0, rounds: 0 });
        let held = ServiceLoad { on_hold: true, ..load(40, 8, 2, 1) };
        assert_eq!(RULE.advise(&held, 0).target, 1);
        let held = ServiceLoad { on_hold: true, busy: 2, ..load(40, 8, 2, 0) };
        assert_eq!(RULE.advise(&held, 0).target, 2, "those that compute stay");
    }

    proptest! {
        #[test]
        fn it_never_stops_hosts_that_compute_nor_asks_for_more_than_there_may_be(
            queued in 0..10_000_u64,
            running in 0..10_000_u64,
            busy in 0..50_u64,
            idle in 0..50_u64,
            blocked in 0..5_u64,
            capacity in 0..500_u64,
            rounds in 0..100_u32,
            minimum in 0..20_u64,
            maximum in 0..60_u64,
        ) {
            let hosts = busy + idle + blocked;
            let load = ServiceLoad { queued, running, hosts, blocked, busy, idle, capacity, on_hold: false };
            let rule = ScalingRule { minimum, maximum, ..RULE };
            let advice = rule.advise(&load, rounds);
            prop_assert!(advice.stop <= idle);
            prop_assert!(advice.stop == 0 || hosts - advice.stop >= minimum);
            prop_assert!(advice.target >= busy.max(minimum));
            prop_assert!(advice.target <= maximum.max(minimum).max(busy));
            prop_assert!(advice.rounds <= 30);
        }
    }
}
