//! How the primary is watched.

use super::super::finding::Finding;
use crate::{
    plan::Plan,
    watch::probe::LONGEST_INTERVAL,
    words::{distance, time_span::TimeSpan},
};

/// Each sample is a question, and some are a login: more often than this, watching is load.
const SHORTEST_INTERVAL: TimeSpan = TimeSpan::milliseconds(100);

/// A healthy primary in the same Region may take that long to answer.
const SHORTEST_TIMEOUT: TimeSpan = TimeSpan::milliseconds(50);

/// What does not answer for so long does not serve; a look by the judge waits as long, and has a function's 30 s.
const LONGEST_TIMEOUT: TimeSpan = TimeSpan::seconds(10);

/// One failure is a slip of the network.
const FEWEST_FAILURES: u32 = 2;

/// The schema's limit.
const MOST_FAILURES: u32 = 100;

/// A run asks 60 times, at growing distances, whether the hold-down is over: for 13 minutes. What is left of them is for a
/// primary that answers in between.
pub(super) const LONGEST_HOLD_DOWN: TimeSpan = TimeSpan::seconds(600);

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let probe = &plan.probe;
    let (interval, timeout) = (probe.interval, probe.timeout);
    if interval < SHORTEST_INTERVAL
        || interval > LONGEST_INTERVAL
        || !interval.duration().subsec_nanos().is_multiple_of(1_000_000)
    {
        let limits = format!("{SHORTEST_INTERVAL} to {LONGEST_INTERVAL}");
        let what = format!("an interval is whole milliseconds, {limits}, not {interval}");
        found.push(Finding::error("probe.interval", what, format!("Write {limits}, as 1s.")));
    }
    if timeout >= interval {
        let what = format!("{timeout} is not shorter than the interval of {interval}: samples would overlap");
        found.push(Finding::error("probe.timeout", what, "Shorten it, or lengthen probe.interval."));
    }
    if timeout < SHORTEST_TIMEOUT {
        let what = format!("in {timeout} a healthy primary may not answer");
        found.push(Finding::error("probe.timeout", what, format!("Write {SHORTEST_TIMEOUT} or more.")));
    }
    far(plan, found);
    if timeout > LONGEST_TIMEOUT {
        let what = format!("a look may take {LONGEST_TIMEOUT} at most, not {timeout}: a judge waits for one as well");
        found.push(Finding::error("probe.timeout", what, format!("Write {LONGEST_TIMEOUT} or less.")));
    }
    let hold_down = probe.hold_down;
    if hold_down > LONGEST_HOLD_DOWN {
        let what = format!("a run waits {LONGEST_HOLD_DOWN} at most for a primary to come back, not {hold_down}");
        let remedy = format!("Write {LONGEST_HOLD_DOWN} or less, or let a person decide: failover.policy.");
        found.push(Finding::error("probe.holdDown", what, remedy));
    }
    if !(FEWEST_FAILURES..=MOST_FAILURES).contains(&probe.failures_in_a_row) {
        let limits = format!("{FEWEST_FAILURES} to {MOST_FAILURES}");
        let what = format!("the threshold is {limits} failed samples in a row, not {}", probe.failures_in_a_row);
        found.push(Finding::error("probe.failuresInARow", what, format!("Write {limits}.")));
    }
}

/// A look is one round trip over a session that is open, and a connection is one as well; half of one is for whatever else
/// is on the way.
fn far(plan: &Plan, found: &mut Vec<Finding>) {
    let regions = &plan.regions;
    let lookers = [Some(&regions.recovery), regions.witness.as_ref()].into_iter().flatten();
    let far = lookers.filter_map(|from| Some((from, distance::round_trip(from, &regions.primary)?)));
    let Some((from, round_trip)) = far.max_by_key(|(_, round_trip)| *round_trip) else { return };
    let least = TimeSpan::milliseconds(round_trip.as_milliseconds() * 3 / 2);
    if plan.probe.timeout >= SHORTEST_TIMEOUT && plan.probe.timeout < least {
        let what = format!(
            "a packet from `{from}` to `{}` and back takes about {round_trip}: in {} a healthy primary may not answer",
            regions.primary, plan.probe.timeout
        );
        found.push(Finding::error("probe.timeout", what, format!("Write {least} or more.")));
    }
}
