//! The rules file: rules, and what each allows and denies.

use super::action::Kind;
use super::{Rule, Rules, Verdict};
use crate::description::Condition;
use crate::id_range::IdRange;
use crate::labels::Labels;
use crate::pattern::Pattern;
use crate::principal::{Selector, labels_match};
use frontier_config::{Choice, ConfigErrors, Section, load};
use frontier_protocol::EdgeId;
use std::collections::HashSet;

impl Choice for Verdict {
    const CHOICES: &'static [(&'static str, Self)] = &[("allow", Self::Allow), ("deny", Self::Deny)];
}

impl Rules {
    /// Reads a file's text. `default` must be written: a file that forgets it would be guessed at.
    ///
    /// # Errors
    /// Every mistake in it, with line and key path.
    pub fn parse(text: &str) -> Result<Self, ConfigErrors> {
        load(text, &|_| None, &[], |root| {
            let default = root.required("default", Verdict::Deny);
            let mut names = HashSet::new();
            let mut rules = Vec::new();
            for (index, section) in root.sections("rules").iter().enumerate() {
                let rule = Rule::read(section, index);
                if !names.insert(rule.name.clone()) {
                    section.reject("name", "another rule has this name");
                }
                rules.push(rule);
            }
            Self::new(default, rules)
        })
    }
}

impl Rule {
    fn read(rule: &Section<'_>, index: usize) -> Self {
        let name: String = rule.optional("name").unwrap_or_else(|| format!("rules[{index}]"));
        let read = Self {
            name: name.into(),
            who: Selector::read(&rule.section("who")),
            allow: Permissions::read(&rule.section("allow")),
            deny: Permissions::read(&rule.section("deny")),
        };
        if read.allow.is_empty() && read.deny.is_empty() {
            rule.reject("allow", "a rule needs something to allow or deny");
        }
        read
    }
}

/// The `allow` or `deny` of a rule. A kind that is not written is `None`; an empty list is a list of nothing.
#[derive(Debug)]
pub(super) struct Permissions {
    pub(super) names: [Option<Vec<Pattern>>; Kind::ALL.len()],
    pub(super) reach: Option<Edges>,
}

/// Which edges may be reached: those with one of the ids, and all of the labels. Nothing given means all.
#[derive(Clone, Debug)]
pub(super) struct Edges {
    ids: Option<Vec<IdRange>>,
    labels: Vec<(String, Pattern)>,
}

impl Permissions {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            names: Kind::ALL.map(|(_, key)| section.one_or_more(key)),
            reach: Edges::read(&section.section("reach_edges")),
        }
    }

    /// What they say.
    pub(super) fn describe(&self) -> Vec<Condition> {
        let names = Kind::ALL.iter().zip(&self.names);
        let names = names.filter_map(|((_, key), names)| Some(Condition::of(*key, names.as_ref()?)));
        let mut all: Vec<_> = names.collect();
        if let Some(Edges { ids, labels }) = &self.reach {
            all.extend(ids.as_ref().map(|ids| Condition::of("reach_edges.ids", ids)));
            all.extend(Condition::of_labels("reach_edges.", labels));
            if ids.is_none() && labels.is_empty() {
                all.push(Condition::of("reach_edges", &["*"]));
            }
        }
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reach.is_none() && self.names.iter().all(Option::is_none)
    }
}

impl Edges {
    fn read(section: &Section<'_>) -> Option<Self> {
        let read = Self { ids: section.one_or_more("ids"), labels: section.map("labels") };
        section.is_present().then_some(read)
    }

    pub(super) fn contains(&self, id: EdgeId, labels: &Labels) -> bool {
        let by_id = |ranges: &Vec<IdRange>| ranges.iter().any(|range| range.contains(id));
        self.ids.as_ref().is_none_or(by_id) && labels_match(&self.labels, labels)
    }
}
