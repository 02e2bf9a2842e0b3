//! From a value of the tree to a type.

use std::fmt::Display;
use std::str::FromStr;

use super::document::Environment;
use super::mistake::quoted;
use super::tree::{Content, Node};

/// A type that a configuration value can be read as.
///
/// Implemented here for text, `bool`, numbers, addresses, paths, durations, [`ByteSize`](super::ByteSize),
/// [`Secret`](super::Secret) and every [`Choice`](super::Choice). A component implements it for its own
/// types, most often with [`Value::parse`]:
///
/// ```
/// use frontier_daemon::config::{FromValue, Invalid, Value};
///
/// struct Percent(u8);
///
/// impl FromValue for Percent {
///     fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
///         let number: u8 = value.parse("a percentage")?;
///         if number > 100 { Err(Invalid::new("more than all")) } else { Ok(Self(number)) }
///     }
/// }
/// ```
pub trait FromValue: Sized {
    /// Reads the value, which is never null: a null is an absent key.
    ///
    /// # Errors
    /// What is wrong, for the person who wrote the file; place and key path are added by the caller.
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid>;
}

/// Why a value cannot be read as a type. One line, without the key path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub(crate) String);

impl Invalid {
    /// A message of the component's own, such as "must not end with a dot".
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The usual message: "expected a duration such as `10s`, found `10`".
    pub fn expected(what: impl Display, found: &str) -> Self {
        Self(format!("expected {what}, found {}", quoted(found)))
    }
}

/// One value of the file, on its way to a type.
#[derive(Clone, Copy)]
pub struct Value<'v> {
    pub(crate) node: &'v Node,
    environment: Environment<'v>,
}

impl<'v> Value<'v> {
    pub(crate) fn new(node: &'v Node, environment: Environment<'v>) -> Self {
        Self { node, environment }
    }

    /// The value as written, without quotes. `what` names what is expected, for the message.
    ///
    /// # Errors
    /// If this is a list or a section.
    pub fn text(&self, what: &str) -> Result<&'v str, Invalid> {
        match &self.node.content {
            Content::Scalar(text) => Ok(text),
            _ => Err(Invalid(format!("expected {what}, found {}", self.node.kind()))),
        }
    }

    /// The value through [`FromStr`]. The message names `what` and the text, not the error of the parser,
    /// which speaks to programmers.
    ///
    /// # Errors
    /// If this is a list or a section, or the text does not parse.
    pub fn parse<T: FromStr>(&self, what: &str) -> Result<T, Invalid> {
        let text = self.text(what)?;
        text.parse().map_err(|_| Invalid::expected(what, text))
    }

    /// The variable `name`; an empty one counts as unset, as with overrides.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|text| !text.is_empty())
    }
}
