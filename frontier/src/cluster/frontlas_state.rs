//! How it stands with frontlas: for metrics, and for whoever asks whether the gateway is ready.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Whether frontlas is there, and knows who is here.
#[derive(Debug, Default)]
pub(crate) struct FrontlasState(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Since when the gateway is a member that keeps a connection; `None` if it is none.
    member_since: Option<Instant>,
    is_connected: bool,
    losses: u64,
    /// Since when frontlas has not known everything; `None` while it does.
    behind_since: Option<Instant>,
}

impl FrontlasState {
    /// The gateway is to be connected from now on.
    pub(crate) fn begin(&self) {
        let now = Instant::now();
        let mut state = self.0.lock();
        (state.member_since, state.behind_since) = (Some(now), Some(now));
    }

    pub(crate) fn connected(&self) {
        self.0.lock().is_connected = true;
    }

    pub(crate) fn lost(&self) {
        let mut state = self.0.lock();
        state.is_connected = false;
        state.losses += 1;
        state.behind_since.get_or_insert_with(Instant::now);
    }

    /// Whether everything is reported, and confirmed.
    pub(crate) fn set_reported(&self, is_all: bool) {
        let mut state = self.0.lock();
        match is_all {
            true => state.behind_since = None,
            false => {
                state.behind_since.get_or_insert_with(Instant::now);
            }
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.0.lock().is_connected
    }

    pub(crate) fn losses(&self) -> u64 {
        self.0.lock().losses
    }

    /// For how long frontlas has not known everything; nothing where it need not.
    pub(crate) fn lag(&self) -> Duration {
        self.0.lock().behind_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// What does not work, in a line.
    pub(crate) fn complaint(&self) -> Option<String> {
        let state = self.0.lock();
        state.member_since?;
        if state.is_connected {
            return None;
        }
        let seconds = state.behind_since.map_or(0, |since| since.elapsed().as_secs());
        Some(format!(
            "frontlas has not been reached for {seconds} s: the rest of the cluster may not find the edges here"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lags_from_the_first_thing_that_is_not_reported_to_the_last() {
        let state = FrontlasState::default();
        assert_eq!((state.lag(), state.complaint()), (Duration::ZERO, None), "it is part of no cluster");
        state.begin();
        assert!(state.complaint().unwrap().starts_with("frontlas has not been reached for 0 s"));
        state.connected();
        assert!(state.is_connected() && state.complaint().is_none() && state.lag() > Duration::ZERO);
        state.set_reported(true);
        assert_eq!(state.lag(), Duration::ZERO);
        state.set_reported(false);
        let first = state.lag();
        state.set_reported(false);
        assert!(state.lag() >= first);
        state.set_reported(true);
        state.lost();
        assert!(state.complaint().is_some() && state.lag() > Duration::ZERO && state.losses() == 1);
    }
}
