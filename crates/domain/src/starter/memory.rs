//! What the starter remembers from one look to the next.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cause, Need, Seen, Start, due::HOUR, names_begin};
use crate::{
    id::{ExecutionArn, PlanName},
    lease::Holder,
    span::Span,
};

/// The starts so far. Written on a condition, right before each start: so one start has one starter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Starts {
    /// What the newest one answered.
    pub cause: Cause,
    /// Since when that has been so.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// How many answered it.
    pub attempts: u32,
    /// When the newest one was made.
    #[schemars(with = "String")]
    pub last_at: Timestamp,
    /// Its execution.
    pub execution: ExecutionArn,
    /// When each start of the last hour was made, whatever it answered.
    #[schemars(with = "Vec<String>")]
    pub recent: Vec<Timestamp>,
}

impl Starts {
    /// What to remember of a start that is made now.
    #[must_use]
    pub fn with(before: Option<&Self>, start: &Start, execution: ExecutionArn, now: Timestamp) -> Self {
        let recent = before.map(|starts| starts.recent.as_slice()).unwrap_or_default();
        let recent = recent.iter().copied().filter(|at| is_recent(*at, now)).chain([now]).collect();
        let Start { cause, since, attempt: attempts, .. } = *start;
        Self { cause, since, attempts, last_at: now, execution, recent }
    }

    /// How many were made within the last hour.
    pub(super) fn within_an_hour(&self, now: Timestamp) -> usize {
        self.recent.iter().filter(|at| is_recent(**at, now)).count()
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    Span::between(at, now) < HOUR
}

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
