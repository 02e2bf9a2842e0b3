//! Where credentials are shown, and what operators may do there.

use frontier_config::Choice;
use frontier_protocol::Role;
use std::fmt;

/// In which part somebody shows credentials: what is good for one part is not for another, unless it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// As an edge.
    Edge,
    /// As a service.
    Service,
    /// As a gateway of the cluster, at frontlas or at another gateway.
    Frontier,
    /// As an operator, or a program of one, at a control plane.
    Operator,
    /// As a subscriber, mostly a page in a browser, at the bridge.
    Subscriber,
    /// As a batch job, at the relay.
    Job,
}

impl From<Role> for Side {
    fn from(role: Role) -> Self {
        match role {
            Role::Edge => Self::Edge,
            Role::Service => Self::Service,
            Role::Frontier => Self::Frontier,
        }
    }
}

/// What an operator may do at a control plane. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperatorRole {
    /// Look: lists, records, counts, watches.
    Read,
    /// Change what is under way, such as closing a connection.
    Operate,
    /// Everything.
    Admin,
}

impl OperatorRole {
    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::CHOICES.iter().find(|(word, _)| *word == name).map(|(_, role)| *role)
    }

    /// As it stands in files, claims and names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl Choice for OperatorRole {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("read", Self::Read), ("operate", Self::Operate), ("admin", Self::Admin)];
}

impl fmt::Display for OperatorRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_includes_those_before_it() {
        for (name, role) in OperatorRole::CHOICES {
            assert_eq!((OperatorRole::parse(name), role.as_str()), (Some(*role), *name));
        }
        assert!(OperatorRole::Read < OperatorRole::Operate && OperatorRole::Operate < OperatorRole::Admin);
        assert_eq!(OperatorRole::parse("Admin"), None);
    }
}
