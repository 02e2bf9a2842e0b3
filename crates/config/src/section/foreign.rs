//! Keys as the files of other programs have them, so that those load as they are.

use super::Section;
use crate::document::key_path;
use crate::duration::Seconds;
use crate::fixed::Change;
use crate::tree::Content;
use crate::value::FromValue;
use std::ops::RangeInclusive;
use std::time::Duration;

impl<'d> Section<'d> {
    /// Takes a key that means nothing here, with all that is below it. A line that says so, and why, if something is
    /// written there that asks for anything: not an empty text, `false` or `0`.
    #[must_use]
    pub fn ignored(&self, key: &'static str, why: &str) -> Option<String> {
        let node = self.ask_as(key, Change::Nested)?;
        let is_nothing =
            matches!(&node.content, Content::Scalar(text) if ["", "false", "0"].contains(&&**text));
        (!is_nothing).then(|| format!("{}: {} is not used: {why}", node.place, key_path(&self.path, key)))
    }

    /// What stands under `inner` in the section of a key that is [ignored](Self::ignored), if that is text.
    #[must_use]
    pub fn ignored_text(&self, key: &'static str, inner: &str) -> Option<&'d str> {
        match &self.ask_as(key, Change::Nested)?.entry(inner)?.node.content {
            Content::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// As [`get`](Self::get), where an empty text stands for the default as well.
    #[must_use]
    pub fn filled<T: FromValue>(&self, key: &'static str, default: T) -> T {
        self.recorded(key, self.filled_value(key).unwrap_or(default))
    }

    /// As [`optional`](Self::optional), where an empty text stands for none as well.
    #[must_use]
    pub fn optional_filled<T: FromValue>(&self, key: &'static str) -> Option<T> {
        self.recorded(key, self.filled_value(key))
    }

    /// As [`within`](Self::within) for a duration that files of others have in seconds, without a unit, and with 0 for the
    /// default.
    #[must_use]
    pub fn seconds_within(
        &self,
        key: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let value = self.value(key).and_then(|Seconds(value)| value);
        self.value_within(key, value, default, range)
    }

    fn filled_value<T: FromValue>(&self, key: &'static str) -> Option<T> {
        let node = self.ask(key)?;
        match &node.content {
            Content::Scalar(text) if text.is_empty() => None,
            _ => self.read(node, &key_path(&self.path, key)),
        }
    }
}
