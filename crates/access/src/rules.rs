//! Authorisation: what a peer may do.
//!
//! ```yaml
//! default: deny
//! rules:
//!   - name: files-team
//!     who: {service: "files*"}
//!     allow:
//!       register_methods: [echo, "files.*"]
//!       register_topics: ["files.*"]
//!       reach_edges: {labels: {region: eu}}
//!   - name: sensors
//!     who: {edge: 100-199}
//!     allow: {call: ["files.*"], publish: [telemetry], open_streams_to: [files]}
//!     deny: {call: [files.delete]}
//! ```
//!
//! The order of rules does not count. For a peer, those count whose `who` matches it; for an action, of those:
//!
//! 1. If any denies it, it is denied.
//! 2. Else, if any has an allow list for actions of its kind, it is allowed if one of these lists has it, and
//!    denied if none has: to list something is to leave out the rest, also where the default is `allow`.
//! 3. Else the default decides.
//!
//! [`Rules`] are compiled once. [`Rules::grants`] gives a peer its [`Grants`], which hold only what counts for
//! it; peers for which the same rules count share them. Asking them for an action of a kind that is not
//! restricted is one branch, otherwise a scan over the patterns.

mod action;
mod file;
mod grants;

pub use action::{Action, PermissionDenied};
pub use grants::Grants;

use crate::bounded_map::{BoundedMap, Retention};
use crate::description::RuleDescription;
use crate::principal::{Principal, Selector};
use file::Permissions;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;

/// How many different grants are remembered to be shared, and those in use beyond.
const SHARED: usize = 1024;

/// The rules of a file.
pub struct Rules {
    default: Verdict,
    rules: Vec<Rule>,
    /// By the numbers of the rules that count.
    shared: Mutex<BoundedMap<Box<[usize]>, Arc<Grants>>>,
}

/// What holds where no rule says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is allowed.
    Allow,
    /// It is denied.
    Deny,
}

#[derive(Debug)]
struct Rule {
    name: Arc<str>,
    who: Selector,
    allow: Permissions,
    deny: Permissions,
}

impl Rules {
    /// No rules: everybody may do everything.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Verdict::Allow, Vec::new())
    }

    fn new(default: Verdict, rules: Vec<Rule>) -> Self {
        Self { default, rules, shared: Mutex::new(BoundedMap::new(SHARED)) }
    }

    /// What holds where no rule says anything.
    #[must_use]
    pub fn default_verdict(&self) -> Verdict {
        self.default
    }

    /// What each rule says.
    pub fn describe(&self) -> impl Iterator<Item = RuleDescription> {
        self.rules.iter().map(|rule| RuleDescription {
            name: rule.name.to_string(),
            who: rule.who.describe(),
            allow: rule.allow.describe(),
            deny: rule.deny.describe(),
        })
    }

    /// Whether there is anything that somebody may not do.
    #[must_use]
    pub fn restrict(&self) -> bool {
        self.default == Verdict::Deny || !self.rules.is_empty()
    }

    /// Whether nobody may do anything: as a file that was cut short, or not yet written, has it.
    pub(crate) fn allow_nothing(&self) -> bool {
        self.default == Verdict::Deny && self.rules.iter().all(|rule| rule.allow.is_empty())
    }

    /// What `peer` may do. Its labels and its name are looked at now and not again.
    #[must_use]
    pub fn grants(&self, peer: &Principal<'_>) -> Arc<Grants> {
        let matching = self.rules.iter().enumerate().filter(|(_, rule)| rule.who.matches(peer));
        let key: Box<[usize]> = matching.map(|(index, _)| index).collect();
        let make = || {
            let rules: Vec<_> = key.iter().map(|&index| &self.rules[index]).collect();
            Arc::new(Grants::of(self.default, &rules))
        };
        let retention = |grants: &Arc<Grants>| match Arc::strong_count(grants) {
            1 => Retention::Discard,
            _ => Retention::Pinned,
        };
        self.shared.lock().entry(key.clone(), make, retention).clone()
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("default", &self.default)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
