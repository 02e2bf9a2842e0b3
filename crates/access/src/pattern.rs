//! Patterns for names.

use frontier_config::{FromValue, Invalid, Value};
use std::fmt;

/// The longest pattern, in bytes.
const MAX_LEN: usize = 1024;

/// A pattern for names: `*` stands for any characters, also none; `?` for exactly one; `\` takes the
/// meaning from the character behind it. Case counts, and the whole name must match.
///
/// Matching takes time up to the product of the two lengths, and no memory.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    form: Form,
}

/// What the pattern comes down to: nearly all are one of the first three.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    Any,
    Exact(Box<str>),
    Prefix(Box<str>),
    Glob(Box<[Part]>),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Run,
    One,
    Char(char),
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// If it is empty or too long, or ends with a lone `\`.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > MAX_LEN {
            return Err(Invalid::new(format!("a pattern must have 1 to {MAX_LEN} bytes")));
        }
        let mut parts = Vec::new();
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            let part = match char {
                '*' => Part::Run,
                '?' => Part::One,
                '\\' => Part::Char(chars.next().ok_or_else(|| {
                    Invalid::new("ends with a lone `\\`; a backslash itself is written as `\\\\`")
                })?),
                char => Part::Char(char),
            };
            // Runs in a row are one: that bounds the work of matching.
            if part != Part::Run || parts.last() != Some(&Part::Run) {
                parts.push(part);
            }
        }
        Ok(Self { text: text.into(), form: Form::of(&parts) })
    }

    /// The pattern, as text, that matches `name` and nothing else.
    pub(crate) fn literal(name: &str) -> String {
        let special = |char| matches!(char, '*' | '?' | '\\');
        name.chars().flat_map(|char| special(char).then_some('\\').into_iter().chain([char])).collect()
    }

    /// Whether the whole of `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.form {
            Form::Any => true,
            Form::Exact(text) => **text == *name,
            Form::Prefix(text) => name.starts_with(&**text),
            Form::Glob(parts) => glob(parts, name),
        }
    }

    /// The one name that matches, if no other does.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        if let Form::Exact(name) = &self.form { Some(name) } else { None }
    }

    /// The characters that each name that matches has, in their order.
    #[must_use]
    pub fn fixed(&self) -> String {
        match &self.form {
            Form::Any => String::new(),
            Form::Exact(text) | Form::Prefix(text) => text.to_string(),
            Form::Glob(parts) => parts
                .iter()
                .filter_map(|part| if let Part::Char(char) = part { Some(*char) } else { None })
                .collect(),
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Form {
    fn of(parts: &[Part]) -> Self {
        let literal = |parts: &[Part]| {
            let char = |part: &Part| if let Part::Char(char) = part { Some(*char) } else { None };
            parts.iter().map(char).collect::<Option<String>>()
        };
        match parts {
            [Part::Run] => Self::Any,
            [start @ .., Part::Run] if literal(start).is_some() => {
                Self::Prefix(literal(start).unwrap_or_default().into())
            }
            all => match literal(all) {
                Some(text) => Self::Exact(text.into()),
                None => Self::Glob(all.into()),
            },
        }
    }
}

/// Tries the shortest run first and goes back to the last run only: a longer earlier run cannot match
/// what a longer later one does not.
fn glob(parts: &[Part], name: &str) -> bool {
    let mut rest = name.chars();
    let mut at = 0;
    let mut retry = None;
    loop {
        let before = rest.clone();
        match (parts.get(at), rest.next()) {
            (Some(Part::Run), _) => {
                at += 1;
                retry = Some((at, before.clone()));
                rest = before;
                continue;
            }
            (Some(Part::One), Some(_)) => {
                at += 1;
                continue;
            }
            (Some(Part::Char(wanted)), Some(char)) if *wanted == char => {
                at += 1;
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((part, from)) = &mut retry else { return false };
        if from.next().is_none() {
            return false;
        }
        (at, rest) = (*part, from.clone());
    }
}

impl FromValue for Pattern {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        Self::new(value.text("a pattern")?)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(name)
    }

    #[test]
    fn what_each_name_has_is_known() {
        for (text, exact, fixed) in [
            ("a", Some("a"), "a"),
            ("a\\*", Some("a*"), "a*"),
            ("*", None, ""),
            ("a.*", None, "a."),
            ("a*b?c", None, "abc"),
        ] {
            let pattern = Pattern::new(text).unwrap();
            assert_eq!((pattern.exact(), &*pattern.fixed()), (exact, fixed), "{text}");
        }
    }

    #[test]
    fn stars_and_question_marks() {
        let cases = [
            ("*", "", true),
            ("echo", "echo", true),
            ("echo", "Echo", false),
            ("echo", "echo2", false),
            ("files.*", "files.", true),
            ("files.*", "files.a.b", true),
            ("files.*", "files", false),
            ("*.read", "files.read", true),
            ("*.read", "files.reads", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("?*", "", false),
            ("**", "", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            (r"a\?*", "a?b", true),
            (r"\\", r"\", true),
            ("*?b", "aab", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{name} against {pattern}");
        }
    }

    #[test]
    fn a_literal_matches_itself_alone() {
        for name in ["gw-1", "*", "a?", r"a\b", r"\"] {
            let literal = Pattern::literal(name);
            assert!(matches(&literal, name) && !matches(&literal, "ab"), "{literal}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert!(Pattern::new("").is_err() && Pattern::new(&"x".repeat(1025)).is_err());
        assert!(Pattern::new(r"a\").is_err());
    }

    #[test]
    fn a_hard_case_takes_no_time() {
        let pattern = format!("{}b", "a*".repeat(300));
        assert!(!matches(&pattern, &"a".repeat(8000)));
    }

    /// By definition, and exponential: for short texts.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern.first(), name.first()) {
            (None, None) => true,
            (Some('*'), _) => (0..=name.len()).any(|skip| by_definition(&pattern[1..], &name[skip..])),
            (Some('?'), Some(_)) => by_definition(&pattern[1..], &name[1..]),
            (Some(wanted), Some(char)) if wanted == char => by_definition(&pattern[1..], &name[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_matches_what_the_definition_says(pattern in "[ab*?]{1,8}", name in "[ab]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), by_definition(&chars(&pattern), &chars(&name)));
        }

        #[test]
        fn no_text_panics(pattern in ".*", name in ".*") {
            if let Ok(pattern) = Pattern::new(&pattern) {
                let _ = pattern.matches(&name);
            }
        }
    }
}
