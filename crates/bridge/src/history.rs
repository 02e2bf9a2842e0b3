//! The last messages of a channel, for those who are a little behind or come back.

use crate::frame::Frame;
use std::collections::VecDeque;
use std::sync::Arc;

/// The last messages, without a gap between their numbers. The newest one is there in any case.
#[derive(Debug)]
pub(crate) struct History {
    frames: VecDeque<Arc<Frame>>,
    size: usize,
    max_count: usize,
    max_size: usize,
}

impl History {
    pub(crate) fn new(max_count: usize, max_size: usize) -> Self {
        Self { frames: VecDeque::new(), size: 0, max_count, max_size }
    }

    pub(crate) fn push(&mut self, frame: Arc<Frame>) {
        self.size += frame.size();
        self.frames.push_back(frame);
        while self.frames.len() > 1 && (self.frames.len() > self.max_count || self.size > self.max_size) {
            let oldest = self.frames.pop_front();
            self.size -= oldest.map_or(0, |frame| frame.size());
        }
    }

    /// The number of the oldest one; `None` where there is none.
    pub(crate) fn first(&self) -> Option<u64> {
        self.frames.front().map(|frame| frame.number)
    }

    /// Those from this number on, which is not before the first.
    pub(crate) fn from(&self, number: u64) -> impl Iterator<Item = &Arc<Frame>> {
        let passed = number.saturating_sub(self.first().unwrap_or(number));
        let passed = usize::try_from(passed).unwrap_or(usize::MAX).min(self.frames.len());
        self.frames.range(passed..)
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::frame;

    #[test]
    fn it_keeps_as_many_and_as_much_as_it_may_but_always_the_newest() {
        let size = frame(1, "k").size();
        for (count, bytes, expected) in
            [(3, 100 * size, 8..=10), (100, 2 * size + 1, 9..=10), (100, 1, 10..=10)]
        {
            let mut history = History::new(count, bytes);
            assert_eq!(history.first(), None);
            (1..=10).for_each(|number| history.push(frame(number, "k")));
            assert_eq!(history.first(), Some(*expected.start()));
            let from = |number| history.from(number).map(|frame| frame.number).collect::<Vec<_>>();
            assert_eq!(from(*expected.start()), expected.clone().collect::<Vec<_>>());
            assert_eq!((from(10), from(11)), (vec![10], vec![]));
            assert_eq!(history.size(), history.from(0).map(|frame| frame.size()).sum::<usize>());
        }
    }
}
