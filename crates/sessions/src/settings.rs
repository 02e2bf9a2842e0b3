//! What is chosen when a session is created.

use crate::dispatcher::Labels;
use crate::fault::{Fault, FaultCode};
use std::time::Duration;

/// Whether a session outlives its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// Requests are computed as they come.
    Interactive,
    /// Requests are computed once they are committed, which is on disk before it is confirmed.
    Durable,
}

/// On which of the hosts that may be used a session is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Affinity {
    /// On the one with the least to do.
    #[default]
    Spread,
    /// On the one that it used last, as long as that takes more at once.
    Sticky,
}

/// The hosts that a session would rather be computed at, of those that may be used. It never waits for them: where none of
/// them takes more at once it is computed elsewhere, and at them again as soon as one does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preference {
    /// Hosts on one of these nodes.
    pub nodes: Vec<String>,
    /// And those that have all of these labels; none where there are none.
    pub labels: Labels,
}

/// After which times things end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// How long the first client may take to come. 5 minutes.
    pub client_connection: Duration,
    /// How long a session lasts without a client. 5 minutes.
    pub session_idle: Duration,
    /// How long a client lasts that does nothing and for which nothing is done. 5 minutes.
    pub client_idle: Duration,
    /// How long one call on a host may take. 24 hours.
    pub operation: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let idle = Duration::from_secs(300);
        let operation = Duration::from_secs(24 * 3600);
        Self { client_connection: idle, session_idle: idle, client_idle: idle, operation }
    }
}

/// What is chosen when a session is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The service that its hosts offer.
    pub service: String,
    /// Whether it outlives its broker.
    pub kind: SessionKind,
    /// 0 to 4000, 2000 in the middle: with each 500 more it gets twice as much of the hosts, as long as others wait for them.
    pub priority: u16,
    /// Labels that a host must have. None: any host.
    pub pool: Labels,
    /// Which of those it prefers.
    pub preferred: Preference,
    /// On which of those.
    pub affinity: Affinity,
    /// The fewest units that it would like to have, for those who add hosts.
    pub minimum_units: u32,
    /// The most units that it gets at once; 0 for no limit.
    pub maximum_units: u32,
    /// Whether others than its creator may use it.
    pub shared: bool,
    /// When things end.
    pub timeouts: Timeouts,
}

impl Settings {
    /// The greatest priority.
    pub const MAX_PRIORITY: u16 = 4000;
    /// The longest name of a service, in bytes.
    pub const MAX_NAME: usize = 128;
    /// The most labels of a pool.
    pub const MAX_LABELS: usize = 16;
    /// The most nodes that are preferred.
    pub const MAX_NODES: usize = 16;
    /// The longest name of a node that is preferred, in bytes.
    pub const MAX_NODE: usize = 255;

