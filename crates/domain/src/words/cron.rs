//! A `cron` of EventBridge Scheduler: whether it is one, and how long it waits at most from one time to the next.
//!
//! Six fields: minutes, hours, days of the month, months, days of the week, years. What each takes is in AWS's user
//! guide, "Schedule types on EventBridge Scheduler".

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::{
    Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

use crate::words::{time_span::TimeSpan, weekday::Weekday};

/// Why EventBridge Scheduler would refuse a `cron`, or never fire it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    /// A value that the field does not take.
    #[error("the {field} `{text}` are not within {range}")]
    Outside {
        /// The field.
        field: &'static str,
        /// What is written.
        text: String,
        /// What it takes.
        range: &'static str,
    },
    /// A range whose end is before its start.
    #[error("the {field} `{text}` end before they start")]
    Reversed {
        /// The field.
        field: &'static str,
        /// What is written.
        text: String,
    },
    /// What follows a `/` is not a step of the field.
    #[error("the {field} `{text}` have a step that is not within 1 to {most}")]
    Step {
        /// The field.
        field: &'static str,
        /// What is written.
        text: String,
        /// The longest step.
        most: i16,
    },
    /// What follows a `#` is not a week of a month.
    #[error("the days of the week `{0}` name a week of the month that is not within 1 to 5")]
    Week(String),
    /// There is no such day.
    #[error("it never fires: there is no day that it names")]
    Never,
}

/// One of the six fields, and the values that it takes.
struct Field {
    name: &'static str,
    first: i16,
    last: i16,
    /// The values as words, from the first one on.
    words: &'static [&'static str],
    range: &'static str,
}

const MINUTES: Field = Field { name: "minutes", first: 0, last: 59, words: &[], range: "0 to 59" };
const HOURS: Field = Field { name: "hours", first: 0, last: 23, words: &[], range: "0 to 23" };
const DAYS_OF_MONTH: Field = Field { name: "days of the month", first: 1, last: 31, words: &[], range: "1 to 31" };
const MONTHS: Field = Field {
    name: "months",
    first: 1,
    last: 12,
    words: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    range: "1 to 12 or JAN to DEC",
};
const DAYS_OF_WEEK: Field = Field {
    name: "days of the week",
    first: 1,
    last: 7,
    words: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    range: "1 to 7 or SUN to SAT",
};
const YEARS: Field = Field { name: "years", first: 1970, last: 2199, words: &[], range: "1970 to 2199" };

/// The first day of the first year.
const FIRST: Date = date(1970, 1, 1);

/// How many days of firing are looked at: of a `cron` that fires each day, more than a year.
const MOST_DATES: usize = 400;

const DAY_MINUTES: i64 = 24 * 60;

const YEAR_DAYS: usize = 365;

/// The year in which its times are counted.
pub(crate) const YEAR: TimeSpan = TimeSpan::seconds(365 * 24 * 3_600);

/// The six fields, where a text has as many and says `?` for one of the two days: AWS takes no other.
pub(crate) fn fields(text: &str) -> Option<[&str; 6]> {
    let fields: [&str; 6] = text.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let plain = |field: &&str| {
        !field.is_empty() && field.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "*,-/?#".contains(c))
    };
    let [_, _, day_of_month, _, day_of_week, _] = fields;
    (fields.iter().all(plain) && (day_of_month == "?") != (day_of_week == "?")).then_some(fields)
}

/// A `cron` that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// On which days of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    /// These. The weekday nearest to one is taken for that day: it is two days off at most.
    OfMonth(BTreeSet<i16>),
    /// The last. The last weekday is taken for it: it is two days off at most.
    LastOfMonth,
    /// These, Sunday is 1.
    OfWeek(BTreeSet<i16>),
    /// The first to fifth of a day of the week; -1 for the last.
    NthOfWeek { nth: i8, day: i16 },
}

