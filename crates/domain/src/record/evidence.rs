//! What a run leaves: what was seen, decided and done, how long it took, and against which objective.

use crate::{
    component::ActiveSide,
    failover::{
        approval::Reply,
        drain::Drained,
        fencing::Fencing,
        hardening,
        judgement::Judgement,
        lease::{Lease, Phase},
        loss::Loss,
        promotion::Promotion,
        request::FailoverRequest,
        run::{Consent, Kind, Run, Trigger},
        traffic::Switch,
    },
    run::{
        outcome::RunOutcome,
        step::{Outcome, Step},
        verification::Checked,
    },
    state_machine::{LastWord, StateName},
    words::{
        id::{ExecutionArn, Generation, PlanName},
        span::Span,
    },
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The whole answers of a run's steps, as far as it came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// `OpenRun`'s, without the run itself.
    pub open_run: Option<Step<()>>,
    /// `JudgeFailover`'s.
    pub judgement: Option<Step<Judgement>>,
    /// The person's answer.
    pub approval: Option<Reply>,
    /// A switchover's newest rehearsal: the one that said no, or the last one.
    pub rehearsal: Option<Step<()>>,
    /// `DrainPrimary`'s.
    pub drain: Option<Step<Drained>>,
    /// `FencePrimary`'s.
    pub fencing: Option<Step<Fencing>>,
    /// `PromoteReplica`'s.
    pub promotion: Option<Step<Promotion>>,
    /// `DnsSwitch`'s.
    pub traffic: Option<Step<Switch>>,
    /// `Verify`'s.
    pub verification: Option<Step<Vec<Checked>>>,
    /// `UndoFencePrimary`'s.
    pub undo: Option<Step<Fencing>>,
    /// The error that ended it, if one did.
    pub error: Option<StepError>,
}

/// An error that a step ended with after its retries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepError {
    /// The state.
    pub state: StateName,
    /// The error's name.
    pub error: String,
    /// Its cause.
    pub cause: String,
}

/// A moment of the run, by the engine's own history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moment {
    /// The state.
    pub state: StateName,
    /// When it was entered.
    #[schemars(with = "String")]
    pub entered_at: Timestamp,
    /// When it was left; absent for the one that writes this.
    #[schemars(with = "Option<String>")]
    pub left_at: Option<Timestamp>,
}

/// What was measured, beside what was promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objective {
    /// The plan's recovery time objective.
    pub rto: Span,
    /// From when the primary was last seen to work, or from when it was drained, to the new side's passed checks, and until
    /// the name's TTL had run out, in seconds: the longest that a client can have been without it. Absent where that is not
    /// known: nothing was recovered, or an earlier failover had shut the primary before this failure was seen.
    pub rto_measured_seconds: Option<f64>,
    /// The plan's recovery point objective.
    pub rpo: Span,
    /// The replica's lag when it was promoted, in seconds, plus what may have been written unseen: the most that can be
    /// lost. Absent where it is not known: the old primary was not seen to refuse writes, or an earlier run asked for the
    /// promotion.
    pub rpo_measured_seconds: Option<f64>,
    /// Whether both were met; absent where nothing was recovered, or where that cannot be told.
    pub met: Option<bool>,
}

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
    pub timeline: Vec<Moment>,
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

impl Record {
    /// Whether the old primary was seen to refuse writes before anything took its place.
    fn was_seen_shut(&self) -> bool {
        let fencing = self.fencing.as_ref().and_then(|step| step.did.as_ref());
        self.drain.as_ref().is_some_and(|step| step.did.is_some()) || fencing.is_some_and(|did| did.fenced)
    }
}

impl Evidence {
    /// Whether a person said no to the run; what it owed is undone all the same.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        self.outcome != RunOutcome::Done && self.record.approval.as_ref().is_some_and(Reply::denies)
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

/// Writes the evidence down. `history` is the execution's states and their number, or why the engine did not tell them;
/// `active` is which side takes writes.
#[must_use]
pub fn assemble(
    closing: Closing,
    history: Result<(Vec<Moment>, u64), String>,
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
        request: closing.request,
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
        }),
        None => FailoverRequest::parse_for(Kind::of(&closing.execution), &closing.request).ok(),
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