    /// Of an interactive session of `service`; all else is as it is unless chosen.
    #[must_use]
    pub fn interactive(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            kind: SessionKind::Interactive,
            priority: 2000,
            pool: Labels::new(),
            preferred: Preference::default(),
            affinity: Affinity::Spread,
            minimum_units: 0,
            maximum_units: 0,
            shared: false,
            timeouts: Timeouts::default(),
        }
    }

    /// Whether they make sense.
    ///
    /// # Errors
    /// [`FaultCode::InvalidSettings`] with the first that does not.
    pub fn check(&self) -> Result<(), Fault> {
        let wrong = |text: String| Err(Fault::new(FaultCode::InvalidSettings, text));
        let Self { service, priority, pool, preferred, minimum_units, maximum_units, timeouts, .. } = self;
        if service.is_empty() || service.len() > Self::MAX_NAME {
            return wrong(format!("the name of a service has 1 to {} bytes", Self::MAX_NAME));
        }
        if *priority > Self::MAX_PRIORITY {
            return wrong(format!("the priority lies between 0 and {}, is {priority}", Self::MAX_PRIORITY));
        }
        for (name, labels) in [("a pool", pool), ("a preferred pool", &preferred.labels)] {
            let is_long =
                |(name, value): (&String, &String)| name.is_empty() || name.len() + value.len() > 256;
            if labels.len() > Self::MAX_LABELS || labels.iter().any(is_long) {
                return wrong(format!("{name} has at most {} labels of at most 256 bytes", Self::MAX_LABELS));
            }
        }
        preferred.check(pool)?;
        if *maximum_units > 0 && minimum_units > maximum_units {
            return wrong(format!(
                "the minimum of units, {minimum_units}, is over the maximum, {maximum_units}"
            ));
        }
        let Timeouts { client_connection, session_idle, client_idle, operation } = timeouts;
        let month = Duration::from_secs(31 * 24 * 3600);
        for (name, time) in [
            ("client connection", client_connection),
            ("session idle", session_idle),
            ("client idle", client_idle),
            ("operation", operation),
        ] {
            if time.is_zero() || *time > month {
                return wrong(format!(
                    "the {name} timeout is over zero and at most 31 days, is {} s",
                    time.as_secs_f64()
                ));
            }
        }
        Ok(())
    }
}

impl Preference {
    /// A label that no host of this pool has.
    pub(crate) fn contradiction(&self, pool: &Labels) -> Option<(&String, &String)> {
        self.labels.iter().find(|(name, value)| pool.get(*name).is_some_and(|it| it != *value))
    }

    /// Whether there may be hosts of this pool that are preferred, as far as their number and names say.
    fn check(&self, pool: &Labels) -> Result<(), Fault> {
        let wrong = |text: String| Err(Fault::new(FaultCode::InvalidSettings, text));
        let Self { nodes, .. } = self;
        let is_wrong = |node: &String| node.is_empty() || node.len() > Settings::MAX_NODE;
        if nodes.len() > Settings::MAX_NODES || nodes.iter().any(is_wrong) {
            let (most, longest) = (Settings::MAX_NODES, Settings::MAX_NODE);
            return wrong(format!("at most {most} nodes are preferred, each with 1 to {longest} bytes"));
        }
        if let Some((name, value)) = self.contradiction(pool) {
            return wrong(format!(
                "the preferred pool has {name}={value}, and the pool another {name}: no host is in both"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused_each_by_its_name() {
        let good = Settings::interactive("x");
        good.check().unwrap();
        let refused = |change: fn(&mut Settings), part: &str| {
            let mut settings = Settings::interactive("x");
            change(&mut settings);
            let fault = settings.check().unwrap_err();
            assert_eq!(fault.code, FaultCode::InvalidSettings);
            assert!(fault.text.contains(part), "{fault}");
        };
        refused(|it| it.service.clear(), "name of a service");
        refused(|it| it.service = "x".repeat(129), "name of a service");
        refused(|it| it.priority = 4001, "4000");
        refused(|it| drop(it.pool.insert("a".into(), "b".repeat(256))), "labels");
        refused(|it| drop(it.preferred.labels.insert("a".into(), "b".repeat(256))), "a preferred pool");
        refused(|it| it.preferred.nodes = vec!["n".into(); 17], "16 nodes");
        refused(|it| it.preferred.nodes = vec![String::new()], "1 to 255 bytes");
        refused(|it| it.preferred.nodes = vec!["n".repeat(256)], "1 to 255 bytes");
        let both = |it: &mut Settings| {
            it.pool = Labels::from([("zone".into(), "a".into())]);
            it.preferred.labels = Labels::from([("kind".into(), "b".into()), ("zone".into(), "b".into())]);
        };
        refused(both, "no host is in both");
        refused(|it| (it.minimum_units, it.maximum_units) = (2, 1), "over the maximum");
        refused(|it| it.timeouts.session_idle = Duration::ZERO, "session idle");
        refused(|it| it.timeouts.operation = Duration::MAX, "operation");
    }
}
