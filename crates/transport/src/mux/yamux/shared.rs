//! What the streams of a yamux connection share with the owner of its socket.

use frontier_yamux::{Bulk, Config, Connection, Role};
use parking_lot::Mutex;
use std::task::Waker;
use tokio::time::Instant;

/// A connection, and who reads and writes its socket.
pub(super) struct Shared {
    state: Mutex<State>,
}

struct State {
    connection: Connection<Waker>,
    owner: Waker,
}

impl Shared {
    pub(super) fn new(role: Role, config: Config) -> Self {
        let state = State { connection: Connection::new(role, config), owner: Waker::noop().clone() };
        Self { state: Mutex::new(state) }
    }

    /// Says whom to wake when there is something to send.
    pub(super) fn set_owner(&self, owner: &Waker) {
        self.state.lock().owner.clone_from(owner);
    }

    /// What the owner does; it looks by itself whether there is something to send.
    pub(super) fn update<R>(&self, work: impl FnOnce(&mut Connection<Waker>) -> R) -> R {
        let mut state = self.state.lock();
        let done = work(&mut state.connection);
        let woken = state.connection.take_woken();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        done
    }

    /// What a stream's holder does. The owner is woken if there is something to send.
    pub(super) fn use_stream<R>(&self, work: impl FnOnce(&mut Connection<Waker>) -> R) -> R {
        let mut state = self.state.lock();
        let done = work(&mut state.connection);
        let woken = state.connection.take_woken();
        if state.connection.take_work() {
            state.owner.wake_by_ref();
        }
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        done
    }

    pub(super) fn fetch(&self, out: &mut Vec<u8>, bulk: &mut Bulk) {
        self.update(|connection| connection.fetch(out, bulk, || Instant::now().into_std()));
    }

    pub(super) fn is_behind(&self) -> bool {
        self.state.lock().connection.is_behind()
    }
}
