//! Why a run ended as it did, in a sentence made of what its state machine collected.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    failover::{
        approval::{Answer, Reply},
        run::{Run, RunKind},
        traffic::{self, Switch, Unmoved},
    },
    record::evidence::{Closed, Closing, Record},
    run::{
        outcome::RunOutcome,
        step::{Outcome, Step},
    },
    state_machine::{Caught, LastWord, StateName},
    words::id::ExecutionArn,
};

/// A run that ended, as people are told of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ended {
    /// The execution.
    pub execution: ExecutionArn,
    /// The run, if it opened.
    pub run: Option<Run>,
    /// How it ended, but for its closing.
    outcome: RunOutcome,
    /// What `CloseRun` left; absent where it did not come to that.
    pub evidence: Option<Closed>,
    /// What `CloseRun` said, or ended with, where it did not close the run.
    unclosed: Option<LastWord>,
    /// As `CloseRun` was given it. It may be the reason why that could not read it, so that it is read only as far as it can be.
    stopped: Value,
    /// The same.
    record: Value,
}

impl Ended {
    /// How it ended: a run without its record needs a person, whatever it did.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        if self.unclosed.is_some() { RunOutcome::NeedsAPerson } else { self.outcome }
    }

    /// Why, in one sentence.
    #[must_use]
    pub fn because(&self) -> String {
        let Some(word) = &self.unclosed else {
            return self.evidence.as_ref().map(|closed| closed.because.clone()).unwrap_or_else(|| self.known());
        };
        let not_closed = match (&word.error, &word.answer) {
            (None, Some(answered)) => format!("was not closed: {}", answered.because),
            (Some(_), _) | (None, None) => format!("its record is missing: {}", word.because()),
        };
        let (was, because) = (self.outcome.as_str(), self.known());
        format!("the run is {was} but {not_closed}; it was {was} because {because}")
    }

    /// Who approved it, where somebody was asked and that can be read.
    #[must_use]
    pub fn approved(&self) -> Option<Answer> {
        let reply: Option<Reply> = serde_json::from_value(self.record["approval"].clone()).ok();
        reply?.approves().cloned()
    }

    /// The application's names that were not moved, as far as that can be read.
    #[must_use]
    pub fn unmoved(&self) -> Vec<Unmoved> {
        let step: Option<Step<Switch>> = serde_json::from_value(self.record["traffic"].clone()).ok();
        let of = self.run.as_ref().zip(step);
        of.map(|(run, step)| traffic::unmoved(&run.plan, &step)).unwrap_or_default()
    }

    /// Why, as far as what the machine collected can be read.
    fn known(&self) -> String {
        let read = || -> Result<String, serde_json::Error> {
            let stopped = Option::<LastWord>::deserialize(&self.stopped)?;
            let record = Record::deserialize(&self.record)?;
            Ok(because(RunKind::of(&self.execution), self.run.as_ref(), self.outcome, stopped.as_ref(), &record))
        };
        read().unwrap_or_else(|error| format!("of what cannot be read: {error}"))
    }
}

impl Closing {
    /// Why, in one sentence.
    #[must_use]
    pub fn because(&self) -> String {
        let kind = RunKind::of(&self.execution);
        because(kind, self.run.as_ref(), self.outcome, self.stopped.as_ref(), &self.record)
    }
}

fn because(
    kind: RunKind,
    run: Option<&Run>,
    outcome: RunOutcome,
    stopped: Option<&LastWord>,
    record: &Record,
) -> String {
    let Some(stopped) = stopped else { return "the run ended before its first answer".into() };
    let because = reason(run, stopped, record);
    let because = match &record.fencing {
        Some(Step { did: Some(fencing), .. }) if fencing.fenced => because,
        Some(Step { because: open, .. }) if outcome.has_moved() => format!("{because}; but {open}"),
        Some(_) | None => because,
    };
    match outcome {
        RunOutcome::Done => because,
        RunOutcome::Degraded => {
            let left = run.zip(record.traffic.as_ref()).map(|(run, step)| traffic::unmoved(&run.plan, step));
            let names = left.unwrap_or_default().into_iter().map(|left| format!("`{}`", left.name.name));
            format!("{because}; but not moved: {}", names.collect::<Vec<_>>().join(", "))
        }
        RunOutcome::NeedsAPerson => match not_undone(kind, record) {
            Some(why) => format!("{because}; then {why}"),
            None => because,
        },
        RunOutcome::Refused | RunOutcome::Undone => because,
    }
}

