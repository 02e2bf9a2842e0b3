//! Server-sent events, as they come: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// The largest event that is taken: a part of a snapshot is far below it.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// What it is; empty for a sign of life.
    pub(crate) name: String,
    pub(crate) data: String,
    /// The position that it brings one to, if it says so.
    pub(crate) id: Option<String>,
}

/// Events from a control plane.
pub(crate) struct Events {
    body: Incoming,
    parser: Parser,
    from: String,
}

impl Events {
    pub(super) fn new(body: Incoming, from: String) -> Self {
        Self { body, parser: Parser::default(), from }
    }

    /// The next one, which may be a sign of life.
    ///
    /// It is cancel safe.
    pub(crate) async fn next(&mut self) -> Outcome<Event> {
        loop {
            if let Some(event) = self.parser.next() {
                return Ok(event);
            }
            if self.parser.text.len() > MAX_EVENT {
                return Err(self.lost(format!("an event of more than {MAX_EVENT} bytes")));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.parser.push(&frame.into_data().unwrap_or_else(|_| Bytes::new())),
                Some(Err(error)) => return Err(self.lost(format!("the connection was lost: {error}"))),
                None => return Err(self.lost("it has ended the watch")),
            }
        }
    }

    fn lost(&self, text: impl std::fmt::Display) -> Failure {
        Failure::new(Exit::Unreachable, text).about(&self.from)
    }
}

/// From bytes to events.
#[derive(Debug, Default)]
struct Parser {
    text: Vec<u8>,
    /// No event ends before it.
    seen: usize,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// Takes the next event out, if it is whole. Our servers end lines with a line feed alone.
    fn next(&mut self) -> Option<Event> {
        let from = self.seen.saturating_sub(1);
        let Some(end) = self.text[from..].windows(2).position(|pair| pair == b"\n\n") else {
            self.seen = self.text.len();
            return None;
        };
        let block: Vec<u8> = self.text.drain(..from + end + 2).collect();
        self.seen = 0;
        let mut event = Event::default();
        for line in String::from_utf8_lossy(&block).lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut event.name),
                "id" => event.id = Some(value.to_owned()),
                "data" => {
                    if !event.data.is_empty() {
                        event.data.push('\n');
                    }
                    event.data += value;
                }
                // A comment, or what a later version has.
                _ => {}
            }
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_they_are_cut() {
        let text = "event: snapshot\ndata: {\"a\":1}\n\n: life\nid: 1.2\n\nevent: change\nid: 1.3\ndata: x\ndata: y\n\n";
        let event = |name: &str, data: &str, id: Option<&str>| Event {
            name: name.into(),
            data: data.into(),
            id: id.map(str::to_owned),
        };
        let expected = [
            event("snapshot", "{\"a\":1}", None),
            event("", "", Some("1.2")),
            event("change", "x\ny", Some("1.3")),
        ];
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                parser.push(piece);
                events.extend(std::iter::from_fn(|| parser.next()));
            }
            assert_eq!(events, expected, "{size}");
        }
    }
}
