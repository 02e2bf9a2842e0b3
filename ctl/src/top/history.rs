//! The last values of a figure, and how they look in a line.

use std::collections::VecDeque;

/// As many as the widest plot shows.
const KEPT: usize = 120;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last values, the newest one last.
#[derive(Clone, Debug, Default)]
pub(super) struct History(VecDeque<f64>);

impl History {
    pub(super) fn push(&mut self, value: f64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    pub(super) fn last(&self) -> f64 {
        self.0.back().copied().unwrap_or(0.0)
    }

    /// A bar for each value, from zero to the greatest one.
    pub(super) fn plot(&self, width: usize) -> String {
        let shown = self.0.iter().skip(self.0.len().saturating_sub(width));
        let greatest = shown.clone().fold(0.0, |greatest: f64, value| greatest.max(*value));
        let bar = |value: &f64| {
            let share = if greatest > 0.0 { value / greatest } else { 0.0 };
            // From the least bar to the greatest one; what is not a share is nothing.
            let level = (1..BARS.len()).rev().find(|level| share >= *level as f64 / (BARS.len() - 1) as f64);
            BARS[level.unwrap_or(0)]
        };
        shown.map(bar).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_goes_from_zero_to_the_greatest_value() {
        let mut history = History::default();
        assert_eq!(history.plot(10), "");
        for value in [0.0, 7.0, 14.0, f64::NAN] {
            history.push(value);
        }
        assert_eq!(history.plot(10), "▁▄█▁");
        assert_eq!(history.plot(3), "▄█▁");
        (0..1000).for_each(|value| history.push(value.into()));
        assert_eq!(history.plot(1000).chars().count(), KEPT);
    }
}
