//! What a batch has counted and not yet added.

use super::{DIRECTIONS, Direction, Part};
use crate::envelope::RequestKind;
use frontier_metrics::bucket;
use std::time::Duration;

/// What a batch has counted and not yet added.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: [[Count; DIRECTIONS]; 2],
    run: Option<Run>,
}

#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) begun: u32,
    pub(super) ok: u32,
    pub(super) bytes: [u64; 2],
}

/// Answers in a row of which each took as long as the others, by its bucket.
#[derive(Debug)]
pub(crate) struct Run {
    pub(super) kind: RequestKind,
    pub(super) direction: Direction,
    pub(super) bucket: usize,
    pub(super) count: u32,
    pub(super) together: Duration,
}

impl Tally {
    fn count(&mut self, kind: RequestKind, direction: Direction) -> &mut Count {
        &mut self.counts[kind as usize][direction as usize]
    }

    #[inline]
    pub(crate) fn begun(&mut self, kind: RequestKind, direction: Direction, bytes: usize) {
        let count = self.count(kind, direction);
        count.begun += 1;
        count.bytes[Part::Request as usize] += bytes as u64;
    }

    #[inline]
    pub(crate) fn ok(&mut self, kind: RequestKind, direction: Direction) {
        self.count(kind, direction).ok += 1;
    }

    #[inline]
    pub(crate) fn replied(&mut self, kind: RequestKind, direction: Direction, bytes: usize) {
        self.count(kind, direction).bytes[Part::Reply as usize] += bytes as u64;
    }

    /// Notes how long a request took. What is returned is to be added now.
    #[inline]
    pub(crate) fn took(&mut self, kind: RequestKind, direction: Direction, took: Duration) -> Option<Run> {
        let bucket = bucket(took);
        match &mut self.run {
            Some(run) if (run.kind, run.direction, run.bucket) == (kind, direction, bucket) => {
                run.count += 1;
                run.together += took;
                None
            }
            run => run.replace(Run { kind, direction, bucket, count: 1, together: took }),
        }
    }

    pub(super) fn counts(&self) -> &[[Count; DIRECTIONS]; 2] {
        &self.counts
    }

    pub(super) fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }
}
