//! Tickets: what a page shows in a URL in place of its token, where it can't set a header.
//!
//! A ticket is good once, for some seconds, and is given for a token that was shown in a header. So what logs and histories
//! keep of URLs opens nothing.

use data_encoding::BASE64URL_NOPAD;
use frontier_access::authn::Verified;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a ticket is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30);

/// How many are out at once; of more the oldest is worth nothing.
const MAX_TICKETS: usize = 10_000;

/// The tickets that are out.
#[derive(Debug, Default)]
pub(crate) struct Tickets(Mutex<Out>);

#[derive(Debug, Default)]
struct Out {
    by_text: HashMap<String, (Arc<Verified>, Instant)>,
    /// In the order in which they end, those that were used too.
    order: VecDeque<(String, Instant)>,
}

impl Tickets {
    /// One for who has these credentials.
    pub(crate) fn give(&self, verified: Arc<Verified>, now: Instant) -> String {
        let text = BASE64URL_NOPAD.encode(&rand::random::<[u8; 24]>());
        let end = now + LIFETIME;
        let mut out = self.0.lock();
        out.expire(now);
        if out.order.len() >= MAX_TICKETS
            && let Some((oldest, _)) = out.order.pop_front()
        {
            out.by_text.remove(&oldest);
        }
        out.order.push_back((text.clone(), end));
        out.by_text.insert(text.clone(), (verified, end));
        text
    }

    /// Whose it is, once.
    pub(crate) fn take(&self, text: &str, now: Instant) -> Option<Arc<Verified>> {
        let mut out = self.0.lock();
        out.expire(now);
        out.by_text.remove(text).map(|(verified, _)| verified)
    }
}

impl Out {
    fn expire(&mut self, now: Instant) {
        while let Some((text, _)) = self.order.pop_front_if(|(_, end)| *end <= now) {
            self.by_text.remove(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_for_a_while() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let who = Arc::new(Verified { subject: "page".into(), ..Verified::default() });
        let ticket = tickets.give(who.clone(), now);
        assert!(ticket.len() == 32 && tickets.take("other", now).is_none());
        assert_eq!(tickets.take(&ticket, now), Some(who.clone()));
        assert_eq!(tickets.take(&ticket, now), None);
        let late = tickets.give(who, now);
        assert_eq!(tickets.take(&late, now + LIFETIME), None);
        assert!(tickets.0.lock().by_text.is_empty() && tickets.0.lock().order.is_empty());
    }

    #[test]
    fn only_so_many_are_out() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let first = tickets.give(Arc::default(), now);
        let mut last = String::new();
        (0..MAX_TICKETS).for_each(|_| last = tickets.give(Arc::default(), now));
        assert_eq!(tickets.0.lock().by_text.len(), MAX_TICKETS);
        assert!(tickets.take(&first, now).is_none() && tickets.take(&last, now).is_some());
    }
}
