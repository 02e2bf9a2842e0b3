//! Why a command failed: the exit code, what happened, and what to do about it.

use crate::exit::Exit;
use crate::output::plain;
use frontier_config::format_duration;
use frontier_sdk::{Closed, Code, ConnectError, Error};
use std::fmt;
use std::io;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    text: String,
    advice: Option<String>,
    /// The status of a control plane's answer, if that is what failed.
    status: Option<u16>,
}

/// What a command gives.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self { exit, text: plain(&text.to_string()), advice: None, status: None }
    }

    /// Something in the command line, a context or a file has to be mended first.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// What to do about it.
    pub(crate) fn advise(self, advice: impl fmt::Display) -> Self {
        Self { advice: Some(plain(&advice.to_string())), ..self }
    }

    /// What happened.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What to do about it, if there is something to say.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }

    /// What it was about, before what happened.
    pub(crate) fn about(self, what: impl fmt::Display) -> Self {
        Self { text: plain(&format!("{what}: {}", self.text)), ..self }
    }

    /// That a control plane answered with this status.
    pub(crate) fn answered(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Whether who is asked for is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == Some(404)
    }

    /// Whether a position is no longer in the history.
    pub(crate) fn is_gone(&self) -> bool {
        self.status == Some(410)
    }

    /// Nobody reads the output any more: there is nothing to complain about.
    pub(crate) fn is_closed_output(&self) -> bool {
        self.exit == Exit::Ok
    }

    /// Of a message that an edge has published.
    pub(crate) fn publish(error: Error) -> Self {
        let of_broker = of_broker(error.code(), error.text());
        let failure = Self::from(error);
        of_broker.into_iter().fold(failure, Self::advise)
    }

    /// Of the connection to a gateway at `url`, as an edge or as a service; `option` sets the address.
    pub(crate) fn connect(error: &ConnectError, url: &str, option: &str) -> Self {
        let at = |exit| Self::new(exit, format!("{url}: {error}"));
        match error {
            ConnectError::Refused { code, .. } => Self { advice: advice(*code), ..at(exit(*code)) },
            ConnectError::Timeout { retry_after: Some(after), .. } => at(Exit::TryAgain)
                .advise(format!("the gateway asks to be left alone for {}", format_duration(*after))),
            ConnectError::Timeout { .. } => at(Exit::Unreachable).advise(format!(
                "`frontctl doctor` looks at each part; --{option} or a context sets the address"
            )),
            _ => at(Exit::Usage),
        }
    }
}

/// The exit code that stands for a code of the wire.
fn exit(code: Code) -> Exit {
    match code {
        Code::Unauthenticated | Code::Denied => Exit::Denied,
        Code::Disconnected => Exit::Unreachable,
        code if code.is_retryable() => Exit::TryAgain,
        _ => Exit::Failure,
    }
}

