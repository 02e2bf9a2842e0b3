//! What a peer wants to do, and the error when it may not.

use frontier_protocol::{Code, EdgeId};
use std::fmt;
use std::sync::Arc;

/// What a peer wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Take calls of a method.
    RegisterMethod(&'a str),
    /// Take messages of a topic.
    RegisterTopic(&'a str),
    /// Call a method.
    Call(&'a str),
    /// Send a message by topic.
    Publish(&'a str),
    /// Open a stream to a service.
    OpenStream(&'a str),
    /// See the messages of a topic at the bridge.
    Subscribe(&'a str),
    /// Send anything to an edge: a call, a message or a stream.
    Reach(EdgeId),
}

/// The kinds of actions that are about a name, and their keys in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    RegisterMethod,
    RegisterTopic,
    Call,
    Publish,
    OpenStream,
    Subscribe,
}

impl Kind {
    /// In the order of their numbers, with their keys.
    pub(super) const ALL: [(Self, &'static str); 6] = [
        (Self::RegisterMethod, "register_methods"),
        (Self::RegisterTopic, "register_topics"),
        (Self::Call, "call"),
        (Self::Publish, "publish"),
        (Self::OpenStream, "open_streams_to"),
        (Self::Subscribe, "subscribe"),
    ];

    pub(super) fn of(self, name: &str) -> Action<'_> {
        match self {
            Self::RegisterMethod => Action::RegisterMethod(name),
            Self::RegisterTopic => Action::RegisterTopic(name),
            Self::Call => Action::Call(name),
            Self::Publish => Action::Publish(name),
            Self::OpenStream => Action::OpenStream(name),
            Self::Subscribe => Action::Subscribe(name),
        }
    }
}

/// How much of a name a message repeats.
const SHOWN: usize = 100;

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = match self {
            Self::RegisterMethod(name) => ("registering method", *name),
            Self::RegisterTopic(name) => ("registering topic", *name),
            Self::Call(name) => ("calling", *name),
            Self::Publish(name) => ("publishing", *name),
            Self::OpenStream(name) => ("opening a stream to", *name),
            Self::Subscribe(name) => ("subscribing to", *name),
            Self::Reach(id) => return write!(f, "reaching edge {id}"),
        };
        let shown: String = name.chars().take(SHOWN).collect();
        let cut = if shown.len() < name.len() { "…" } else { "" };
        write!(f, "{what} `{}{cut}`", shown.escape_debug())
    }
}

/// An action is not allowed. Displays as the reason, which the peer is told: the action, and the rule if one
/// denies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionDenied {
    action: String,
    rule: Option<Arc<str>>,
}

impl PermissionDenied {
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

impl fmt::Display for PermissionDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "{} is denied by rule `{}`", self.action, rule.escape_debug()),
            None => write!(f, "{} is not allowed by any rule", self.action),
        }
    }
}

impl std::error::Error for PermissionDenied {}
