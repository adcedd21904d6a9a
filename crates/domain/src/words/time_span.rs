//! Lengths of time as people write them in a plan: `500ms`, `5s`, `15m`, `7d`.

use std::{fmt, time::Duration};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time, never negative. Written as a number and a unit, as `1m 30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", description = "a length of time, as 500ms, 5s, 15m, 24h or 7d")]
pub struct TimeSpan(Duration);

/// A text that is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: write a number and a unit, as 500ms, 5s, 15m, 24h or 7d")]
pub struct BadTimeSpan(String);

/// The longest a plan may name: ten years, AWS's longest retention.
const LONGEST: Duration = Duration::from_secs(3_653 * 24 * 3_600);

/// The units that people are told, with their lengths in milliseconds.
const UNITS: [(u64, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];

impl TimeSpan {
    /// From whole milliseconds.
    #[must_use]
    pub const fn milliseconds(count: u64) -> Self {
        Self(Duration::from_millis(count))
    }

    /// From whole seconds.
    #[must_use]
    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    /// As the standard library's duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// In seconds, with the fraction.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0.as_secs_f64()
    }

    /// In whole milliseconds.
    #[must_use]
    pub fn as_milliseconds(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// For people: at most two units, as `7d 18h`, rounded up, so that a bound stays one. What machines read is
    /// [`Display`](fmt::Display).
    #[must_use]
    pub fn roughly(self) -> String {
        let milliseconds = u64::try_from(self.0.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let Some(index) = UNITS.iter().position(|(length, _)| milliseconds >= *length) else {
            return "0s".to_owned();
        };
        let (length, unit) = UNITS[index];
        let Some((smaller, smaller_unit)) = UNITS.get(index + 1) else {
            return format!("{milliseconds}{unit}");
        };
        let rounded = milliseconds.div_ceil(*smaller).saturating_mul(*smaller);
        // 59 minutes and 59.9 seconds are an hour: the larger unit, if it came to that.
        if let Some((larger, larger_unit)) = index.checked_sub(1).map(|index| UNITS[index])
            && rounded >= larger
        {
            return format!("1{larger_unit}");
        }
        match rounded % length / smaller {
            0 => format!("{}{unit}", rounded / length),
            rest => format!("{}{unit} {rest}{smaller_unit}", rounded / length),
        }
    }

    /// This many times as long.
    #[must_use]
    pub const fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// This share of it.
    #[must_use]
    pub fn percent(self, percent: f64) -> Self {
        Self(Duration::try_from_secs_f64(self.as_seconds() * percent / 100.0).unwrap_or_default())
    }

    /// From one instant to a later one; zero when the clocks say otherwise.
    #[must_use]
    pub fn between(from: jiff::Timestamp, to: jiff::Timestamp) -> Self {
        Self(Duration::try_from(to.duration_since(from)).unwrap_or_default())
    }
}

impl TryFrom<String> for TimeSpan {
    type Error = BadTimeSpan;

    fn try_from(text: String) -> Result<Self, BadTimeSpan> {
        let bad = || BadTimeSpan(text.chars().take(32).collect());
        let days = text.strip_suffix('d').and_then(|n| n.trim().parse::<u32>().ok());
        let span = match days {
            Some(days) => Duration::from_secs(u64::from(days) * 24 * 3_600),
            None => text.parse::<SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok()).ok_or_else(bad)?,
        };
        if span > LONGEST { Err(bad()) } else { Ok(Self(span)) }
    }
}

impl From<TimeSpan> for String {
    fn from(span: TimeSpan) -> Self {
        span.to_string()
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.as_secs() / (24 * 3_600);
        if days > 0 && self.0 == Duration::from_secs(days * 24 * 3_600) {
            return write!(f, "{days}d");
        }
        // Nobody reads microseconds; what is shorter than a millisecond is shown whole.
        let whole = Duration::from_millis(self.as_milliseconds());
        let shown = if whole.is_zero() { self.0 } else { whole };
        let signed = SignedDuration::try_from(shown).unwrap_or(SignedDuration::MAX);
        write!(f, "{signed:#}")
    }
}

impl std::ops::Add for TimeSpan {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TimeSpan, BadTimeSpan> {
        TimeSpan::try_from(text.to_owned())
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("15m", 900_000),
            ("1m 30s", 90_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
            ("0s", 0),
        ] {
            let span = read(text).unwrap();
            assert_eq!(span.as_milliseconds(), milliseconds, "{text}");
            assert_eq!(read(&span.to_string()).unwrap(), span, "{text} shown as {span}");
        }
    }

    #[test]
    fn people_are_told_two_units_at_most_and_never_less_than_it_is() {
        for (milliseconds, told) in [
            (0, "0s"),
            (1, "1ms"),
            (999, "999ms"),
            (1_000, "1s"),
            (26_316, "26s 316ms"),
            (59_999, "59s 999ms"),
            (60_000, "1m"),
            (60_001, "1m 1s"),
            (119_001, "2m"),
            (3_599_001, "1h"),
            (3_600_000, "1h"),
            (86_399_999, "1d"),
            (604_800_000, "7d"),
            (672_506_316, "7d 19h"),
            (672_480_000, "7d 19h"),
        ] {
            assert_eq!(TimeSpan::milliseconds(milliseconds).roughly(), told, "{milliseconds} ms");
        }
        assert_eq!(TimeSpan(Duration::from_micros(10)).roughly(), "1ms");
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for bad in ["5", "", "soon", "-5s", "5 parsecs", "99999999d"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
