//! From time to place on a drawing.

use jiff::Timestamp;

/// A time axis: an instant's place in a drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    zero: Timestamp,
    from_ms: f64,
    to_ms: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// From one instant to another, between two edges, counted from `zero`.
    pub(super) fn new(zero: Timestamp, (from_ms, to_ms): (f64, f64), (left, right): (f64, f64)) -> Self {
        Self { zero, from_ms, to_ms: to_ms.max(from_ms + 1.0), left, right }
    }

    /// The place of an instant, kept within the edges.
    pub(super) fn x(&self, at: Timestamp) -> f64 {
        self.x_of(offset_ms(self.zero, at))
    }

    /// The place of a number of milliseconds from zero, kept within the edges.
    pub(super) fn x_of(&self, ms: f64) -> f64 {
        let share = (ms - self.from_ms) / (self.to_ms - self.from_ms);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Whether an instant is within the edges.
    pub(super) fn holds(&self, at: Timestamp) -> bool {
        (self.from_ms..=self.to_ms).contains(&offset_ms(self.zero, at))
    }

    /// Round numbers of milliseconds to mark, at most a dozen.
    pub(super) fn marks(&self) -> Vec<f64> {
        let length = self.to_ms - self.from_ms;
        let steps = (0..10).flat_map(|power| [1.0, 2.0, 5.0].map(|n| n * 10_f64.powi(power)));
        let step = steps.into_iter().find(|step| length / step <= 11.0).unwrap_or(length);
        let first = (self.from_ms / step).ceil();
        (0..12).map(|n| (first + f64::from(n)) * step).take_while(|ms| *ms <= self.to_ms).collect()
    }
}

/// Milliseconds from one instant to another, with the fraction.
pub(super) fn offset_ms(zero: Timestamp, at: Timestamp) -> f64 {
    at.duration_since(zero).as_secs_f64() * 1_000.0
}

/// An offset as a person reads it: `+1.312 s`.
pub(super) fn offset(zero: Timestamp, at: Timestamp) -> String {
    format!("{:+.3} s", at.duration_since(zero).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_few_and_within_the_edges() {
        for (from, to) in [(-500.0, 2_600.0), (0.0, 1.0), (-3.0, 86_400_000.0), (0.0, 0.0), (10.0, 3.0)] {
            let marks = Scale::new(Timestamp::UNIX_EPOCH, (from, to), (0.0, 1.0)).marks();
            assert!((1..=12).contains(&marks.len()), "{from} to {to}: {marks:?}");
        }
        let marks = Scale::new(Timestamp::UNIX_EPOCH, (-500.0, 2_600.0), (0.0, 1.0)).marks();
        assert_eq!(marks, [-500.0, 0.0, 500.0, 1_000.0, 1_500.0, 2_000.0, 2_500.0]);
    }

    #[test]
    fn what_is_outside_stays_at_the_edge() {
        let scale = Scale::new(Timestamp::UNIX_EPOCH, (0.0, 100.0), (10.0, 110.0));
        assert_eq!([-5.0, 0.0, 50.0, 100.0, 900.0].map(|ms| scale.x_of(ms)), [10.0, 10.0, 60.0, 110.0, 110.0]);
    }
}
