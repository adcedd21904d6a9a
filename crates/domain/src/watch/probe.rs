//! Watching without gap or overlap, and counting failures in a row across windows.
//!
//! EventBridge starts the probe once a minute at most, possibly late, possibly twice. Samples lie on one grid,
//! the multiples of the plan's interval since the epoch. An invocation *claims* the part of the grid from where
//! the last claim ended to [`LEAD`] after its own minute, with a conditional write: so windows meet exactly, and a
//! second delivery finds nothing left to do. Where the next one is later than that, nobody has claimed on, and the
//! window [prolongs](prolong) its own claim: a start anywhere within its minute leaves nothing unwatched.
//!
//! Where samples are [far apart](NAPS_FROM), nobody is awake between two of them.

mod account;
mod blip;
mod watch;

pub use account::{Account, Recovery};
pub use blip::Blip;
pub use watch::{Change, Sample, Streak, Watch, believed_for};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{plan::Probe, words::time_span::TimeSpan};

/// From one start of the schedule to the next: EventBridge's shortest rate.
pub const EVERY: TimeSpan = TimeSpan::seconds(60);

/// How far a window reaches past its own minute. Most starts are less late, so that most windows are not prolonged.
pub const LEAD: TimeSpan = TimeSpan::seconds(13);

/// How long past its own minute a window goes on that nobody relieves. EventBridge starts the next one anywhere within its
/// minute, and a cold start takes a moment.
pub const LATEST_START: TimeSpan = TimeSpan::seconds(65);

/// By how much a window is prolonged at a time.
pub const PROLONGATION: TimeSpan = TimeSpan::seconds(10);

/// How long before its end a window looks whether it was relieved: two calls of S3 fit, and a repetition.
pub const RELIEF: TimeSpan = TimeSpan::seconds(4);

/// The longest interval between two samples. A window begins and ends on their grid, a minute apart, so that any shorter
/// interval than a minute has a sample in each; but rounded up by an interval, the longest window and what is told after it
/// must fit into the function's time limit, and a primary that is looked at seldom is failed over late.
pub const LONGEST_INTERVAL: TimeSpan = TimeSpan::seconds(30);

/// From this interval on a window naps between its samples: a message has it go on with the next one. A function that is awake
/// costs by the second, and a login for each sample costs less from here on.
pub const NAPS_FROM: TimeSpan = TimeSpan::seconds(5);

/// How often failures that were seen last are told again where no sample is due: the alarm's period, so that its metric has
/// no holes.
pub const FAILING_TOLD_EVERY: TimeSpan = TimeSpan::seconds(10);

/// How long a primary that is back is reported as often as one that fails: the alarm looks at the highest count of
/// each of its periods, and must see one in which nothing failed.
pub const COMES_TO_REST: TimeSpan = FAILING_TOLD_EVERY.times(2);

/// How often a healthy primary is reported: often enough that the watch is not taken for silent.
pub const WELL_TOLD_EVERY: TimeSpan = TimeSpan::seconds(60);

/// How often a healthy primary's position is written down, for a judge that comes when nobody watches any more.
pub const NOTED_EVERY: TimeSpan = TimeSpan::seconds(30);

/// How long a session is asked before the server must let us in again: one that lets nobody in any more is not well,
/// whatever it answers to those who are in.
pub const LOGIN_EVERY: TimeSpan = TimeSpan::seconds(5);

/// What a login may take beyond a server's longest silence: six round trips of the longest way between two Regions.
pub const LOGIN: TimeSpan = TimeSpan::seconds(2);

/// How long telling what was seen may take before it is given up: a new connection and one repetition fit.
pub const TELLING: TimeSpan = TimeSpan::seconds(2);

/// How long after its last sample a window may still write down: the telling that was under way, and its last one.
pub const HANDOVER: TimeSpan = TELLING.times(2);

/// Which part of the grid is spoken for. Kept with a conditional write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Windows {
    /// Samples before this instant belong to an invocation.
    #[schemars(with = "String")]
    pub claimed_until: Timestamp,
    /// Whose the newest claim is, so that one whose answer was lost is recognised.
    #[serde(default)]
    pub claimant: Option<String>,
}

