//! Who a peer is by its credentials, and what it may claim beside them.

use super::AuthnError;
use crate::labels::Labels;
use frontier_protocol::{EdgeId, Role, ServiceId};
use std::time::SystemTime;

/// Who a peer is, as its credentials say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The name of the credentials, for logs and rules; empty for a peer that needed none.
    pub subject: String,
    /// The only EdgeID that it may have. `None` leaves it to the gateway and its services.
    pub edge_id: Option<EdgeId>,
    /// The only name that it may have as a service.
    pub service: Option<String>,
    /// The only ServiceID that it may have.
    pub service_id: Option<ServiceId>,
    /// Which frontier it may be, by id: one of the cluster, that asks in the names of its services. `*` for any;
    /// `None` for those who are none.
    pub frontier: Option<String>,
    /// What else is known of it.
    pub labels: Labels,
    /// Those of the labels that are no more than the edge's own word.
    pub claimed: Vec<String>,
    /// When the credentials expire.
    pub expires: Option<SystemTime>,
}

impl Verified {
    /// The EdgeID that an edge gets when it asks for `wanted`; `None` where the credentials fix none.
    ///
    /// # Errors
    /// [`AuthnError::NameMismatch`] if it asks for another one than its own.
    pub fn confirm_edge(&self, wanted: Option<EdgeId>) -> Result<Option<EdgeId>, AuthnError> {
        confirm(self.edge_id.as_ref(), wanted.as_ref(), "EdgeID").map(|()| self.edge_id)
    }

    /// The ServiceID that a service gets when it asks for `wanted`, calling itself `name`; `None` where the
    /// credentials fix none.
    ///
    /// # Errors
    /// [`AuthnError::NameMismatch`] if name or id are not its own.
    pub fn confirm_service(
        &self,
        name: &str,
        wanted: Option<ServiceId>,
    ) -> Result<Option<ServiceId>, AuthnError> {
        confirm(self.service.as_deref(), Some(name), "service")?;
        confirm(self.service_id.as_ref(), wanted.as_ref(), "ServiceID").map(|()| self.service_id)
    }

    /// The labels that its credentials give it, without those that it claims.
    pub fn attested(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().filter(|(key, _)| !self.claimed.iter().any(|claimed| claimed == key))
    }

    /// Whether it may be the frontier `id`.
    ///
    /// # Errors
    /// [`AuthnError::NotFrontier`] if it may be none, [`AuthnError::NameMismatch`] if it may be another one.
    pub fn confirm_frontier(&self, id: &str) -> Result<(), AuthnError> {
        match self.frontier.as_deref() {
            None => Err(AuthnError::NotFrontier),
            Some("*") => Ok(()),
            Some(own) => confirm(Some(own), Some(id), "frontier"),
        }
    }

    /// Refuses credentials of one side on another. Those that fix nothing are good for edges and for services,
    /// but never for a frontier, since a frontier speaks in the names of others.
    pub(crate) fn check_side(&self, side: Role) -> Result<(), AuthnError> {
        let of_edge = self.edge_id.is_some();
        let of_service = self.service.is_some() || self.service_id.is_some();
        let of_frontier = self.frontier.is_some();
        match side {
            Role::Frontier if !of_frontier => Err(AuthnError::NotFrontier),
            Role::Edge if of_service && !of_edge => Err(AuthnError::WrongSide("service")),
            Role::Service if of_edge && !of_service => Err(AuthnError::WrongSide("edge")),
            Role::Edge | Role::Service if of_frontier && !of_edge && !of_service => {
                Err(AuthnError::WrongSide("frontier"))
            }
            Role::Edge | Role::Service | Role::Frontier => Ok(()),
        }
    }

    /// Both together, where both are required.
    pub(crate) fn and(mut self, other: Self) -> Result<Self, AuthnError> {
        self.edge_id = both(self.edge_id, other.edge_id, "EdgeID")?;
        self.service = both(self.service, other.service, "service")?;
        self.service_id = both(self.service_id, other.service_id, "ServiceID")?;
        self.frontier = both(self.frontier, other.frontier, "frontier")?;
        for (key, value) in other.labels.iter() {
            if self.labels.get(key).is_some_and(|have| have != value) {
                return Err(AuthnError::Contradiction("labels"));
            }
            self.labels.set(key, value).map_err(|_| AuthnError::Malformed("too many labels"))?;
        }
        self.expires = self.expires.into_iter().chain(other.expires).min();
        if self.subject.is_empty() {
            self.subject = other.subject;
        }
        Ok(self)
    }
}

