//! The waker of a link: it spares trips through the scheduler.

use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Wake, Waker};

const POLLING: u8 = 1;
const NOTED: u8 = 2;

/// The waker of everything inside a link.
///
/// While the link's owner polls it, a wake-up is only noted: the loop that is running anyway sees it
/// and goes round once more. At any other time it wakes the owner's task. This spares a trip through
/// the scheduler for every hop between the parts of a link.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: AtomicU8,
    owner: AtomicWaker,
}

impl Signal {
    /// The owner starts to poll.
    pub(crate) fn enter(&self, owner: &Waker) {
        self.owner.register(owner);
        // Not a plain store: what was done before a note that is wiped here must be seen from here on.
        self.state.swap(POLLING, Ordering::SeqCst);
    }

    /// Takes the note of a wake-up since the last call.
    pub(crate) fn take_note(&self) -> bool {
        self.state.fetch_and(!NOTED, Ordering::SeqCst) & NOTED != 0
    }

    /// Whether a wake-up has come since the last [`take_note`](Self::take_note).
    pub(crate) fn has_note(&self) -> bool {
        self.state.load(Ordering::SeqCst) & NOTED != 0
    }

    /// The owner has stopped polling. Whether a wake-up came that it has not seen.
    pub(crate) fn leave(&self) -> bool {
        self.state.swap(0, Ordering::SeqCst) & NOTED != 0
    }

    pub(crate) fn notify(&self) {
        if self.state.fetch_or(NOTED, Ordering::SeqCst) == 0 {
            self.owner.wake();
        }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.notify();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.notify();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_wake_up_while_polling_is_noted_and_not_passed_on() {
        let (signal, count) = (Signal::default(), Arc::<Count>::default());
        signal.enter(&count.clone().into());
        signal.notify();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        assert!(signal.take_note());
        assert!(!signal.take_note());
        assert!(!signal.leave());
    }

    #[test]
    fn a_wake_up_after_polling_wakes_the_owner_once() {
        let (signal, count) = (Signal::default(), Arc::<Count>::default());
        signal.enter(&count.clone().into());
        assert!(!signal.leave());
        signal.notify();
        signal.notify();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn an_unseen_note_is_reported_on_leaving() {
        let (signal, count) = (Signal::default(), Arc::<Count>::default());
        signal.enter(&count.clone().into());
        signal.notify();
        assert!(signal.leave());
    }

    /// Whoever adds work and then notifies is served, whatever the owner is doing at that moment.
    #[test]
    fn no_wake_up_is_lost_between_threads() {
        const NOTIFIERS: usize = 3;
        const EACH: usize = 20_000;
        let (signal, work) = (Arc::new(Signal::default()), Arc::new(AtomicUsize::new(0)));
        let (tell, told) = std::sync::mpsc::channel();
        let owner = Waker::from(Arc::new(Tell(tell)));
        for _ in 0..NOTIFIERS {
            let (signal, work) = (signal.clone(), work.clone());
            std::thread::spawn(move || {
                for _ in 0..EACH {
                    work.fetch_add(1, Ordering::Relaxed);
                    signal.notify();
                }
            });
        }
        let mut seen = 0;
        while seen < NOTIFIERS * EACH {
            signal.enter(&owner);
            loop {
                signal.take_note();
                seen = work.load(Ordering::Relaxed);
                if !signal.has_note() {
                    break;
                }
            }
            if !signal.leave() && seen < NOTIFIERS * EACH {
                told.recv_timeout(std::time::Duration::from_secs(60)).expect("a wake-up was lost");
            }
        }
    }

    struct Tell(std::sync::mpsc::Sender<()>);

    impl Wake for Tell {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }
}
