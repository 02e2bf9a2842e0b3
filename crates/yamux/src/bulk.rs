//! Frames of one stream that are on their way out.

use crate::header::frame_len;

/// Whole frames of one stream, of which some are permitted to go.
///
/// ```text
///   ├── sent ──┼── permitted ──┼── the rest ──┤
/// ```
#[derive(Debug, Default)]
pub struct Bulk {
    frames: Vec<u8>,
    sent: usize,
    permitted: usize,
    /// Whether some of what is permitted was sent.
    is_started: bool,
}

impl Bulk {
    pub(crate) fn new(frames: Vec<u8>) -> Self {
        Self { frames, ..Self::default() }
    }

    /// What may go out now.
    #[must_use]
    pub fn permitted(&self) -> &[u8] {
        &self.frames[self.sent..self.permitted]
    }

    /// Whether a part of what is permitted has gone, so that the rest must follow before anything else.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.is_started
    }

    /// So much of what is permitted was sent. All of the frames, empty, once that was the last.
    pub fn advance(&mut self, n: usize) -> Option<Vec<u8>> {
        debug_assert!(n <= self.permitted().len(), "more was sent than is permitted");
        self.sent += n;
        self.is_started = self.sent < self.permitted;
        if self.sent < self.frames.len() {
            return None;
        }
        let mut frames = std::mem::take(self).frames;
        frames.clear();
        Some(frames)
    }

    /// Whether all of it was sent.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.sent == self.frames.len()
    }

    pub(crate) fn rest(&self) -> &[u8] {
        &self.frames[self.permitted..]
    }

    /// The length of the next frame that is not permitted.
    pub(crate) fn next_frame(&self) -> Option<usize> {
        let rest = self.rest();
        (!rest.is_empty()).then(|| frame_len(rest))
    }

    pub(crate) fn permit(&mut self, len: usize) {
        self.permitted += len;
    }
}
