//! Why a channel was closed, and because of which of the messages in flight.
//!
//! A channel takes messages one after the other, and closes at the first that it does not take: what is before that one
//! may be stored and is not confirmed any more, what is behind it was not looked at.

use super::connect::refused;
use super::decode::Close;
use super::window::Sent;
use crate::Cause;

/// What the server has found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Messages of more bytes than this.
    TooLarge(usize),
    /// What goes by this routing key.
    Key(String),
    /// The exchange: it is not there, or may not be published to.
    Exchange(Cause),
    /// Something about one message, it does not say which.
    Other,
}

impl Refusal {
    /// By what RabbitMQ says, which has no other place for it than the text.
    pub(super) fn of(close: &Close) -> Self {
        let text = &*close.text;
        match close.code {
            406 => match after(text, "larger than configured max size ").and_then(number) {
                Some(max) => Self::TooLarge(max),
                None => Self::Other,
            },
            403 => {
                match after(text, "access to topic '").and_then(|rest| rest.split_once("' in exchange ")) {
                    Some((key, _)) => Self::Key(key.to_owned()),
                    None => Self::Exchange(Cause::Denied),
                }
            }
            404 => Self::Exchange(Cause::NoTarget),
            _ => Self::Other,
        }
    }

    /// The kind of error for the message that it is about.
    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::TooLarge(_) => Cause::TooLarge,
            Self::Key(_) => Cause::Denied,
            Self::Exchange(cause) => *cause,
            Self::Other => Cause::Refused,
        }
    }

    /// Which of these messages, in their order, it is about, if that can be told.
    pub(super) fn culprit<'s>(&self, mut sent: impl ExactSizeIterator<Item = &'s Sent>) -> Option<usize> {
        if sent.len() == 1 {
            return Some(0);
        }
        match self {
            Self::TooLarge(max) => sent.position(|sent| sent.size > *max),
            Self::Key(key) => {
                let hash = super::hash(key);
                sent.position(|sent| sent.key == hash)
            }
            Self::Exchange(_) | Self::Other => None,
        }
    }
}

/// What a server says of it, in one line.
pub(super) fn text(name: &str, close: &Close) -> String {
    format!("{name}: the broker refuses it: {}", refused(close))
}

fn after<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

fn number(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16, text: &str) -> Refusal {
        Refusal::of(&Close { code, text: text.to_owned() })
    }

    #[test]
    fn texts_of_rabbitmq_are_understood() {
        let large = "PRECONDITION_FAILED - message size 300 is larger than configured max size 200";
        assert_eq!(refusal(406, large), Refusal::TooLarge(200));
        let topic =
            "ACCESS_REFUSED - access to topic 'a.b' in exchange 'e' in vhost '/' refused for user 'u'";
        assert_eq!(refusal(403, topic), Refusal::Key("a.b".to_owned()));
        let exchange = "ACCESS_REFUSED - access to exchange 'e' in vhost '/' refused for user 'u'";
        assert_eq!(refusal(403, exchange), Refusal::Exchange(Cause::Denied));
        let missing = "NOT_FOUND - no exchange 'e' in vhost '/'";
        assert_eq!(refusal(404, missing), Refusal::Exchange(Cause::NoTarget));
        assert_eq!(refusal(406, "PRECONDITION_FAILED - invalid expiration 'x'"), Refusal::Other);
    }

    #[test]
    fn the_message_that_it_is_about_is_found_where_it_can_be() {
        let sent = |size, key| Sent { number: 0, id: 0, size, key: super::super::hash(key) };
        let sent = [sent(1, "a"), sent(300, "b"), sent(300, "a")];
        for (refusal, culprit) in [
            (Refusal::TooLarge(200), Some(1)),
            (Refusal::TooLarge(400), None),
            (Refusal::Key("a".to_owned()), Some(0)),
            (Refusal::Key("c".to_owned()), None),
            (Refusal::Other, None),
        ] {
            assert_eq!(refusal.culprit(sent.iter()), culprit, "{refusal:?}");
            assert_eq!(refusal.culprit(sent[..1].iter()), Some(0));
        }
    }
}
