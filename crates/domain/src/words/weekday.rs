//! A day of the week, in UTC.

use std::fmt;

use jiff::{Timestamp, civil, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A day of the week, written as EventBridge Scheduler writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// Whether an instant is on it.
    #[must_use]
    pub fn is_of(self, at: Timestamp) -> bool {
        self.is(TimeZone::UTC.to_datetime(at).weekday())
    }

    /// Whether it is this one.
    pub(crate) fn is(self, day: civil::Weekday) -> bool {
        let this = match self {
            Self::Mon => civil::Weekday::Monday,
            Self::Tue => civil::Weekday::Tuesday,
            Self::Wed => civil::Weekday::Wednesday,
            Self::Thu => civil::Weekday::Thursday,
            Self::Fri => civil::Weekday::Friday,
            Self::Sat => civil::Weekday::Saturday,
            Self::Sun => civil::Weekday::Sunday,
        };
        this == day
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mon => "Monday",
            Self::Tue => "Tuesday",
            Self::Wed => "Wednesday",
            Self::Thu => "Thursday",
            Self::Fri => "Friday",
            Self::Sat => "Saturday",
            Self::Sun => "Sunday",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_at_midnight_in_utc() {
        // 2026-11-22 is a Sunday.
        for (at, is_sunday, is_monday) in [
            ("2026-11-21T23:59:59.999Z", false, false),
            ("2026-11-22T00:00:00Z", true, false),
            ("2026-11-22T23:59:59.999Z", true, false),
            ("2026-11-23T00:00:00Z", false, true),
            ("1969-12-28T12:00:00Z", true, false),
        ] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!((Weekday::Sun.is_of(at), Weekday::Mon.is_of(at)), (is_sunday, is_monday), "{at}");
        }
    }
}
