//! What a server has refused a short time ago, each time at the price of the connection.

use crate::SendError;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// For how long it is not tried again: it may be taken, later.
const DENIED_FOR: Duration = Duration::from_secs(10);

/// Topics of which that is remembered.
const MAX_TOPICS: usize = 1024;

/// What was refused.
#[derive(Debug, Default)]
pub(super) struct Denied {
    topics: HashMap<String, (Instant, SendError)>,
    /// Bytes of a message that the server takes, as it has said.
    max_size: Option<(Instant, usize)>,
}

impl Denied {
    /// A topic was refused.
    pub(super) fn note(&mut self, topic: String, error: &SendError, now: Instant) {
        self.topics.retain(|_, (since, _)| is_fresh(*since, now));
        if self.topics.len() < MAX_TOPICS {
            self.topics.insert(topic, (now, error.clone()));
        }
    }

    /// Messages of more bytes than these are refused.
    pub(super) fn note_size(&mut self, max: usize, now: Instant) {
        self.max_size = Some((now, max));
    }

    pub(super) fn check(&self, topic: &str, now: Instant) -> Result<(), SendError> {
        match self.topics.get(topic) {
            Some((since, error)) if is_fresh(*since, now) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Bytes of a message that the server takes, if it has said so.
    pub(super) fn max_size(&self, now: Instant) -> Option<usize> {
        self.max_size.filter(|(since, _)| is_fresh(*since, now)).map(|(_, max)| max)
    }
}

fn is_fresh(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < DENIED_FOR
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cause;

    #[test]
    fn what_was_refused_is_for_some_time() {
        let (mut denied, now) = (Denied::default(), Instant::now());
        let (error, later) = (SendError::new(Cause::Denied, "no"), now + DENIED_FOR);
        denied.note("a".to_owned(), &error, now);
        denied.note_size(1000, now);
        assert_eq!(denied.check("a", now), Err(error.clone()));
        assert_eq!((denied.check("b", now), denied.check("a", later)), (Ok(()), Ok(())));
        assert_eq!((denied.max_size(now), denied.max_size(later)), (Some(1000), None));
        for number in 0..2 * MAX_TOPICS {
            denied.note(number.to_string(), &error, later);
        }
        assert_eq!(denied.topics.len(), MAX_TOPICS);
    }
}
