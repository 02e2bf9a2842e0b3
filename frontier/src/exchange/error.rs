use frontier_protocol::Code;
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
