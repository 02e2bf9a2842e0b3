//! From a value of the tree to a type, and to a choice out of a fixed set of words.

use std::error;
use std::fmt::{self, Debug, Display};
use std::path::PathBuf;
use std::str::FromStr;

use super::document::Document;
use super::mistake::{nearest, quoted};
use super::tree::{Content, Node};

/// A type that a configuration value can be read as.
///
/// Implemented here for text, `bool`, numbers, addresses, paths, durations, [`ByteSize`](super::ByteSize),
/// [`Secret`](super::Secret) and every [`Choice`]. A component implements it for its own
/// types, most often with [`Value::parse`]:
///
/// ```
/// use frontier_config::{FromValue, Invalid, Value};
///
/// #[derive(Debug)]
/// struct Percent(u8);
///
/// impl FromValue for Percent {
///     fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
///         let number: u8 = value.parse("a percentage")?;
///         if number > 100 { Err(Invalid::new("more than all")) } else { Ok(Self(number)) }
///     }
/// }
/// ```
pub trait FromValue: Sized + Debug {
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

impl Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for Invalid {}

/// One value of the file, on its way to a type.
#[derive(Clone, Copy)]
pub struct Value<'v> {
    pub(crate) node: &'v Node,
    document: &'v Document<'v>,
}

impl<'v> Value<'v> {
    pub(crate) fn new(node: &'v Node, document: &'v Document<'v>) -> Self {
        Self { node, document }
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

    /// The path that `text` means in this file.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        self.document.path(text)
    }
}

/// An enum whose variants are words of the file.
///
/// ```
/// use frontier_config::{Choice, Document};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Network { Tcp, Tls }
///
/// impl Choice for Network {
///     const CHOICES: &'static [(&'static str, Self)] = &[("tcp", Self::Tcp), ("tls", Self::Tls)];
/// }
///
/// let document = Document::parse("network: tsl", &|_| None)?;
/// let _network = document.root().get("network", Network::Tcp);
/// assert_eq!(
///     document.finish().unwrap_err().mistakes()[0].message(),
///     "expected one of tcp, tls, found `tsl`; did you mean `tls`?",
/// );
/// # Ok::<(), frontier_config::ConfigErrors>(())
/// ```
pub trait Choice: Copy + Debug + 'static {
    /// The words and what they stand for, in the order in which messages list them. Several words may mean
    /// the same.
    const CHOICES: &'static [(&'static str, Self)];

    /// What may stand there beside the words, such as `{label: KEY}`.
    const OTHERWISE: &'static str = "";
}

impl<C: Choice> FromValue for C {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let words = || C::CHOICES.iter().map(|(word, _)| *word);
        let others = (!C::OTHERWISE.is_empty()).then_some(C::OTHERWISE);
        let what = format!("one of {}", Vec::from_iter(words().chain(others)).join(", "));
        let text = value.text(&what)?;
        if let Some((_, choice)) = C::CHOICES.iter().find(|(word, _)| *word == text) {
            return Ok(*choice);
        }
        let Invalid(mut message) = Invalid::expected(what, text);
        if let Some(near) = nearest(text, words()) {
            message.push_str(&format!("; did you mean {}?", quoted(near)));
        }
        Err(Invalid(message))
    }
}