/// Why the run stopped going forward.
fn reason(run: Option<&Run>, stopped: &LastWord, record: &Record) -> String {
    let judged = record.judgement.as_ref().map_or("", |step| &step.because);
    let caught = stopped.error.as_ref();
    if stopped.state == StateName::Approve {
        return match caught {
            Some(Caught { error, .. }) if is_silence(error) => {
                let deadline = run.map(|run| run.plan.failover.approval_deadline.to_string()).unwrap_or_default();
                format!("nobody approved within the deadline of {deadline}: {judged}")
            }
            Some(_) => stopped.because(),
            None => {
                let reply = record.approval.as_ref();
                let by = reply.and_then(|reply| reply.by()).unwrap_or("someone without a name");
                let why = reply.and_then(|reply| reply.why()).unwrap_or("no reason given");
                format!("not approved by {by}: {why}")
            }
        };
    }
    if stopped.state == StateName::IsApprovalNeeded {
        return format!("the judgement names no policy that moves anything: {judged}");
    }
    match caught {
        Some(caught) if stopped.state == StateName::IsRoute53StillTried => format!("{TRAFFIC_LATE}: {caught}"),
        Some(_) | None => stopped.because(),
    }
}

/// What Step Functions ends a task with that nobody answered.
fn is_silence(error: &str) -> bool {
    ["States.Timeout", "States.HeartbeatTimeout"].contains(&error)
}

const TRAFFIC_LATE: &str = "traffic is not switched yet";

/// Why clients are not sent to the new primary yet, from the last word of the step that sends them.
#[must_use]
pub fn traffic_late(word: &LastWord) -> String {
    match (&word.error, &word.answer) {
        (Some(caught), _) => format!("{TRAFFIC_LATE}: {caught}"),
        (None, Some(answered)) => format!("{TRAFFIC_LATE}: {}", answered.because),
        (None, None) => TRAFFIC_LATE.to_owned(),
    }
}

/// Why the new primary is not hardened yet, while it is asked on.
#[must_use]
pub fn hardening_late(word: &LastWord) -> String {
    let because = word.answer.as_ref().map_or("", |answered| &answered.because);
    format!("not hardened yet after {} asks, and asked on: {because}", word.asks)
}

