//! Which of the brokers of one store has the sessions: one leads, and the others stand by.
//!
//! ```text
//!   Standby ──the lease of whoever leads is over──▶ TakingUp ──all sessions are acquired──▶ Leads
//!                                                                                            │ another one leads
//!                                                                                            ▼
//!                                                                                          the process ends
//! ```
//!
//! The lease says who is to do something, and what a session's fence says is obeyed: whoever leads no more and does not know it yet, as
//! after a pause, is refused by the store. A broker alone leads from the start.

use frontier_sessions_redis::{Claim, Leader, RedisStore};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{error, info, warn};

/// How often a broker that stands by looks whether it is to lead, at most.
const LOOK: Duration = Duration::from_millis(500);

/// Who has the sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// This broker.
    Here,
    /// Another one.
    There(Leader),
    /// Nobody yet.
    Nowhere,
}

/// Who leads. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Leading(Option<Arc<Shared>>);

struct Shared {
    store: RedisStore,
    me: Leader,
    lease: Duration,
    state: watch::Sender<Place>,
    /// Until when it is sure that nobody else leads.
    until: watch::Sender<Option<Instant>>,
    /// Why the store was of no use when it was asked last; `None` if it was.
    trouble: Mutex<Option<String>>,
}

impl Leading {
    /// A broker whose store is its own.
    pub(crate) fn alone() -> Self {
        Self(None)
    }

    /// One of the brokers of this store, which others reach at `address`.
    pub(crate) fn of(store: RedisStore, address: String, lease: Duration) -> Self {
        let me = Leader { id: format!("{:032x}", rand::random::<u128>()), address };
        let (state, until) = (watch::Sender::new(Place::Nowhere), watch::Sender::new(None));
        let trouble = Mutex::default();
        Self(Some(Arc::new(Shared { store, me, lease, state, until, trouble })))
    }

    /// Who has the sessions.
    pub(crate) fn place(&self) -> Place {
        self.0.as_ref().map_or(Place::Here, |shared| shared.state.borrow().clone())
    }

    /// Why the store that all have is of no use now; `None` if it is, or is this broker's own.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.0.as_ref().and_then(|shared| shared.trouble.lock().clone())
    }

    /// Whether nobody else has the sessions for sure.
    pub(crate) fn is_assured(&self) -> bool {
        let sure = |shared: &Arc<Shared>| shared.until.borrow().is_some_and(|until| Instant::now() < until);
        self.0.as_ref().is_none_or(sure)
    }

    /// Waits until nobody else has the sessions for sure.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn assured(&self) {
        let Some(shared) = &self.0 else { return };
        let mut until = shared.until.subscribe();
        // It ends with the process.
        let _ = until.wait_for(|until| until.is_some_and(|until| Instant::now() < until)).await;
    }

    /// Waits until `leader` does not have the sessions any more.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn leaves(&self, leader: &Leader) {
        let Some(shared) = &self.0 else { return };
        let mut state = shared.state.subscribe();
        // It ends with the process.
        let _ = state.wait_for(|state| !matches!(state, Place::There(it) if it == leader)).await;
    }

    /// The sessions are taken up: from now on they are here.
    pub(crate) fn open(&self) {
        if let Some(shared) = &self.0 {
            shared.state.send_replace(Place::Here);
        }
    }

    /// Claims the lease again and again. Ends when it was lost to another broker.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn run(&self) {
        let Some(shared) = &self.0 else { return std::future::pending().await };
        let mut leads = false;
        let mut was_told = false;
        loop {
            let asked = Instant::now();
            // It ends by itself, and only then a connection is known to be of no use.
            let claimed = shared.store.claim(&shared.me, shared.lease).await;
            *shared.trouble.lock() = claimed.as_ref().err().map(ToString::to_string);
            let pause = match claimed {
                Ok(Claim::Ours) => {
                    if !std::mem::replace(&mut leads, true) {
                        info!("this broker takes the sessions up");
                        shared.state.send_replace(Place::Nowhere);
                    }
                    was_told = false;
                    shared.until.send_replace(Some(asked + shared.lease * 9 / 10));
                    shared.lease / 3
                }
                Ok(Claim::Theirs(leader, _)) if leads => {
                    error!(other = leader.address, "another broker has the sessions: this one ends");
                    return;
                }
                Ok(Claim::Theirs(leader, left)) => {
                    if !std::mem::replace(&mut was_told, true) {
                        info!(leader = leader.address, "another broker has the sessions: this one stands by");
                    }
                    let there = Place::There(leader);
                    shared.state.send_if_modified(|state| {
                        let is_new = *state != there;
                        *state = there;
                        is_new
                    });
                    left.clamp(Duration::from_millis(10), LOOK)
                }
                Err(error) => {
                    if !std::mem::replace(&mut was_told, true) {
                        warn!(%error, "redis can't be used: which broker has the sessions is not known");
                    }
                    LOOK.min(shared.lease / 3)
                }
            };
            sleep_until((asked + pause).max(Instant::now() + Duration::from_millis(1))).await;
        }
    }

    /// Has another broker take the sessions up at once.
    pub(crate) async fn resign(&self) {
        let Some(shared) = &self.0 else { return };
        if *shared.state.borrow() != Place::Here {
            return;
        }
        for _ in 0..3 {
            match timeout(LOOK, shared.store.resign(&shared.me)).await {
                Ok(Ok(())) => return info!("the sessions are handed over"),
                _ => sleep(LOOK / 10).await,
            }
        }
        warn!("another broker takes the sessions up when the lease is over");
    }
}
