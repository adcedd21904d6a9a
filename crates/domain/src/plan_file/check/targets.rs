//! What runs are to keep over time: one bound each, of the kind that the measure has.

use std::collections::BTreeSet;

use super::super::finding::Finding;
use crate::{
    plan::{Bound, FailureClass, Measure, Plan, ServiceTarget},
    words::time_span::TimeSpan,
};

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let mut measures = BTreeSet::new();
    for (index, target) in plan.objectives.targets.iter().enumerate() {
        let path = format!("objectives.targets[{index}]");
        if !measures.insert(target.measure) {
            let what = format!("{} has a target already", target.measure);
            found.push(Finding::error(format!("{path}.measure"), what, "Name each measure once."));
        }
        bound(plan, target, &path, found);
    }
}

fn bound(plan: &Plan, target: &ServiceTarget, path: &str, found: &mut Vec<Finding>) {
    let measure = target.measure;
    let wanted = if measure.is_a_time() { "`within`, as 15m" } else { "`atLeastPercent`, as 99.9" };
    let Some(bound) = target.bound() else {
        let given = [target.within.is_some(), target.at_least_percent.is_some(), target.at_most_percent.is_some()];
        let what = if given.contains(&true) { "it has more than one bound" } else { "nothing says what is enough" };
        return found.push(Finding::error(path, what, format!("Write {wanted}, and nothing else.")));
    };
    match bound {
        Bound::Within(_) if !measure.is_a_time() => {
            let what = format!("{measure} is a share, not a time");
            found.push(Finding::error(format!("{path}.within"), what, format!("Write {wanted}.")));
        }
        Bound::AtLeast(_) | Bound::AtMost(_) if measure.is_a_time() => {
            let what = format!("{measure} is a time, not a share");
            found.push(Finding::error(path, what, format!("Write {wanted}.")));
        }
        Bound::AtLeast(percent) | Bound::AtMost(percent) if !(0.0..=100.0).contains(&percent) => {
            let what = format!("a share is 0 to 100 percent, not {percent}");
            found.push(Finding::error(path, what, format!("Write {wanted}.")));
        }
        Bound::Within(within) => against_the_plan(plan, measure, within, path, found),
        Bound::AtLeast(_) | Bound::AtMost(_) => {}
    }
}

/// How long the watch needs at least until something may be recovered, whatever its class.
fn soonest(plan: &Plan) -> TimeSpan {
    FailureClass::TAKING.into_iter().map(|class| plan.unseen(class)).min().unwrap_or_default()
}

/// What the plan's own numbers break each time.
fn against_the_plan(plan: &Plan, measure: Measure, within: TimeSpan, path: &str, found: &mut Vec<Finding>) {
    let watched = plan.probe.interval.times(plan.probe.failures_in_a_row);
    let (least, of) = match measure {
        Measure::Detection | Measure::Notice => (watched, "the watch needs before it says so"),
        Measure::Recovery | Measure::Repair => (soonest(plan), "the watch needs before anything is recovered"),
        Measure::Failover
        | Measure::Dns
        | Measure::RtoMet
        | Measure::RpoMet
        | Measure::BackupsComplete
        | Measure::RestoresVerified
        | Measure::Availability => (TimeSpan::seconds(0), ""),
    };
    if within < least {
        let what = format!("{within} is shorter than the {least} that {of}");
        let remedy = "Promise a longer time, or shorten probe.interval, failuresInARow or holdDown.";
        found.push(Finding::error(format!("{path}.within"), what, remedy));
    } else if within == TimeSpan::seconds(0) {
        let what = format!("{measure} takes some time");
        found.push(Finding::error(format!("{path}.within"), what, "Write a length of time above zero."));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::found;
    use crate::plan::Measure;

    fn of(targets: Value) -> Vec<String> {
        found(&[("/objectives/targets", targets)])
    }

    #[test]
    fn each_measure_has_one_bound_of_its_kind() {
        for measure in Measure::ALL {
            let bound = |field: &str, value: Value| of(json!([{"measure": measure, field: value}]));
            let (time, share) = (bound("within", json!("15m")), bound("atLeastPercent", json!(99.9)));
            let (fine, wrong) = if measure.is_a_time() { (time, share) } else { (share, time) };
            assert_eq!(fine, [""; 0], "{measure}");
            assert_eq!(wrong.len(), 1, "{measure}: {wrong:?}");
            assert_eq!(of(json!([{"measure": measure}])), ["error: objectives.targets[0]"]);
            let both = json!([{"measure": measure, "within": "15m", "atLeastPercent": 99.9}]);
            assert_eq!(of(both), ["error: objectives.targets[0]"]);
        }
    }

    #[test]
    fn no_measure_is_named_twice_and_a_share_is_one() {
        let twice = json!([{"measure": "dns", "within": "1m"}, {"measure": "dns", "within": "2m"}]);
        assert_eq!(of(twice), ["error: objectives.targets[1].measure"]);
        for (percent, fine) in [(0.0, true), (100.0, true), (100.1, false), (-0.1, false)] {
            let expected: &[&str] = if fine { &[] } else { &["error: objectives.targets[0]"] };
            assert_eq!(of(json!([{"measure": "rto-met", "atLeastPercent": percent}])), expected, "{percent}");
            assert_eq!(of(json!([{"measure": "rto-met", "atMostPercent": percent}])), expected, "{percent}");
        }
    }

    #[test]
    fn what_the_watch_itself_takes_longer_than_cannot_be_kept() {
        // Three samples of 500 ms; the hold-down of 1 s and an interval are as long.
        for (within, fine) in [("1499ms", false), ("1500ms", true)] {
            let expected: &[&str] = if fine { &[] } else { &["error: objectives.targets[0].within"] };
            for measure in ["detection", "notice", "recovery", "repair"] {
                assert_eq!(of(json!([{"measure": measure, "within": within}])), expected, "{measure} {within}");
            }
        }
        assert_eq!(of(json!([{"measure": "dns", "within": "0s"}])), ["error: objectives.targets[0].within"]);
    }
}
