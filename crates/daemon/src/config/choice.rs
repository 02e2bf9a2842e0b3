//! Values out of a fixed set of words.

use super::mistake::quoted;
use super::nearest::nearest;
use super::value::{FromValue, Invalid, Value};

/// An enum whose variants are words of the file.
///
/// ```
/// use frontier_daemon::config::{Choice, Document};
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
/// # Ok::<(), frontier_daemon::config::ConfigErrors>(())
/// ```
pub trait Choice: Copy + 'static {
    /// The words and what they stand for, in the order in which messages list them. Several words may mean
    /// the same.
    const CHOICES: &'static [(&'static str, Self)];
}

impl<C: Choice> FromValue for C {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let words = || C::CHOICES.iter().map(|(word, _)| *word);
        let what = format!("one of {}", Vec::from_iter(words()).join(", "));
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
