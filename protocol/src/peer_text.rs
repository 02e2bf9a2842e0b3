//! What a peer says, as it may stand in a log.

use std::fmt::{self, Write as _};

/// How many characters of a text are shown.
const SHOWN: usize = 256;

/// A text that a peer chose, or that contains one, as it may stand in a log: on one line, without characters that a
/// terminal takes for commands or shows as others, and not longer than some 256 characters. One that has a `=`, by which it could
/// pass for further fields of its line, stands in quotes.
///
/// ```
/// use frontier_protocol::PeerText;
///
/// assert_eq!(PeerText("no\nWARN all is lost").to_string(), r"no\nWARN all is lost");
/// assert_eq!(PeerText("a addr=10.0.0.1").to_string(), r#""a addr=10.0.0.1""#);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PeerText<T>(pub T);

impl<T: fmt::Display> fmt::Display for PeerText<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line { shown: String::new(), left: SHOWN, is_cut: false };
        write!(line, "{}", self.0)?;
        let Line { mut shown, is_cut, .. } = line;
        if is_cut {
            shown.push('…');
        }
        if shown.contains('=') {
            write!(f, "\"{}\"", shown.replace('"', "\\\""))
        } else {
            f.write_str(&shown)
        }
    }
}

struct Line {
    shown: String,
    left: usize,
    is_cut: bool,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            if self.left == 0 {
                self.is_cut = true;
                return Ok(());
            }
            self.left -= 1;
            // Quotes and backslashes are harmless, and stand in paths.
            let is_plain = matches!(char, '"' | '\'' | '\\') || char.escape_debug().eq([char]);
            if is_plain {
                self.shown.push(char);
            } else {
                self.shown.extend(char.escape_debug());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_cannot_leave_its_line_or_steer_a_terminal() {
        for (text, shown) in [
            ("plain, with \"quotes\" and ümläuts", "plain, with \"quotes\" and ümläuts"),
            ("one\r\ntwo\ttabs", r"one\r\ntwo\ttabs"),
            ("\x1b[2J\x07\0", r"\u{1b}[2J\u{7}\0"),
            ("\u{202e}txet\u{2028}\u{85}", r"\u{202e}txet\u{2028}\u{85}"),
        ] {
            assert_eq!(PeerText(text).to_string(), shown);
        }
    }

    #[test]
    fn a_text_cannot_pass_for_fields_of_its_line() {
        for (text, shown) in [
            ("x addr=6.6.6.6:1 cause=\"kicked\"", "\"x addr=6.6.6.6:1 cause=\\\"kicked\\\"\""),
            ("=", "\"=\""),
            ("a \"quoted\" word", "a \"quoted\" word"),
        ] {
            assert_eq!(PeerText(text).to_string(), shown);
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = "ä".repeat(1 << 20);
        let shown = PeerText(&long).to_string();
        assert_eq!(shown, format!("{}…", "ä".repeat(SHOWN)));
        let fits = "x".repeat(SHOWN);
        assert_eq!(PeerText(&fits).to_string(), fits);
        // Also one of several parts.
        assert_eq!(PeerText(format_args!("{fits}{long}")).to_string(), format!("{fits}…"));
    }

    proptest! {
        #[test]
        fn any_text_stays_on_its_line(text: String) {
            let shown = PeerText(&text).to_string();
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(shown.chars().count() <= SHOWN * 10 + 1);
        }
    }
}
