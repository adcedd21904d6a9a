//! How long a failure has to last before a run that nobody ordered goes on.

use jiff::Timestamp;

use crate::{failover::run::Run, plan::FailureClass, words::time_span::TimeSpan};

/// How long a run that nobody ordered keeps looking at what may pass by itself: a primary that answers again and may
/// fail again, a replica that misses one look, a reboot. An alarm needs up to two of its periods of 10 s to come to rest.
pub const SETTLING: TimeSpan = TimeSpan::seconds(30);

/// What it waits for. The class may be another one at the next look, and so may the wait. Past the point of no return there
/// is only the hold-down: what is left goes forward.
pub(super) fn too_soon(
    run: &Run,
    class: FailureClass,
    failing_for: TimeSpan,
    (silent_since, now): (Option<Timestamp>, Timestamp),
) -> Option<String> {
    let plan = &run.plan;
    let hold_down = plan.probe.hold_down;
    let wait = if run.finishes() { hold_down } else { plan.wait_for(class) };
    let lasted = failing_for.roughly();
    if failing_for < wait && wait == hold_down {
        return Some(format!("the primary has failed for {lasted}, the hold-down is {hold_down}"));
    }
    if failing_for < wait {
        return Some(format!("the primary has failed for {lasted}, and a failure of class {class} is given {wait}"));
    }
    // One call that was not answered is no lost Region, however long the run has waited for something else before.
    let silent_for = silent_since.map_or(TimeSpan::seconds(0), |since| TimeSpan::between(since, now));
    (class == FailureClass::SeveralRegions && !run.finishes() && silent_for < SETTLING)
        .then(|| format!("RDS in {} does not answer either: looked at for {SETTLING}", plan.regions.recovery))
}
