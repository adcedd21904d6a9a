//! Which backups stay: grandfather, father, son, with what must never go above them all.
//!
//! One series at a time: the backups of one component by one schedule in one Region. [`plan`] is pure and decides for
//! each backup of it; every keep and every delete has its reason. Whoever deletes looks again first.
//!
//! What never goes: a backup on legal hold, the newest verified one, the newest few (the floor), one that is dated in
//! the future, and one whose state is not understood. Only available backups count for anything, and time is measured
//! from the newest of them, not from now: where backups stop being made, none grows old.

mod period;
mod reason;

#[cfg(test)]
mod tests;

pub use reason::{Because, Reason, Reasons};

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use period::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{time_span::TimeSpan, weekday::Weekday};

/// How long the backups of a schedule are kept. Each rule keeps what it keeps, whatever the others say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retention {
    /// The newest so many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last: u32,
    /// All that are at most so much older than the newest. Guards the others: however many backups are made in a
    /// short time, they push none of these out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<TimeSpan>,
    /// All that were taken on one day of the week, for longer than the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_day: Option<OnDay>,
    /// One of each hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly: Option<Each>,
    /// One of each day, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<Each>,
    /// One of each week, Monday to Sunday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<Each>,
    /// One of each month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Each>,
    /// One of each year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly: Option<Each>,
    /// The newest so many are never deleted, whatever the rules say.
    #[serde(default = "lowest_floor")]
    #[schemars(range(min = 1))]
    pub floor: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Never none.
fn lowest_floor() -> u32 {
    1
}

/// How far back a rule keeps one backup of each stretch of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Each {
    /// Of the newest so many that have a backup.
    Newest(u32),
    /// Of those whose backup is at most so much older than the newest of all.
    Within(TimeSpan),
}

/// The backups of a day of the week, as of each Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnDay {
    /// Which day, in UTC, as SUN.
    pub day: Weekday,
    /// Those that are at most so much older than the newest of all.
    pub within: TimeSpan,
}

impl Each {
    fn is_nothing(self) -> bool {
        matches!(self, Self::Newest(0)) || self == Self::Within(TimeSpan::seconds(0))
    }
}

impl Retention {
    /// Whether no rule keeps anything: then everything but the floor would go, which nobody means.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let all = [self.within, self.on_day.map(|rule| rule.within)];
        self.last == 0
            && all.into_iter().flatten().all(|within| Each::Within(within).is_nothing())
            && Period::ALL.into_iter().all(|period| self.each(period).is_none_or(Each::is_nothing))
    }

    /// How old the oldest backup becomes that a rule keeps, where one is made every `wait` on average. Of a year that has
    /// just begun there is one already, so that seven yearly ones reach back six years and a day.
    #[must_use]
    pub fn reach(&self, wait: TimeSpan) -> TimeSpan {
        let by_period = Period::ALL.into_iter().filter_map(|period| {
            Some(match self.each(period)? {
                Each::Newest(count) => period.at_least().max(wait).times(count.saturating_sub(1)) + wait,
                Each::Within(within) => within,
            })
        });
        let all = by_period
            .chain(self.within)
            .chain(self.on_day.map(|rule| rule.within))
            .chain([wait.times(self.last.max(self.floor))]);
        all.max().unwrap_or_default()
    }

    fn each(&self, period: Period) -> Option<Each> {
        match period {
            Period::Hour => self.hourly,
            Period::Day => self.daily,
            Period::Week => self.weekly,
            Period::Month => self.monthly,
            Period::Year => self.yearly,
        }
    }
}

/// One backup of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<Id> {
    /// Its name, which no other of the series has.
    pub id: Id,
    /// When its data was taken.
    pub taken_at: Timestamp,
    /// Whether it can be restored.
    pub state: State,
    /// Whether a restore of it was tried and queried.
    pub verified: bool,
    /// Whether it is on legal hold.
    pub held: bool,
}

/// Whether a backup can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is complete.
    Available,
    /// It is being made, or copied.
    Making,
    /// It was not completed, and will not be.
    Failed,
    /// In no state that is known here.
    Unknown,
}

/// What becomes of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It stays, for each of these reasons.
    Keep(Reasons),
    /// It goes.
    Delete(Because),
}

/// A policy that keeps nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the retention keeps nothing: set one of last, within, onDay, hourly, daily, weekly, monthly, yearly")]
pub struct KeepsNothing;

