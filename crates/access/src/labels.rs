//! Labels of a peer.

use std::fmt;

/// The most labels that one peer may have.
pub const MAX_LABELS: usize = 64;

/// The longest key or value of a label, in bytes.
pub const MAX_LABEL_LEN: usize = 255;

/// What is known of a peer besides its id and name, such as `region: eu`: a small map, sorted by key.
///
/// Empty it takes no memory on the heap, since most of a million edges have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

/// A label cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelError {
    /// There are [`MAX_LABELS`] already.
    TooMany,
    /// Key or value is empty or longer than [`MAX_LABEL_LEN`]; the key, shortened.
    Length(String),
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "more than {MAX_LABELS} labels"),
            Self::Length(key) => write!(
                f,
                "label `{}`: key and value must have 1 to {MAX_LABEL_LEN} bytes",
                key.escape_debug()
            ),
        }
    }
}

impl std::error::Error for LabelError {}

impl Labels {
    /// No labels.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.find(key).ok().map(|index| &*self.0[index].1)
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// If there are too many, or one of the two is empty or too long.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), LabelError> {
        let fits = |text: &str| (1..=MAX_LABEL_LEN).contains(&text.len());
        if !fits(key) || !fits(value) {
            return Err(LabelError::Length(key.chars().take(40).collect()));
        }
        match self.find(key) {
            Ok(index) => self.0[index].1 = value.into(),
            Err(_) if self.0.len() >= MAX_LABELS => return Err(LabelError::TooMany),
            Err(index) => self.0.insert(index, (key.into(), value.into())),
        }
        Ok(())
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(have, _)| (**have).cmp(key))
    }
}

/// `a=1, b=2`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}={}", key.escape_debug(), value.escape_debug())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_sorted_and_the_last_value_counts() {
        let mut labels = Labels::new();
        for (key, value) in [("b", "2"), ("a", "1"), ("b", "3")] {
            labels.set(key, value).unwrap();
        }
        assert_eq!((labels.get("b"), labels.get("c")), (Some("3"), None));
        assert_eq!(labels.to_string(), "a=1, b=3");
    }

    #[test]
    fn number_and_length_have_bounds() {
        let mut labels = Labels::new();
        for index in 0..MAX_LABELS {
            labels.set(&format!("key{index}"), "x").unwrap();
        }
        assert_eq!(labels.set("one more", "x"), Err(LabelError::TooMany));
        labels.set("key7", "y").unwrap();
        for (key, value) in [("", "x"), ("x", ""), ("x", &"y".repeat(256)), (&"y".repeat(256), "x")] {
            let error = Labels::new().set(key, value).unwrap_err().to_string();
            assert!(error.ends_with("must have 1 to 255 bytes") && error.len() < 120, "{error}");
        }
    }
}
