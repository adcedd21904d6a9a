//! Starting a failover again. The alarm starts one run for a failure; where that one comes to nothing, and its reason
//! passes while the primary stays dead, this decides when the next one starts, and what speaks against it.
//!
//! It answers three things: a primary that fails, a primary that a run shut and nobody opened, and a promotion that nobody
//! finished. It never judges a failure itself: the judge is asked before a start, and the run that starts judges again.

mod due;
mod memory;
mod told;

#[cfg(test)]
mod tests;

pub use memory::Starts;
pub use told::{Standing, next, next_of_a_broken_run, standing};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::PlanName,
    judgement::{Rehearsal, Would},
    lease::{ActiveSide, Holder, Lease, Owner, Phase},
    plan::{Plan, Probe},
    probe::{Streak, Watch, later},
    request::{Again, Reason},
    span::Span,
};

/// How often the starter looks while something is wrong.
pub const EVERY: Span = Span::seconds(5);

/// Everything that the starter looked at, just now.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its lease, if any run was ever opened.
    pub lease: Option<&'a Lease>,
    /// What is known of the execution that holds the lease.
    pub owner: Option<&'a Owner>,
    /// What the watch remembers.
    pub watch: &'a Watch,
    /// What the judge says.
    pub judge: &'a Judge,
    /// What the starter remembers.
    pub starts: Option<&'a Starts>,
    /// What is known of the execution that the starter started last.
    pub started: Option<&'a Owner>,
    /// Now.
    pub now: Timestamp,
}

/// What the judge says of a run that would start now.
#[derive(Debug, Clone, PartialEq)]
pub enum Judge {
    /// Nobody asked.
    NotAsked,
    /// It could not be asked, and why.
    Silent(String),
    /// What it rehearsed.
    Says(Rehearsal),
}

/// What a start answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The primary fails.
    Failure,
    /// A run shut the primary, and nobody opened it again: nobody is served.
    Shut,
    /// A run ended past its point of no return without being done: clients may not be served.
    Unfinished,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing is wrong, or nothing that another run could fix.
    Idle(String),
    /// Not now: look again, at the latest then.
    Wait {
        /// When.
        until: Timestamp,
        /// Why.
        because: String,
    },
    /// It is time: ask the judge, and decide again with what it says.
    Ask,
    /// Start a run.
    Start(Start),
    /// Only a person may: why, and what they must do.
    NotByItself(String),
}

/// A run to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// What it answers.
    pub cause: Cause,
    /// Since when that has been so.
    pub since: Timestamp,
    /// Which start for it this is, from one on.
    pub attempt: u32,
    /// Why now, in a sentence.
    pub reason: String,
}

impl Start {
    /// The execution's name: the same start twice is one run. At most 80 characters, as Step Functions wants it.
    #[must_use]
    pub fn name(&self, plan: &PlanName) -> String {
        format!("{}{}-{}", names_begin(plan), self.since.as_millisecond(), self.attempt)
    }

    /// The execution's input.
    #[must_use]
    pub fn request(&self, plan: &PlanName) -> Again {
        let Self { since, attempt, ref reason, .. } = *self;
        Again { plan: plan.clone(), again: Reason { since, attempt, reason: reason.clone() } }
    }
}

/// How the names of the starter's runs begin.
fn names_begin(plan: &PlanName) -> String {
    format!("again-{plan}-")
}

/// Decides. Where something could not be told, nothing starts.
#[must_use]
pub fn decide(seen: &Seen<'_>) -> Decision {
    if let Some(because) = at_work(seen) {
        return look_again(seen.now, because);
    }
    let need = match need(seen) {
        Ok(need) => need,
        Err(decision) => return decision,
    };
    let attempt = memory::attempts(seen, &need).saturating_add(1);
    match due::due(seen, &need, attempt) {
        Ok((at, because)) if seen.now < at => return Decision::Wait { until: at, because },
        Ok(_) => {}
        Err(because) => return Decision::NotByItself(because),
    }
    let Need { cause, since, because } = need;
    let start = |reason: String| Decision::Start(Start { cause, since, attempt, reason });
    match (cause, seen.judge) {
        // What is owed is owed whatever the judge says: the run opens what is shut, or goes forward.
        (Cause::Shut | Cause::Unfinished, _) => start(because),
        (Cause::Failure, Judge::NotAsked) => Decision::Ask,
        (Cause::Failure, Judge::Silent(why)) => look_again(seen.now, format!("the judge could not be asked: {why}")),
        (Cause::Failure, Judge::Says(rehearsal)) if !rehearsal.fails => {
            look_again(seen.now, "the primary answered just before it was to be started".to_owned())
        }
        (Cause::Failure, Judge::Says(rehearsal)) => match rehearsal.verdict {
            Would::FailOver | Would::AskAPerson => start(format!("{because}; judged now: {}", rehearsal.because)),
            Would::Refuse => look_again(seen.now, format!("a run would be refused now: {}", rehearsal.because)),
        },
    }
}

