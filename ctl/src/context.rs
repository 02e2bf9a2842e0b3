//! A context: the addresses and credentials of one installation, under a name.

mod command;
mod file;
mod token;

pub(crate) use command::ContextCommand;
pub(crate) use file::ContextFile;
pub(crate) use token::Token;

use crate::failure::{Failure, Outcome};
use serde::Serialize;
use std::path::PathBuf;

/// What is known of an installation. What is not set is this machine's, or not needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Context {
    /// The control plane of a gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gateway: Option<String>,
    /// The control plane of frontlas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) frontlas: Option<String>,
    /// Where edges connect to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) edgebound: Option<String>,
    /// Where services connect to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) servicebound: Option<String>,
    /// Shown everywhere, but where one of the next two is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Token>,
    /// Shown where edges connect to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) edge_token: Option<Token>,
    /// Shown where services connect to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service_token: Option<Token>,
    /// Who is trusted; the CAs of the system if there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ca: Vec<PathBuf>,
    /// What certificates must be for, in place of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_name: Option<String>,
    /// The certificate to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert: Option<PathBuf>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
}

impl Context {
    /// What is set here, and what `other` has of the rest. A token that is given here stands before all of `other`; a
    /// certificate and its key come from one of the two.
    pub(crate) fn or(self, other: Self) -> Self {
        let (edge_token, service_token) = match &self.token {
            Some(_) => (self.edge_token, self.service_token),
            None => (self.edge_token.or(other.edge_token), self.service_token.or(other.service_token)),
        };
        let (cert, key) = match (self.cert, self.key) {
            (None, None) => (other.cert, other.key),
            own => own,
        };
        Self {
            gateway: self.gateway.or(other.gateway),
            frontlas: self.frontlas.or(other.frontlas),
            edgebound: self.edgebound.or(other.edgebound),
            servicebound: self.servicebound.or(other.servicebound),
            token: self.token.or(other.token),
            edge_token,
            service_token,
            ca: if self.ca.is_empty() { other.ca } else { self.ca },
            server_name: self.server_name.or(other.server_name),
            cert,
            key,
        }
    }

    /// Whether its parts go together.
    pub(crate) fn check(&self) -> Outcome {
        match (&self.cert, &self.key) {
            (Some(_), None) => Err(Failure::usage("--cert (or `cert` of the context) needs its --key")),
            (None, Some(_)) => Err(Failure::usage("--key (or `key` of the context) needs its --cert")),
            _ => Ok(()),
        }
    }

    /// Every token, under the name of its key.
    pub(crate) fn tokens(&mut self) -> [(&'static str, &mut Option<Token>); 3] {
        let Self { token, edge_token, service_token, .. } = self;
        [("token", token), ("edge_token", edge_token), ("service_token", service_token)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_stands_before_what_is_saved() {
        let saved = Context {
            gateway: Some("saved".into()),
            frontlas: Some("saved".into()),
            edge_token: Some(Token::Text("saved".into())),
            cert: Some("saved".into()),
            key: Some("saved".into()),
            ..Context::default()
        };
        let given = Context { gateway: Some("given".into()), ..Context::default() };
        let both = given.or(saved.clone());
        assert_eq!((both.gateway.as_deref(), both.frontlas.as_deref()), (Some("given"), Some("saved")));
        assert_eq!((&both.edge_token, &both.key), (&saved.edge_token, &saved.key));
        let token = Some(Token::Text("given".into()));
        let both =
            Context { token: token.clone(), cert: Some("given".into()), ..Context::default() }.or(saved);
        assert_eq!((both.token, both.edge_token, &both.key), (token, None, &None));
        let Err(failure) = Context { cert: both.cert, ..Context::default() }.check() else {
            panic!("no key")
        };
        assert!(failure.to_string().contains("--key"), "{failure}");
    }
}