impl Cron {
    /// Reads the [`fields`].
    pub(crate) fn read(fields: [&str; 6]) -> Result<Self, BadCron> {
        let [minutes, hours, day_of_month, months, day_of_week, years] = fields;
        let cron = Self {
            minutes: MINUTES.values(minutes)?,
            hours: HOURS.values(hours)?,
            days: if day_of_month == "?" { of_week(day_of_week)? } else { of_month(day_of_month)? },
            months: MONTHS.values(months)?,
            years: YEARS.values(years)?,
        };
        let ever = cron.dates().next();
        ever.map(|_| cron).ok_or(BadCron::Never)
    }

    /// The longest from one time to the next, in the first [`MOST_DATES`] days; none where it fires on one day only.
    pub(crate) fn longest_wait(&self) -> Option<TimeSpan> {
        let (within_a_day, overnight) = self.waits();
        overnight.first()?;
        span(within_a_day.into_iter().chain(overnight).max())
    }

    /// The shortest from one time to the next, in the first [`MOST_DATES`] days; none where it fires once only.
    pub(crate) fn shortest_wait(&self) -> Option<TimeSpan> {
        let (within_a_day, overnight) = self.waits();
        span(within_a_day.into_iter().chain(overnight).min())
    }

    /// The minutes from each time of a day to the next, and from the last of a day to the first of the next day that it fires
    /// on, in the first [`MOST_DATES`] days.
    fn waits(&self) -> (Vec<i64>, Vec<i64>) {
        let of_hour = |hour: i16| self.minutes.iter().map(move |minute| i64::from(hour * 60 + minute));
        let times: Vec<i64> = self.hours.iter().copied().flat_map(of_hour).collect();
        let dates: Vec<Date> = self.dates().take(MOST_DATES).collect();
        let a_day = times.last().zip(times.first()).map_or(0, |(last, first)| last - first);
        let days = dates.windows(2).map(|two| two[1].duration_since(two[0]).as_hours() / 24);
        let overnight = days.map(|days| days * DAY_MINUTES - a_day).collect();
        (times.windows(2).map(|two| two[1] - two[0]).collect(), overnight)
    }

    /// How often it fires in the [`YEAR`] that begins with this day.
    pub(crate) fn times_in_a_year(&self, from: Date) -> usize {
        let tomorrow = |today: &Date| today.tomorrow().ok();
        let days = std::iter::successors(Some(from), tomorrow).take(YEAR_DAYS).filter(|date| self.fires_on(*date));
        days.count() * self.hours.len() * self.minutes.len()
    }

    /// When it fires from one instant until before another, in their order and at most so often.
    pub(crate) fn times(&self, from: Timestamp, until: Timestamp, most: usize) -> Vec<Timestamp> {
        let first = from.to_zoned(TimeZone::UTC).date();
        let days = std::iter::successors(Some(first), |today: &Date| today.tomorrow().ok());
        let days = days.take_while(|day| at(*day, 0, 0).is_some_and(|midnight| midnight < until));
        let of_day = |day: Date| {
            let hours = self.hours.iter().copied();
            hours.flat_map(move |hour| self.minutes.iter().filter_map(move |minute| at(day, hour, *minute)))
        };
        let times = days.filter(|day| self.fires_on(*day)).flat_map(of_day);
        times.filter(|time| (from..until).contains(time)).take(most).collect()
    }

    /// Whether it fires on this day of the week, in the first [`MOST_DATES`] days.
    pub(crate) fn fires_on_a(&self, day: Weekday) -> bool {
        self.dates().take(MOST_DATES).any(|date| day.is(date.weekday()))
    }

