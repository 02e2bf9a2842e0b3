//! The thread that carries connections: one for the process, whose only work this is.

mod doorbell;

use doorbell::{Doorbell, Rung};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinHandle, JoinSet};

/// The thread, once there is one. It lasts as long as the process: QUIC sockets that the user keeps belong to it too.
static STARTED: parking_lot::Mutex<Option<IoThread>> = parking_lot::Mutex::new(None);

/// A handle of the thread.
///
/// What goes between it and the program's threads is batched both ways, here and in [`Delivery`](crate::delivery): each
/// wake-up of a thread that sleeps costs more than a call does.
#[derive(Clone, Debug)]
pub(crate) struct IoThread {
    runtime: Handle,
    doorbell: Arc<Doorbell>,
}

impl IoThread {
    /// The one of this process, which is started for the first client that wants it.
    pub(crate) fn shared() -> io::Result<Self> {
        let mut started = STARTED.lock();
        if let Some(thread) = &*started {
            return Ok(thread.clone());
        }
        Ok(started.insert(Self::start()?).clone())
    }

    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let doorbell = Arc::<Doorbell>::default();
        let this = Self { runtime: runtime.handle().clone(), doorbell: doorbell.clone() };
        thread::Builder::new().name("frontier-io".into()).spawn(move || {
            doorbell::on_io_thread();
            runtime.block_on(doorbell.run());
        })?;
        Ok(this)
    }

    /// Has the thread stay awake for so long after it had something to do, unless it does so for longer.
    pub(crate) fn stay_awake(&self, spin: Duration) {
        self.doorbell.spin.at_least(spin);
    }

    /// Starts a task there.
    pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.runtime.spawn(Rung::new(task, self.doorbell.clone()))
    }

    /// The same among others.
    pub(crate) fn spawn_among(
        &self,
        tasks: &mut JoinSet<()>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        tasks.spawn_on(Rung::new(task, self.doorbell.clone()), &self.runtime);
    }

    /// Whether the current thread is the one.
    pub(crate) fn is_current() -> bool {
        doorbell::is_on_io_thread()
    }
}