/// Why what was shut was not seen open again, where it had to be.
fn not_undone(kind: RunKind, record: &Record) -> Option<String> {
    if let Some(error) = record.error.as_ref().filter(|error| error.state == StateName::UndoFencePrimary) {
        let caught = Caught { error: error.error.clone(), cause: error.cause.clone() };
        return Some(format!("{} ended with {caught}", error.state));
    }
    let undo = record.undo.as_ref().filter(|step| step.step != Outcome::Done)?;
    let what = match kind {
        RunKind::Failover => "fence",
        RunKind::Switchover => "drain",
    };
    Some(format!("the {what} was not undone: {}", undo.because))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLOSING: &str = include_str!("../../../../events/close-run.json");

    /// Why a run ended so that is like the sample but for these.
    fn closed(changes: &[(&str, Value)]) -> String {
        let mut event: Value = serde_json::from_str(CLOSING).unwrap();
        for (pointer, value) in changes {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            event.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        serde_json::from_value::<Closing>(event).unwrap().because()
    }

    fn answer(step: &str, because: &str) -> Value {
        json!({ "step": step, "because": because, "seen": null, "did": null })
    }

    #[test]
    fn a_done_says_what_its_checks_said_and_that_the_old_primary_is_open_where_it_is() {
        assert_eq!(closed(&[]), "1 check passed");
        let open = [("/record/fencing/did/fenced", json!(false)), ("/record/fencing/because", json!("it is unfenced"))];
        assert_eq!(closed(&open), "1 check passed; but it is unfenced");
    }

    #[test]
    fn a_person_s_no_and_silence_are_told_as_such() {
        let denied = json!({ "state": "Approve", "answer": {} });
        for (reply, says) in [
            (json!({ "decision": "deny", "by": "ann", "why": "a drill" }), "not approved by ann: a drill"),
            (json!({ "decision": "approve" }), "not approved by someone without a name: no reason given"),
            (json!("yes"), "not approved by someone without a name: no reason given"),
        ] {
            let changes = [("/outcome", json!("refused")), ("/stopped", denied.clone()), ("/record/approval", reply)];
            assert_eq!(closed(&changes), says);
        }
        let silent = json!({ "state": "Approve", "error": { "Error": "States.HeartbeatTimeout", "Cause": "" } });
        let told = closed(&[("/outcome", json!("refused")), ("/stopped", silent)]);
        assert!(told.starts_with("nobody approved within the deadline of 15m: a failure of class database"), "{told}");
    }

    #[test]
    fn an_undo_that_did_not_work_is_told_after_why_it_was_needed() {
        let stopped =
            json!({ "state": "PromoteReplica", "answer": { "step": "Refused", "because": "too far behind" } });
        let mut changes =
            vec![("/outcome", json!("undone")), ("/stopped", stopped), ("/record/undo", answer("Done", "open"))];
        assert_eq!(closed(&changes), "too far behind");
        changes[0].1 = json!("needs-a-person");
        changes[2].1 = answer("Refused", "generation 4");
        assert_eq!(closed(&changes), "too far behind; then the fence was not undone: generation 4");
        changes[2].1 = Value::Null;
        let error = json!({ "state": "UndoFencePrimary", "error": "Database", "cause": "gone" });
        changes.push(("/record/error", error));
        assert_eq!(closed(&changes), "too far behind; then UndoFencePrimary ended with Database: gone");
    }

    #[test]
    fn a_run_that_was_not_closed_says_how_it_would_have_ended_also_where_its_record_cannot_be_read() {
        let event: Value = serde_json::from_str(CLOSING).unwrap();
        let told = |record: &Value| {
            let word = json!({ "state": "CloseRun", "error": { "Error": "AwsDenied", "Cause": "s3:PutObject" } });
            let ended = json!({
                "execution": event["execution"], "run": null, "outcome": "done", "evidence": null,
                "unclosed": word, "stopped": event["stopped"], "record": record,
            });
            let ended = serde_json::from_value::<Ended>(ended).unwrap();
            assert_eq!(ended.outcome(), RunOutcome::NeedsAPerson);
            ended.because()
        };
        let missing = "the run is done but its record is missing: CloseRun ended with AwsDenied: s3:PutObject; it was done because";
        assert_eq!(told(&event["record"]), format!("{missing} 1 check passed"));
        let garbled = told(&json!({ "surprise": 1 }));
        assert!(garbled.starts_with(&format!("{missing} of what cannot be read: unknown field")), "{garbled}");
    }

    #[test]
    fn what_is_late_is_told_by_the_last_answer_or_error() {
        let word = |word: Value| serde_json::from_value::<LastWord>(word).unwrap();
        let gone = word(json!({ "state": "DnsSwitch", "error": { "Error": "AwsTransient", "Cause": "no answer" } }));
        assert_eq!(traffic_late(&gone), "traffic is not switched yet: AwsTransient: no answer");
        let slow = word(json!({ "state": "DnsSwitch", "answer": { "step": "Pending", "because": "spreads" } }));
        assert_eq!(traffic_late(&slow), "traffic is not switched yet: spreads");
        let busy =
            word(json!({ "state": "HardenPrimary", "asks": 101, "answer": { "step": "Pending", "because": "busy" } }));
        assert_eq!(hardening_late(&busy), "not hardened yet after 101 asks, and asked on: busy");
    }
}
