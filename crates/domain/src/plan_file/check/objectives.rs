//! What was promised of what is failed over, against what can be kept: by the plan, and by each tier of a pair.

use super::{super::finding::Finding, ALARM_PERIOD, traffic::records};
use crate::{
    plan::{FailureClass, Plan, Traffic},
    words::time_span::TimeSpan,
};

/// The month over which availability is computed.
const MONTH: TimeSpan = TimeSpan::seconds(30 * 24 * 3_600);

/// A promise, and where in the plan it is made.
pub(super) struct Promise<'p> {
    pub(super) path: String,
    pub(super) rto: TimeSpan,
    pub(super) rpo: TimeSpan,
    /// The pairs that it is made of, by their places in `traffic`.
    pub(super) traffic: Vec<(usize, &'p Traffic)>,
}

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    let objectives = &plan.objectives;
    // A pair of a tier has that one's promises instead.
    let has_none = |traffic: &Traffic| plan.pair_of(traffic).is_none_or(|pair| pair.tier.is_none());
    let traffic: Vec<_> = plan.traffic.iter().enumerate().filter(|(_, traffic)| has_none(traffic)).collect();
    if traffic.is_empty() && !plan.traffic.is_empty() {
        return availability(objectives.availability_percent, objectives.rto, "objectives", found);
    }
    let promise = Promise { path: "objectives".to_owned(), rto: objectives.rto, rpo: objectives.rpo, traffic };
    moved(plan, &promise, found);
    availability(objectives.availability_percent, objectives.rto, "objectives", found);
}

/// What a failover is to keep.
pub(super) fn moved(plan: &Plan, promise: &Promise<'_>, found: &mut Vec<Finding>) {
    rto(plan, promise, found);
    expected(plan, promise, found);
    rpo(plan, promise, found);
}

fn rto(plan: &Plan, promise: &Promise<'_>, found: &mut Vec<Finding>) {
    let (rto, hold_down) = (promise.rto, plan.probe.hold_down);
    if hold_down > rto {
        let what = format!("waiting {hold_down} before anything is moved breaks the RTO of {rto}");
        return found.push(Finding::error("probe.holdDown", what, "Shorten it, or promise a longer RTO."));
    }
    for class in FailureClass::TAKING {
        let wait = plan.failover.after.of(class).unwrap_or_default();
        if wait > rto {
            let what = format!("waiting {wait} before anything is moved breaks the RTO of {rto}");
            let remedy = "Shorten it, or promise a longer RTO.";
            return found.push(Finding::error(format!("failover.after.{class}"), what, remedy));
        }
    }
    let mut longest = TimeSpan::default();
    for (path, ttl) in promise.traffic.iter().flat_map(|(index, traffic)| records::ttls_of(*index, traffic)) {
        if ttl > rto {
            let what = format!("clients that keep the record for {ttl} miss the RTO of {rto}");
            found.push(Finding::error(path, what, "Shorten it, or promise a longer RTO."));
        } else {
            longest = longest.max(ttl);
        }
    }
    for (path, worst) in promise.traffic.iter().flat_map(|(index, traffic)| records::routed(*index, traffic)) {
        if worst > rto {
            let what = format!("its health check and its TTL take {worst} together, and the RTO is {rto}");
            let remedy = "Shorten `interval`, `failures` or `ttl`, or promise a longer RTO.";
            found.push(Finding::error(path, what, remedy));
        }
    }
    let (path, detection, ttl) = (format!("{}.rto", promise.path), plan.detection(), longest);
    let known = detection + ttl;
    if rto < known {
        let what = format!(
            "{rto} is shorter than detection ({detection}) and the record's TTL ({ttl}) together, before anything is recovered"
        );
        let remedy =
            "Promise a longer RTO, or shorten probe.interval, failuresInARow, holdDown, failover.after or the TTL.";
        found.push(Finding::error(path, what, remedy));
    } else if rto < known + ALARM_PERIOD {
        let what = format!(
            "{rto} leaves less than {ALARM_PERIOD} after detection ({detection}) and the TTL ({ttl}); CloudWatch may take that long to raise the alarm"
        );
        found.push(Finding::warning(path, what, "Promise a longer RTO, or shorten detection."));
    }
}

/// What the owner expects of a failover, against what was promised: before it begins the failure has to be seen, and after it
/// clients keep the old answer.
fn expected(plan: &Plan, promise: &Promise<'_>, found: &mut Vec<Finding>) {
    let Some(expected) = plan.failover.expected else { return };
    let ttls = promise.traffic.iter().flat_map(|(index, traffic)| records::ttls_of(*index, traffic));
    let (rto, detection, ttl) = (promise.rto, plan.detection(), ttls.map(|(_, ttl)| ttl).max().unwrap_or_default());
    let what = if expected > rto {
        format!("a failover is expected to take {expected}, and {}.rto promises {rto}", promise.path)
    } else if detection + expected + ttl > rto {
        let (path, all) = (&promise.path, (detection + expected + ttl).roughly());
        format!(
            "detection ({detection}), a failover as long as expected ({expected}) and the TTL ({ttl}) are {all}, and {path}.rto promises {rto}"
        )
    } else {
        return;
    };
    let remedy = "Make them one: expect what drills measured, or promise a longer RTO.";
    found.push(Finding::warning("failover.expected", what, remedy));
}

fn rpo(plan: &Plan, promise: &Promise<'_>, found: &mut Vec<Finding>) {
    let (rpo, interval, budget) = (promise.rpo, plan.probe.interval, plan.failover.data_loss_budget.time);
    let path = format!("{}.rpo", promise.path);
    if rpo == TimeSpan::seconds(0) {
        let what = "nothing may be lost, but a read replica in another Region is asynchronous";
        return found.push(Finding::error(path, what, "Promise an RPO above zero."));
    }
    if rpo < interval {
        let what = format!("{rpo} is shorter than what measures it: the primary's position is read every {interval}");
        found.push(Finding::error(path, what, "Promise a longer RPO, or shorten probe.interval."));
    }
    if budget > rpo {
        let what = format!("{budget} may be lost without asking, but the RPO is {rpo}");
        found.push(Finding::error(
            "failover.dataLossBudget.time",
            what,
            "Lower it to the RPO, or promise a longer RPO.",
        ));
    }
}

/// A share of time that was promised, against one recovery as slow as was promised.
pub(super) fn availability(percent: Option<f64>, rto: TimeSpan, path: &str, found: &mut Vec<Finding>) {
    let Some(percent) = percent else { return };
    let path = format!("{path}.availabilityPercent");
    if !(percent > 0.0 && percent < 100.0) {
        let what = format!("an availability is above 0 and below 100 percent, not {percent}");
        return found.push(Finding::error(path, what, "Write a percentage that can be kept, as 99.95."));
    }
    let allowed = MONTH.percent(100.0 - percent);
    if rto > allowed {
        let allowed = allowed.roughly();
        let what = format!("{percent} % allows {allowed} of outage in 30 days, one recovery may take {rto}");
        found.push(Finding::warning(path, what, "Promise less, or shorten the RTO."));
    }
}
