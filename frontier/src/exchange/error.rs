use frontier_protocol::Code;
use std::borrow::Cow;

/// Why a question could not be forwarded: what its asker is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) text: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(code: Code, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, text: text.into() }
    }

    /// The code's own text says it all.
    pub(crate) fn plain(code: Code) -> Self {
        Self::new(code, code.text())
    }
}
