//! One measure: its number, of how many, and against its target.

use serde::{Serialize, Serializer};

use crate::{
    plan::{Bound, Measure},
    words::time_span::TimeSpan,
};

/// What was counted of a measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counted {
    /// Its number, as far as it is known.
    pub(super) value: Option<Value>,
    /// The worst and the best that it can have been, whatever is not known.
    pub(super) at_worst: Option<Value>,
    pub(super) at_best: Option<Value>,
    /// Of how many runs.
    pub(super) of: usize,
    /// Of how many of them it is not known.
    pub(super) unknown: usize,
}

impl Counted {
    /// A share of all, of which some are good and some are not known.
    pub(super) fn share(good: usize, unknown: usize, of: usize) -> Self {
        let percent = |count: usize| (of > 0).then(|| Value::Percent(100.0 * count as f64 / of as f64));
        Self { value: percent(good), at_worst: percent(good), at_best: percent(good + unknown), of, unknown }
    }
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Value {
    /// A share.
    Percent(f64),
    /// The longest, or the mean.
    Seconds(f64),
}

/// How a measure stands to its target, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// There is no target.
    NoTarget,
    /// It is met, whatever is not known.
    Met,
    /// Nobody knows: nothing was measured, or not enough.
    NotMeasured,
    /// It is missed, whatever is not known.
    Missed,
}

impl std::fmt::Display for Standing {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(match self {
            Self::NoTarget => "",
            Self::Met => "met",
            Self::NotMeasured => "NOT MEASURED",
            Self::Missed => "MISSED",
        })
    }
}

/// One measure of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The measure.
    pub measure: Measure,
    /// Its number: of times the longest, of repair the mean. Absent where nothing was measured.
    pub value: Option<Value>,
    /// Of how many runs it is.
    pub of: usize,
    /// Of how many of them it is not known.
    pub unknown: usize,
    /// The plan's target.
    #[serde(serialize_with = "in_words")]
    pub target: Option<Bound>,
    /// How it stands to it.
    pub standing: Standing,
}

fn in_words<S: Serializer>(bound: &Option<Bound>, to: S) -> Result<S::Ok, S::Error> {
    bound.map(|bound| bound.to_string()).serialize(to)
}

impl Line {
    pub(super) fn new(measure: Measure, counted: Counted, target: Option<Bound>) -> Self {
        let Counted { value, of, unknown, .. } = counted;
        let standing = target.map_or(Standing::NoTarget, |bound| standing(counted, bound));
        Self { measure, value, of, unknown, target, standing }
    }
}

fn standing(counted: Counted, bound: Bound) -> Standing {
    let (Some(at_worst), Some(at_best)) = (counted.at_worst, counted.at_best) else { return Standing::NotMeasured };
    // Missed or met whatever the rest is: of times the longest that is known, of shares at worst and at best.
    let (is_missed, is_met) = match (bound, at_worst, at_best) {
        (Bound::Within(most), Value::Seconds(longest), _) => {
            let is_missed = longest > most.as_seconds();
            (is_missed, !is_missed && counted.unknown == 0)
        }
        (Bound::AtLeast(least), Value::Percent(at_worst), Value::Percent(at_best)) => {
            (at_best < least, at_worst >= least)
        }
        (Bound::AtMost(most), Value::Percent(at_worst), Value::Percent(at_best)) => (at_worst > most, at_best <= most),
        // A bound of the other kind, which the plan's check refuses.
        (Bound::Within(_) | Bound::AtLeast(_) | Bound::AtMost(_), _, _) => (false, false),
    };
    match (is_missed, is_met) {
        (true, _) => Standing::Missed,
        (false, true) => Standing::Met,
        (false, false) => Standing::NotMeasured,
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Cut off, not rounded: 99.999 % is not 100.
            Self::Percent(percent) => write!(to, "{} %", (percent * 1_000.0).floor() / 1_000.0),
            Self::Seconds(seconds) => {
                to.write_str(&TimeSpan::milliseconds((seconds * 1_000.0).ceil().max(0.0) as u64).roughly())
            }
        }
    }
}
