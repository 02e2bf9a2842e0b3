//! The task of a stream.

use super::core::Core;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// The task that moves a stream along when none of its users does.
///
/// It is started by the first need, and lives until the stream is closed. It writes what is left of
/// frames whose writer went away, and, from the first message or call on, it reads: answers must
/// arrive even if nobody asks for raw bytes. A stream of which only raw bytes are used, and that is
/// never slowed down by its reader, has none.
#[derive(Debug)]
pub(super) struct Pump {
    runtime: Handle,
    started: AtomicBool,
    reading: AtomicBool,
}

impl Pump {
    /// Of a stream that is used in this runtime.
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, started: AtomicBool::new(false), reading: AtomicBool::new(false) }
    }

    /// Starts the pump, unless it has been started.
    pub(super) fn start(core: &Arc<Core>) {
        if !core.pump.started.swap(true, Ordering::AcqRel) {
            core.pump.spawn(run(core.clone()));
        }
    }

    /// Starts the pump and has it read.
    pub(super) fn read(core: &Arc<Core>) {
        if !core.pump.reading.swap(true, Ordering::AcqRel) {
            Self::start(core);
            core.readable.wake_pump();
        }
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.runtime.spawn(task).abort_handle()
    }
}

async fn run(core: Arc<Core>) {
    std::future::poll_fn(|cx| poll(&core, cx)).await;
}

/// Ready when the stream is closed.
fn poll(core: &Arc<Core>, cx: &mut Context<'_>) -> Poll<()> {
    core.readable.set_pump(cx);
    core.writable.set_pump(cx);
    let waker = core.writable.clone().into();
    // That the stream is lost is noticed by who reads.
    let _ = core.wire.lock().poll_settle(&mut Context::from_waker(&waker));
    if core.pump.reading.load(Ordering::Acquire) {
        let waker = core.readable.clone().into();
        if core.poll_pump(&mut Context::from_waker(&waker)).is_ready() {
            // No more calls will come.
            drop(core.served.take_methods());
        }
    }
    if core.is_closed() { Poll::Ready(()) } else { Poll::Pending }
}
