//! What the watch knows of the primary, written down for the window after and for the judge.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HANDOVER, NOTED_EVERY, TELLING, later};
use crate::{
    component::ActiveSide,
    plan::Probe,
    words::{id::InstanceId, time_span::TimeSpan, wal::LastSeen},
};

/// What the watch remembers from one window to the next, and leaves for the judge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Watch {
    /// Which side is watched: the one that takes writes.
    #[serde(default)]
    pub side: ActiveSide,
    /// Which instance the rest is of: the plan may name another one since.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// The failures in a row, if the newest sample failed.
    pub failing: Option<Streak>,
    /// Where the primary's log stood when it last answered.
    pub last_seen: Option<LastSeen>,
    /// When the last streak ended: the first sample that succeeded again.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub recovered_at: Option<Timestamp>,
    /// What was sampled before this instant is in here: at its end a window writes where the next one begins.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub told_until: Option<Timestamp>,
    /// When failures were last told of, of whichever instance: the alarm has them for that period.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub failing_told_at: Option<Timestamp>,
}

/// Failures in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Streak {
    /// The first failed sample.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The newest failed sample.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// How many.
    pub failures: u32,
    /// What the newest one said.
    pub because: String,
}

/// One sample's result, at its place on the grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sample {
    /// The primary answered. It says where its log stands, unless it refuses us: then it lives all the same.
    Up(Option<LastSeen>),
    /// It did not.
    Down(String),
    /// It could not be told.
    Unknown,
}

/// What a sample changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Healthy as before.
    StillUp,
    /// A failure; this many in a row now.
    Failing(u32),
    /// The streak ended by itself.
    Recovered(Streak),
    /// Nothing: neither up nor down.
    Untold,
}

/// How old a streak's newest sample may be while the watch goes on: two intervals, one of them for a sample that could not
/// tell, and the newest one's own time; the last word of a window that died, which the next one waits for before it writes;
/// and the telling of its own.
#[must_use]
pub fn believed_for(probe: &Probe) -> TimeSpan {
    probe.interval.times(2) + probe.longest_look() + HANDOVER + TELLING
}

/// How old the newest sign of life may be beyond an interval. A healthy watch that is awake writes one down each
/// [`NOTED_EVERY`], so that one may be lost; one that naps once a minute, so that none may.
const SEEN_WITHIN: TimeSpan = NOTED_EVERY.times(2);

impl Streak {
    /// Whether somebody goes on with it: its newest sample is no older than [`believed_for`].
    #[must_use]
    pub fn goes_on(&self, now: Timestamp, probe: &Probe) -> bool {
        TimeSpan::between(self.until, now) <= believed_for(probe)
    }
}

impl Watch {
    /// Whether somebody goes on with it: what it saw last is no older than a watch that goes on leaves it.
    #[must_use]
    pub fn goes_on(&self, now: Timestamp, probe: &Probe) -> bool {
        self.failing.as_ref().is_some_and(|streak| streak.goes_on(now, probe)) || self.answered_lately(now, probe)
    }

    /// Whether its instance was lately seen to answer.
    #[must_use]
    pub fn answered_lately(&self, now: Timestamp, probe: &Probe) -> bool {
        self.last_seen.is_some_and(|seen| TimeSpan::between(seen.at, now) <= probe.interval + SEEN_WITHIN)
    }

    /// Whether its instance was seen to answer after this instant.
    #[must_use]
    pub fn answered_after(&self, instant: Timestamp) -> bool {
        self.last_seen.is_some_and(|seen| seen.at > instant) || self.recovered_at.is_some_and(|at| at > instant)
    }

    /// What is remembered of an instance, which takes writes as this side: nothing, where another one was watched.
    #[must_use]
    pub fn of(self, side: ActiveSide, instance: &InstanceId) -> Self {
        if self.instance.as_ref() == Some(instance) {
            return Self { side, ..self };
        }
        Self { side, instance: Some(instance.clone()), told_until: self.told_until, ..Self::default() }
    }

    /// The same, with where its instance's log stood by what is written down, where that was seen later: a window that could
    /// not read what the one before had to say must not have it forgotten.
    #[must_use]
    pub fn keeping(self, written: Self) -> Self {
        let Some(instance) = &self.instance else { return self };
        let seen = written.of(self.side, instance).last_seen;
        Self { last_seen: std::cmp::max_by_key(self.last_seen, seen, |seen| seen.map(|seen| seen.at)), ..self }
    }

    /// What may be relied on now: a streak whose newest sample is older than [`believed_for`] is forgotten, for nobody knows
    /// what the primary did since. Where its log stood then stays true.
    #[must_use]
    pub fn believed(mut self, now: Timestamp, probe: &Probe) -> Self {
        self.failing.take_if(|streak| !streak.goes_on(now, probe));
        self
    }

    /// Takes in one sample.
    ///
    /// A streak survives one sample that nobody has told of (it took longer than its interval, or could not tell); after a
    /// longer silence it starts again, because unseen is not failed.
    pub fn take(&mut self, at: Timestamp, sample: Sample, interval: TimeSpan) -> Change {
        self.take_after(interval.times(2), at, sample, interval)
    }

    /// Takes in one sample, where a streak's newest one may be this long ago.
    pub(super) fn take_after(
        &mut self,
        silence: TimeSpan,
        at: Timestamp,
        sample: Sample,
        interval: TimeSpan,
    ) -> Change {
        self.told_until = Some(later(at, interval));
        match sample {
            // What refuses us from the beginning was never seen: that the watch is blind must not look like health.
            Sample::Up(None) if self.last_seen.is_none() => Change::Untold,
            Sample::Up(seen) => {
                self.last_seen = seen.map(|seen| seen.after(self.last_seen)).or(self.last_seen);
                let Some(streak) = self.failing.take() else { return Change::StillUp };
                self.recovered_at = Some(at);
                Change::Recovered(streak)
            }
            Sample::Down(because) => {
                let unbroken = self.failing.take().filter(|streak| TimeSpan::between(streak.until, at) <= silence);
                let since = unbroken.map_or(at, |streak| streak.since);
                let steps = TimeSpan::between(since, at).as_milliseconds() / interval.as_milliseconds().max(1);
                let failures = u32::try_from(steps.saturating_add(1)).unwrap_or(u32::MAX);
                self.failing = Some(Streak { since, until: at, failures, because });
                Change::Failing(failures)
            }
            Sample::Unknown => Change::Untold,
        }
    }
}
