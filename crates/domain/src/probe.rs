//! Watching without gap or overlap, and counting failures in a row across windows.
//!
//! EventBridge starts the probe once a minute at most, possibly late, possibly twice. Samples lie on one grid,
//! the multiples of the plan's interval since the epoch. An invocation *claims* the part of the grid from where
//! the last claim ended to [`LEAD`] after its own minute, with a conditional write: so windows meet exactly, a
//! second delivery finds nothing left to do, and a late one costs nothing as long as it is less than [`LEAD`] late.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{id::InstanceId, lease::ActiveSide, plan::Probe, span::Span, wal::LastSeen};

/// From one start of the schedule to the next: EventBridge's shortest rate.
pub const EVERY: Span = Span::seconds(60);

/// How far a window reaches past its own minute, so that the next may start this late.
pub const LEAD: Span = Span::seconds(12);

/// Which part of the grid is spoken for. Kept with a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Windows {
    /// Samples before this instant belong to an invocation.
    #[schemars(with = "String")]
    pub claimed_until: Timestamp,
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
        /// How long nobody watched before `from`.
        gap: Span,
    },
    /// Others have all of it: a second delivery.
    Covered,
}

/// Claims what is left of the window scheduled at `scheduled_at`.
#[must_use]
pub fn claim(windows: Option<Windows>, probe: &Probe, scheduled_at: Timestamp, now: Timestamp) -> Claim {
    let until = on_grid(later(scheduled_at, EVERY + LEAD), probe.interval);
    let soonest = on_grid(now, probe.interval);
    let from = windows.map_or(soonest, |windows| windows.claimed_until.max(soonest));
    if from >= until {
        return Claim::Covered;
    }
    let gap = windows.map_or(Span::seconds(0), |windows| Span::between(windows.claimed_until, from));
    Claim::Take { from, until, gap }
}

/// The first instant of the grid that is not before `at`.
#[must_use]
pub fn on_grid(at: Timestamp, interval: Span) -> Timestamp {
    let step = i64::try_from(interval.as_milliseconds()).unwrap_or(i64::MAX).max(1);
    let at = at.as_millisecond();
    let rest = at.rem_euclid(step);
    let on = if rest == 0 { at } else { at.saturating_add(step - rest) };
    Timestamp::from_millisecond(on).unwrap_or(Timestamp::MAX)
}

/// An instant this much later, or the end of time.
#[must_use]
pub fn later(at: Timestamp, by: Span) -> Timestamp {
    at.checked_add(by.duration()).unwrap_or(Timestamp::MAX)
}

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sample {
    /// The primary answered, and said where its log stands.
    Up(LastSeen),
    /// It did not.
    Down(String),
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
}

impl Watch {
    /// What is remembered of an instance, which takes writes as this side: nothing, where another one was watched.
    #[must_use]
    pub fn of(self, side: ActiveSide, instance: &InstanceId) -> Self {
        if self.instance.as_ref() == Some(instance) {
            return Self { side, ..self };
        }
        Self { side, instance: Some(instance.clone()), ..Self::default() }
    }

    /// Takes in one sample.
    ///
    /// A streak survives one sample that nobody wrote down (a window's last, still under way when the next one
    /// began to read); after a longer silence it starts anew, because unseen is not failed.
    pub fn take(&mut self, at: Timestamp, sample: Sample, interval: Span) -> Change {
        match sample {
            Sample::Up(seen) => {
                self.last_seen = Some(seen);
                self.failing.take().map_or(Change::StillUp, Change::Recovered)
            }
            Sample::Down(because) => {
                let unbroken =
                    self.failing.take().filter(|streak| Span::between(streak.until, at) <= interval.times(2));
                let since = unbroken.map_or(at, |streak| streak.since);
                let steps = Span::between(since, at).as_milliseconds() / interval.as_milliseconds().max(1);
                let failures = u32::try_from(steps.saturating_add(1)).unwrap_or(u32::MAX);
                self.failing = Some(Streak { since, until: at, failures, because });
                Change::Failing(failures)
            }
        }
    }
}

/// The record of a streak that ended by itself: why nothing was failed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Blip {
    /// The plan.
    pub plan: crate::id::PlanName,
    /// The failures in a row.
    pub streak: Streak,
    /// The first sample that succeeded again.
    #[schemars(with = "String")]
    pub recovered_at: Timestamp,
    /// How many in a row raise the alarm.
    pub failures_in_a_row: u32,
    /// Whether they raised the alarm.
    pub alarmed: bool,
    /// Why nothing was failed over, in a sentence.
    pub because: String,
}

