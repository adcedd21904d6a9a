//! A `cron` of EventBridge Scheduler: whether it is one, and how long it waits at most from one time to the next.
//!
//! Six fields: minutes, hours, days of the month, months, days of the week, years. What each takes is in AWS's user
//! guide, "Schedule types on EventBridge Scheduler".

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use crate::span::Span;

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
    /// What follows a `/` is no step of the field.
    #[error("the {field} `{text}` have a step that is not within 1 to {most}")]
    Step {
        /// The field.
        field: &'static str,
        /// What is written.
        text: String,
        /// The longest step.
        most: i16,
    },
    /// What follows a `#` is no week of a month.
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
    pub(crate) fn longest_wait(&self) -> Option<Span> {
        let of_hour = |hour: i16| self.minutes.iter().map(move |minute| i64::from(hour * 60 + minute));
        let times: Vec<i64> = self.hours.iter().copied().flat_map(of_hour).collect();
        let (first, last) = (times.first()?, times.last()?);
        let dates: Vec<Date> = self.dates().take(MOST_DATES).collect();
        let days = dates.windows(2).map(|two| two[1].duration_since(two[0]).as_hours() / 24).max()?;
        let within_a_day = times.windows(2).map(|two| two[1] - two[0]).max().unwrap_or(0);
        let minutes = within_a_day.max(days * DAY_MINUTES - last + first);
        u64::try_from(minutes * 60).ok().map(Span::seconds)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Cron, BadCron> {
        Cron::read(fields(text).unwrap_or_else(|| panic!("{text}")))
    }

    #[test]
    fn what_eventbridge_scheduler_takes_is_taken() {
        for good in [
            "0 0 * * ? *",
            "59 23 31 12 ? 2199",
            "00 02 01 01 ? 1970",
            "0,15,30,45 8-17 ? * MON-FRI *",
            "0/5 8-17 ? * 2-6 *",
            "*/15 */6 1-15 JAN-DEC ? *",
            "5-30/5,45 0/23 1/31 JAN,6,DEC ? 2026-2030,2040/2",
            "0 0 ? * SUN,7 *",
            "0 0 ? * 2/2 *",
            "0 0 L * ? *",
            "0 0 LW * ? *",
            "0 0 31W * ? *",
            "0 0 ? * L *",
            "0 0 ? * 6L *",
            "0 0 ? * FRIL *",
            "0 0 ? * 1#5 *",
            "0 0 ? * MON#1 *",
            "0 0 29 FEB ? *",
            "0 0 29 2 ? 2028",
            "0 0 31 2,3 ? *",
        ] {
            assert!(read(good).is_ok(), "{good}: {:?}", read(good));
        }
    }

    #[test]
    fn what_it_refuses_is_told_with_the_field() {
        for (bad, why) in [
            ("60 2 * * ? *", "the minutes `60` are not within 0 to 59"),
            ("0,61 2 * * ? *", "the minutes `61` are not within 0 to 59"),
            ("? 2 * * ? *", "the minutes `?` are not within 0 to 59"),
            ("0, 2 * * ? *", "the minutes `` are not within 0 to 59"),
            ("L 2 * * ? *", "the minutes `L` are not within 0 to 59"),
            ("0 24 * * ? *", "the hours `24` are not within 0 to 23"),
            ("0 5-1 * * ? *", "the hours `5-1` end before they start"),
            ("0 1-2-3 * * ? *", "the hours `2-3` are not within 0 to 23"),
            ("0/0 2 * * ? *", "the minutes `0/0` have a step that is not within 1 to 59"),
            ("0/60 2 * * ? *", "the minutes `0/60` have a step that is not within 1 to 59"),
            ("0/ 2 * * ? *", "the minutes `0/` have a step that is not within 1 to 59"),
            ("/5 2 * * ? *", "the minutes `` are not within 0 to 59"),
            ("0 2 0 * ? *", "the days of the month `0` are not within 1 to 31"),
            ("0 2 32 * ? *", "the days of the month `32` are not within 1 to 31"),
            ("0 2 32W * ? *", "the days of the month `32` are not within 1 to 31"),
            ("0 2 W * ? *", "the days of the month `` are not within 1 to 31"),
            ("0 2 1,15W * ? *", "the days of the month `1,15` are not within 1 to 31"),
            ("0 2 1,L * ? *", "the days of the month `L` are not within 1 to 31"),
            ("0 2 * FOO ? *", "the months `FOO` are not within 1 to 12 or JAN to DEC"),
            ("0 2 * 0 ? *", "the months `0` are not within 1 to 12 or JAN to DEC"),
            ("0 2 * 13 ? *", "the months `13` are not within 1 to 12 or JAN to DEC"),
            ("0 2 ? * 0 *", "the days of the week `0` are not within 1 to 7 or SUN to SAT"),
            ("0 2 ? * 8 *", "the days of the week `8` are not within 1 to 7 or SUN to SAT"),
            ("0 2 ? * FRI-MON *", "the days of the week `FRI-MON` end before they start"),
            ("0 2 ? * 8L *", "the days of the week `8` are not within 1 to 7 or SUN to SAT"),
            ("0 2 ? * 8#1 *", "the days of the week `8` are not within 1 to 7 or SUN to SAT"),
            ("0 2 ? * MON#0 *", "the days of the week `MON#0` name a week of the month that is not within 1 to 5"),
            ("0 2 ? * MON#9 *", "the days of the week `MON#9` name a week of the month that is not within 1 to 5"),
            ("0 2 ? * 3#1,6#3 *", "the days of the week `3#1,6#3` name a week of the month that is not within 1 to 5"),
            ("0 2 * * ? 1969", "the years `1969` are not within 1970 to 2199"),
            ("0 2 * * ? 2200", "the years `2200` are not within 1970 to 2199"),
            ("0 2 * * ? ?", "the years `?` are not within 1970 to 2199"),
            ("0 2 * * ? 99999999999", "the years `99999999999` are not within 1970 to 2199"),
        ] {
            assert_eq!(read(bad).map_err(|error| error.to_string()), Err(why.to_owned()), "{bad}");
        }
    }

    #[test]
    fn what_never_fires_is_told() {
        for never in ["0 2 30 2 ? *", "0 2 31 4,6,9,11 ? *", "0 2 31W FEB ? *", "0 2 29 2 ? 2027", "0 2 ? 2 MON#5 2027"]
        {
            assert_eq!(read(never), Err(BadCron::Never), "{never}");
        }
    }

    #[test]
    fn the_longest_wait_is_from_the_last_time_of_a_day_to_the_first_of_the_next_one() {
        const HOUR: u64 = 3_600;
        const DAY: u64 = 24 * HOUR;
        for (text, longest) in [
            ("0 2 * * ? *", Some(DAY)),
            ("* * * * ? *", Some(60)),
            ("0/15 * * * ? *", Some(15 * 60)),
            ("0/25 * * * ? *", Some(25 * 60)),
            ("0 */6 * * ? *", Some(6 * HOUR)),
            ("0 */7 * * ? *", Some(7 * HOUR)),
            ("0 2,4 * * ? *", Some(22 * HOUR)),
            ("0 2,16 * * ? *", Some(14 * HOUR)),
            ("0 2 ? * SUN *", Some(7 * DAY)),
            ("0 2 ? * L *", Some(7 * DAY)),
            ("0 2 ? * MON-FRI *", Some(3 * DAY)),
            ("0 2,14 ? * MON-FRI *", Some(2 * DAY + 12 * HOUR)),
            ("0 2 1 * ? *", Some(31 * DAY)),
            ("0 2 1,15 * ? *", Some(17 * DAY)),
            ("0 2 L * ? *", Some(31 * DAY)),
            ("0 2 ? * FRIL *", Some(35 * DAY)),
            ("0 2 ? * MON#1 *", Some(35 * DAY)),
            ("0 2 * JAN ? *", Some(336 * DAY)),
            ("0 2 1 1 ? 2030,2031", Some(365 * DAY)),
            ("0 2,4 1 1 ? 2030", None),
        ] {
            assert_eq!(read(text).unwrap().longest_wait(), longest.map(Span::seconds), "{text}");
        }
    }

    #[test]
    fn six_fields_say_one_of_the_two_days() {
        for (text, is_good) in [
            ("0 2 * * ? *", true),
            ("0 2 ? * * *", true),
            ("0 2 * * * *", false),
            ("0 2 ? * ? *", false),
            ("0 2 * * ?", false),
            ("0  2 * * ? *", false),
            ("0 2 * * ? * *", false),
            ("0 2 ? * mon *", false),
            ("", false),
        ] {
            assert_eq!(fields(text).is_some(), is_good, "{text}");
        }
    }
}
