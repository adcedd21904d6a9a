//! Stretches of the calendar, in UTC.

use jiff::{Timestamp, tz::TimeZone};

use super::Reason;
use crate::words::time_span::TimeSpan;

/// A stretch of the calendar of which one backup is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// From the Monday before to 1970-01-01, which was a Thursday.
const DAYS_BEFORE_THE_EPOCH: i64 = 3;

impl Period {
    pub(super) const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// Which one an instant is in: instants of one period have the same number, later periods a higher one.
    pub(super) fn of(self, at: Timestamp) -> i64 {
        // Rounds down before 1970 too.
        let seconds = at.as_nanosecond().div_euclid(1_000_000_000);
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        match self {
            Self::Hour => seconds.div_euclid(HOUR_SECONDS),
            Self::Day => seconds.div_euclid(DAY_SECONDS),
            Self::Week => (seconds.div_euclid(DAY_SECONDS) + DAYS_BEFORE_THE_EPOCH).div_euclid(7),
            Self::Month => {
                let date = TimeZone::UTC.to_datetime(at);
                i64::from(date.year()) * 12 + i64::from(date.month()) - 1
            }
            Self::Year => i64::from(TimeZone::UTC.to_datetime(at).year()),
        }
    }

    /// How long one is, the shortest of them.
    pub(super) fn at_least(self) -> TimeSpan {
        const DAY: TimeSpan = TimeSpan::seconds(24 * 3_600);
        match self {
            Self::Hour => TimeSpan::seconds(3_600),
            Self::Day => DAY,
            Self::Week => DAY.times(7),
            Self::Month => DAY.times(28),
            Self::Year => DAY.times(365),
        }
    }

    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Hour => Reason::Hourly,
            Self::Day => Reason::Daily,
            Self::Week => Reason::Weekly,
            Self::Month => Reason::Monthly,
            Self::Year => Reason::Yearly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(period: Period, at: &str) -> i64 {
        period.of(at.parse().unwrap())
    }

    #[test]
    fn each_period_begins_where_the_calendar_says() {
        for (period, last_before, first, last) in [
            (Period::Hour, "2026-03-01T09:59:59.999Z", "2026-03-01T10:00:00Z", "2026-03-01T10:59:59.999Z"),
            (Period::Day, "2026-02-28T23:59:59.999Z", "2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z"),
            // 2026-03-01 is a Sunday.
            (Period::Week, "2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z", "2026-03-08T23:59:59Z"),
            (Period::Month, "2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z", "2024-03-31T23:59:59Z"),
            (Period::Year, "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z"),
            (Period::Day, "1969-12-30T23:59:59.5Z", "1969-12-31T00:00:00Z", "1969-12-31T23:59:59.5Z"),
        ] {
            assert_eq!(of(period, first), of(period, last), "{period:?} {first}");
            assert_eq!(of(period, last_before) + 1, of(period, first), "{period:?} {first}");
        }
    }
}
