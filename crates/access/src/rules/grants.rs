//! What the rules let one peer do.

use super::action::Kind;
use super::file::Edges;
use super::{Action, PermissionDenied, Rule, Verdict};
use crate::labels::Labels;
use crate::pattern::Pattern;
use frontier_protocol::EdgeId;
use std::sync::Arc;

/// What one peer may do; shared by all for which the same rules count.
#[derive(Debug)]
pub struct Grants {
    names: [Checks<Pattern>; Kind::ALL.len()],
    reach: Checks<Edges>,
}

/// What counts for one kind of action.
#[derive(Debug)]
struct Checks<T> {
    /// Whether everything is allowed, so that nothing else need be looked at.
    open: bool,
    /// What is denied, and by which rule.
    deny: Box<[(T, Arc<str>)]>,
    /// What is allowed; `None` leaves it to the default.
    allow: Option<Box<[T]>>,
    default: Verdict,
}

impl Grants {
    pub(super) fn of(default: Verdict, rules: &[&Rule]) -> Self {
        let kind = |kind: Kind| {
            let at = kind as usize;
            let denied = |rule: &Rule| {
                let patterns = rule.deny.names[at].iter().flatten();
                patterns.map(|pattern| (pattern.clone(), rule.name.clone())).collect::<Vec<_>>()
            };
            let allowed = rules.iter().filter_map(|rule| rule.allow.names[at].as_ref());
            Checks::new(
                default,
                rules.iter().flat_map(|rule| denied(rule)).collect(),
                rules
                    .iter()
                    .any(|rule| rule.allow.names[at].is_some())
                    .then(|| allowed.flatten().cloned().collect()),
            )
        };
        let denied = |rule: &&Rule| Some((rule.deny.reach.clone()?, rule.name.clone()));
        let allowed: Box<[_]> = rules.iter().filter_map(|rule| rule.allow.reach.clone()).collect();
        Self {
            names: Kind::ALL.map(|(number, _)| kind(number)),
            reach: Checks::new(
                default,
                rules.iter().filter_map(denied).collect(),
                (!allowed.is_empty()).then_some(allowed),
            ),
        }
    }

    /// Whether nothing at all is restricted.
    #[must_use]
    pub fn is_unrestricted(&self) -> bool {
        self.reach.open && self.names.iter().all(|checks| checks.open)
    }

    /// Whether the peer may take calls of `method`.
    ///
    /// # Errors
    /// The [`PermissionDenied`] if it may not.
    #[inline]
    pub fn may_register_method(&self, method: &str) -> Result<(), PermissionDenied> {
        self.may(Kind::RegisterMethod, method)
    }

    /// Whether the peer may take messages of `topic`. A service that takes `*` gets what nobody else takes, so
    /// a pattern must match this character itself.
    ///
    /// # Errors
    /// The [`PermissionDenied`] if it may not.
    #[inline]
    pub fn may_register_topic(&self, topic: &str) -> Result<(), PermissionDenied> {
        self.may(Kind::RegisterTopic, topic)
    }

    /// Whether the peer may call `method`; for a method of an edge it must also be allowed to reach the edge.
    ///
    /// # Errors
    /// The [`PermissionDenied`] if it may not.
    #[inline]
    pub fn may_call(&self, method: &str) -> Result<(), PermissionDenied> {
        self.may(Kind::Call, method)
    }

    /// Whether the peer may send messages of `topic`.
    ///
    /// # Errors
    /// The [`PermissionDenied`] if it may not.
    #[inline]
    pub fn may_publish(&self, topic: &str) -> Result<(), PermissionDenied> {
        self.may(Kind::Publish, topic)
    }

    /// Whether the peer may open streams to `service`.
    ///
    /// # Errors
    /// The [`PermissionDenied`] if it may not.
    #[inline]
    pub fn may_open_stream(&self, service: &str) -> Result<(), PermissionDenied> {
        self.may(Kind::OpenStream, service)
    }

    /// Whether a subscriber of the bridge may see the messages of `topic`.
    ///
    /// # Errors
    /// The [`PermissionDenied`] if it may not.
    pub fn may_subscribe(&self, topic: &str) -> Result<(), PermissionDenied> {
        self.may(Kind::Subscribe, topic)
    }

    /// Whether the peer may send calls, messages and streams to the edge with this id and these labels.
    ///
    /// # Errors
    /// The [`PermissionDenied`] if it may not.
    #[inline]
    pub fn may_reach(&self, edge: EdgeId, labels: &Labels) -> Result<(), PermissionDenied> {
        if self.reach.open {
            return Ok(());
        }
        self.reach.decide(|edges| edges.contains(edge, labels), || Action::Reach(edge))
    }

    #[inline]
    fn may(&self, kind: Kind, name: &str) -> Result<(), PermissionDenied> {
        let checks = &self.names[kind as usize];
        if checks.open {
            return Ok(());
        }
        checks.decide(|pattern| pattern.matches(name), || kind.of(name))
    }
}

impl<T> Checks<T> {
    fn new(default: Verdict, deny: Box<[(T, Arc<str>)]>, allow: Option<Box<[T]>>) -> Self {
        let open = default == Verdict::Allow && deny.is_empty() && allow.is_none();
        Self { open, deny, allow, default }
    }

    #[inline(never)]
    fn decide<'a>(
        &self,
        covers: impl Fn(&T) -> bool,
        action: impl FnOnce() -> Action<'a>,
    ) -> Result<(), PermissionDenied> {
        if let Some((_, rule)) = self.deny.iter().find(|(denied, _)| covers(denied)) {
            return Err(PermissionDenied::new(action(), Some(rule)));
        }
        let allowed = match &self.allow {
            Some(allow) => allow.iter().any(covers),
            None => self.default == Verdict::Allow,
        };
        if allowed { Ok(()) } else { Err(PermissionDenied::new(action(), None)) }
    }
}
