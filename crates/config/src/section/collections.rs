//! Keys that hold several values: lists, lists of sections, and sections with free keys.

use super::{Section, Shape};
use crate::document::{Document, element_path, key_path};
use crate::fixed::Change;
use crate::mistake::{Mistake, Place};
use crate::tree::{Content, Entry, Node};
use crate::value::{FromValue, Invalid};

impl<'d> Section<'d> {
    /// The list of sections under `key`; empty if it is absent.
    #[must_use]
    pub fn sections(&self, key: &'static str) -> Vec<Self> {
        let nodes = self.elements(key).unwrap_or_default();
        Self::open_all(self.document, nodes, &key_path(&self.path, key), self.change)
    }

    /// The sections of a file that is one list.
    pub(crate) fn root_list(document: &'d Document<'d>) -> Vec<Self> {
        document.opened("");
        match &document.root.content {
            Content::Null => Vec::new(),
            Content::List(nodes) => Self::open_all(document, nodes.iter().collect(), "", Change::Undeclared),
            _ => {
                let message = format!("expected a list (`- ` lines), found {}", document.root.kind());
                document.report_unread(Mistake::new(document.root.place.clone(), "", message));
                Vec::new()
            }
        }
    }

    fn open_all(document: &'d Document<'d>, nodes: Vec<&'d Node>, path: &str, change: Change) -> Vec<Self> {
        let mut sections = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let path = element_path(path, index);
            if matches!(node.content, Content::Null) {
                let message = "expected a section (`key: value` lines), found nothing";
                document.report_unread(Mistake::new(node.place.clone(), path, message));
            } else {
                sections.push(Self::open(document, Some(node), path, node.place.clone(), change));
            }
        }
        sections
    }

    /// The values under `key`, whose own keys are free, in the order of the file; empty if it is absent.
    #[must_use]
    pub fn map<T: FromValue>(&self, key: &'static str) -> Vec<(String, T)> {
        self.recorded(key, self.entries(key))
    }

    fn entries<T: FromValue>(&self, key: &'static str) -> Vec<(String, T)> {
        let Some(node) = self.ask(key) else { return Vec::new() };
        let path = key_path(&self.path, key);
        let Content::Map(entries) = &node.content else {
            let message = format!("expected a section (`key: value` lines), found {}", node.kind());
            self.report_unread(&node.place, &path, message);
            return Vec::new();
        };
        let read = |entry: &Entry| {
            let path = key_path(&path, &entry.key).escape_debug().to_string();
            if matches!(entry.node.content, Content::Null) {
                self.report_unread(&entry.key_place, &path, "expected a value, found nothing");
                return None;
            }
            Some((entry.key.clone(), self.read(&entry.node, &path)?))
        };
        entries.iter().filter_map(read).collect()
    }

    /// The one value or the list of values under `key`; `None` if it is absent.
    #[must_use]
    pub fn one_or_more<T: FromValue>(&self, key: &'static str) -> Option<Vec<T>> {
        let values = self.shape(key).map(|shape| match shape {
            Shape::List => self.list(key, Vec::new()),
            Shape::Value | Shape::Section => self.optional(key).into_iter().collect(),
        });
        self.recorded(key, values)
    }

    /// The list under `key`, or `default` if it is absent. `[]` is an empty list.
    ///
    /// From an environment variable, a list is separated by commas.
    #[must_use]
    pub fn list<T: FromValue>(&self, key: &'static str, default: Vec<T>) -> Vec<T> {
        let node = self.ask(key);
        let variable = match node.map(|node| self.variable(node)).transpose() {
            Ok(variable) => variable.flatten(),
            Err(Invalid(message)) => {
                self.reject_value(key, message);
                return self.recorded(key, default);
            }
        };
        let separated = variable.as_ref().or(node).and_then(from_variable);
        let nodes = match &separated {
            Some(nodes) => Some(nodes.iter().collect()),
            None => self.elements(key),
        };
        let Some(nodes) = nodes else { return self.recorded(key, default) };
        let path = key_path(&self.path, key);
        let count = nodes.len();
        let read = |(index, node)| self.read(node, &element_path(&path, index));
        let values: Vec<T> = nodes.into_iter().enumerate().filter_map(read).collect();
        if values.is_empty() && count > 0 {
            self.document.note_unread(path);
        }
        self.recorded(key, values)
    }

    fn elements(&self, key: &'static str) -> Option<Vec<&'d Node>> {
        let node = self.ask(key)?;
        if let Content::List(nodes) = &node.content {
            return Some(nodes.iter().collect());
        }
        let message = format!("expected a list, found {}", node.kind());
        self.report_unread(&node.place, &key_path(&self.path, key), message);
        None
    }
}

/// The parts of a comma-separated variable; `None` for a value from the file, where a list is written as a
/// list.
fn from_variable(node: &Node) -> Option<Vec<Node>> {
    match (&node.place, &node.content) {
        (Place::Variable(_), Content::Scalar(text)) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(
                parts
                    .map(|part| Node { place: node.place.clone(), content: Content::Scalar(part.to_owned()) })
                    .collect(),
            )
        }
        _ => None,
    }
}
