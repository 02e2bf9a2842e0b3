//! The gateway itself, and what its peers may do.

use crate::cluster::ClusterState;
use crate::config::{Config, Listen};
use crate::policy::Policies;
use frontier_access::authn::OperatorRole;
use frontier_access::rules::Verdict;
use frontier_access::{Condition, LimitDescription, QuotaDescription, RuleDescription};
use frontier_api::gateway;
use frontier_exchange::Exchange;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is known of the gateway.
#[derive(Clone, Debug)]
pub(super) struct About {
    exchange: Arc<Exchange>,
    policies: Arc<Policies>,
    cluster: Arc<ClusterState>,
    fixed: Arc<Fixed>,
}

/// What does not change while it runs.
#[derive(Debug)]
struct Fixed {
    frontier_id: String,
    start_time: i64,
    edgebound: Vec<String>,
    servicebound: Vec<String>,
    limits: BTreeMap<String, String>,
}

/// Where a gateway has come to listen, in the order of the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addrs<'a> {
    pub(crate) edges: &'a [SocketAddr],
    pub(crate) services: &'a [SocketAddr],
}

impl About {
    pub(super) fn new(
        config: &Config,
        frontier_id: &str,
        addrs: Addrs<'_>,
        exchange: Arc<Exchange>,
        policies: Arc<Policies>,
        cluster: Arc<ClusterState>,
    ) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let limits = config.fixed.below("limits").map(|(key, value)| (key.to_owned(), value.to_owned()));
        let fixed = Fixed {
            frontier_id: frontier_id.to_owned(),
            start_time: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            edgebound: urls(&config.edgebound.listeners, addrs.edges),
            servicebound: urls(&config.servicebound.listeners, addrs.services),
            limits: limits.collect(),
        };
        Self { exchange, policies, cluster, fixed: Arc::new(fixed) }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.cluster.draining.is_set()
    }

    /// As who has this role is told.
    pub(super) fn status(&self, role: OperatorRole) -> gateway::Status {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        gateway::Status {
            frontier_id: self.fixed.frontier_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            start_time: self.fixed.start_time,
            edges: number(self.exchange.edge_count()),
            services: number(self.exchange.service_count()),
            draining: self.is_draining(),
            edgebound: self.fixed.edgebound.clone(),
            servicebound: self.fixed.servicebound.clone(),
            role: role.as_str().to_owned(),
        }
    }

    pub(super) fn policy(&self) -> gateway::Policy {
        let policy = self.policies.current();
        let (rules, quotas) = (policy.access.rules(), policy.access.quotas());
        let default = match rules.default_verdict() {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
        };
        gateway::Policy {
            default: default.to_owned(),
            rules: rules.describe().map(rule).collect(),
            quotas: quotas.config().iter().map(|it| quota(it.describe())).collect(),
            limits: self.fixed.limits.clone(),
        }
    }
}

fn urls(listeners: &[Listen], addrs: &[SocketAddr]) -> Vec<String> {
    listeners.iter().zip(addrs).map(|(listen, addr)| format!("{}://{addr}", listen.scheme())).collect()
}

fn rule(rule: RuleDescription) -> gateway::Rule {
    let RuleDescription { name, who, allow, deny } = rule;
    gateway::Rule { name, who: conditions(who), allow: conditions(allow), deny: conditions(deny) }
}

fn quota(quota: QuotaDescription) -> gateway::Quota {
    let QuotaDescription { scope, who, limits } = quota;
    let limit = |LimitDescription { counts, per_second, burst }| gateway::QuotaLimit {
        counts: counts.to_owned(),
        per_second,
        burst,
    };
    gateway::Quota { scope, who: conditions(who), limits: limits.into_iter().map(limit).collect() }
}

fn conditions(all: Vec<Condition>) -> Vec<gateway::Condition> {
    all.into_iter().map(|Condition { key, values }| gateway::Condition { key, values }).collect()
}
