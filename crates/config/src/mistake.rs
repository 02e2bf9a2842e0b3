//! Mistakes: what is wrong, at which key, written where, and how a message quotes and suggests words.

use std::fmt;

use strsim::osa_distance;

/// How much of a value a message repeats; enough to find it, and a mistake stays one line.
const QUOTED_CHARS: usize = 60;

/// Where a value was written. The order is that of the report: the file from top to bottom, then variables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Nowhere in particular, such as a required key of an empty file.
    Document,
    /// A position in the text; both count from 1, columns in characters.
    Line {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// An environment variable that overrides a key.
    Variable(String),
    /// An option of the command line that stands for such a variable.
    Option(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document => f.write_str("the file"),
            Self::Line { line, column } => write!(f, "line {line}, column {column}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Option(name) => write!(f, "option {name}"),
        }
    }
}

/// One mistake. Displays as one line: `line 3, column 5: edgebound.listen.adr: unknown key, did you mean
/// `addr`?`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    place: Place,
    path: String,
    message: String,
}

impl Mistake {
    pub(crate) fn new(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place, path: path.into(), message: message.into() }
    }

    /// Where the mistake is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The key path, such as `edgebound.listen.addr` or `brokers[2]`; empty for mistakes of the YAML itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, without place and path.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place != Place::Document {
            write!(f, "{}: ", self.place)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// All mistakes of a configuration: at least one, sorted by place, each once.
///
/// Displays as a heading that counts them and one line for each. The name of the file is the caller's to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Mistake>);

impl ConfigErrors {
    /// `Err` with the mistakes if there are any.
    pub(crate) fn check(mut mistakes: Vec<Mistake>) -> Result<(), Self> {
        if mistakes.is_empty() {
            return Ok(());
        }
        mistakes.sort();
        // A section that is read twice reports its mistakes twice.
        mistakes.dedup();
        Err(Self(mistakes))
    }

    /// The same, where some variables stand for an option of the command line, whose name `option` gives: that is what is
    /// to be mended.
    #[must_use]
    pub fn said_by(mut self, option: impl Fn(&str) -> Option<&'static str>) -> Self {
        for mistake in &mut self.0 {
            if let Place::Variable(name) = &mistake.place
                && let Some(option) = option(name)
            {
                mistake.place = Place::Option(option.to_owned());
            }
        }
        self.0.sort();
        self
    }

    /// The mistakes, sorted by place.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.0
    }
}

impl From<Mistake> for ConfigErrors {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("1 mistake in the configuration:")?,
            count => write!(f, "{count} mistakes in the configuration:")?,
        }
        for mistake in &self.0 {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Text from a file for use in a message: in backticks, on one line, and cut when long. Of a URL with a user or a
/// query, which may be secret, nothing is shown but the scheme.
pub(crate) fn quoted(text: &str) -> String {
    if let Some((scheme, rest)) = text.split_once("://")
        && rest.contains(['@', '?'])
    {
        let scheme: String = scheme.chars().take(QUOTED_CHARS).collect();
        return format!("`{}://…`", scheme.escape_debug());
    }
    let shown: String = text.chars().take(QUOTED_CHARS).collect();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    format!("`{}{cut}`", shown.escape_debug())
}

/// The nearest of `known` by edit distance; `None` when even that one is too far off to be what was meant.
///
/// Case does not count, and about one slip in three characters is let pass.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (word.chars().count().max(candidate.chars().count()) / 3).max(1)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_counts_sorts_and_drops_repeats() {
        let late = Mistake::new(Place::Line { line: 10, column: 1 }, "b", "late");
        let early = Mistake::new(Place::Line { line: 9, column: 30 }, "c", "early");
        let variable = Mistake::new(Place::Variable("PORT".into()), "a", "from outside");
        let errors = ConfigErrors::check(vec![variable, late.clone(), early, late]).unwrap_err();
        assert_eq!(
            errors.to_string(),
            "3 mistakes in the configuration:\n  line 9, column 30: c: early\n  line 10, column 1: b: late\n  \
             environment variable PORT: a: from outside"
        );
        assert_eq!(ConfigErrors::check(Vec::new()), Ok(()));
    }

    #[test]
    fn quoted_text_stays_on_one_short_line() {
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted(&"é".repeat(200)).chars().count(), QUOTED_CHARS + 3);
    }

    #[test]
    fn what_may_be_secret_in_a_url_is_not_repeated() {
        assert_eq!(quoted("redis://user:hunter2@h:1"), "`redis://…`");
        assert_eq!(quoted("wss://h/?token=hunter2"), "`wss://…`");
        assert_eq!(quoted("tcp://h:0"), "`tcp://h:0`");
    }

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["addr", "network", "tls"];
        assert_eq!(nearest("adr", known), Some("addr"));
        assert_eq!(nearest("netwrok", known), Some("network"));
        assert_eq!(nearest("TLS", known), Some("tls"));
        assert_eq!(nearest("backlog", known), None);
        assert_eq!(nearest("adr", []), None);
    }
}
