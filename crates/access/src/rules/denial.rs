use super::Action;
use frontier_protocol::Code;
use std::fmt;
use std::sync::Arc;

/// An action is not allowed. Displays as the reason, which the peer is told: the action, and the rule if one
/// denies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    action: String,
    rule: Option<Arc<str>>,
}

impl Denial {
    pub(super) fn new(action: Action<'_>, rule: Option<&Arc<str>>) -> Self {
        Self { action: action.to_string(), rule: rule.cloned() }
    }

    /// The name of the rule that denies it; `None` if it is only that none allows it.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// The code for the peer: always [`Code::Denied`].
    #[must_use]
    pub fn code(&self) -> Code {
        Code::Denied
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "{} is denied by rule `{}`", self.action, rule.escape_debug()),
            None => write!(f, "{} is not allowed by any rule", self.action),
        }
    }
}

impl std::error::Error for Denial {}
