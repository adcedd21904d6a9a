//! What a run leaves: what was seen, decided and done, how long it took, and against which objective.

use crate::{
    component::ActiveSide,
    failover::{
        approval::Reply,
        caller, hardening,
        lease::{Lease, Phase},
        request::FailoverRequest,
        run::{Consent, Run, RunKind, Trigger},
    },
    run::{outcome::RunOutcome, step::Outcome},
    state_machine::{LastWord, StateName},
    words::{
        failure::Failure,
        id::{ExecutionArn, Generation, PlanName},
    },
};

pub use super::objective::Objective;
pub use super::steps::{Record, StateVisit, StepError};

use super::objective::objective;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The evidence of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// This format's version.
    pub version: u32,
    /// The plan, unless the request named none that is known to exist.
    pub plan: Option<PlanName>,
    /// The version of the plan's object that was pinned.
    pub plan_version: Option<String>,
    /// The execution.
    pub execution: ExecutionArn,
    /// The run's generation, once it had one.
    pub generation: Option<Generation>,
    /// Why it ran.
    pub trigger: Option<Trigger>,
    /// A named consent to lose more than the budget.
    pub consent: Option<Consent>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Why, in a sentence.
    pub because: String,
    /// When the execution started.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When this was written.
    #[schemars(with = "String")]
    pub ended_at: Timestamp,
    /// Which side takes writes now, as far as this run knows.
    pub active: ActiveSide,
    /// What infrastructure code must change, so that its next deployment does not turn the failover back.
    pub infrastructure: Vec<String>,
    /// Measured and promised.
    pub objective: Option<Objective>,
    /// State by state; empty where the engine's history could not be read.
    pub timeline: Vec<StateVisit>,
    /// Why the timeline is empty, and with it whatever is measured by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline_missing: Option<String>,
    /// State transitions until this was written; absent where they could not be counted.
    pub transitions: Option<u64>,
    /// The steps' whole answers.
    pub record: Record,
    /// What started it, as it came.
    pub request: Value,
}

impl Evidence {
    /// Whether a person said no to the run; what it owed is undone all the same.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        self.outcome != RunOutcome::Done && self.record.approval.as_ref().is_some_and(Reply::denies)
    }

    /// Who said no, where that is told.
    #[must_use]
    pub fn declined_by(&self) -> Option<&str> {
        self.record.approval.as_ref().and_then(Reply::by).filter(|_| self.is_declined())
    }
}

/// This format's version.
pub const VERSION: u32 = 1;

/// What ended, and how: `CloseRun`'s input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Closing {
    /// The execution.
    pub execution: ExecutionArn,
    /// When it started.
    pub started_at: Timestamp,
    /// Its input.
    pub request: Value,
    /// The run, if it opened.
    pub run: Option<Run>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// The last word of the step at which it stopped.
    pub stopped: Option<LastWord>,
    /// The steps' answers.
    pub record: Record,
}

impl Closing {
    /// Whether the run is the execution's own.
    ///
    /// # Errors
    /// `InvalidInput` where it is another's: one execution closes no other's run.
    pub fn check(&self) -> Result<(), Failure> {
        match self.run.as_ref().filter(|run| run.execution != self.execution) {
            None => Ok(()),
            Some(other) => Err(Failure::InvalidInput(format!(
                "run.execution: `{}` is not the execution that is closed",
                other.execution.name()
            ))),
        }
    }
}

/// What was closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Closed {
    /// The evidence's key in the Region's bucket.
    pub evidence: String,
    /// Why the run ended so.
    pub because: String,
    /// The plan, unless the request named none that exists.
    pub plan: Option<PlanName>,
    /// Why it ran, where the request says so.
    #[serde(default)]
    pub trigger: Option<Trigger>,
    /// What is true now, for the person who is called.
    #[serde(default)]
    pub standing: Option<String>,
    /// What starts the next run, where this one leaves something to do.
    #[serde(default)]
    pub next: Option<String>,
    /// The measured recovery time.
    #[serde(default)]
    pub rto_seconds: Option<f64>,
    /// The measured recovery point.
    #[serde(default)]
    pub rpo_seconds: Option<f64>,
    /// Whether both objectives were met.
    #[serde(default)]
    pub met: Option<bool>,
    /// State transitions.
    #[serde(default)]
    pub transitions: Option<u64>,
}

impl Closed {
    /// What was closed, by its evidence. `standing` is what is true now, `next` what starts the next run.
    #[must_use]
    pub fn of(key: String, evidence: &Evidence, standing: Option<String>, next: Option<String>) -> Self {
        let objective = evidence.objective.as_ref();
        Self {
            evidence: key,
            because: evidence.because.clone(),
            plan: evidence.plan.clone(),
            trigger: evidence.trigger.clone(),
            standing,
            next,
            rto_seconds: objective.and_then(|objective| objective.rto_measured_seconds),
            rpo_seconds: objective.and_then(|objective| objective.rpo_measured_seconds),
            met: objective.and_then(|objective| objective.met),
            transitions: evidence.transitions,
        }
    }
}

