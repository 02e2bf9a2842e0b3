//! One message to one of several gateways: to the next one only where it is certain that those before have not sent it.

use crate::exit::Exit;
use crate::gateway::Gateway;
use crate::message::{Head, Message, Tried};
use crate::post::{Answered, Ask, Credentials, Posted, post};
use http::Method;
use std::time::{Duration, Instant, SystemTime};
use tokio::time::sleep;

/// A gateway that has said nothing of a message for so long, in milliseconds, has forgotten it.
const FORGOTTEN_MS: u64 = 3600 * 1000;

/// The pause before all gateways are tried once more.
const PAUSE: Duration = Duration::from_millis(200);

/// How gateways are reached, and for how long they are tried.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) credentials: Credentials,
    pub(crate) deadline: Instant,
    /// Whether all are tried again until the deadline: where a message would be lost otherwise.
    pub(crate) is_patient: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The broker has confirmed it.
    Confirmed,
    /// Nothing was stored, and it may be tried again.
    Later(Exit, String),
    /// A gateway may have it, and has not answered: it may be asked again, and nobody else.
    Unanswered(Tried, String),
    /// It was refused for good.
    Refused(Exit, String),
    /// Nobody will ever know.
    Unknown(String),
}

impl Route {
    /// Sends a message. `note` hears, before each request, that this gateway may have it from now on; and that it has not.
    pub(crate) async fn deliver(&self, message: &Message, mut note: impl FnMut(Option<&Tried>)) -> Outcome {
        if let Some(tried) = &message.head.tried {
            return self.ask_again(message, tried).await;
        }
        loop {
            // Of several that could not the one that was reached says more.
            let (mut exit, mut texts) = (Exit::Unreachable, Vec::new());
            for (index, gateway) in self.gateways.iter().enumerate() {
                let left = self.gateways.len() - index;
                let outcome = self.one(message, gateway, left, &mut note).await;
                match outcome {
                    Outcome::Later(why, text) => {
                        exit = if why == Exit::Unreachable { exit } else { why };
                        texts.push(text);
                    }
                    outcome => return outcome,
                }
            }
            let over = Instant::now() + PAUSE >= self.deadline;
            if texts.is_empty() {
                return Outcome::Later(exit, "no gateway is named".to_owned());
            }
            if !self.is_patient || over {
                return Outcome::Later(exit, texts.join("; "));
            }
            sleep(PAUSE).await;
        }
    }

    async fn one(
        &self,
        message: &Message,
        gateway: &Gateway,
        left: usize,
        note: &mut impl FnMut(Option<&Tried>),
    ) -> Outcome {
        let now = Instant::now();
        let share = self.deadline.saturating_duration_since(now) / u32::try_from(left).unwrap_or(u32::MAX);
        if share.is_zero() {
            return Outcome::Later(Exit::TryAgain, format!("{gateway}: the budget is used up"));
        }
        let tried = Tried { gateway: gateway.to_string(), at_ms: now_ms() };
        note(Some(&tried));
        let posted = post(gateway, &self.credentials, ask(message, None), now + share, self.deadline).await;
        let outcome = judge(gateway, posted, tried.clone());
        match outcome {
            // Of a connection that was lost the time may not be over.
            Outcome::Unanswered(..) if Instant::now() + PAUSE < self.deadline => {
                sleep(PAUSE).await;
                self.repeat(message, gateway, &tried).await
            }
            Outcome::Later(..) => {
                note(None);
                outcome
            }
            outcome => outcome,
        }
    }

    /// A gateway that may have it says what has become of it, or sends it now.
    async fn ask_again(&self, message: &Message, tried: &Tried) -> Outcome {
        match tried.gateway.parse::<Gateway>() {
            Ok(gateway) => self.repeat(message, &gateway, tried).await,
            Err(error) => Outcome::Unknown(error),
        }
    }

    async fn repeat(&self, message: &Message, gateway: &Gateway, tried: &Tried) -> Outcome {
        let age = now_ms().saturating_sub(tried.at_ms);
        let ask = ask(message, Some(age));
        let posted = post(gateway, &self.credentials, ask, self.deadline, self.deadline).await;
        match judge(gateway, posted, tried.clone()) {
            // That it was not sent now says nothing of the first time.
            Outcome::Later(_, text) | Outcome::Unanswered(_, text) if age > FORGOTTEN_MS => {
                Outcome::Unknown(text)
            }
            Outcome::Later(_, text) => Outcome::Unanswered(tried.clone(), text),
            outcome => outcome,
        }
    }
}

