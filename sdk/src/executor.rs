//! Where a client's tasks run: its connections apart from the user's code, which may block a thread.

use crate::delivery::{Completion, Delivery};
use crate::io_thread::IoThread;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tracing::warn;

/// Where the tasks of one client run.
///
/// What reads and writes sockets runs on a thread of the SDK, one for the process, whose only work this is. What may
/// call the user's code runs on the user's runtime. If that has one thread anyway, all runs there: a second thread
/// would cost wake-ups, and a test that moves the clock moves it for the connections as well.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    user: Handle,
    /// `None` if connections are carried by the user's runtime too.
    apart: Option<Apart>,
}

/// The thread that carries connections, and the way back from there.
#[derive(Clone, Debug)]
struct Apart {
    io: IoThread,
    delivery: Arc<Delivery>,
}

impl Executor {
    /// Of a client that is built in the current runtime. `apart` tells whether its connections are carried by a thread
    /// of their own; unless set that is so if the runtime has several threads. That thread then stays awake for `spin` after
    /// it had something to do.
    pub(crate) fn current(apart: Option<bool>, spin: Duration) -> Self {
        let user = Handle::current();
        let is_apart = apart.unwrap_or_else(|| user.runtime_flavor() != RuntimeFlavor::CurrentThread);
        let apart = is_apart.then(IoThread::shared).and_then(|started| {
            let started = started.inspect_err(|error| {
                warn!(%error, "can't start the thread for connections: the program's own threads carry them");
            });
            let io = started.ok()?;
            io.stay_awake(spin);
            Some(Apart { io, delivery: Delivery::of(&user) })
        });
        Self { user, apart }
    }

    /// Whether connections are carried by a thread of their own.
    pub(crate) fn is_apart(&self) -> bool {
        self.apart.is_some()
    }

    /// Where the user's code runs.
    pub(crate) fn user(&self) -> &Handle {
        &self.user
    }

    /// Starts a task that reads and writes sockets, and never calls the user's code.
    pub(crate) fn spawn_io<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match &self.apart {
            Some(Apart { io, .. }) => io.spawn(task),
            None => self.user.spawn(task),
        }
    }

    /// As [`spawn_io`](Self::spawn_io), as one of `tasks`.
    pub(crate) fn spawn_io_among(
        &self,
        tasks: &mut JoinSet<()>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        match &self.apart {
            Some(Apart { io, .. }) => io.spawn_among(tasks, task),
            None => {
                tasks.spawn_on(task, &self.user);
            }
        }
    }

    /// Hands an answer to the user's code that waits for it.
    pub(crate) fn deliver(&self, completion: Completion) {
        match &self.apart {
            Some(Apart { delivery, .. }) if IoThread::is_current() => delivery.add(completion),
            _ => completion.deliver(),
        }
    }

    /// Does something with sockets where they are carried. Dropping it drops `task`.
    pub(crate) async fn run_io<F>(&self, task: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match &self.apart {
            None => task.await,
            Some(Apart { io, .. }) => match AbortOnDrop::new(io.spawn(task)).join().await {
                Some(output) => output,
                // The thread and its runtime last as long as the process.
                None => std::future::pending().await,
            },
        }
    }
}

/// Has the user's code do something on the runtime where it runs. `None` if that has ended. Dropping it drops `task`.
pub(crate) async fn run_on<F>(runtime: &Handle, task: F) -> Option<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    AbortOnDrop::new(runtime.spawn(task)).join().await
}

struct AbortOnDrop<T> {
    task: JoinHandle<T>,
    abort: AbortHandle,
}

impl<T> AbortOnDrop<T> {
    fn new(task: JoinHandle<T>) -> Self {
        Self { abort: task.abort_handle(), task }
    }

    /// What the task yields, or `None` if its runtime has ended.
    async fn join(mut self) -> Option<T> {
        match (&mut self.task).await {
            Ok(output) => Some(output),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.abort.abort();
    }
}
