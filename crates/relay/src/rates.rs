//! How much a job and a user may send in a second.

use frontier_access::quota::{Bucket, Limit};
use frontier_access::{BoundedMap, Retention};
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Jobs and users of which it is remembered what they have sent. Those who have sent nothing lately go first.
const REMEMBERED: usize = 65_536;

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    User(Box<str>),
    /// Of a user: nobody uses up the budget of another one's job.
    Job(Box<str>, Box<str>),
}

/// The rates, and what has been used of them.
#[derive(Debug)]
pub(crate) struct Rates {
    start: Instant,
    job: Option<Limit>,
    user: Option<Limit>,
    buckets: Mutex<BoundedMap<Whose, Bucket>>,
}

impl Rates {
    pub(crate) fn new(job: Option<Limit>, user: Option<Limit>, now: Instant) -> Self {
        Self { start: now, job, user, buckets: Mutex::new(BoundedMap::new(REMEMBERED)) }
    }

    /// Charges for a message.
    ///
    /// # Errors
    /// Whose rate it is over, and how long to wait. It is charged to nobody then.
    pub(crate) fn take(&self, user: &str, job: &str, now: Instant) -> Result<(), (&'static str, Duration)> {
        let nanos = u64::try_from(now.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX);
        let mut buckets = self.buckets.lock();
        if let Some(limit) = self.user {
            let bucket = find(&mut buckets, Whose::User(user.into()), limit, nanos);
            bucket.take(1, nanos).map_err(|wait| ("user", wait))?;
        }
        let Some(limit) = self.job else { return Ok(()) };
        let taken = find(&mut buckets, Whose::Job(user.into(), job.into()), limit, nanos).take(1, nanos);
        if let (Err(_), Some(limit)) = (taken, self.user) {
            find(&mut buckets, Whose::User(user.into()), limit, nanos).give_back(1);
        }
        taken.map_err(|wait| ("job", wait))
    }
}

fn find(buckets: &mut BoundedMap<Whose, Bucket>, whose: Whose, limit: Limit, now: u64) -> &Bucket {
    let retention = |bucket: &Bucket| match bucket.full_at() {
        full_at if full_at > now => Retention::Keep(full_at),
        _ => Retention::Discard,
    };
    buckets.entry(whose, || Bucket::new(limit), retention)
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_access::quota::Unit;

    #[test]
    fn a_job_and_a_user_have_a_rate_each() {
        let limit = |rate, burst| Some(Limit::per_second(rate, burst, Unit::Things));
        let now = Instant::now();
        let rates = Rates::new(limit(10, 2), limit(10, 3), now);
        rates.take("anna", "1", now).unwrap();
        rates.take("anna", "1", now).unwrap();
        assert_eq!(rates.take("anna", "1", now), Err(("job", Duration::from_millis(100))));
        // What was refused is charged to nobody.
        rates.take("anna", "2", now).unwrap();
        assert_eq!(rates.take("anna", "3", now), Err(("user", Duration::from_millis(100))));
        rates.take("bert", "1", now).unwrap();
        rates.take("anna", "1", now + Duration::from_millis(100)).unwrap();
        let none = Rates::new(None, None, now);
        for _ in 0..100 {
            none.take("anna", "1", now).unwrap();
        }
    }
}
