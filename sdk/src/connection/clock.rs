use tokio::time::Instant;

/// The time, read once for what is done in a row.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<Instant>);

impl Clock {
    /// The time now, or that to which it was set.
    pub(super) fn now(&mut self) -> &mut Instant {
        self.0.get_or_insert_with(Instant::now)
    }

    /// Time has passed.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}
