//! Errors as texts: this wire has no codes, and applications of the original compare the texts.

use frontier_exchange::Failure;
use frontier_protocol::Code;
use std::borrow::Cow;

/// How the original says that a peer does not have a method.
const NO_METHOD: &str = "no such rpc: ";

/// How much of an error's text is passed on, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// What a peer is told for an error with this code and text.
pub(super) fn text<'a>(code: Code, text: &'a str, is_edge: bool) -> Cow<'a, str> {
    match code {
        Code::EdgeNotOnline => "edge not online".into(),
        Code::TopicNotOnline => "topic not online".into(),
        Code::ServiceNotOnline => "service not online".into(),
        Code::Deadline => "timeout".into(),
        Code::Cancelled => "context canceled".into(),
        Code::Disconnected => "EOF".into(),
        Code::MethodNotFound if text.starts_with(NO_METHOD) => text.into(),
        Code::MethodNotFound if is_edge => "record not found".into(),
        Code::MethodNotFound => format!("{NO_METHOD}{text}").into(),
        code if text.is_empty() => code.text().into(),
        _ => text.into(),
    }
}

/// The same for what was refused.
pub(super) fn refusal(failure: &Failure) -> Cow<'_, str> {
    text(failure.code, &failure.text, true)
}

/// The code and the text of an error that a peer answers with.
pub(super) fn code(text: &str) -> (Code, &str) {
    let code = if text.starts_with(NO_METHOD) { Code::MethodNotFound } else { Code::Application };
    (code, &text[..text.floor_char_boundary(MAX_TEXT)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_original() {
        for (code, own, is_edge, told) in [
            (Code::EdgeNotOnline, "edge 7 is not online", false, "edge not online"),
            (Code::TopicNotOnline, "no service receives it", true, "topic not online"),
            (Code::ServiceNotOnline, "no service", true, "service not online"),
            (Code::MethodNotFound, "no service has registered it", true, "record not found"),
            (Code::MethodNotFound, "no handler for `m`", false, "no such rpc: no handler for `m`"),
            (Code::MethodNotFound, "no such rpc: m", true, "no such rpc: m"),
            (Code::Deadline, "too late", true, "timeout"),
            (Code::Disconnected, "the connection was lost", true, "EOF"),
            (Code::Application, "no such user", true, "no such user"),
            (Code::Overloaded, "", true, "overloaded"),
            (Code::Overloaded, "its queue is full", true, "its queue is full"),
        ] {
            assert_eq!(text(code, own, is_edge), told);
        }
    }

    #[test]
    fn a_method_that_a_peer_lacks_has_a_code_of_its_own() {
        assert_eq!(code("no such rpc: m"), (Code::MethodNotFound, "no such rpc: m"));
        assert_eq!(code("no such user"), (Code::Application, "no such user"));
        assert_eq!(code(&"é".repeat(MAX_TEXT)).1.len(), MAX_TEXT);
    }
}
