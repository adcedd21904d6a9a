//! RTO and RPO as a run's record tells them, against the plan's.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::steps::{Record, StateVisit};
use crate::{
    failover::{
        loss::Loss,
        run::{Run, RunKind},
    },
    run::{outcome::RunOutcome, verification::Checked},
    state_machine::StateName,
    words::time_span::TimeSpan,
};

/// What was measured, beside what was promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objective {
    /// The plan's recovery time objective.
    pub rto: TimeSpan,
    /// From when the primary was last seen to work, or from when it was drained, to the new side's passed checks, and until
    /// the name's TTL had run out, in seconds: the longest that a client can have been without it. Absent where that is not
    /// known: nothing was recovered, or an earlier failover had shut the primary before this failure was seen.
    pub rto_measured_seconds: Option<f64>,
    /// The plan's recovery point objective.
    pub rpo: TimeSpan,
    /// The replica's lag when it was promoted, in seconds, plus what may have been written unseen: the most that can be
    /// lost. Absent where it is not known: the old primary was not seen to refuse writes, or an earlier run asked for the
    /// promotion.
    pub rpo_measured_seconds: Option<f64>,
    /// Whether both were met; absent where nothing was recovered, or where that cannot be told.
    pub met: Option<bool>,
}

pub(super) fn objective(run: &Run, record: &Record, timeline: &[StateVisit], outcome: RunOutcome) -> Objective {
    let judgement = record.judgement.as_ref().and_then(|step| step.did.as_ref());
    let promotion = record.promotion.as_ref().and_then(|step| step.did.as_ref());
    let verified_at = verified_at(record, timeline);
    let drained = timeline.iter().find(|moment| moment.state == StateName::DrainPrimary);
    let drained_at = drained.map(|moment| moment.entered_at);
    let seen_unserved = judgement.map_or(drained_at, |judgement| judgement.unserved_since(&run.plan.probe));
    let unserved_since = unserved_since_any_run(run, seen_unserved);
    let rto = match (outcome, unserved_since, verified_at) {
        (RunOutcome::Done, Some(since), Some(at)) => {
            Some(TimeSpan::between(since, at) + run.plan.traffic.longest_ttl())
        }
        _ => None,
    };
    let loss = promotion.map(|promotion| &promotion.loss);
    // Writes that an open primary took are in no log that the run has read, nor are those after another run had asked.
    let rpo = loss.and_then(Loss::time).filter(|_| record.was_seen_shut() && !run.finishes());
    let objectives = &run.plan.objectives;
    // What nobody saw may have been lost or not: then it is unknown whether the objective was met.
    let rpo_met = match (rpo, loss.and_then(Loss::seen)) {
        (Some(most), _) if most <= objectives.rpo => Some(true),
        (_, Some(seen)) if seen > objectives.rpo => Some(false),
        (Some(_) | None, _) => None,
    };
    let rto_met = rto.map(|rto| rto <= objectives.rto);
    let met = match (rto_met, rpo_met) {
        (Some(true), rpo_met) => rpo_met,
        (Some(false), _) => Some(false),
        (None, _) => None,
    };
    Objective {
        rto: run.plan.objectives.rto,
        rto_measured_seconds: rto.map(TimeSpan::as_seconds),
        rpo: run.plan.objectives.rpo,
        rpo_measured_seconds: rpo.map(TimeSpan::as_seconds),
        met,
    }
}

/// When the new side was verified. Where resolvers were asked as well, that is when the plan's checks had passed: what was waited
/// for beside and after them is resolvers' caches, which the TTL stands for.
fn verified_at(record: &Record, timeline: &[StateVisit]) -> Option<Timestamp> {
    let left_at = timeline.iter().rev().find(|moment| moment.state == StateName::Verify)?.left_at?;
    let found: Vec<&Checked> = record.verification.iter().filter_map(|step| step.did.as_ref()).flatten().collect();
    if found.iter().all(|check| check.resolver.is_none()) {
        return Some(left_at);
    }
    let passed = found.iter().filter(|check| check.resolver.is_none()).map(|check| check.ended_at());
    Some(passed.max().map_or(left_at, |passed| passed.min(left_at)))
}

/// Since when clients may not have been served, where that is known. `since` is what this run saw by itself. An earlier run
/// may have shut the primary before: if that was a switchover, the primary worked until then; if it was a failover, only
/// its own judgement knows since when, and where it left none, nobody does.
fn unserved_since_any_run(run: &Run, since: Option<Timestamp>) -> Option<Timestamp> {
    let finished = run.taken_over.as_ref().filter(|_| run.finishes());
    if let Some(judged) = finished.and_then(|holder| holder.asked.as_ref()?.unserved_since) {
        return Some(since.map_or(judged, |since| since.min(judged)));
    }
    let shut = run.owes.as_ref().map(|shut| (&shut.execution, shut.since));
    let finished = finished.map(|holder| (&holder.execution, holder.since));
    let earlier = [shut, finished].into_iter().flatten();
    earlier.fold(since, |earliest, (execution, at)| match (earliest, RunKind::of(execution)) {
        (Some(earliest), _) if earliest <= at => Some(earliest),
        (_, RunKind::Switchover) => Some(at),
        (_, RunKind::Failover) => None,
    })
}
