//! A section: how a component reads its own part of the file.

mod collections;
mod enable;
mod foreign;

use std::fmt::Debug;
use std::ops::RangeInclusive;

use super::document::{Document, key_path};
use super::fixed::Change;
use super::mistake::{Mistake, Place, quoted};
use super::tree::{Content, Node};
use super::value::{FromValue, Invalid, Value};

const PLACEHOLDER: &str = "has a `${NAME}` or `$(NAME)` in it, which nothing has replaced; write {env: NAME}";

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
    change: Change,
}

impl<'d> Section<'d> {
    pub(crate) fn root(document: &'d Document<'d>) -> Self {
        Self::open(document, Some(&document.root), String::new(), Place::Document, Change::Undeclared)
    }

    fn open(
        document: &'d Document<'d>,
        node: Option<&'d Node>,
        path: String,
        place: Place,
        change: Change,
    ) -> Self {
        document.opened(&path);
        let mut section = Self { document, node: None, path, place, change };
        match node.map(|node| (node, &node.content)) {
            None | Some((_, Content::Null)) => {}
            Some((node, Content::Map(_))) => section.node = Some(node),
            Some((node, _)) => {
                let message = format!("expected a section (`key: value` lines), found {}", node.kind());
                document.report_unread(Mistake::new(node.place.clone(), section.path.clone(), message));
            }
        }
        section
    }

    /// The section under `key`. Absent or empty, it is a section where every key has its default.
    #[must_use]
    pub fn section(&self, key: &'static str) -> Self {
        let node = self.ask_as(key, Change::Nested);
        let place = self.key_place(key);
        Self::open(self.document, node, key_path(&self.path, key), place, self.change)
    }

    /// This section, to read keys whose change takes a reload; so do those of the sections below.
    #[must_use]
    pub fn reloadable(&self) -> Self {
        Self { change: Change::Reload, ..self.clone() }
    }

    /// This section, to read keys whose change takes a restart; so do those of the sections below. Their values
    /// are kept in [`FixedSettings`](crate::FixedSettings), by key path.
    #[must_use]
    pub fn fixed(&self) -> Self {
        Self { change: Change::Restart, ..self.clone() }
    }

    /// As [`fixed`](Self::fixed), for keys that make up one setting together, which has this name and the value
    /// that is [recorded](Self::record).
    #[must_use]
    pub fn fixed_as(&self, name: &'static str) -> Self {
        Self { change: Change::RestartAs(name), ..self.clone() }
    }

    /// Records the value of the setting of [`fixed_as`](Self::fixed_as).
    pub fn record(&self, value: &impl Debug) {
        if let Change::RestartAs(name) = self.change {
            self.document.record(name, value);
        }
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
        self.recorded(key, self.value(key).unwrap_or(default))
    }

    /// The value under `key`, or `None` if it is absent.
    #[must_use]
    pub fn optional<T: FromValue>(&self, key: &'static str) -> Option<T> {
        self.recorded(key, self.value(key))
    }