/// Writes the evidence down. `history` is the execution's states and their number, or why the engine did not tell them;
/// `active` is which side takes writes.
#[must_use]
pub fn assemble(
    closing: Closing,
    history: Result<(Vec<StateVisit>, u64), String>,
    active: ActiveSide,
    now: Timestamp,
) -> Evidence {
    let (timeline, transitions, timeline_missing) = match history {
        Ok((timeline, transitions)) => (timeline, Some(transitions), None),
        Err(why) => (Vec::new(), None, Some(why)),
    };
    let objective = closing.run.as_ref().map(|run| objective(run, &closing.record, &timeline, closing.outcome));
    let infrastructure = match (active, closing.run.as_ref()) {
        (ActiveSide::Replica, Some(run)) => {
            run.pair().map(|pair| hardening::infrastructure(run, pair)).unwrap_or_default()
        }
        (ActiveSide::Primary, _) | (ActiveSide::Replica, None) => Vec::new(),
    };
    let (asked, has_a_plan, because) = (asked(&closing), has_a_plan(&closing), closing.because());
    let run = closing.run;
    Evidence {
        version: VERSION,
        plan: asked.as_ref().filter(|_| has_a_plan).map(|asked| asked.plan.clone()),
        plan_version: run.as_ref().map(|run| run.plan_version.clone()),
        generation: run.map(|run| run.generation),
        trigger: asked.as_ref().map(|asked| asked.trigger.clone()),
        consent: asked.and_then(|asked| asked.consent),
        execution: closing.execution,
        outcome: closing.outcome,
        because,
        started_at: closing.started_at,
        ended_at: now,
        active,
        infrastructure,
        objective,
        timeline,
        timeline_missing,
        transitions,
        record: closing.record,
        request: caller::without_proof(&closing.request),
    }
}

/// What was asked for: as the run took it, or as its request has it where no run was opened. `None` where the request was
/// wrong.
fn asked(closing: &Closing) -> Option<FailoverRequest> {
    match &closing.run {
        Some(run) => Some(FailoverRequest {
            plan: run.plan.plan.clone(),
            trigger: run.trigger.clone(),
            consent: run.consent.clone(),
            proof: None,
            class: None,
        }),
        None => FailoverRequest::parse_for(RunKind::of(&closing.execution), &closing.request).ok(),
    }
}

/// Whether `OpenRun` came as far as the plan: it answers only once it has read it, and any error but `NotFound` is of
/// something else, as of a lease that cannot be read.
fn has_a_plan(closing: &Closing) -> bool {
    let error = closing.record.error.as_ref();
    closing.run.is_some()
        || closing.record.open_run.is_some()
        || error.is_some_and(|error| error.state == StateName::OpenRun && error.error != "NotFound")
}

/// Which side takes writes: the replica, once a promotion was asked for, by this run or by the dead one that it took
/// over. Where the promotion's outcome is unknown it counts as promoted, because the old side must not be trusted
/// again before a person looked; but the lease, where the run holds it, says so before RDS is asked: a run that never wrote
/// that asked for nothing, whatever error it ended with, and what it shut is still to be opened. A run that was refused
/// the lease knows what the lease said.
#[must_use]
pub fn active_side(closing: &Closing, held: Option<&Lease>) -> ActiveSide {
    let (record, run) = (&closing.record, closing.run.as_ref());
    let finishes = run.is_some_and(Run::finishes);
    if let Some(lease) = held.filter(|lease| !finishes && !lease.is_past_the_point_of_no_return())
        && closing.outcome == RunOutcome::NeedsAPerson
    {
        return lease.active;
    }
    if run.is_none()
        && let Some(refused) = &record.open_run
    {
        return refused
            .seen
            .get("active")
            .and_then(|side| ActiveSide::deserialize(side).ok())
            .unwrap_or(ActiveSide::Primary);
    }
    let asked = record.promotion.as_ref().is_some_and(|step| step.step != Outcome::Refused);
    let unknown = record.error.as_ref().is_some_and(|error| error.state == StateName::PromoteReplica);
    let inherited = run.and_then(|run| run.taken_over.as_ref()).is_some_and(|holder| holder.phase == Phase::Promoting);
    if asked || unknown || inherited { ActiveSide::Replica } else { ActiveSide::Primary }
}

/// Where the evidence of an execution is kept.
#[must_use]
pub fn key(plan: Option<&PlanName>, execution: &ExecutionArn) -> String {
    format!("evidence/{}/{}.json", plan.map_or("no-plan", PlanName::as_str), execution.name())
}

impl Evidence {
    /// Whether both are of one execution. Step Functions gives an execution's name again after 90 days.
    #[must_use]
    pub fn is_of_the_run_of(&self, other: &Self) -> bool {
        self.execution == other.execution && self.started_at == other.started_at
    }
}

/// Where it is kept if something else is under its key: another run of the same name, or what is not evidence.
#[must_use]
pub fn key_beside(evidence: &Evidence) -> String {
    let Evidence { plan, execution, started_at, .. } = evidence;
    let plan = plan.as_ref().map_or("no-plan", PlanName::as_str);
    format!("evidence/{plan}/{}/{}/{started_at}.json", execution.machine(), execution.name())
}

/// The evidence's JSON Schema.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Evidence).to_value()
}

#[cfg(test)]
mod tests;