impl Blip {
    /// Records a streak that ended by itself.
    #[must_use]
    pub fn new(plan: crate::id::PlanName, probe: &Probe, streak: Streak, recovered_at: Timestamp) -> Self {
        let alarmed = streak.failures >= probe.failures_in_a_row;
        // Not until the recovery: nobody may have watched in between.
        let span = (Span::between(streak.since, streak.until) + probe.interval).roughly();
        let because = if alarmed {
            format!(
                "{} samples failed in a row within {span} and raised the alarm; the run it started says what was decided",
                streak.failures
            )
        } else {
            format!(
                "{} failed in a row within {span}; {} in a row raise the alarm and the hold-down is {}: not failed over",
                if streak.failures == 1 { "1 sample".to_owned() } else { format!("{} samples", streak.failures) },
                probe.failures_in_a_row,
                probe.hold_down
            )
        };
        Self { plan, streak, recovered_at, failures_in_a_row: probe.failures_in_a_row, alarmed, because }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wal::Lsn;

    fn probe() -> Probe {
        Probe {
            interval: Span::milliseconds(500),
            timeout: Span::milliseconds(400),
            failures_in_a_row: 3,
            hold_down: Span::seconds(1),
        }
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    fn down(watch: &mut Watch, milliseconds: i64) -> Change {
        watch.take(at(milliseconds), Sample::Down("refused".into()), probe().interval)
    }

    fn up(watch: &mut Watch, milliseconds: i64) -> Change {
        watch.take(at(milliseconds), Sample::Up(LastSeen { lsn: Lsn(1), at: at(milliseconds) }), probe().interval)
    }

    #[test]
    fn the_first_window_begins_now_and_reaches_past_its_minute() {
        let claim = claim(None, &probe(), at(0), at(130));
        assert_eq!(claim, Claim::Take { from: at(500), until: at(72_000), gap: Span::seconds(0) });
    }

    #[test]
    fn a_window_begins_where_the_last_one_ends() {
        let windows = Windows { claimed_until: at(72_000) };
        let claim = claim(Some(windows), &probe(), at(60_000), at(60_400));
        assert_eq!(claim, Claim::Take { from: at(72_000), until: at(132_000), gap: Span::seconds(0) });
    }

    #[test]
    fn a_second_delivery_finds_nothing_to_do() {
        let windows = Windows { claimed_until: at(132_000) };
        assert_eq!(claim(Some(windows), &probe(), at(60_000), at(61_000)), Claim::Covered);
    }

    #[test]
    fn a_window_that_starts_too_late_says_how_long_nobody_watched() {
        let windows = Windows { claimed_until: at(72_000) };
        let claim = claim(Some(windows), &probe(), at(60_000), at(80_000));
        assert_eq!(claim, Claim::Take { from: at(80_000), until: at(132_000), gap: Span::seconds(8) });
    }

    #[test]
    fn failures_are_counted_across_windows_by_their_place_on_the_grid() {
        let mut first = Watch::default();
        assert_eq!(down(&mut first, 0), Change::Failing(1));
        assert_eq!(down(&mut first, 500), Change::Failing(2));
        let mut second: Watch = serde_json::from_value(serde_json::to_value(&first).unwrap()).unwrap();
        assert_eq!(
            down(&mut second, 1_500),
            Change::Failing(4),
            "the sample at 1,000 was under way when the state was read"
        );
    }

    #[test]
    fn what_nobody_watched_is_not_counted_as_failed() {
        let mut watch = Watch::default();
        down(&mut watch, 0);
        assert_eq!(down(&mut watch, 1_500), Change::Failing(1));
    }

    #[test]
    fn one_success_ends_the_streak_and_hands_it_to_the_record() {
        let mut watch = Watch::default();
        down(&mut watch, 0);
        down(&mut watch, 500);
        let Change::Recovered(streak) = up(&mut watch, 1_000) else { panic!("not recovered") };
        assert_eq!(streak.failures, 2);
        assert_eq!(down(&mut watch, 1_500), Change::Failing(1));
        let blip = Blip::new("lab".parse().unwrap(), &probe(), streak, at(1_000));
        assert!(!blip.alarmed);
        assert_eq!(
            blip.because,
            "2 samples failed in a row within 1s; 3 in a row raise the alarm and the hold-down is 1s: not failed over"
        );
    }

    #[test]
    fn what_was_seen_of_one_instance_says_nothing_of_another() {
        let [first, second]: [InstanceId; 2] = ["orders-1", "orders-2"].map(|name| name.parse().unwrap());
        let mut watch = Watch::default().of(ActiveSide::Primary, &first);
        up(&mut watch, 0);
        down(&mut watch, 500);
        assert_eq!(watch.clone().of(ActiveSide::Primary, &first), watch);
        for side in [ActiveSide::Primary, ActiveSide::Replica] {
            let other = watch.clone().of(side, &second);
            assert_eq!((other.side, other.failing, other.last_seen), (side, None, None));
        }
    }

    proptest! {
        #[test]
        fn windows_meet_without_gap_or_overlap_however_late_they_start(delays in proptest::collection::vec(0i64..11_900, 1..30)) {
            let mut windows = None;
            let mut expected = None;
            for (minute, delay) in (0i64..).zip(delays) {
                let scheduled = at(minute * 60_000);
                if let Claim::Take { from, until, gap } = claim(windows, &probe(), scheduled, at(minute * 60_000 + delay)) {
                    if let Some(expected) = expected {
                        prop_assert_eq!(from, expected);
                        prop_assert_eq!(gap, Span::seconds(0));
                    }
                    prop_assert!(from < until);
                    windows = Some(Windows { claimed_until: until });
                    expected = Some(until);
                } else {
                    prop_assert!(false, "minute {} got nothing", minute);
                }
            }
        }
    }
}
