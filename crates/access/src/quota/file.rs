//! The list of quotas, in the configuration or in a file of its own.

use super::set::Kind;
use super::{Limit, Scope, Unit};
use crate::description::QuotaDescription;
use crate::principal::Selector;
use frontier_config::{Choice, ConfigErrors, Section, Shape, load};
use std::sync::Arc;

/// One quota of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaConfig {
    pub(super) scope: Scope,
    /// How messages name the scope.
    pub(super) scope_name: Arc<str>,
    pub(super) who: Selector,
    pub(super) limits: [Option<Limit>; Kind::ALL.len()],
}

/// The scopes that are a word.
#[derive(Clone, Copy, Debug)]
enum Word {
    Edge,
    Address,
}

impl Choice for Word {
    const CHOICES: &'static [(&'static str, Self)] = &[("edge", Self::Edge), ("address", Self::Address)];
    const OTHERWISE: &'static str = "{label: KEY}";
}

impl QuotaConfig {
    /// Reads the list `quotas` of a section.
    #[must_use]
    pub fn read_all(section: &Section<'_>) -> Vec<Self> {
        section.sections("quotas").iter().map(Self::read).collect()
    }

    /// Reads the text of a file with a list `quotas`.
    ///
    /// # Errors
    /// Every mistake in it, with line and key path.
    pub fn parse(text: &str) -> Result<Vec<Self>, ConfigErrors> {
        load(text, &|_| None, &[], Self::read_all)
    }

    /// What it says.
    #[must_use]
    pub fn describe(&self) -> QuotaDescription {
        let limits = Kind::ALL.iter().zip(&self.limits);
        let limits = limits.filter_map(|((_, counts), limit)| Some(limit.as_ref()?.describe(counts)));
        QuotaDescription {
            scope: self.scope_name.to_string(),
            who: self.who.describe(),
            limits: limits.collect(),
        }
    }

    fn read(quota: &Section<'_>) -> Self {
        let scope = if quota.shape("for") == Some(Shape::Section) {
            Scope::Label(quota.section("for").required("label", String::new()))
        } else {
            match quota.required("for", Word::Edge) {
                Word::Edge => Scope::Edge,
                Word::Address => Scope::Address,
            }
        };
        let who = Selector::read(&quota.section("who"));
        if scope == Scope::Edge && who.names_services() {
            quota.reject("for", "services are no edges; count them by address or label");
        }
        let limits = Kind::ALL.map(|(kind, key)| {
            let unit = if kind == Kind::Bytes { Unit::Bytes } else { Unit::Things };
            let limit = quota.section(key);
            limit.is_present().then(|| Limit::read(&limit, unit)).flatten()
        });
        if limits.iter().all(Option::is_none) {
            let keys = Kind::ALL.map(|(_, key)| key).join(", ");
            quota.reject("for", format!("a quota needs a limit: one of {keys}"));
        }
        let scope_name = match &scope {
            Scope::Edge => "edge".into(),
            Scope::Address => "address".into(),
            Scope::Label(key) => format!("label {}", key.escape_debug()).into(),
        };
        Self { scope, scope_name, who, limits }
    }
}