fn objective(run: &Run, record: &Record, timeline: &[Moment], outcome: RunOutcome) -> Objective {
    let judgement = record.judgement.as_ref().and_then(|step| step.did.as_ref());
    let promotion = record.promotion.as_ref().and_then(|step| step.did.as_ref());
    let verified = timeline.iter().rev().find(|moment| moment.state == StateName::Verify);
    let verified_at = verified.and_then(|moment| moment.left_at);
    let drained = timeline.iter().find(|moment| moment.state == StateName::DrainPrimary);
    let drained_at = drained.map(|moment| moment.entered_at);
    let seen_unserved = judgement.map_or(drained_at, |judgement| judgement.unserved_since(&run.plan.probe));
    let unserved_since = unserved_since_any_run(run, seen_unserved);
    let rto = match (outcome, unserved_since, verified_at) {
        (RunOutcome::Done, Some(since), Some(at)) => Some(Span::between(since, at) + run.plan.traffic.record.ttl),
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
        rto_measured_seconds: rto.map(Span::as_seconds),
        rpo: run.plan.objectives.rpo,
        rpo_measured_seconds: rpo.map(Span::as_seconds),
        met,
    }
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
    earlier.fold(since, |earliest, (execution, at)| match (earliest, Kind::of(execution)) {
        (Some(earliest), _) if earliest <= at => Some(earliest),
        (_, Kind::Switchover) => Some(at),
        (_, Kind::Failover) => None,
    })
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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::failover::lease::{Asked, Holder, Shut};

    fn at(second: i64) -> Timestamp {
        "2026-01-15T09:30:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second)
    }

    /// The sample of a failover that was done: its primary failed at 0, and its new side was verified at 20.
    fn done() -> Closing {
        let mut event: Value = serde_json::from_str(include_str!("../../../../events/close-run.json")).unwrap();
        let judged = &mut event["record"]["judgement"]["did"];
        (judged["failingSince"], judged["lastSeen"]["at"]) = (json!(at(0)), json!(at(0)));
        let closing: Closing = serde_json::from_value(event).unwrap();
        assert!(closing.run.as_ref().is_some_and(|run| run.owes.is_none() && run.taken_over.is_none()));
        closing
    }

    fn objective_of(closing: Closing) -> Objective {
        let verified = Moment { state: StateName::Verify, entered_at: at(19), left_at: Some(at(20)) };
        assemble(closing, Ok((vec![verified], 1)), ActiveSide::Replica, at(30)).objective.unwrap()
    }

    fn execution(machine: &str) -> ExecutionArn {
        format!("arn:aws:states:us-west-2:000000000000:execution:{machine}:earlier").parse().unwrap()
    }

    #[test]
    fn nobody_knows_the_outage_where_nobody_watched_the_primary_fail() {
        for last_seen in [Value::Null, json!({ "lsn": "0/5000148", "at": at(-3_600) })] {
            let mut closing = done();
            let judgement = closing.record.judgement.as_mut().unwrap().did.as_mut().unwrap();
            judgement.last_seen = serde_json::from_value(last_seen).unwrap();
            let objective = objective_of(closing);
            assert_eq!((objective.rto_measured_seconds, objective.met), (None, None));
        }
    }

    #[test]
    fn what_an_earlier_run_had_shut_was_closed_to_clients_before_this_one_saw_a_failure() {
        let outage = |machine: &str, since: i64| {
            let mut closing = done();
            let run = closing.run.as_mut().unwrap();
            let target = crate::failover::fencing::Target::primary(&run.plan, run.pair().unwrap());
            let (execution, generation, since) = (execution(machine), run.generation, at(since));
            run.owes = Some(Shut { execution, generation, since, target, network: true });
            let objective = objective_of(closing);
            (objective.rto_measured_seconds, objective.met)
        };
        let alone = objective_of(done());
        assert_eq!(alone.met, Some(true), "{alone:?}");
        let measured = alone.rto_measured_seconds;
        assert_eq!(outage("lifeboat-failover", 5), (measured, Some(true)), "the failure was there before it was shut");
        assert_eq!(outage("lifeboat-failover", -600), (None, None), "since when it failed then nobody knows");
        let (drained, met) = outage("lifeboat-switchover", -600);
        assert_eq!((drained, met), (measured.map(|seconds| seconds + 600.0), Some(false)), "it worked until then");
    }

    #[test]
    fn nobody_knows_the_loss_where_the_old_primary_was_not_seen_to_refuse_or_an_earlier_run_asked() {
        assert!(objective_of(done()).rpo_measured_seconds.is_some());
        let mut open = done();
        open.record.fencing.as_mut().unwrap().did.as_mut().unwrap().fenced = false;
        let open = objective_of(open);
        assert_eq!((open.rpo_measured_seconds, open.met), (None, None));
        let mut finished = done();
        let (execution, phase, since) = (execution("lifeboat-failover"), Phase::Promoting, at(5));
        finished.run.as_mut().unwrap().taken_over = Some(Holder { execution, phase, since, asked: None });
        let finished = objective_of(finished);
        assert_eq!((finished.rpo_measured_seconds, finished.met), (None, None));
        assert!(finished.rto_measured_seconds.is_some(), "its outage is this failure's");
    }

    #[test]
    fn a_run_that_finishes_another_s_counts_the_outage_from_where_that_one_did() {
        let outage = |since: i64, unserved_since: Option<i64>| {
            let mut closing = done();
            let asked =
                Asked { at: at(since), position: None, loss: Loss::Promoted, unserved_since: unserved_since.map(at) };
            let (execution, phase, since) = (execution("lifeboat-failover"), Phase::Promoting, at(since));
            closing.run.as_mut().unwrap().taken_over = Some(Holder { execution, phase, since, asked: Some(asked) });
            objective_of(closing).rto_measured_seconds
        };
        let alone = objective_of(done()).rto_measured_seconds.unwrap();
        assert_eq!(outage(-50, Some(-60)), Some(alone + 60.0));
        assert_eq!(outage(-50, None), None, "it may have failed long before");
        assert_eq!(outage(5, Some(2)), Some(alone), "this one knows it better");
    }
}
