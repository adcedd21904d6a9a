//! When a schedule fires, and how far apart.

use jiff::{Timestamp, civil::Date};

use super::{
    cron::{self, BadCron, Cron},
    id::Schedule,
    time_span::TimeSpan,
    valid::{inside, rate_seconds},
    weekday::Weekday,
};

impl Schedule {
    /// The longest from one time to the next, where that can be told.
    #[must_use]
    pub fn longest_wait(&self) -> Option<TimeSpan> {
        match inside(self.as_str(), "rate(") {
            Some(rate) => rate_seconds(rate).map(TimeSpan::seconds),
            None => self.cron()?.ok()?.longest_wait(),
        }
    }

    /// The shortest from one time to the next, where that can be told.
    #[must_use]
    pub fn shortest_wait(&self) -> Option<TimeSpan> {
        match inside(self.as_str(), "rate(") {
            Some(rate) => rate_seconds(rate).map(TimeSpan::seconds),
            None => self.cron()?.ok()?.shortest_wait(),
        }
    }

    /// From one time to the next, on average, where that can be told.
    #[must_use]
    pub fn mean_wait(&self) -> Option<TimeSpan> {
        let times = self.times_in_a_year(Date::constant(2027, 1, 1)).filter(|times| *times > 0.0)?;
        Some(cron::YEAR.percent(100.0 / times))
    }

    /// How often it fires in the year that begins with this day, where that can be told.
    #[must_use]
    pub fn times_in_a_year(&self, from: Date) -> Option<f64> {
        match inside(self.as_str(), "rate(") {
            Some(rate) => rate_seconds(rate).map(|seconds| cron::YEAR.as_seconds() / seconds as f64),
            None => Some(self.cron()?.ok()?.times_in_a_year(from) as f64),
        }
    }

    /// When it fires from one instant until before another, at most so often. Absent where that cannot be told: a rate counts
    /// from when its schedule was made.
    #[must_use]
    pub fn times(&self, from: Timestamp, until: Timestamp, most: usize) -> Option<Vec<Timestamp>> {
        Some(self.cron()?.ok()?.times(from, until, most))
    }

    /// Whether it ever fires on a day of the week, where that can be told: of a `rate` it depends on when it began.
    #[must_use]
    pub fn fires_on(&self, day: Weekday) -> Option<bool> {
        Some(self.cron()?.ok()?.fires_on_a(day))
    }

    /// Why EventBridge Scheduler would refuse it, or never fire it.
    #[must_use]
    pub fn fault(&self) -> Option<BadCron> {
        self.cron()?.err()
    }

    fn cron(&self) -> Option<Result<Cron, BadCron>> {
        cron::fields(inside(self.as_str(), "cron(")?).map(Cron::read)
    }
}
