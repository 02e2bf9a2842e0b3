//! What a broker says, as a line of a log.

/// Without line breaks, and no longer than a line of a log.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
