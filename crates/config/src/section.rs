//! A section: how a component reads its own part of the file.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use super::document::{Document, element_path, key_path};
use super::mistake::{Mistake, Place};
use super::tree::{Content, Entry, Node};
use super::value::{FromValue, Invalid, Value};

/// What a key holds, for a component that takes more than one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text, a number, a word.
    Value,
    /// A list.
    List,
    /// `key: value` lines.
    Section,
}

/// One section of a [`Document`], present or not.
///
/// Reading never fails: a mistake is noted in the document and the default (or stand-in) is returned, so that
/// the component goes on and its other mistakes are found too. [`Document::finish`] then refuses the whole
/// file.
///
/// A component asks for all its keys each time, also for those that it does not need with the settings at
/// hand: a key that nobody asks for is unknown.
#[derive(Clone)]
pub struct Section<'d> {
    document: &'d Document<'d>,
    node: Option<&'d Node>,
    path: String,
    place: Place,
}

impl<'d> Section<'d> {
    pub(crate) fn root(document: &'d Document<'d>) -> Self {
        Self::open(document, Some(&document.root), String::new(), Place::Document)
    }

    fn open(document: &'d Document<'d>, node: Option<&'d Node>, path: String, place: Place) -> Self {
        document.opened(&path);
        let mut section = Self { document, node: None, path, place };
        match node.map(|node| (node, &node.content)) {
            None | Some((_, Content::Null)) => {}
            Some((node, Content::Map(_))) => section.node = Some(node),
            Some((node, _)) => {
                let message = format!("expected a section (`key: value` lines), found {}", node.kind());
                document.report(Mistake::new(node.place.clone(), section.path.clone(), message));
            }
        }
        section
    }

    /// The section under `key`. Absent or empty, it is a section where every key has its default.
    #[must_use]
    pub fn section(&self, key: &'static str) -> Self {
        let node = self.ask(key);
        let place = self.key_place(key);
        Self::open(self.document, node, key_path(&self.path, key), place)
    }

    /// The list of sections under `key`; empty if it is absent.
    #[must_use]
    pub fn sections(&self, key: &'static str) -> Vec<Self> {
        let nodes = self.elements(key).unwrap_or_default();
        Self::open_all(self.document, nodes, &key_path(&self.path, key))
    }

    /// The sections of a file that is one list.
    pub(crate) fn root_list(document: &'d Document<'d>) -> Vec<Self> {
        document.opened("");
        match &document.root.content {
            Content::Null => Vec::new(),
            Content::List(nodes) => Self::open_all(document, nodes.iter().collect(), ""),
            _ => {
                let message = format!("expected a list (`- ` lines), found {}", document.root.kind());
                document.report(Mistake::new(document.root.place.clone(), "", message));
                Vec::new()
            }
        }
    }

