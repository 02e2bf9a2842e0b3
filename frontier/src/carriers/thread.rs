//! The threads themselves: one runtime each, and a look at how busy it is.

use super::load::Share;
use super::{Carrier, Carriers};
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How often a thread that has something to do looks how much that is.
const PERIOD: Duration = Duration::from_millis(100);
/// How often one does that has next to nothing to do.
const IDLE_PERIOD: Duration = Duration::from_secs(1);
/// Less is next to nothing.
const IDLE: Share = 50;

/// The threads, for who owns them. They end when this is dropped, and what they carry with them.
#[derive(Debug)]
pub(crate) struct CarrierThreads {
    pub(crate) carriers: Arc<Carriers>,
    _stop: DropGuard,
}

impl CarrierThreads {
    /// As many as the current runtime has threads, which stay awake for so long after they had something to do. None if it
    /// has only one, and that need not: it carries connections itself.
    ///
    /// # Errors
    /// When the system gives no more threads, or no more descriptors.
    pub(crate) fn start(spin: Duration) -> io::Result<Option<Self>> {
        let Ok(runtime) = Handle::try_current() else { return Ok(None) };
        let threads = match runtime.runtime_flavor() {
            RuntimeFlavor::CurrentThread => 1,
            _ => runtime.metrics().num_workers(),
        };
        if threads < 2 && spin.is_zero() {
            return Ok(None);
        }
        Self::start_so_many(threads, spin).map(Some)
    }

    pub(super) fn start_so_many(threads: usize, spin: Duration) -> io::Result<Self> {
        let runtimes = (0..threads).map(|_| Builder::new_current_thread().enable_all().build());
        let runtimes = runtimes.collect::<io::Result<Vec<Runtime>>>()?;
        let handles = runtimes.iter().map(|runtime| runtime.handle().clone());
        let carriers = Arc::new(Carriers::new(handles, spin));
        let stop = CancellationToken::new();
        let this = Self { carriers: carriers.clone(), _stop: stop.clone().drop_guard() };
        for (at, runtime) in runtimes.into_iter().enumerate() {
            let (carriers, stop) = (carriers.clone(), stop.clone());
            thread::Builder::new().name(format!("connections-{at}")).spawn(move || {
                let carries = async {
                    tokio::select! {
                        never = carriers.0[at].spin.run() => match never {},
                        () = carriers.watch(at) => {}
                    }
                };
                runtime.block_on(stop.run_until_cancelled(carries));
                // What is still carried ends here, as it does where a runtime of several threads ends.
                runtime.shutdown_background();
            })?;
        }
        Ok(this)
    }
}

impl Carriers {
    /// Sees to it that the current thread, which is number `at`, has neither too much nor too little to do.
    async fn watch(&self, at: usize) {
        let carrier = &self.0[at];
        loop {
            if carrier.connections.load(Ordering::Relaxed) == 0 {
                self.decide(at, 0);
                carrier.occupied.notified().await;
            }
            let mut period = PERIOD;
            while carrier.connections.load(Ordering::Relaxed) > 0 {
                let busy = carrier.busy_share(period).await;
                self.decide(at, busy);
                period = if busy < IDLE { IDLE_PERIOD } else { PERIOD };
            }
        }
    }
}

impl Carrier {
    /// For which share of the next period the current thread, which is this, has something to compute.
    async fn busy_share(&self, period: Duration) -> Share {
        let (start, worked) = (Instant::now(), self.worked());
        sleep(period).await;
        share(self.worked().saturating_sub(worked), start.elapsed())
    }

    fn worked(&self) -> Duration {
        computed().saturating_sub(self.spin.idle())
    }
}

fn share(computed: Duration, of: Duration) -> Share {
    let share = computed.as_micros() * 1000 / of.as_micros().max(1);
    Share::try_from(share).unwrap_or(Share::MAX)
}

/// The processor time that the current thread has used.
fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_in_thousandths() {
        let ms = Duration::from_millis;
        assert_eq!(share(ms(25), ms(100)), 250);
        assert_eq!(share(ms(0), ms(0)), 0);
    }

    #[tokio::test]
    async fn a_thread_that_computes_is_busy() {
        let before = computed();
        let start = Instant::now();
        while computed() == before {
            assert!(start.elapsed() < Duration::from_secs(10), "the clock stands still");
        }
        let carriers = Carriers::new(std::iter::once(Handle::current()), Duration::ZERO);
        let busy = carriers.0[0].busy_share(Duration::from_millis(20)).await;
        assert!(busy < 1000, "and one that sleeps is not");
    }
}
