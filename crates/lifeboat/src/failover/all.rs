//! One order for several pairs, started and followed to its end.

use std::process::ExitCode;

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use domain::{
    failover::{all, run::Consent},
    plan::Disaster,
    run::outcome::RunOutcome,
    state_machine::StateMachine,
    words::id::{ComponentName, ExecutionArn, PlanName},
};
use edge::object_store;
use serde::Serialize;
use serde_json::Value;

use crate::{
    engine::Engine,
    output::{self, Output},
    refusal::Refusal,
    request::Order,
    run::{self, Again},
};

/// What a person orders of several pairs.
#[derive(Debug)]
pub(super) struct OrderedAll {
    pub(super) plan: PlanName,
    /// Which, in which order; `None` for all in the plan's.
    pub(super) pairs: Option<Vec<ComponentName>>,
    pub(super) order: Order,
    pub(super) consent: Option<Consent>,
    pub(super) class: Option<Disaster>,
    pub(super) region: Option<String>,
    pub(super) json: bool,
}

/// The execution's input.
#[derive(Serialize)]
struct Request<'a> {
    plan: &'a PlanName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pairs: Option<&'a [ComponentName]>,
    by: &'a str,
    why: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<&'a Consent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Disaster>,
}

/// How the order ended, as `--json` prints it.
#[derive(Serialize)]
struct Ended<'a> {
    execution: &'a ExecutionArn,
    outcome: RunOutcome,
    because: &'a str,
}

impl OrderedAll {
    pub(super) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        self.order.check()?;
        let engine = Engine::of(StateMachine::FailoverAll, self.region.as_deref()).await?;
        // Looked for first: an order for a plan that does not exist would only be one more execution that was refused.
        let (plan, _) = object_store::read_plan(&engine.bucket, &self.plan).await?;
        let execution = run::order(&engine, &self.plan, &plan.failover, &self.input()?).await?;
        let (outcome, because) = run::follow(&engine, &execution, ending, Again::SameWords, self.json, output).await?;
        if self.json {
            output.json(&Ended { execution: &execution, outcome, because: &because })?;
        } else {
            output.line(&format!("{}: {because}", outcome.headline()));
            output.line(&format!("RUNBOOK.md, \"{}\".", all::end(outcome)));
        }
        Ok(run::exit_code(outcome))
    }

    fn input(&self) -> Result<Value, Refusal> {
        let (by, why) = (self.order.by.as_str(), self.order.why.trim());
        let (pairs, consent) = (self.pairs.as_deref(), self.consent.as_ref());
        serde_json::to_value(Request { plan: &self.plan, pairs, by, why, consent, class: self.class })
            .map_err(|error| Refusal::usage(error.to_string(), "See `lifeboat failover --help`."))
    }
}

/// How it ended, and why; `None` while it runs. Whatever is not one of its own ends needs a person.
fn ending(described: &DescribeExecutionOutput) -> Option<(RunOutcome, String)> {
    if !run::has_ended(described) {
        return None;
    }
    if *described.status() == ExecutionStatus::Succeeded {
        return Some((RunOutcome::Done, "every pair was failed over, each by a run of its own".to_owned()));
    }
    let end = described.error().and_then(|error| all::outcome_of(&error.into()));
    let outcome = end.filter(|outcome| *outcome == RunOutcome::Refused).unwrap_or(RunOutcome::NeedsAPerson);
    let told = described.cause().or(described.error()).filter(|text| !text.is_empty());
    let because =
        told.map_or_else(|| format!("the engine ended it as {}", described.status().as_str()), output::one_line);
    Some((outcome, because))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: ExecutionStatus, error: Option<&str>) -> Option<RunOutcome> {
        let described = DescribeExecutionOutput::builder()
            .execution_arn("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover-all:a")
            .state_machine_arn("arn")
            .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
            .status(status)
            .set_error(error.map(str::to_owned))
            .build();
        ending(&described.unwrap()).map(|(outcome, _)| outcome)
    }

    #[test]
    fn only_a_refusal_of_its_own_is_one_and_whatever_else_is_not_done_needs_a_person() {
        assert_eq!(outcome(ExecutionStatus::Running, None), None);
        assert_eq!(outcome(ExecutionStatus::Succeeded, None), Some(RunOutcome::Done));
        assert_eq!(outcome(ExecutionStatus::Failed, Some("FailoverAllRefused")), Some(RunOutcome::Refused));
        for (status, error) in [
            (ExecutionStatus::Failed, Some("FailoverAllNeedsAPerson")),
            (ExecutionStatus::Failed, Some("FailoverRefused")),
            (ExecutionStatus::Failed, Some("FailoverAllDone")),
            (ExecutionStatus::Aborted, None),
            (ExecutionStatus::TimedOut, None),
        ] {
            assert_eq!(outcome(status.clone(), error), Some(RunOutcome::NeedsAPerson), "{status:?} {error:?}");
        }
    }
}