    /// The value under `key`, which must be there.
    ///
    /// `stand_in` is what the component goes on with after a mistake. It is never used for real, because
    /// [`Document::finish`] fails then.
    #[must_use]
    pub fn required<T: FromValue>(&self, key: &'static str, stand_in: T) -> T {
        if self.ask(key).is_none() {
            self.reject_value(key, "is required");
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
        let value = self.value(key);
        self.value_within(key, value, default, range)
    }

    fn value_within<T>(&self, key: &'static str, value: Option<T>, default: T, range: RangeInclusive<T>) -> T
    where
        T: PartialOrd + Debug,
    {
        debug_assert!(range.contains(&default), "the default of {key} lies outside its own range");
        let value = match value {
            None => default,
            Some(value) if range.contains(&value) => value,
            Some(value) => {
                let [least, most, value] = [range.start(), range.end(), &value].map(shown);
                self.reject_value(key, format!("must lie between {least} and {most}, is {value}"));
                default
            }
        };
        self.recorded(key, value)
    }

    /// Notes a mistake that only the component can see, such as two keys that exclude each other. Nothing is noted of a value
    /// that could not be read, which was told: the component speaks of what stands in for it.
    pub fn reject(&self, key: &'static str, message: impl Into<String>) {
        let path = key_path(&self.path, key);
        if !self.document.is_unread(&path) {
            self.report(&self.key_place(key), &path, message);
        }
    }

    /// As [`reject`](Self::reject), where something else stands in for the value from here on.
    fn reject_value(&self, key: &'static str, message: impl Into<String>) {
        let path = key_path(&self.path, key);
        if !self.document.is_unread(&path) {
            self.report_unread(&self.key_place(key), &path, message);
        }
    }

    /// Whether something is written under `key`, or at this path below it, that could not be read, which was told. Then what
    /// the component has in hand says nothing about the file.
    #[must_use]
    pub fn is_unread(&self, key: &str) -> bool {
        self.document.is_unread(&key_path(&self.path, key))
    }

    /// As [`reject`](Self::reject), for the value at a path from the root, such as `listeners[1].auth`: what is
    /// found once all sections are read. An empty path is about none of them.
    pub fn reject_at(&self, path: &str, message: impl Into<String>) {
        if !self.document.is_unread(path) {
            self.report(self.document.root.place_of(path), path, message);
        }
    }

    /// Whether there is a value at this whole path, whose key is known elsewhere.
    #[must_use]
    pub fn is_written_at(&self, path: &str) -> bool {
        self.document.root.has(path)
    }

    /// Notes that `key` is known here, and gives its node unless it is absent or null.
    fn ask(&self, key: &'static str) -> Option<&'d Node> {
        self.ask_as(key, self.change)
    }

    fn ask_as(&self, key: &'static str, change: Change) -> Option<&'d Node> {
        self.document.asked(&self.path, key, change);
        let node = &self.node?.entry(key)?.node;
        (!matches!(node.content, Content::Null)).then_some(node)
    }

    fn value<T: FromValue>(&self, key: &'static str) -> Option<T> {
        self.read(self.ask(key)?, &key_path(&self.path, key))
    }

    /// The value of `key`, which is kept if its change takes a restart.
    fn recorded<T: Debug>(&self, key: &'static str, value: T) -> T {
        if self.change == Change::Restart {
            self.document.record(&key_path(&self.path, key), &value);
        }
        value
    }

    fn read<T: FromValue>(&self, node: &Node, path: &str) -> Option<T> {
        let variable = match self.variable(node) {
            Ok(variable) => variable,
            Err(Invalid(message)) => {
                self.report_unread(&node.place, path, message);
                return None;
            }
        };
        let node = variable.as_ref().unwrap_or(node);
        // A variable may have a secret in it, which may have any characters.
        if !matches!(node.place, Place::Variable(_)) && node.has_placeholder() {
            // Not repeated: it may be in the middle of a secret.
            self.report_unread(&node.place, path, PLACEHOLDER);
            return None;
        }
        let value = Value::new(node, self.document);
        T::from_value(&value).map_err(|Invalid(message)| self.report_unread(&node.place, path, message)).ok()
    }

    /// What `{env: NAME}` and `{env: NAME, port: PORT}` stand for; `None` for all else. Fails if the variable is not
    /// set.
    fn variable(&self, node: &Node) -> Result<Option<Node>, Invalid> {
        let scalar = |key| match node.entry(key).map(|entry| &entry.node.content) {
            Some(Content::Scalar(text)) => Some(text),
            _ => None,
        };
        let (name, port) = match &node.content {
            Content::Map(entries) if entries.len() == 1 => (scalar("env"), None),
            Content::Map(entries) if entries.len() == 2 && scalar("port").is_some() => {
                (scalar("env"), scalar("port"))
            }
            _ => return Ok(None),
        };
        let Some(name) = name else { return Ok(None) };
        let Some(text) = self.document.variable(name) else {
            return Err(Invalid(format!("environment variable {} is not set or empty", quoted(name))));
        };
        let text = match port {
            None => text,
            Some(port) if text.contains(':') && !text.starts_with('[') => format!("[{text}]:{port}"),
            Some(port) => format!("{text}:{port}"),
        };
        Ok(Some(Node { place: Place::Variable(name.clone()), content: Content::Scalar(text) }))
    }

    /// Where the value of `key`, or at this path, was written; for an absent one, where its section was.
    fn key_place(&self, key: &str) -> Place {
        let node = self.node.and_then(|node| node.at(key));
        node.map_or_else(|| self.place.clone(), |node| node.place.clone())
    }

    fn report(&self, place: &Place, path: &str, message: impl Into<String>) {
        self.document.report(Mistake::new(place.clone(), path, message));
    }

    /// As [`report`](Self::report), of a value in whose place something else is used.
    fn report_unread(&self, place: &Place, path: &str, message: impl Into<String>) {
        self.document.report_unread(Mistake::new(place.clone(), path, message));
    }
}

/// A bound or a value, as it would be written. Nobody writes 0 in nanoseconds.
fn shown<T: Debug>(value: &T) -> String {
    let text = format!("{value:?}");
    if text == "0ns" { "0s".into() } else { text }
}

#[cfg(test)]
mod tests;