/// What an invocation is to sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// From the first instant, until before the second.
    Take {
        /// The first sample.
        from: Timestamp,
        /// Where the next window begins.
        until: Timestamp,
        /// Where the window before ends, if there was one: until then it may have more to say.
        after: Option<Timestamp>,
        /// How long nobody watched before `from`.
        gap: TimeSpan,
    },
    /// Others have all of it: a second delivery.
    Covered,
}

/// Claims what is left of the window scheduled at `scheduled_at`.
#[must_use]
pub fn claim(windows: Option<&Windows>, probe: &Probe, scheduled_at: Timestamp, now: Timestamp) -> Claim {
    let until = on_grid(later(scheduled_at, EVERY + LEAD), probe.interval);
    let soonest = on_grid(now, probe.interval);
    if windows.is_some_and(|windows| windows.claimed_until >= until) {
        return Claim::Covered;
    }
    let from = windows.map_or(soonest, |windows| windows.claimed_until.max(soonest));
    // One that is too late for its own samples takes the next: the window after it may be late as well.
    let until = until.max(later(from, probe.interval));
    let gap = windows.map_or(TimeSpan::seconds(0), |windows| TimeSpan::between(windows.claimed_until, from));
    Claim::Take { from, until, after: windows.map(|windows| windows.claimed_until), gap }
}

/// How far our claim, of the window scheduled at `scheduled_at`, may be prolonged: `None` where somebody has claimed on, and
/// where the next start is more than late. What the next window is there for is left to it.
#[must_use]
pub fn prolong(windows: &Windows, ours: &Windows, probe: &Probe, scheduled_at: Timestamp) -> Option<Timestamp> {
    if windows != ours {
        return None;
    }
    let grid = |after: TimeSpan| on_grid(later(scheduled_at, after), probe.interval);
    let next_ends = grid(EVERY + EVERY + LEAD);
    let left_to_it = next_ends.checked_sub(probe.interval.duration()).unwrap_or(next_ends);
    let latest = grid(EVERY + LATEST_START).min(left_to_it);
    let until = on_grid(later(ours.claimed_until, PROLONGATION), probe.interval).min(latest);
    (until > ours.claimed_until).then_some(until)
}

/// Until when the window that ends at `end` may write its last samples down. The newest one was taken an interval before
/// its end; where samples are far apart, that is over when the next window takes its first one.
#[must_use]
pub fn last_word_by(end: Timestamp, probe: &Probe) -> Timestamp {
    let newest = end.checked_sub(probe.interval.duration()).unwrap_or(end);
    later(newest, probe.longest_look() + HANDOVER)
}

impl Probe {
    /// Whether a window naps between its samples.
    #[must_use]
    pub fn naps(&self) -> bool {
        self.interval >= NAPS_FROM
    }

    /// How often a healthy primary's position is written down. A window that naps takes it along, and writes it at its end.
    #[must_use]
    pub fn noted_every(&self) -> TimeSpan {
        if self.naps() { EVERY } else { NOTED_EVERY }
    }

    /// How long a sample may take in all: a connection, a login and a question, of which each answer may take as long as the
    /// server may be silent. Of two samples in a row that take as long, the second is at most two intervals after the first.
    #[must_use]
    pub fn longest_look(&self) -> TimeSpan {
        (self.timeout.times(2) + LOGIN).min(self.interval + self.timeout)
    }
}

/// The first instant of the grid that is not before `at`.
#[must_use]
pub fn on_grid(at: Timestamp, interval: TimeSpan) -> Timestamp {
    let step = i64::try_from(interval.as_milliseconds()).unwrap_or(i64::MAX).max(1);
    let at = at.as_millisecond();
    let rest = at.rem_euclid(step);
    let on = if rest == 0 { at } else { at.saturating_add(step - rest) };
    Timestamp::from_millisecond(on).unwrap_or(Timestamp::MAX)
}

/// An instant this much later, or the end of time.
#[must_use]
pub fn later(at: Timestamp, by: TimeSpan) -> Timestamp {
    at.checked_add(by.duration()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