/// What to do about a code of the wire.
fn advice(code: Code) -> Option<String> {
    let advice = match code {
        Code::Unauthenticated => {
            "show a token (FRONTCTL_TOKEN, --token-file) or a certificate (--cert, --key), or take a context that has one"
        }
        Code::Denied => {
            "the gateway's rules, or what the credentials are for, do not allow it: docs/access.md"
        }
        Code::EdgeNotOnline => "`frontctl edges ls` lists who is connected",
        Code::ServiceNotOnline => "`frontctl services ls` lists who is connected; --name of a service counts",
        Code::MethodNotFound => "whoever is to answer has to register the method first",
        Code::TopicNotOnline => "nobody takes the topic: `frontctl sub` does",
        Code::Deadline => "--timeout gives it more time; it may have had its effect all the same",
        Code::TooLarge => {
            "the gateway's limits.payload_size and limits.custom_size say how much is let through"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// The names of sinks, by which the texts of their refusals begin.
const SINKS: [&str; 8] = ["amqp", "jetstream", "kafka", "mqtt", "nats", "nsq", "redis", "redis_streams"];

/// What to do where it is not the gateway that has refused the message of an edge, but the message broker to which the topic goes. A
/// service has other codes for what it refuses.
fn of_broker(code: Code, text: &str) -> Option<&'static str> {
    let (name, _) = text.split_once(": ")?;
    if !SINKS.contains(&name) {
        return None;
    }
    match code {
        Code::Denied => Some(
            "the broker to which the topic goes refuses it: what the gateway's user may do there counts; docs/mq.md#errors",
        ),
        Code::TopicNotOnline => Some(
            "the broker to which the topic goes is away, or nothing there takes it; the gateway's /readyz and log say more",
        ),
        Code::TooLarge => {
            Some("the broker's own limit counts, or mq.max_inflight_size of the gateway: docs/mq.md#errors")
        }
        _ => None,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self { advice: advice(error.code()), ..Self::new(exit(error.code()), &error) };
        match error.retry_after() {
            Some(after) => failure.advise(format!("try again in {}", format_duration(after))),
            None => failure,
        }
    }
}

/// Of a client that is closed for good.
impl From<Closed> for Failure {
    fn from(closed: Closed) -> Self {
        match &closed {
            Closed::Refused { code, .. } => Self { advice: advice(*code), ..Self::new(exit(*code), &closed) },
            Closed::Superseded => Self::new(Exit::Failure, &closed)
                .advise("another program has the same id: give each one of its own"),
            _ => Self::new(Exit::Unreachable, &closed),
        }
    }
}

/// Of the output, which a closed pipe ends without a word, as other tools do.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let exit = if error.kind() == io::ErrorKind::BrokenPipe { Exit::Ok } else { Exit::Failure };
        Self::new(exit, format!("can't write: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frontctl: {}", self.text)?;
        match &self.advice {
            Some(advice) => write!(f, "\n  {advice}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_exit_code() {
        let expected = [
            (Code::Unauthenticated, 77),
            (Code::Denied, 77),
            (Code::Disconnected, 69),
            (Code::Overloaded, 75),
            (Code::Draining, 75),
            (Code::Deadline, 75),
            (Code::EdgeNotOnline, 75),
            (Code::MethodNotFound, 1),
            (Code::Application, 1),
        ];
        for (code, number) in expected {
            assert_eq!(exit(code).code(), number, "{code}");
        }
    }

    #[test]
    fn what_a_broker_refuses_is_not_put_down_to_the_gateway() {
        for (code, text, expected) in [
            (Code::Denied, "amqp: ACCESS_REFUSED - access to topic 'a' refused (403)", Some("refuses it")),
            (Code::TopicNotOnline, "redis_streams: the broker is not connected", Some("is away")),
            (
                Code::TooLarge,
                "kafka: the message has 9 bytes, and the broker takes 8",
                Some("broker's own limit"),
            ),
            (Code::Deadline, "amqp: no answer within 10s", None),
            // Of the gateway, and of a service.
            (Code::Denied, "the rules do not allow it", None),
            (Code::Denied, "calc: no", None),
        ] {
            let told = of_broker(code, text);
            assert_eq!(told.is_some(), expected.is_some(), "{text}");
            assert!(told.unwrap_or_default().contains(expected.unwrap_or_default()), "{text}: {told:?}");
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_closed_output());
        assert!(!Failure::from(io::Error::other("disk full")).is_closed_output());
    }

    #[test]
    fn no_text_of_a_peer_moves_the_cursor() {
        let failure = Failure::new(Exit::Failure, "a\u{1b}[2J\rb\u{9b}c\nd").advise("in \u{7}1 s");
        assert_eq!(failure.to_string(), "frontctl: a\u{fffd}[2J\u{fffd}b\u{fffd}c\nd\n  in \u{fffd}1 s");
    }

    #[test]
    fn what_to_do_stands_below_what_happened() {
        let failure =
            Failure::usage("no such context").about("prod").advise("`frontctl context ls` lists them");
        assert_eq!(
            failure.to_string(),
            "frontctl: prod: no such context\n  `frontctl context ls` lists them"
        );
    }
}
