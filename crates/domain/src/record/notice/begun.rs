//! What people are told about an execution because the engine reports it: that it began, or that it was broken off.

use serde_json::Value;

use super::Notice;
use crate::{
    failover::{
        request::FailoverRequest,
        run::{RunKind, Trigger},
        starter,
    },
    run::outcome::RunOutcome,
    state_machine::StateMachine,
    words::{id::ExecutionArn, time_span::TimeSpan, wording},
};

/// How much of a text that came from outside is told.
const TOLD_CHARS: usize = 2_000;

/// A run began. `input` is its request, where the engine tells it; `expected` how long a failover takes by its plan.
#[must_use]
pub fn started(execution: &ExecutionArn, input: Option<&str>, expected: Option<TimeSpan>) -> Notice {
    let kind = RunKind::of(execution);
    let request = parsed(kind, input);
    let noun = kind.noun();
    let of = request.as_ref().map_or_else(|_| String::new(), |request| format!(" of {}", request.plan));
    let (why, heading) = match request.as_ref().map(|request| &request.trigger) {
        Ok(Trigger::Alarm { alarm, reason, .. }) => {
            (format!("Alarm {alarm} was raised. CloudWatch says: {}", told(reason)), "An alarm".to_owned())
        }
        Ok(Trigger::Again { attempt, reason, .. }) => {
            (format!("Lifeboat started it by itself (start {attempt}): {}", told(reason)), "Starting again".to_owned())
        }
        Ok(Trigger::Person { by, why, .. }) => (format!("{by} ordered it: {}", told(why)), ordering(kind).to_owned()),
        Err(bad) => (format!("Its request cannot be read: {bad}"), kind.end(RunOutcome::Refused).to_string()),
    };
    let consent = request.as_ref().ok().and_then(|request| request.consent.as_ref());
    let consent = consent.map_or_else(String::new, |consent| {
        format!("{} consents to lose more than the plan's budget: {}\n", consent.by, told(&consent.why))
    });
    let expected = expected.filter(|_| kind == RunKind::Failover && request.is_ok());
    let expected = expected.map_or_else(String::new, |expected| {
        format!("It is expected to take {expected} until traffic is switched, by its plan (failover.expected).\n")
    });
    let next = match (&request, kind) {
        (Err(_), _) if input.is_some() => "It will be refused, and a notice says so.",
        (_, RunKind::Failover) => {
            "It looks at the primary again, from everywhere, and decides. Until then nothing is changed. A notice follows: \
             how it ended, or a question."
        }
        (_, RunKind::Switchover) => {
            "It rehearses each step first; until then nothing is changed. Then it ends the application's sessions, and the \
             application is not served until traffic has moved. A notice says how it ended."
        }
    };
    let look = request.as_ref().map_or_else(
        |_| String::new(),
        |request| format!("What is true meanwhile: lifeboat status {} --region {}\n", request.plan, execution.region()),
    );
    Notice::new(
        &format!("Lifeboat: a {noun}{of} has started"),
        &format!(
            "A {noun}{of} has started.\n\n{why}\n{consent}\nNext: {next}\n{expected}{look}Execution: {execution}\n"
        ),
        &heading,
    )
}

/// An execution was ended by the engine, not by itself.
#[must_use]
pub fn broken(execution: &ExecutionArn, input: Option<&str>, status: &str, cause: &str) -> Notice {
    let value = input.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let plan = value.and_then(|input| FailoverRequest::plan_of(RunKind::of(execution), &input));
    let of = plan.as_ref().map_or_else(String::new, |plan| format!(" of {plan}"));
    let noun = noun(execution);
    let next = match StateMachine::of(execution) {
        Some(StateMachine::Failover | StateMachine::Switchover) => format!(
            "If it held the lease, the next run takes it over, and finishes it where it had asked for the promotion.\n{}",
            starter::next_of_a_broken_run(execution, plan.as_ref())
        ),
        Some(StateMachine::FailoverAll) => {
            "The run of the pair that it was at goes on by itself; the pairs after it were not begun.".to_owned()
        }
        Some(StateMachine::Backup | StateMachine::VerifyBackup | StateMachine::Cleanup) | None => {
            "The same order given again goes on: what is there already is found.".to_owned()
        }
    };
    let look = plan.map_or_else(String::new, |plan| {
        format!("What is true now: lifeboat status {plan} --region {}\n", execution.region())
    });
    Notice::new(
        &format!("Lifeboat: a {noun}{of} was broken off ({status})"),
        &format!(
            "A {noun}{of} was broken off: the engine ended it as {status}, so that it left no evidence of its own.\n\n\
             Cause: {}\nExecution: {execution}\n\n{next}\n{look}",
            told(cause)
        ),
        "A run that was broken off",
    )
}

/// The request, or why it cannot be told.
fn parsed(kind: RunKind, input: Option<&str>) -> Result<FailoverRequest, String> {
    // Step Functions leaves a large input out of its event.
    let input = input.ok_or_else(|| "the engine's event came without it".to_owned())?;
    let input = serde_json::from_str::<Value>(input).map_err(|_| "it is no JSON".to_owned())?;
    FailoverRequest::parse_for(kind, &input).map_err(|bad| bad.to_string())
}

/// Where it is written how a person orders it.
fn ordering(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Failover => "Starting a failover by hand",
        RunKind::Switchover => "Handing over on purpose",
    }
}

/// What an execution is, in a sentence: its state machine's name says so.
fn noun(execution: &ExecutionArn) -> &str {
    match StateMachine::of(execution) {
        Some(StateMachine::FailoverAll) => "failover of several pairs",
        Some(StateMachine::VerifyBackup) => "restore test",
        Some(machine) => machine.slug(),
        None => execution.machine(),
    }
}

/// What came from outside, as far as it is told.
fn told(text: &str) -> String {
    wording::start_of(text, TOLD_CHARS)
}