/// Decides for each entry, in their order.
///
/// # Errors
/// An empty policy is refused: nothing is deleted by it.
pub fn plan<Id: Ord>(entries: &[Entry<Id>], policy: &Retention, now: Timestamp) -> Result<Vec<Decision>, KeepsNothing> {
    if policy.is_empty() {
        return Err(KeepsNothing);
    }
    let mut reasons: Vec<Reasons> = entries.iter().map(|entry| stands_alone(entry, now)).collect();
    let sound = newest_first(entries, now);
    for (nth, &index) in sound.iter().enumerate() {
        let nth = u32::try_from(nth).unwrap_or(u32::MAX);
        reasons[index].add_if(Reason::Floor, nth < policy.floor.max(lowest_floor()));
        reasons[index].add_if(Reason::Last, nth < policy.last);
    }
    if let Some(&newest_verified) = sound.iter().find(|&&index| entries[index].verified) {
        reasons[newest_verified].add(Reason::LastVerified);
    }
    if let Some(within) = policy.within {
        for &index in recent(entries, &sound, within) {
            reasons[index].add(Reason::Within);
        }
    }
    if let Some(OnDay { day, within }) = policy.on_day {
        for &index in recent(entries, &sound, within).iter().filter(|&&index| day.is_of(entries[index].taken_at)) {
            reasons[index].add(Reason::OnDay);
        }
    }
    for period in Period::ALL {
        let Some(each) = policy.each(period) else { continue };
        for index in representatives(entries, &sound, period, each) {
            reasons[index].add(period.reason());
        }
    }
    Ok(entries.iter().zip(reasons).map(|(entry, reasons)| decide(entry, reasons)).collect())
}

/// What keeps an entry whatever else there is.
fn stands_alone<Id>(entry: &Entry<Id>, now: Timestamp) -> Reasons {
    let mut reasons = Reasons::default();
    reasons.add_if(Reason::Held, entry.held);
    reasons.add_if(Reason::Making, entry.state == State::Making);
    reasons.add_if(Reason::StateUnknown, entry.state == State::Unknown);
    reasons.add_if(Reason::DatedInTheFuture, entry.taken_at > now && entry.state != State::Failed);
    reasons
}

/// The entries that count: available, and not dated in the future, which would anchor the rules where nothing is.
fn newest_first<Id: Ord>(entries: &[Entry<Id>], now: Timestamp) -> Vec<usize> {
    let mut sound: Vec<usize> = (0..entries.len())
        .filter(|&index| entries[index].state == State::Available && entries[index].taken_at <= now)
        .collect();
    let order = |index: &usize| (Reverse(entries[*index].taken_at), &entries[*index].id);
    sound.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
    sound
}

/// Those of `sound` that are at most so much older than the newest.
fn recent<'s, Id>(entries: &[Entry<Id>], sound: &'s [usize], within: TimeSpan) -> &'s [usize] {
    let Some(&newest) = sound.first() else { return sound };
    let length = SignedDuration::try_from(within.duration()).unwrap_or(SignedDuration::MAX);
    let oldest = entries[newest].taken_at.checked_sub(length).unwrap_or(Timestamp::MIN);
    &sound[..sound.partition_point(|&index| entries[index].taken_at >= oldest)]
}

/// The newest entry of each period.
fn representatives<Id>(
    entries: &[Entry<Id>],
    sound: &[usize],
    period: Period,
    each: Each,
) -> impl Iterator<Item = usize> {
    let (sound, count) = match each {
        Each::Newest(count) => (sound, usize::try_from(count).unwrap_or(usize::MAX)),
        Each::Within(within) => (recent(entries, sound, within), usize::MAX),
    };
    let same = move |a: &usize, b: &usize| period.of(entries[*a].taken_at) == period.of(entries[*b].taken_at);
    sound.chunk_by(same).take(count).filter_map(|group| group.first().copied())
}

fn decide<Id>(entry: &Entry<Id>, reasons: Reasons) -> Decision {
    if !reasons.is_empty() {
        return Decision::Keep(reasons);
    }
    match entry.state {
        State::Failed => Decision::Delete(Because::Failed),
        State::Available | State::Making | State::Unknown => Decision::Delete(Because::NoRuleKeepsIt),
    }
}
