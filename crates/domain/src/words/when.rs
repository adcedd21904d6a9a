//! When a plan's backups are made: at times, or all the time.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    id::{BadId, Schedule},
    time_span::TimeSpan,
    weekday::Weekday,
};

/// RDS restores an instance to a time up to about five minutes ago.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html>
pub const NEWEST_POINT: TimeSpan = TimeSpan::seconds(300);

/// When backups are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", description = "rate(15 minutes) or cron(0 2 * * ? *), in UTC; or continuous")]
pub enum When {
    /// Each time that a schedule fires.
    At(Schedule),
    /// All the time: the service keeps what it needs to restore any time until a few minutes ago.
    Continuous,
}

const CONTINUOUS: &str = "continuous";

impl When {
    /// The schedule, where there is one.
    #[must_use]
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::At(schedule) => Some(schedule),
            Self::Continuous => None,
        }
    }

    /// The longest from one time to the next, where that can be told.
    #[must_use]
    pub fn longest_wait(&self) -> Option<TimeSpan> {
        self.schedule().map_or(Some(NEWEST_POINT), Schedule::longest_wait)
    }

    /// The shortest from one time to the next, where that can be told.
    #[must_use]
    pub fn shortest_wait(&self) -> Option<TimeSpan> {
        self.schedule().and_then(Schedule::shortest_wait)
    }

    /// From one time to the next, on average, where that can be told.
    #[must_use]
    pub fn mean_wait(&self) -> Option<TimeSpan> {
        self.schedule().and_then(Schedule::mean_wait)
    }

    /// When a schedule fires from one instant until before another, at most so often, where that can be told.
    #[must_use]
    pub fn times(&self, from: Timestamp, until: Timestamp, most: usize) -> Option<Vec<Timestamp>> {
        self.schedule().and_then(|schedule| schedule.times(from, until, most))
    }

    /// Whether a schedule ever fires on a day of the week, where that can be told.
    #[must_use]
    pub fn fires_on(&self, day: Weekday) -> Option<bool> {
        self.schedule().and_then(|schedule| schedule.fires_on(day))
    }
}

impl TryFrom<String> for When {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        if text == CONTINUOUS { Ok(Self::Continuous) } else { Schedule::try_from(text).map(Self::At) }
    }
}

impl FromStr for When {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::try_from(text.to_owned())
    }
}

impl From<When> for String {
    fn from(when: When) -> Self {
        when.to_string()
    }
}

impl From<Schedule> for When {
    fn from(schedule: Schedule) -> Self {
        Self::At(schedule)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(schedule) => schedule.fmt(f),
            Self::Continuous => f.write_str(CONTINUOUS),
        }
    }
}