    /// The days that it fires on, in their order.
    fn dates(&self) -> impl Iterator<Item = Date> + '_ {
        let tomorrow = |today: &Date| today.tomorrow().ok().filter(|date| date.year() <= YEARS.last);
        std::iter::successors(Some(FIRST), tomorrow).filter(|date| self.fires_on(*date))
    }

    fn fires_on(&self, date: Date) -> bool {
        self.years.contains(&date.year())
            && self.months.contains(&date.month().into())
            && match &self.days {
                Days::OfMonth(days) => days.contains(&date.day().into()),
                Days::LastOfMonth => date == date.last_of_month(),
                Days::OfWeek(days) => days.contains(&day_of_week(date)),
                Days::NthOfWeek { nth, day } => {
                    *day == day_of_week(date)
                        && date.nth_weekday_of_month(*nth, date.weekday()).is_ok_and(|nth| nth == date)
                }
            }
    }
}

fn at(day: Date, hour: i16, minute: i16) -> Option<Timestamp> {
    let time = day.at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn span(minutes: Option<i64>) -> Option<TimeSpan> {
    u64::try_from(minutes? * 60).ok().map(TimeSpan::seconds)
}

/// Sunday is 1, as EventBridge Scheduler counts.
fn day_of_week(date: Date) -> i16 {
    date.weekday().to_sunday_one_offset().into()
}

fn of_month(text: &str) -> Result<Days, BadCron> {
    if text == "L" || text == "LW" {
        return Ok(Days::LastOfMonth);
    }
    let days = match text.strip_suffix('W') {
        Some(day) => BTreeSet::from([DAYS_OF_MONTH.value(day)?]),
        None => DAYS_OF_MONTH.values(text)?,
    };
    Ok(Days::OfMonth(days))
}

fn of_week(text: &str) -> Result<Days, BadCron> {
    if text == "L" {
        return Ok(Days::OfWeek(BTreeSet::from([DAYS_OF_WEEK.last])));
    }
    if let Some(day) = text.strip_suffix('L') {
        return Ok(Days::NthOfWeek { nth: -1, day: DAYS_OF_WEEK.value(day)? });
    }
    let Some((day, nth)) = text.split_once('#') else {
        return DAYS_OF_WEEK.values(text).map(Days::OfWeek);
    };
    let day = DAYS_OF_WEEK.value(day)?;
    let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(|| BadCron::Week(text.to_owned()))?;
    Ok(Days::NthOfWeek { nth, day })
}

impl Field {
    /// What a list between commas names.
    fn values(&self, text: &str) -> Result<BTreeSet<i16>, BadCron> {
        let mut values = BTreeSet::new();
        for part in text.split(',') {
            values.extend(self.part(part)?);
        }
        Ok(values)
    }

    /// `*`, `5`, `5-9`, and each of these with a step, as `*/15`; `5/15` is every fifteenth from 5 to the last.
    fn part(&self, text: &str) -> Result<impl Iterator<Item = i16> + use<>, BadCron> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(self.step(text, step)?)),
            None => (text, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if range == "*" => (self.first, self.last),
            None if step.is_some() => (self.value(range)?, self.last),
            None => (self.value(range)?, self.value(range)?),
        };
        if from > to {
            return Err(BadCron::Reversed { field: self.name, text: text.to_owned() });
        }
        Ok((from..=to).step_by(step.unwrap_or(1)))
    }

    fn step(&self, text: &str, step: &str) -> Result<usize, BadCron> {
        let within = |step: &i16| (1..=self.last).contains(step);
        let step = step.parse().ok().filter(within).and_then(|step| usize::try_from(step).ok());
        step.ok_or_else(|| BadCron::Step { field: self.name, text: text.to_owned(), most: self.last })
    }

    fn value(&self, text: &str) -> Result<i16, BadCron> {
        let outside = || BadCron::Outside { field: self.name, text: text.to_owned(), range: self.range };
        let word = (self.first..=self.last).zip(self.words).find(|(_, word)| **word == text);
        let number = text.parse().ok().filter(|number| (self.first..=self.last).contains(number));
        word.map(|(number, _)| number).or(number).ok_or_else(outside)
    }
}