fn look_again(now: Timestamp, because: String) -> Decision {
    Decision::Wait { until: later(now, EVERY), because }
}

/// What is wrong or owed, since when.
struct Need {
    cause: Cause,
    since: Timestamp,
    because: String,
}

/// Who is at it already, or may be: then nothing starts beside it.
fn at_work(seen: &Seen<'_>) -> Option<String> {
    let holder = seen.lease.and_then(|lease| lease.holder.as_ref()).map(|holder| (&holder.execution, seen.owner));
    let ours = seen.starts.map(|starts| (&starts.execution, seen.started));
    [holder, ours].into_iter().flatten().find_map(|(execution, owner)| match owner {
        Some(Owner::Gone { .. }) => None,
        Some(Owner::Running) => Some(format!("run `{}` is at work", execution.name())),
        Some(Owner::Unknown(why)) => {
            Some(format!("whether run `{}` still runs could not be told: {why}", execution.name()))
        }
        None => Some(format!("whether run `{}` still runs was not asked", execution.name())),
    })
}

/// The holder of a promotion that was asked for and that nobody is at work on any more. Whoever is at work was excluded.
fn left_unfinished(lease: &Lease) -> Option<&Holder> {
    let died = lease.holder.as_ref().filter(|holder| holder.phase == Phase::Promoting);
    died.or(lease.unfinished.as_ref())
}

fn need(seen: &Seen<'_>) -> Result<Need, Decision> {
    let Some(pair) = seen.plan.traffic_pair() else {
        return Err(Decision::NotByItself("the plan's traffic names no component: correct the plan".to_owned()));
    };
    if let Some(left) = seen.lease.and_then(left_unfinished) {
        let name = left.execution.name();
        return Ok(Need {
            cause: Cause::Unfinished,
            since: memory::unfinished_since(seen, left),
            because: format!(
                "run `{name}` ended past its point of no return, and clients may not be served until it is finished"
            ),
        });
    }
    if seen.lease.is_some_and(|lease| lease.active == ActiveSide::Replica) {
        return Err(Decision::Idle(
            "it failed over already, and its replication has not been restored since: there is nothing to fail over to"
                .to_owned(),
        ));
    }
    let primary = &pair.primary.instance;
    // Where another instance was watched, nothing is known of this one.
    let watch = seen.watch.clone().of(ActiveSide::Primary, primary);
    if let Some(streak) = &watch.failing {
        return failure(seen, streak);
    }
    let Some(shut) = seen.lease.and_then(|lease| lease.shut.as_ref()) else {
        return Err(Decision::Idle("nothing fails, and nothing is owed".to_owned()));
    };
    if !watch.answered_lately(seen.now, &seen.plan.probe) {
        let because = format!(
            "`{primary}` may refuse the application, and whether it answers is unknown: nobody has seen it lately"
        );
        return Err(look_again(seen.now, because));
    }
    Ok(Need {
        cause: Cause::Shut,
        since: shut.since,
        because: format!(
            "run `{}` shut `{primary}`, which answers since: nobody is served until it is opened",
            shut.execution.name()
        ),
    })
}

/// Whether a failure is old enough, has been counted often enough, and was not answered by a person's no.
fn failure(seen: &Seen<'_>, streak: &Streak) -> Result<Need, Decision> {
    let Probe { failures_in_a_row, hold_down, .. } = seen.plan.probe;
    if !streak.goes_on(seen.now, &seen.plan.probe) {
        let because = format!(
            "the primary failed at {}, and nobody has watched it since: whether it still does is unknown",
            streak.until
        );
        return Err(look_again(seen.now, because));
    }
    if streak.failures < failures_in_a_row {
        let because = format!("{} of {failures_in_a_row} samples in a row have failed", streak.failures);
        return Err(look_again(seen.now, because));
    }
    if Span::between(streak.since, seen.now) < hold_down {
        let because = format!("the primary fails since {}, and the hold-down is {hold_down}", streak.since);
        return Err(look_again(seen.now, because));
    }
    // Nobody may have watched in between: then the failure is still the one that was said no to, however it is counted.
    let no = seen.lease.and_then(|lease| lease.last.as_ref()?.declined_at);
    if let Some(no) = no.filter(|no| *no >= streak.since || !seen.watch.answered_after(*no)) {
        return Err(Decision::NotByItself(format!(
            "a person said no at {no}: until the primary was well in between, only a person's order starts a run"
        )));
    }
    Ok(Need {
        cause: Cause::Failure,
        since: streak.since,
        because: format!("the primary has failed since {}: {}", streak.since, streak.because),
    })
}
