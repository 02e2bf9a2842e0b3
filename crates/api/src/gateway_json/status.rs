//! The gateway itself, and what its peers may do.

use crate::{gateway, number};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The gateway itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its id in its cluster; empty if it is part of none.
    pub frontier_id: String,
    /// The version of the program.
    pub version: String,
    /// When it started, in seconds since 1970.
    #[serde(with = "number::signed")]
    pub start_time: i64,
    /// How many edges are connected.
    #[serde(with = "number")]
    pub edges: u64,
    /// How many services are connected.
    #[serde(with = "number")]
    pub services: u64,
    /// Whether it drains.
    pub draining: bool,
    /// Where it listens for edges, as URLs.
    pub edgebound: Vec<String>,
    /// Where it listens for services, as URLs.
    pub servicebound: Vec<String>,
    /// What who asks may do here; empty if an older version was asked.
    #[serde(default)]
    pub role: String,
}

/// What peers may do, and how much, as it is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// What holds where no rule says anything: `allow` or `deny`.
    pub default: String,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The quotas.
    pub quotas: Vec<Quota>,
    /// The limits, by their keys in the configuration.
    pub limits: BTreeMap<String, String>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Whom it is about.
    pub who: Vec<Condition>,
    /// What it allows.
    pub allow: Vec<Condition>,
    /// What it denies.
    pub deny: Vec<Condition>,
}

/// A key of a rule or a quota, and what is written there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The key.
    pub key: String,
    /// One of these.
    pub values: Vec<String>,
}

/// A quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// What is counted together.
    pub scope: String,
    /// Whom it is about.
    pub who: Vec<Condition>,
    /// Its limits.
    pub limits: Vec<QuotaLimit>,
}

/// A limit of a quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaLimit {
    /// What it counts.
    pub counts: String,
    /// How many each second.
    pub per_second: f64,
    /// How many at once.
    #[serde(with = "number")]
    pub burst: u64,
}

impl From<gateway::Status> for Status {
    fn from(status: gateway::Status) -> Self {
        let gateway::Status {
            frontier_id,
            version,
            start_time,
            edges,
            services,
            draining,
            edgebound,
            servicebound,
            role,
        } = status;
        Self { frontier_id, version, start_time, edges, services, draining, edgebound, servicebound, role }
    }
}

impl From<gateway::Policy> for Policy {
    fn from(policy: gateway::Policy) -> Self {
        let gateway::Policy { default, rules, quotas, limits } = policy;
        let (rules, quotas) = (rules.into_iter().map(Into::into), quotas.into_iter().map(Into::into));
        Self { default, rules: rules.collect(), quotas: quotas.collect(), limits }
    }
}

impl From<gateway::Rule> for Rule {
    fn from(rule: gateway::Rule) -> Self {
        let gateway::Rule { name, who, allow, deny } = rule;
        Self { name, who: conditions(who), allow: conditions(allow), deny: conditions(deny) }
    }
}

impl From<gateway::Quota> for Quota {
    fn from(quota: gateway::Quota) -> Self {
        let gateway::Quota { scope, who, limits } = quota;
        let limit =
            |gateway::QuotaLimit { counts, per_second, burst }| QuotaLimit { counts, per_second, burst };
        Self { scope, who: conditions(who), limits: limits.into_iter().map(limit).collect() }
    }
}

fn conditions(all: Vec<gateway::Condition>) -> Vec<Condition> {
    all.into_iter().map(|gateway::Condition { key, values }| Condition { key, values }).collect()
}