    fn open_all(document: &'d Document<'d>, nodes: Vec<&'d Node>, path: &str) -> Vec<Self> {
        let mut sections = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let path = element_path(path, index);
            if matches!(node.content, Content::Null) {
                let message = "expected a section (`key: value` lines), found nothing";
                document.report(Mistake::new(node.place.clone(), path, message));
            } else {
                sections.push(Self::open(document, Some(node), path, node.place.clone()));
            }
        }
        sections
    }

    /// What is written under `key`; `None` if it is absent.
    #[must_use]
    pub fn shape(&self, key: &'static str) -> Option<Shape> {
        self.ask(key).and_then(|node| match node.content {
            Content::Null => None,
            Content::Scalar(_) => Some(Shape::Value),
            Content::List(_) => Some(Shape::List),
            Content::Map(_) => Some(Shape::Section),
        })
    }

    /// The values under `key`, whose own keys are free, in the order of the file; empty if it is absent.
    #[must_use]
    pub fn map<T: FromValue>(&self, key: &'static str) -> Vec<(String, T)> {
        let Some(node) = self.ask(key) else { return Vec::new() };
        let path = key_path(&self.path, key);
        let Content::Map(entries) = &node.content else {
            let message = format!("expected a section (`key: value` lines), found {}", node.kind());
            self.report(&node.place, &path, message);
            return Vec::new();
        };
        let read = |entry: &Entry| {
            let path = key_path(&path, &entry.key).escape_debug().to_string();
            if matches!(entry.node.content, Content::Null) {
                self.report(&entry.key_place, &path, "expected a value, found nothing");
                return None;
            }
            Some((entry.key.clone(), self.read(&entry.node, &path)?))
        };
        entries.iter().filter_map(read).collect()
    }

    /// The one value or the list of values under `key`; `None` if it is absent.
    #[must_use]
    pub fn one_or_more<T: FromValue>(&self, key: &'static str) -> Option<Vec<T>> {
        match self.shape(key)? {
            Shape::List => Some(self.list(key, Vec::new())),
            Shape::Value | Shape::Section => Some(self.optional(key).into_iter().collect()),
        }
    }

    /// Whether this section is written, if only as `{}`; `key:` with nothing behind it is not.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.node.is_some()
    }

    /// The key path of this section; empty for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value under `key`, or `default` if it is absent.
    #[must_use]
    pub fn get<T: FromValue>(&self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// The value under `key`, or `None` if it is absent.
    #[must_use]
    pub fn optional<T: FromValue>(&self, key: &'static str) -> Option<T> {
        self.read(self.ask(key)?, &key_path(&self.path, key))
    }

    /// The value under `key`, which must be there.
    ///
    /// `stand_in` is what the component goes on with after a mistake. It is never used for real, because
    /// [`Document::finish`] fails then.
    #[must_use]
    pub fn required<T: FromValue>(&self, key: &'static str, stand_in: T) -> T {
        if self.ask(key).is_none() {
            self.reject(key, "is required");
        }
        self.get(key, stand_in)
    }

    /// The value under `key`, which must lie in `range`, or `default` if it is absent.
    ///
    /// ```
    /// # use frontier_config::Document;
    /// let document = Document::parse("workers: 0", &|_| None)?;
    /// let _workers: u16 = document.root().within("workers", 4, 1..=1024);
    /// let errors = document.finish().unwrap_err();
    /// assert_eq!(errors.mistakes()[0].message(), "must lie between 1 and 1024, is 0");
    /// # Ok::<(), frontier_config::ConfigErrors>(())
    /// ```
    #[must_use]
    pub fn within<T>(&self, key: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromValue + PartialOrd + Debug,
    {
        debug_assert!(range.contains(&default), "the default of {key} lies outside its own range");
        match self.optional(key) {
            None => default,
            Some(value) if range.contains(&value) => value,
            Some(value) => {
                self.reject(
                    key,
                    format!("must lie between {:?} and {:?}, is {value:?}", range.start(), range.end()),
                );
                default
            }
        }
    }

    /// The list under `key`, or `default` if it is absent. `[]` is an empty list.
    ///
    /// From an environment variable, a list is separated by commas.
    #[must_use]
    pub fn list<T: FromValue>(&self, key: &'static str, default: Vec<T>) -> Vec<T> {
        let separated = self.ask(key).and_then(from_variable);
        let nodes = match &separated {
            Some(nodes) => Some(nodes.iter().collect()),
            None => self.elements(key),
        };
        let Some(nodes) = nodes else { return default };
        let path = key_path(&self.path, key);
        let values = nodes.into_iter().enumerate();
        values.filter_map(|(index, node)| self.read(node, &element_path(&path, index))).collect()
    }

    /// Notes a mistake that only the component can see, such as two keys that exclude each other.
    pub fn reject(&self, key: &'static str, message: impl Into<String>) {
        self.report(&self.key_place(key), &key_path(&self.path, key), message);
    }

    /// Notes that `key` is known here, and gives its node unless it is absent or null.
    fn ask(&self, key: &'static str) -> Option<&'d Node> {
        self.document.asked(&self.path, key);
        let node = &self.node?.entry(key)?.node;
        (!matches!(node.content, Content::Null)).then_some(node)
    }

    fn elements(&self, key: &'static str) -> Option<Vec<&'d Node>> {
        let node = self.ask(key)?;
        if let Content::List(nodes) = &node.content {
            return Some(nodes.iter().collect());
        }
        self.report(
            &node.place,
            &key_path(&self.path, key),
            format!("expected a list, found {}", node.kind()),
        );
        None
    }

    fn read<T: FromValue>(&self, node: &Node, path: &str) -> Option<T> {
        let value = Value::new(node, self.document.environment);
        T::from_value(&value).map_err(|Invalid(message)| self.report(&node.place, path, message)).ok()
    }

    /// Where the value of `key` was written; for an absent key, where its section was.
    fn key_place(&self, key: &str) -> Place {
        let entry = self.node.and_then(|node| node.entry(key));
        entry.map_or_else(|| self.place.clone(), |entry| entry.node.place.clone())
    }

    fn report(&self, place: &Place, path: &str, message: impl Into<String>) {
        self.document.report(Mistake::new(place.clone(), path, message));
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

#[cfg(test)]
mod tests;
