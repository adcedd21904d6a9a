//! How many starts answered what is wrong now.

use jiff::Timestamp;

use super::{
    seen::Seen,
    start::{Cause, Need, names_begin},
};
use crate::{
    failover::lease::Holder,
    words::id::{ExecutionArn, PlanName},
};

/// How many starts answered this already: as remembered, and, should that be lost, as the runs' own names say.
pub(super) fn attempts(seen: &Seen<'_>, need: &Need) -> u32 {
    let remembered = seen.starts.filter(|starts| starts.cause == need.cause && starts.since == need.since);
    let remembered = remembered.map_or(0, |starts| starts.attempts);
    let lease = seen.lease;
    let last = lease.and_then(|lease| lease.last.as_ref()).map(|last| &last.execution);
    let holder = lease.and_then(|lease| lease.holder.as_ref()).map(|holder| &holder.execution);
    let named = [last, holder].into_iter().flatten();
    named.filter_map(|execution| attempt_of(execution, &seen.plan.plan, need.since)).fold(remembered, u32::max)
}

/// Which start a run's name says that it is.
fn attempt_of(execution: &ExecutionArn, plan: &PlanName, since: Timestamp) -> Option<u32> {
    let (at, attempt) = execution.name().strip_prefix(&names_begin(plan))?.rsplit_once('-')?;
    (at.parse() == Ok(since.as_millisecond())).then(|| attempt.parse().ok()).flatten()
}

/// Since when a promotion is unfinished: one that our own last start was to finish, and did not, is the same.
pub(super) fn unfinished_since(seen: &Seen<'_>, left: &Holder) -> Timestamp {
    let same = seen.starts.filter(|starts| starts.cause == Cause::Unfinished && starts.execution == left.execution);
    same.map_or(left.since, |starts| starts.since)
}
