//! What a server has refused a short time ago, and would again.
//!
//! Mosquitto 2.0.11 says why it refuses a message, and ends the connection all the same: everything that is in flight is
//! unknown then. So what it refuses is not sent to it again and again.

use crate::{Cause, SendError};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// For how long it is not tried again: what is not allowed may be, later.
const REFUSED_FOR: Duration = Duration::from_secs(10);

/// Topics of which that is remembered.
const MAX_TOPICS: usize = 1024;

/// What was refused.
#[derive(Debug, Default)]
pub(super) struct Refused {
    topics: HashMap<String, (Instant, SendError)>,
    /// Bytes of a payload that was too long.
    size: Option<(Instant, usize, SendError)>,
}

impl Refused {
    /// A message of this topic and this many bytes was refused.
    pub(super) fn note(&mut self, topic: &str, size: usize, error: &SendError, now: Instant) {
        match error.cause {
            Cause::Denied | Cause::Refused => {
                self.topics.retain(|_, (since, _)| is_fresh(*since, now));
                if self.topics.len() < MAX_TOPICS {
                    self.topics.insert(topic.to_owned(), (now, error.clone()));
                }
            }
            Cause::TooLarge => {
                let least = self.size.as_ref().filter(|(since, ..)| is_fresh(*since, now)).map(|it| it.1);
                self.size = Some((now, least.map_or(size, |least| least.min(size)), error.clone()));
            }
            _ => {}
        }
    }

    /// Why a message of this topic and this many bytes would be refused.
    pub(super) fn check(&self, topic: &str, size: usize, now: Instant) -> Result<(), SendError> {
        if let Some((_, error)) = self.topics.get(topic).filter(|(since, _)| is_fresh(*since, now)) {
            return Err(error.clone());
        }
        match &self.size {
            Some((since, least, error)) if size >= *least && is_fresh(*since, now) => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

fn is_fresh(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < REFUSED_FOR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_for_some_time() {
        let (mut refused, now) = (Refused::default(), Instant::now());
        let error = |cause| SendError::new(cause, "no");
        let later = now + REFUSED_FOR;
        refused.note("secret", 1, &error(Cause::Denied), now);
        refused.note("full", 1, &error(Cause::Busy), now);
        refused.note("a", 1000, &error(Cause::TooLarge), now);
        refused.note("a", 2000, &error(Cause::TooLarge), now);
        let cause = |refused: &Refused, topic, size, now| {
            refused.check(topic, size, now).err().map(|error| error.cause)
        };
        assert_eq!(cause(&refused, "secret", 1, now), Some(Cause::Denied));
        assert_eq!(cause(&refused, "full", 1, now), None);
        assert_eq!(
            (cause(&refused, "b", 999, now), cause(&refused, "b", 1000, now)),
            (None, Some(Cause::TooLarge))
        );
        assert_eq!((cause(&refused, "secret", 1, later), cause(&refused, "b", 1000, later)), (None, None));
        for number in 0..2 * MAX_TOPICS {
            refused.note(&number.to_string(), 1, &error(Cause::Denied), later);
        }
        assert_eq!(refused.topics.len(), MAX_TOPICS);
        assert!(!refused.topics.contains_key("secret"));
    }
}
