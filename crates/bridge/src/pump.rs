//! What takes messages from producers and gives them to channels: one task for each topic, so that no producer waits for
//! anything, and no topic for another.

use crate::Message;
use crate::channel::Channel;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Messages that wait to be taken, of one topic.
const MAX_WAITING: usize = 4096;

/// Their bytes.
const MAX_WAITING_SIZE: usize = 16 * 1024 * 1024;

/// How many are taken before subscribers are woken and producers are answered.
const BATCH: usize = 256;

/// A message, and what its producer is answered with.
#[derive(Debug)]
pub struct Post<T> {
    /// The message.
    pub message: Message,
    /// `None` where nobody waits for an answer.
    pub receipt: Option<T>,
}

/// Too many messages of the topic wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Where producers put messages of a topic. Cheap to clone.
#[derive(Debug)]
pub struct Inbox<T> {
    posts: mpsc::Sender<Post<T>>,
    size: Arc<AtomicUsize>,
}

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self { posts: self.posts.clone(), size: self.size.clone() }
    }
}

/// Takes the messages of one topic.
#[derive(Debug)]
pub(crate) struct Pump<T> {
    posts: mpsc::Receiver<Post<T>>,
    size: Arc<AtomicUsize>,
    channels: Vec<Arc<Channel>>,
    pace: Duration,
}

impl<T> Inbox<T> {
    /// Hands over a message. Waits for nothing.
    ///
    /// # Errors
    /// [`Full`]; it was not taken then.
    pub fn offer(&self, post: Post<T>) -> Result<(), Full> {
        let size = post.message.size();
        let before = self.size.fetch_add(size, Ordering::AcqRel);
        // One alone fits in any case.
        let fits = before == 0 || before.saturating_add(size) <= MAX_WAITING_SIZE;
        if fits && self.posts.try_send(post).is_ok() {
            return Ok(());
        }
        self.size.fetch_sub(size, Ordering::AcqRel);
        Err(Full)
    }
}

impl<T> Pump<T> {
    pub(crate) fn new(channels: Vec<Arc<Channel>>, pace: Duration) -> (Self, Inbox<T>) {
        let (sender, posts) = mpsc::channel(MAX_WAITING);
        let size = Arc::<AtomicUsize>::default();
        (Self { posts, size: size.clone(), channels, pace }, Inbox { posts: sender, size })
    }

    /// Gives each message to the channels, and then its receipt to `confirm`, until nobody can put any more. Who waits for
    /// messages is woken at once where nothing came for a while, else after the pace.
    pub(crate) async fn run(mut self, confirm: impl Fn(&mut Vec<T>)) {
        let (mut posts, mut receipts) = (Vec::with_capacity(BATCH), Vec::new());
        let mut quiet_until = Instant::now();
        let mut is_pending = false;
        loop {
            let count = tokio::select! {
                biased;
                () = sleep_until(quiet_until), if is_pending => {
                    self.announce();
                    (is_pending, quiet_until) = (false, Instant::now() + self.pace);
                    continue;
                }
                count = self.posts.recv_many(&mut posts, BATCH) => count,
            };
            for Post { message, receipt } in posts.drain(..) {
                self.size.fetch_sub(message.size(), Ordering::AcqRel);
                self.channels.iter().for_each(|channel| channel.publish(&message));
                receipts.extend(receipt);
            }
            if count == 0 {
                return self.announce();
            }
            confirm(&mut receipts);
            receipts.clear();
            is_pending = true;
            if Instant::now() >= quiet_until {
                self.announce();
                (is_pending, quiet_until) = (false, Instant::now() + self.pace);
            }
        }
    }

    fn announce(&self) {
        self.channels.iter().for_each(|channel| channel.announce());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{channel, limits};
    use bytes::Bytes;
    use parking_lot::Mutex;

    fn post(receipt: u32) -> Post<u32> {
        let message = Message::now(1, Bytes::new(), Bytes::from_static(b"{}"));
        Post { message, receipt: (receipt > 0).then_some(receipt) }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_is_announced_at_once_and_more_at_the_pace() {
        let channel = Arc::new(channel(limits()));
        let pace = Duration::from_millis(20);
        let (pump, inbox) = Pump::new(vec![channel.clone()], pace);
        let confirmed = Arc::<Mutex<Vec<u32>>>::default();
        let pumping = tokio::spawn(pump.run({
            let confirmed = confirmed.clone();
            move |receipts| confirmed.lock().append(receipts)
        }));
        let mut signal = channel.follow();
        let begun = Instant::now();
        for (receipt, next, after) in [(1, 2, 0), (0, 3, 20), (3, 4, 40)] {
            inbox.offer(post(receipt)).unwrap();
            signal.changed().await.unwrap();
            assert_eq!((signal.borrow_and_update().next, begun.elapsed().as_millis()), (next, after));
        }
        tokio::time::sleep(10 * pace).await;
        let begun = Instant::now();
        (4..9).for_each(|receipt| inbox.offer(post(receipt)).unwrap());
        signal.changed().await.unwrap();
        assert_eq!((signal.borrow_and_update().next, begun.elapsed()), (9, Duration::ZERO));
        assert_eq!(*confirmed.lock(), [1, 3, 4, 5, 6, 7, 8]);
        drop(inbox);
        pumping.await.unwrap();
    }

    #[tokio::test]
    async fn what_waits_is_bounded_by_count_and_by_bytes() {
        let (pump, inbox) = Pump::new(vec![Arc::new(channel(limits()))], Duration::ZERO);
        (0..MAX_WAITING).for_each(|_| inbox.offer(post(1)).unwrap());
        assert_eq!(inbox.offer(post(1)), Err(Full));
        drop(pump);
        let (_pump, inbox) = Pump::new(vec![Arc::new(channel(limits()))], Duration::ZERO);
        let large = || Post {
            message: Message::now(1, Bytes::new(), vec![0; MAX_WAITING_SIZE].into()),
            receipt: Some(1),
        };
        inbox.offer(large()).unwrap();
        assert_eq!((inbox.offer(large()), inbox.offer(post(1))), (Err(Full), Err(Full)));
    }
}
