//! An edge that needs an id, as the service sees it that gives out ids.

use crate::Request;
use bytes::Bytes;
use frontier_protocol::{EdgeId, VerifiedEdge};

/// An edge that is about to come in, and needs an id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EdgeIdRequest {
    /// What it says of itself. Nobody has checked it.
    pub meta: Bytes,
    /// The name of the credentials that it has shown to the gateway; empty if it needed none, or they have no
    /// name.
    pub subject: String,
    /// What its credentials say besides: keys and values, sorted by key.
    pub labels: Vec<(String, String)>,
    /// The only id that its credentials let it have: it gets this one, or is refused.
    pub fixed_id: Option<EdgeId>,
}

impl EdgeIdRequest {
    /// A request as a handler would get it, to try the handler without a gateway: of an edge that has shown no
    /// credentials. The fields can be set.
    #[must_use]
    pub fn new(meta: impl Into<Bytes>) -> Self {
        Self { meta: meta.into(), subject: String::new(), labels: Vec::new(), fixed_id: None }
    }

    /// Reads what [`frontier_protocol::GET_EDGE_ID`] describes. `None` if it is cut short.
    pub(super) fn parse(request: Request) -> Option<Self> {
        let VerifiedEdge { subject, edge_id, labels } = VerifiedEdge::parse(&request.custom)?;
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let (subject, labels) = (subject.to_owned(), labels.into_iter().map(owned).collect());
        Some(Self { meta: request.data, subject, labels, fixed_id: edge_id })
    }

    /// The value of the label `key`.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(have, _)| have == key).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn parse(custom: Vec<u8>) -> Option<EdgeIdRequest> {
        let (method, data, custom) = ("get_edge_id".into(), "meta".into(), custom.into());
        EdgeIdRequest::parse(Request {
            method,
            data,
            custom,
            edge_id: None,
            trace: None,
            deadline: Instant::now(),
        })
    }

    #[test]
    fn what_credentials_say_is_in_the_header() {
        let labels = vec![("region", "eu")];
        let known = VerifiedEdge { subject: "sensor", edge_id: Some(EdgeId(7)), labels };
        let request = parse(known.encode()).unwrap();
        assert_eq!((&request.meta[..], &*request.subject), (&b"meta"[..], "sensor"));
        assert_eq!((request.fixed_id, request.label("region")), (Some(EdgeId(7)), Some("eu")));
        assert_eq!(request.label("tenant"), None);
    }

    #[test]
    fn without_credentials_there_is_only_the_meta() {
        let request = parse(Vec::new()).unwrap();
        assert_eq!((request.subject, request.labels, request.fixed_id), (String::new(), Vec::new(), None));
        assert_eq!(parse(vec![1, 0]), None);
    }
}
