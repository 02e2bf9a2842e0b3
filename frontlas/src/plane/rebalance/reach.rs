//! What the edges of a frontier reach.

use crate::model::Frontier;

/// What edges reach at a frontier, as far as the directory knows. Edges move between those of equal reach.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// It forwards: the services of all that do.
    Forwarded,
    /// Its own services, which have these names: of two frontiers with the same names one is as good as the other. None, if
    /// these are not known, as what a frontlas of before has written.
    Own(Vec<String>),
    /// No service.
    Nothing,
}

impl Reach {
    pub(super) fn of(frontier: &Frontier) -> Self {
        if frontier.forwarding {
            Self::Forwarded
        } else if frontier.service_count > 0 {
            Self::Own(frontier.service_names.clone())
        } else {
            Self::Nothing
        }
    }

    /// Whether edges reach services.
    pub(super) fn is_any(&self) -> bool {
        *self != Self::Nothing
    }

    /// Whether edges that come from `other` reach here what they reached there.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Forwarded, _) => true,
            (Self::Own(_), Self::Nothing) => true,
            // Both are in order.
            (Self::Own(names), Self::Own(wanted)) => {
                wanted.iter().all(|name| names.binary_search(name).is_ok())
            }
            (Self::Own(_), Self::Forwarded) | (Self::Nothing, _) => false,
        }
    }
}
