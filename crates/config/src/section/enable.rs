//! Sections that mean nothing until they are enabled.

use super::Section;
use crate::tree::{Content, Node};

impl Section<'_> {
    /// The value of `enable`, or `default` if it is absent. A section that is off though it says something, and does not say
    /// whether it is enabled, is among the [hints](Self::hints).
    #[must_use]
    pub fn is_enabled(&self, default: bool) -> bool {
        let is_enabled = self.get("enable", default);
        if let Some(node) = self.node
            && !is_enabled
            && self.shape("enable").is_none()
            && says_something(node)
        {
            let path = &self.path;
            self.document.hint(format!(
                "{}: {path} is filled in, and off: only `{path}.enable: true` turns it on, and `false` says that this is meant",
                node.place
            ));
        }
        is_enabled
    }

    /// What is no mistake in the whole file and may surprise, in lines, of all that was read so far.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        self.document.hints()
    }
}

/// Whether anything is asked for: not with empty texts, `false` and `0` alone.
fn says_something(node: &Node) -> bool {
    match &node.content {
        Content::Null => false,
        Content::Scalar(text) => !["", "false", "0"].contains(&&**text),
        Content::List(nodes) => nodes.iter().any(says_something),
        Content::Map(entries) => entries.iter().any(|entry| says_something(&entry.node)),
    }
}