fn ask(message: &Message, repeat_age_ms: Option<u64>) -> Ask<'_> {
    let Head { target, job, key, .. } = &message.head;
    let mut headers = Vec::new();
    if !job.is_empty() {
        headers.push(("frontier-job", job.clone()));
    }
    headers.push(("idempotency-key", key.clone()));
    if let Some(age) = repeat_age_ms {
        headers.push(("frontier-repeat-age", age.to_string()));
    }
    Ask { method: Method::POST, path: target.path(), headers, data: &message.data }
}

fn judge(gateway: &Gateway, posted: Posted, tried: Tried) -> Outcome {
    match posted {
        Posted::NotSent(text) => Outcome::Later(Exit::Unreachable, format!("{gateway}: {text}")),
        Posted::NoAnswer(text) => Outcome::Unanswered(tried, format!("{gateway}: {text}")),
        Posted::Answered(status, Answered { error_no, error_message, message, .. }) => {
            let text = if error_message.is_empty() { message } else { error_message };
            let text = format!("{gateway}: {text} ({status})");
            match (error_no, status) {
                (Some(0), _) => Outcome::Confirmed,
                // rate_limited, overloaded, not_connected, busy, deadline, closing. Not no_target: until somebody makes the queue,
                // the exchange or the topic it is refused each time, and in a spool would hold up all that wait behind it.
                (Some(3..=5 | 7 | 8 | 14), _) => Outcome::Later(Exit::TryAgain, text),
                // unanswered, lost, forgotten
                (Some(9 | 10 | 15), _) => Outcome::Unknown(text),
                (Some(2 | 12), _) | (None, 401 | 403) => Outcome::Refused(Exit::Denied, text),
                (Some(_), _) => Outcome::Refused(Exit::Failure, text),
                (None, 429 | 503) => Outcome::Later(Exit::TryAgain, text),
                // The relay was asked, and something in between has lost its patience.
                (None, 502 | 504) => Outcome::Unanswered(tried, text),
                (None, _) => Outcome::Refused(Exit::Failure, text),
            }
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(posted: Posted) -> Outcome {
        let tried = Tried { gateway: "http://g:1".into(), at_ms: 1 };
        judge(&"g:1".parse().unwrap(), posted, tried)
    }

    fn answered(error_no: Option<i32>, status: u16) -> Outcome {
        judged(Posted::Answered(status, Answered { error_no, ..Answered::default() }))
    }

    #[test]
    fn another_gateway_is_tried_only_where_nothing_was_stored() {
        let is_later = |outcome: Outcome| matches!(outcome, Outcome::Later(..));
        assert!(is_later(judged(Posted::NotSent(String::new()))));
        assert!(matches!(judged(Posted::NoAnswer(String::new())), Outcome::Unanswered(..)));
        assert_eq!(answered(Some(0), 200), Outcome::Confirmed);
        assert!(matches!(answered(None, 401), Outcome::Refused(Exit::Denied, _)));
        assert!(matches!(answered(None, 504), Outcome::Unanswered(..)));
        assert!(is_later(answered(None, 503)));
    }

    /// The rows of the guide: `error_no`, exit code, and what becomes of a message in a spool.
    fn rows() -> Vec<(Vec<i32>, u8, String)> {
        let guide = include_str!("../../docs/relay.md");
        let (_, table) =
            guide.split_once("| `error_no` | with `--strict` |").expect("the guide has the table");
        let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let row = |line: &str| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let numbers = cells[0].split(", ").map(|number| number.parse().unwrap()).collect();
            (numbers, cells[1].parse().unwrap(), cells[2].to_owned())
        };
        lines.map(row).collect()
    }

    #[test]
    fn each_number_has_the_exit_code_of_the_guide() {
        let mut seen = Vec::new();
        for (numbers, code, in_spool) in rows() {
            for error_no in numbers {
                let (exit, expected) = match answered(Some(error_no), 500) {
                    Outcome::Confirmed => (Exit::Ok, "gone"),
                    Outcome::Later(exit, _) => (exit, "stays"),
                    Outcome::Refused(exit, _) => (exit, "`.refused`"),
                    Outcome::Unknown(_) => (Exit::Failure, "`.refused`"),
                    Outcome::Unanswered(..) => panic!("{error_no} is an answer"),
                };
                assert_eq!((exit.code(), expected), (code, &*in_spool), "{error_no}");
                seen.push(error_no);
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..=15).collect::<Vec<_>>());
        assert_eq!(answered(Some(6), 404), Outcome::Refused(Exit::Failure, "http://g:1:  (404)".to_owned()));
    }
}