fn confirm<T: PartialEq + ?Sized>(
    own: Option<&T>,
    wanted: Option<&T>,
    what: &'static str,
) -> Result<(), AuthnError> {
    match (own, wanted) {
        (Some(own), Some(wanted)) if own != wanted => Err(AuthnError::NameMismatch(what)),
        _ => Ok(()),
    }
}

fn both<T: PartialEq>(one: Option<T>, other: Option<T>, what: &'static str) -> Result<Option<T>, AuthnError> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(AuthnError::Contradiction(what)),
        (one, other) => Ok(one.or(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn edge(id: u64) -> Verified {
        Verified { edge_id: Some(EdgeId(id)), ..Verified::default() }
    }

    fn service(name: &str) -> Verified {
        Verified { service: Some(name.into()), ..Verified::default() }
    }

    #[test]
    fn an_edge_gets_its_own_id_and_no_other() {
        assert_eq!(edge(7).confirm_edge(None), Ok(Some(EdgeId(7))));
        assert_eq!(edge(7).confirm_edge(Some(EdgeId(7))), Ok(Some(EdgeId(7))));
        assert_eq!(edge(7).confirm_edge(Some(EdgeId(8))), Err(AuthnError::NameMismatch("EdgeID")));
        assert_eq!(Verified::default().confirm_edge(Some(EdgeId(8))), Ok(None));
    }

    #[test]
    fn a_service_has_its_own_name_and_no_other() {
        assert_eq!(service("files").confirm_service("files", Some(ServiceId(1))), Ok(None));
        let error = service("files").confirm_service("auth", None).unwrap_err();
        assert_eq!(error.to_string(), "the credentials are for another service");
        let fixed = Verified { service_id: Some(ServiceId(3)), ..Verified::default() };
        assert_eq!(fixed.confirm_service("any", None), Ok(Some(ServiceId(3))));
        assert!(fixed.confirm_service("any", Some(ServiceId(4))).is_err());
    }

    #[test]
    fn credentials_are_good_for_their_own_side() {
        assert_eq!(edge(7).check_side(Role::Edge), Ok(()));
        assert_eq!(edge(7).check_side(Role::Service), Err(AuthnError::WrongSide("edge")));
        assert_eq!(service("files").check_side(Role::Edge), Err(AuthnError::WrongSide("service")));
        assert_eq!(Verified::default().check_side(Role::Edge), Ok(()));
        assert_eq!(edge(7).and(service("files")).unwrap().check_side(Role::Service), Ok(()));
    }

    #[test]
    fn only_credentials_that_say_so_are_those_of_a_frontier() {
        let frontier = |id: &str| Verified { frontier: Some(id.into()), ..Verified::default() };
        for other in [Verified::default(), edge(7), service("files")] {
            assert_eq!(other.check_side(Role::Frontier), Err(AuthnError::NotFrontier));
            assert_eq!(other.confirm_frontier("f1"), Err(AuthnError::NotFrontier));
        }
        for side in [Role::Edge, Role::Service] {
            assert_eq!(frontier("*").check_side(side), Err(AuthnError::WrongSide("frontier")));
        }
        assert_eq!(frontier("f1").and(service("files")).unwrap().check_side(Role::Service), Ok(()));
        assert_eq!(frontier("f1").check_side(Role::Frontier), Ok(()));
        assert_eq!(frontier("f1").confirm_frontier("f1"), Ok(()));
        assert_eq!(frontier("f1").confirm_frontier("f2"), Err(AuthnError::NameMismatch("frontier")));
        assert_eq!(frontier("*").confirm_frontier("f2"), Ok(()));
        assert_eq!(frontier("a").and(frontier("b")), Err(AuthnError::Contradiction("frontier")));
    }

    #[test]
    fn two_identities_become_one_unless_they_contradict() {
        let soon = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let mut labelled = Verified { expires: Some(soon), subject: "a".into(), ..Verified::default() };
        labelled.labels.set("region", "eu").unwrap();
        let both = edge(7).and(labelled.clone()).unwrap();
        assert_eq!((both.edge_id, both.expires, &*both.subject), (Some(EdgeId(7)), Some(soon), "a"));
        assert_eq!(both.labels.get("region"), Some("eu"));

        assert_eq!(edge(7).and(edge(8)), Err(AuthnError::Contradiction("EdgeID")));
        assert_eq!(service("a").and(service("b")), Err(AuthnError::Contradiction("service")));
        let mut other = Verified::default();
        other.labels.set("region", "us").unwrap();
        assert_eq!(labelled.and(other), Err(AuthnError::Contradiction("labels")));
    }
}
