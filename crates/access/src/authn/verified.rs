//! Who a peer is by its credentials, and what it may claim beside them.

use super::{AuthnError, OperatorRole, Side};
use crate::labels::Labels;
use crate::pattern::Pattern;
use frontier_protocol::{EdgeId, ServiceId};
use sha2::{Digest, Sha256};
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
    /// Which frontier it may be: a [`Pattern`] of ids of gateways of the cluster, which speak in the names of their
    /// edges and services. `None` for those who are none.
    pub frontier: Option<String>,
    /// What it may do as an operator; `None` for those who are none.
    pub role: Option<OperatorRole>,
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

    /// By what gateways of a cluster tell the names of credentials apart without telling them: the first 8 bytes of the
    /// SHA-256; 0 without a name.
    #[must_use]
    pub fn subject_digest(&self) -> u64 {
        if self.subject.is_empty() {
            return 0;
        }
        let digest: [u8; 32] = Sha256::digest(self.subject.as_bytes()).into();
        digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
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
        let own = self.frontier.as_deref().ok_or(AuthnError::NotFrontier)?;
        match Pattern::new(own).is_ok_and(|own| own.matches(id)) {
            true => Ok(()),
            false => Err(AuthnError::NameMismatch("frontier")),
        }
    }

    /// Whether it may do at a control plane what takes the role `needed`.
    ///
    /// # Errors
    /// [`AuthnError::NotOperator`] if it is no operator, [`AuthnError::RoleTooLow`] if it may do less.
    pub fn confirm_role(&self, needed: OperatorRole) -> Result<(), AuthnError> {
        match self.role {
            None => Err(AuthnError::NotOperator),
            Some(role) if role >= needed => Ok(()),
            Some(role) => Err(AuthnError::RoleTooLow { role, needed }),
        }
    }

    /// Refuses credentials of one side on another. Those that fix nothing are good for edges, services, subscribers and
    /// jobs, but never for a frontier, which speaks in the names of others, nor for an operator.
    pub(crate) fn check_side(&self, side: Side) -> Result<(), AuthnError> {
        let of_edge = self.edge_id.is_some();
        let of_service = self.service.is_some() || self.service_id.is_some();
        match side {
            Side::Frontier if self.frontier.is_none() => Err(AuthnError::NotFrontier),
            Side::Operator if self.role.is_none() => Err(AuthnError::NotOperator),
            Side::Edge if of_service && !of_edge => Err(AuthnError::WrongSide("service")),
            Side::Service if of_edge && !of_service => Err(AuthnError::WrongSide("edge")),
            // A page shows them from anybody's browser: those of a machine do not belong there.
            // And a job shows them from wherever it runs.
            Side::Subscriber | Side::Job if of_edge => Err(AuthnError::WrongSide("edge")),
            Side::Subscriber | Side::Job if of_service => Err(AuthnError::WrongSide("service")),
            Side::Edge | Side::Service | Side::Subscriber | Side::Job if !of_edge && !of_service => {
                self.check_bound()
            }
            Side::Edge | Side::Service | Side::Subscriber | Side::Job | Side::Frontier | Side::Operator => {
                Ok(())
            }
        }
    }

    /// What names neither an edge nor a service may be either, unless it is for somebody else.
    fn check_bound(&self) -> Result<(), AuthnError> {
        match (&self.frontier, self.role) {
            (Some(_), _) => Err(AuthnError::WrongSide("frontier")),
            (None, Some(_)) => Err(AuthnError::WrongSide("operator")),
            (None, None) => Ok(()),
        }
    }

    /// Both together, where both are required.
    pub(crate) fn and(mut self, other: Self) -> Result<Self, AuthnError> {
        self.edge_id = both(self.edge_id, other.edge_id, "EdgeID")?;
        self.service = both(self.service, other.service, "service")?;
        self.service_id = both(self.service_id, other.service_id, "ServiceID")?;
        self.frontier = both(self.frontier, other.frontier, "frontier")?;
        self.role = both(self.role, other.role, "role")?;
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
        assert_eq!(edge(7).check_side(Side::Edge), Ok(()));
        assert_eq!(edge(7).check_side(Side::Service), Err(AuthnError::WrongSide("edge")));
        assert_eq!(service("files").check_side(Side::Edge), Err(AuthnError::WrongSide("service")));
        assert_eq!(Verified::default().check_side(Side::Edge), Ok(()));
        assert_eq!(edge(7).and(service("files")).unwrap().check_side(Side::Service), Ok(()));
    }

    #[test]
    fn only_credentials_that_say_so_are_those_of_a_frontier() {
        let frontier = |id: &str| Verified { frontier: Some(id.into()), ..Verified::default() };
        for other in [Verified::default(), edge(7), service("files")] {
            assert_eq!(other.check_side(Side::Frontier), Err(AuthnError::NotFrontier));
            assert_eq!(other.confirm_frontier("f1"), Err(AuthnError::NotFrontier));
        }
        for side in [Side::Edge, Side::Service] {
            assert_eq!(frontier("*").check_side(side), Err(AuthnError::WrongSide("frontier")));
        }
        assert_eq!(frontier("f1").and(service("files")).unwrap().check_side(Side::Service), Ok(()));
        assert_eq!(frontier("f1").check_side(Side::Frontier), Ok(()));
        assert_eq!(frontier("f1").confirm_frontier("f1"), Ok(()));
        assert_eq!(frontier("f1").confirm_frontier("f2"), Err(AuthnError::NameMismatch("frontier")));
        assert_eq!(frontier("*").confirm_frontier("f2"), Ok(()));
        assert_eq!(frontier("eu-*").confirm_frontier("eu-2"), Ok(()));
        assert_eq!(frontier("eu-*").confirm_frontier("us-2"), Err(AuthnError::NameMismatch("frontier")));
        assert!(frontier(r"broken\").confirm_frontier(r"broken\").is_err());
        assert_eq!(frontier("a").and(frontier("b")), Err(AuthnError::Contradiction("frontier")));
    }

    #[test]
    fn only_credentials_that_say_so_are_those_of_an_operator_and_by_role() {
        let operator = |role| Verified { role: Some(role), ..Verified::default() };
        let gateway = Verified { frontier: Some("*".into()), ..Verified::default() };
        for other in [Verified::default(), edge(7), service("files"), gateway] {
            assert_eq!(other.check_side(Side::Operator), Err(AuthnError::NotOperator));
            assert_eq!(other.confirm_role(OperatorRole::Read), Err(AuthnError::NotOperator));
        }
        for side in [Side::Edge, Side::Service] {
            let error = operator(OperatorRole::Admin).check_side(side);
            assert_eq!(error, Err(AuthnError::WrongSide("operator")));
        }
        assert_eq!(operator(OperatorRole::Admin).check_side(Side::Frontier), Err(AuthnError::NotFrontier));
        let reader = operator(OperatorRole::Read);
        assert_eq!(reader.check_side(Side::Operator), Ok(()));
        assert_eq!(reader.confirm_role(OperatorRole::Read), Ok(()));
        let error = reader.confirm_role(OperatorRole::Operate).unwrap_err();
        assert_eq!(error.to_string(), "the credentials are for the role read, and this takes operate");
        assert_eq!(operator(OperatorRole::Admin).confirm_role(OperatorRole::Operate), Ok(()));
        let both = service("files").and(reader).unwrap();
        assert_eq!((both.check_side(Side::Service), both.check_side(Side::Operator)), (Ok(()), Ok(())));
    }

    #[test]
    fn a_subscriber_shows_credentials_that_are_for_nobody_else() {
        let gateway = Verified { frontier: Some("*".into()), ..Verified::default() };
        let operator = Verified { role: Some(OperatorRole::Read), ..Verified::default() };
        assert_eq!(Verified::default().check_side(Side::Subscriber), Ok(()));
        assert_eq!(Verified::default().check_side(Side::Job), Ok(()));
        for (other, side) in
            [(edge(7), "edge"), (service("files"), "service"), (gateway, "frontier"), (operator, "operator")]
        {
            assert_eq!(other.check_side(Side::Subscriber), Err(AuthnError::WrongSide(side)));
            assert_eq!(other.check_side(Side::Job), Err(AuthnError::WrongSide(side)));
        }
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
