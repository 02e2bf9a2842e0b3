//! Why a peer is not let in.

use super::OperatorRole;
use frontier_protocol::Code;
use std::time::Duration;
use thiserror::Error;

/// Why a peer is not let in.
///
/// The text is for its log as well as for ours: it says what a rightful owner must mend, and nothing about
/// what would have been right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuthnError {
    /// It presented nothing that the listener takes.
    #[error("credentials are missing: a token is needed here")]
    MissingCredentials,
    /// It presented no certificate.
    #[error("credentials are missing: a client certificate is needed here")]
    NoClientCertificate,
    /// It presented neither, and either would do.
    #[error("credentials are missing: a token or a client certificate is needed here")]
    NeitherPresented,
    /// It presented neither, and needs both.
    #[error("credentials are missing: a token and a client certificate are needed here")]
    BothMissing,
    /// The token is none of the file.
    #[error("unknown token")]
    UnknownToken,
    /// The token is no JWT, or too long; what is wrong with it.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The JWT names a key that is not known here.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// No key of this algorithm is known here, `none` included.
    #[error("the token's algorithm is not taken here")]
    WrongAlgorithm,
    /// The signature is not that of the key.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The JWT has no `exp`, which is required.
    #[error("the token has no expiry, which is required here")]
    NoExpiry,
    /// The JWT is for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// The JWT is from somebody else.
    #[error("the token is from an issuer that is not taken here")]
    WrongIssuer,
    /// A claim that is needed is missing or of the wrong type; its name.
    #[error("the token's claim `{0}` is missing or of the wrong type")]
    Claim(String),
    /// The certificate has no name of the form that is asked for.
    #[error("the client certificate names no {0} in the form that is expected here")]
    NoName(&'static str),
    /// The certificate has several such names.
    #[error("the client certificate names more than one {0}")]
    AmbiguousName(&'static str),
    /// The credentials are those of a service, presented where edges connect, or the other way round.
    #[error("the credentials are for {0}s only")]
    WrongSide(&'static str),
    /// It calls itself a frontier, and its credentials do not.
    #[error("the credentials are not those of a frontier")]
    NotFrontier,
    /// It asks a control plane, and its credentials are not those of an operator.
    #[error("the credentials are not those of an operator: they have no role")]
    NotOperator,
    /// It is an operator who may do less than that.
    #[error("the credentials are for the role {role}, and this takes {needed}")]
    RoleTooLow {
        /// What it may do.
        role: OperatorRole,
        /// What it would have to be.
        needed: OperatorRole,
    },
    /// All methods succeeded, but do not say the same; what they differ in.
    #[error("the credentials contradict each other about the {0}")]
    Contradiction(&'static str),
    /// It asks for an id or a name that its credentials do not give; which of them.
    #[error("the credentials are for another {0}")]
    NameMismatch(&'static str),
    /// It has failed too often, or others from its address have.
    #[error("too many failures from this address, try again in {}s", seconds(*.retry_after))]
    Throttled {
        /// When it may try again.
        retry_after: Duration,
    },
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl AuthnError {
    /// The code for the peer.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Throttled { .. } => Code::Overloaded,
            Self::RoleTooLow { .. } => Code::Denied,
            _ => Code::Unauthenticated,
        }
    }

    /// When it is worth trying again, if the cause is one that passes.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// What to say of two methods by which nothing was presented: every way in.
    pub(crate) fn missing_too(self, other: &Self, together: Self) -> Self {
        match (&self, other) {
            (Self::MissingCredentials, Self::NoClientCertificate)
            | (Self::NoClientCertificate, Self::MissingCredentials) => together,
            _ => self,
        }
    }

    /// How far the credentials got. Of several methods that fail, the one that got furthest is the one that
    /// its owner meant.
    pub(crate) fn progress(&self) -> u8 {
        match self {
            Self::MissingCredentials
            | Self::NoClientCertificate
            | Self::NeitherPresented
            | Self::BothMissing => 0,
            Self::Malformed(_) => 1,
            Self::UnknownToken => 2,
            Self::UnknownKey | Self::WrongAlgorithm => 3,
            Self::BadSignature => 4,
            Self::WrongIssuer | Self::WrongAudience => 5,
            Self::Expired | Self::NotYetValid | Self::NoExpiry => 6,
            Self::Claim(_) | Self::NoName(_) | Self::AmbiguousName(_) => 7,
            Self::WrongSide(_)
            | Self::NotFrontier
            | Self::NotOperator
            | Self::RoleTooLow { .. }
            | Self::Contradiction(_)
            | Self::NameMismatch(_) => 8,
            Self::Throttled { .. } => 9,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_throttled_address_is_told_to_come_back() {
        let throttled = AuthnError::Throttled { retry_after: Duration::from_millis(1500) };
        assert_eq!(throttled.to_string(), "too many failures from this address, try again in 2s");
        assert_eq!(throttled.code(), Code::Overloaded);
        assert_eq!(throttled.retry_after(), Some(Duration::from_millis(1500)));
        assert_eq!(AuthnError::Expired.code(), Code::Unauthenticated);
        assert_eq!(AuthnError::Expired.retry_after(), None);
    }
}
