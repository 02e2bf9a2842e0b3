use frontier_access::authn::AuthnError;
use frontier_access::quota::QuotaExceeded;
use frontier_access::rules::PermissionDenied;
use frontier_protocol::{Code, retry_detail};
use std::borrow::Cow;

/// Why a question could not be forwarded: what its asker is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    /// What the code leaves open, as it stands on the wire.
    pub(crate) detail: u32,
    pub(crate) text: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(code: Code, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: 0, text: text.into() }
    }

    /// The same with what the code leaves open.
    pub(crate) fn detailed(self, detail: u32) -> Self {
        Self { detail, ..self }
    }

    /// The code's own text says it all.
    pub(crate) fn plain(code: Code) -> Self {
        Self::new(code, code.text())
    }
}

impl From<AuthnError> for Failure {
    fn from(error: AuthnError) -> Self {
        Self::new(error.code(), error.to_string()).detailed(error.retry_after().map_or(0, retry_detail))
    }
}

impl From<PermissionDenied> for Failure {
    fn from(denial: PermissionDenied) -> Self {
        Self::new(denial.code(), denial.to_string())
    }
}

impl From<QuotaExceeded> for Failure {
    fn from(over: QuotaExceeded) -> Self {
        Self::new(over.code(), over.to_string()).detailed(retry_detail(over.retry_after))
    }
}
