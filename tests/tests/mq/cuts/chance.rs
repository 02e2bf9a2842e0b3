//! What is cut and for how long, by chance, and the same for the same seed.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::time::Duration;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The broker is killed, and started again.
    Kill,
    /// The broker stands still.
    Freeze,
    /// All connections are reset.
    Connection,
    /// Nothing gets through, and nobody is told.
    Silence,
    /// The gateway is killed, and started again.
    Gateway,
}

/// One cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) fault: Fault,
    /// How long it lasts, where it lasts.
    pub(super) time: Duration,
    /// The gateway is killed in the middle of it.
    pub(super) with_gateway: bool,
}

/// Numbers by which a run can be had again.
pub(super) struct Chance {
    numbers: StdRng,
    /// No cut is longer.
    longest: Duration,
}

impl Chance {
    pub(super) fn of(seed: u64, longest: Duration) -> Self {
        Self { numbers: StdRng::seed_from_u64(seed), longest }
    }

    pub(super) fn step(&mut self) -> Step {
        let fault = match self.numbers.random_range(0..10) {
            0 | 1 => Fault::Kill,
            2 | 3 => Fault::Freeze,
            4 | 5 => Fault::Connection,
            6 | 7 => Fault::Silence,
            _ => Fault::Gateway,
        };
        // Shorter and longer than anybody's patience.
        let time = match self.numbers.random_range(0..3) {
            0 => self.numbers.random_range(0..100),
            1 => self.numbers.random_range(100..1000),
            _ => self.numbers.random_range(1000..6000),
        };
        let with_gateway = fault != Fault::Gateway && self.numbers.random_bool(0.25);
        Step { fault, time: Duration::from_millis(time).min(self.longest), with_gateway }
    }

    /// Whether messages get through before the next cut.
    pub(super) fn waits(&mut self) -> bool {
        self.numbers.random_bool(0.75)
    }

    pub(super) fn pause(&mut self) -> Duration {
        Duration::from_millis(self.numbers.random_range(0..400))
    }
}
