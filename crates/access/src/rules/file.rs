//! The rules file.

use super::permissions::Permissions;
use super::{Rule, Rules, Verdict};
use crate::who::Who;
use frontier_config::{Choice, ConfigErrors, Section, load};
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
            who: Who::read(&rule.section("who")),
            allow: Permissions::read(&rule.section("allow")),
            deny: Permissions::read(&rule.section("deny")),
        };
        if read.allow.is_empty() && read.deny.is_empty() {
            rule.reject("allow", "a rule needs something to allow or deny");
        }
        read
    }
}
