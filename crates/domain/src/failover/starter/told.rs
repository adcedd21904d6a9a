//! What people are told of the next start: at the end of a run, and whenever they ask.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    decision::{Decision, decide},
    due::wait,
    seen::{Judge, Seen, at_work},
    start::Cause,
};
use crate::{
    component::ActiveSide,
    failover::{judgement::Would, lease::Lease, run::RunKind, succession::Owner},
    run::outcome::RunOutcome,
    words::id::{ExecutionArn, PlanName},
};

/// What starts the run after one that ended; `None` where none is needed. `declined_by` is who said no to it.
#[must_use]
pub fn next(
    execution: &ExecutionArn,
    plan: &PlanName,
    outcome: RunOutcome,
    lease: Option<&Lease>,
    declined_by: Option<&str>,
) -> Option<String> {
    let region = execution.region();
    let order = format!("lifeboat failover --plan {plan} --region {region} --by YOU --why REASON");
    if outcome.has_moved() {
        return None;
    }
    if lease.is_some_and(|lease| lease.unfinished.is_some()) {
        let first = wait(Cause::Unfinished, 1);
        return Some(format!(
            "Lifeboat starts the run that finishes it by itself, in {first} at the earliest, and then at growing distances. {}",
            keep_from_starting(plan, region)
        ));
    }
    if lease.is_some_and(|lease| lease.active == ActiveSide::Replica) {
        return None;
    }
    if let Some(shut) = lease.and_then(|lease| lease.shut.as_ref()) {
        let instance = &shut.target.side.instance;
        return Some(format!(
            "`{instance}` may still refuse the application: once it is seen to answer, Lifeboat starts the run that opens it by \
             itself. {}",
            keep_from_starting(plan, region)
        ));
    }
    match (RunKind::of(execution), declined_by) {
        (RunKind::Switchover, _) => None,
        (RunKind::Failover, Some(by)) => {
            Some(format!("No run starts by itself for this failure: {by} said no. Order one:\n  {order}"))
        }
        (RunKind::Failover, None) => Some(format!(
            "As long as the primary fails, Lifeboat goes on looking, and starts the next run by itself as soon as nothing speaks \
             against it. {}",
            keep_from_starting(plan, region)
        )),
    }
}

/// What starts the run after one that was ended from outside; of which plan, where its request says so.
#[must_use]
pub fn next_of_a_broken_run(execution: &ExecutionArn, plan: Option<&PlanName>) -> String {
    let next = "Where the primary fails, or this run left something to open or to finish, Lifeboat starts the next one by itself, \
                60 s after its end at the earliest.";
    match plan {
        Some(plan) => format!("{next} {}", keep_from_starting(plan, execution.region())),
        None => next.to_owned(),
    }
}

/// The rule of a plan's stack that has the starter look each minute.
#[must_use]
pub fn rule_name(plan: &PlanName) -> String {
    format!("lifeboat-{plan}-start-again")
}

fn keep_from_starting(plan: &PlanName, region: &str) -> String {
    let rule = rule_name(plan);
    format!(
        "To keep it from starting, set the plan's policies to never, or: aws events disable-rule --name {rule} --region {region}"
    )
}

/// Whether a failover would start by itself, now or at the primary's death.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arming {
    /// Whether one would.
    pub armed: bool,
    /// Why, or why not, in a sentence.
    pub because: String,
}

/// Whether a failover would start by itself. Where the primary fails or something is owed it says when.
#[must_use]
pub fn standing(seen: &Seen<'_>) -> Arming {
    let told = |armed, because: String| Arming { armed, because };
    // While it is not known whether a run is at work, every other one is refused.
    if let Some(because) = at_work(seen).filter(|_| is_unknown(seen.owner) || is_unknown(seen.started)) {
        return told(false, because);
    }
    match decide(seen) {
        Decision::Idle(because) => match seen.lease.map(|lease| lease.active) {
            Some(ActiveSide::Replica) => told(false, because),
            Some(ActiveSide::Primary) | None => at_its_death(seen),
        },
        Decision::NotByItself(because) => told(false, because),
        Decision::Ask => told(true, "a run starts now, unless the judge refuses it".to_owned()),
        Decision::Start(start) => told(true, format!("a run starts now: {}", start.reason)),
        Decision::Wait { because, .. } => told(!is_refused(seen.judge), because),
    }
}

fn is_unknown(owner: Option<&Owner>) -> bool {
    matches!(owner, Some(Owner::Unknown(_)))
}

fn is_refused(judge: &Judge) -> bool {
    match judge {
        Judge::NotAsked => false,
        Judge::Silent(_) => true,
        Judge::Says(rehearsal) => rehearsal.verdict == Would::Refuse,
    }
}

/// What the death of a primary that works would lead to.
fn at_its_death(seen: &Seen<'_>) -> Arming {
    let told = |armed, because: String| Arming { armed, because };
    if !is_watched(seen) {
        return told(false, "nobody watches the primary".to_owned());
    }
    match seen.judge {
        Judge::NotAsked => told(false, "the judge was not asked".to_owned()),
        Judge::Silent(why) => told(false, format!("the judge could not be asked: {why}")),
        Judge::Says(rehearsal) => match rehearsal.verdict {
            Would::FailOver => told(true, rehearsal.because.clone()),
            Would::AskAPerson => told(true, format!("a person is asked first: {}", rehearsal.because)),
            Would::Refuse => told(false, rehearsal.because.clone()),
        },
    }
}

/// Whether somebody has lately seen the instance that the plan names.
fn is_watched(seen: &Seen<'_>) -> bool {
    let instance = seen.plan.pair().map(|pair| &pair.primary.instance);
    seen.watch.instance.as_ref() == instance && seen.watch.answered_lately(seen.now, &seen.plan.probe)
}
