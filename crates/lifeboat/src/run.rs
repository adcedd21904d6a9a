//! A run that a person orders: started, or joined, and followed to its end.

mod again;
mod ending;
mod following;
mod name;

use std::{process::ExitCode, time::Duration};

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use domain::{
    failover::{
        caller::Ordered as Given,
        request::FailoverRequest,
        run::{Consent, RunKind},
    },
    plan::{Disaster, Failover},
    record::evidence::{self, Evidence},
    words::id::{ExecutionArn, PlanName},
};
use edge::{clock, object_store, states};
use serde::Serialize;
use serde_json::Value;

use crate::{
    engine::{Engine, Start},
    output::Output,
    pair,
    refusal::Refusal,
    request::Order,
};

pub(crate) use again::Again;
pub(crate) use ending::exit_code;

use ending::Ending;
use following::Following;

/// What a person orders.
#[derive(Debug)]
pub(crate) struct Ordered {
    /// What for.
    pub(crate) kind: RunKind,
    /// The plan.
    pub(crate) plan: PlanName,
    /// Who, and why.
    pub(crate) order: Order,
    /// A consent to lose more than the plan's budget.
    pub(crate) consent: Option<Consent>,
    /// What has happened, where only a person can tell.
    pub(crate) class: Option<Disaster>,
    /// The plan's recovery Region.
    pub(crate) region: Option<String>,
    /// Whether what is told is told as JSON.
    pub(crate) json: bool,
}

/// The execution's input: a request by hand.
#[derive(Debug, Serialize)]
struct Request<'a> {
    plan: &'a PlanName,
    by: &'a str,
    why: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<&'a Consent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Disaster>,
}

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looks in all: the longest state machine's own limit is 31 days.
const MOST_LOOKS: u32 = 2 * 60 * 60 * 24 * 31 + 600;

/// Looks that may fail one after the other: a minute.
const MOST_FAILURES: u32 = 120;

impl Ordered {
    /// Starts it and follows it to its end.
    pub(crate) async fn run(mut self, output: &mut Output) -> Result<ExitCode, Refusal> {
        self.order.check()?;
        self.input()?;
        let engine = Engine::of(self.kind.machine(), self.region.as_deref()).await?;
        // The plan is looked for first: a run for one that does not exist would only be one more refusal in the record.
        let pair = pair::named(&engine, &self.plan).await?;
        self.plan = pair.plan;
        let execution = order(&engine, &self.plan, &pair.failover, &self.input()?).await?;
        let ending = follow(&engine, &execution, Ending::of, Again::SameWords, self.json, output).await?;
        let evidence = self.evidence(&engine, &execution).await;
        ending.show(&execution, evidence.as_ref(), self.json, output)?;
        Ok(ending.exit_code())
    }

    fn input(&self) -> Result<Value, Refusal> {
        let (by, why, consent) = (self.order.by.as_str(), self.order.why.trim(), self.consent.as_ref());
        let wrong = |error: &dyn std::fmt::Display| {
            Refusal::usage(error.to_string(), format!("See `lifeboat {} --help`.", self.kind.noun()))
        };
        let request = serde_json::to_value(Request { plan: &self.plan, by, why, consent, class: self.class })
            .map_err(|error| wrong(&error))?;
        FailoverRequest::parse_for(self.kind, &request).map_err(|error| wrong(&error))?;
        Ok(request)
    }

    /// The run's evidence, if it can be read: what is told of the end stands without it.
    async fn evidence(&self, engine: &Engine, execution: &ExecutionArn) -> Option<Evidence> {
        let key = evidence::key(Some(&self.plan), execution);
        object_store::read_json::<Evidence>(&engine.bucket, &key).await.ok().flatten().map(|(evidence, _)| evidence)
    }
}

/// Starts a run of its own, named by the time: the same order may find something else today than yesterday.
pub(crate) async fn start_anew(engine: &Engine, plan: &PlanName, input: &str) -> Result<ExecutionArn, Refusal> {
    let name = format!("by-hand-{plan}-{}", clock::now().strftime("%Y%m%dt%H%M%S%3f"));
    match engine.start(&name, input).await? {
        Start::Started(execution) | Start::Taken(execution) => Ok(execution),
    }
}

/// Starts a run, or joins the one that the same order started before and that still runs.
pub(crate) async fn start(engine: &Engine, plan: &PlanName, input: &str) -> Result<ExecutionArn, Refusal> {
    start_or_join(engine, plan, input, async |_| Ok(input.to_owned())).await
}

/// The same of a run that moves a primary: with its order goes the proof of who gives it.
pub(crate) async fn order(
    engine: &Engine,
    plan: &PlanName,
    failover: &Failover,
    order: &Value,
) -> Result<ExecutionArn, Refusal> {
    // A proof is another one each time, and the same order is the same run.
    start_or_join(engine, plan, &order.to_string(), async |execution| {
        let proved = engine.proved(Given::Run, (plan, Some(failover)), execution, order.clone()).await?;
        Ok(proved.to_string())
    })
    .await
}

async fn start_or_join(
    engine: &Engine,
    plan: &PlanName,
    order: &str,
    input: impl AsyncFn(&ExecutionArn) -> Result<String, Refusal>,
) -> Result<ExecutionArn, Refusal> {
    for name in name::names(plan, order) {
        let input = input(&engine.execution(&name)?).await?;
        match engine.start(&name, &input).await? {
            Start::Started(execution) => return Ok(execution),
            Start::Taken(execution) => {
                let described = engine.describe(&execution).await?;
                if !has_ended(&described) || is_this_order(&described, order, &input) {
                    return Ok(execution);
                }
            }
        }
    }
    Err(Refusal::failed(
        format!("this order was given {} times already, and each run has ended", name::MOST),
        "Say in --why what is different now.",
    ))
}

/// Whether an execution that has ended is the one that this very command has started, whose answer was lost: its input has
/// the proof that was made just now. Without a proof an order given once more has the same words.
fn is_this_order(described: &DescribeExecutionOutput, order: &str, input: &str) -> bool {
    input != order && states::is_same(described.input().unwrap_or_default(), input)
}

/// Whether an execution has ended.
pub(crate) fn has_ended(described: &DescribeExecutionOutput) -> bool {
    !matches!(described.status(), ExecutionStatus::Running | ExecutionStatus::PendingRedrive)
}

/// How a run ended, in words, with its end's own name or the engine's; `None` while it runs.
pub(crate) fn how_it_ended(described: &DescribeExecutionOutput) -> Option<String> {
    let ending = Ending::of(described)?;
    let end = described.error().filter(|_| *described.status() == ExecutionStatus::Failed);
    Some(format!("it ended as {}: {}", end.unwrap_or(described.status().as_str()), ending.because()))
}

/// Follows a run and shows what its steps answer, until `ending` returns something or the person stops watching.
pub(crate) async fn follow<E>(
    engine: &Engine,
    execution: &ExecutionArn,
    ending: impl Fn(&DescribeExecutionOutput) -> Option<E>,
    again: Again,
    json: bool,
    output: &mut Output,
) -> Result<E, Refusal> {
    output.remark(&format!("run `{}` in {}; Ctrl-C stops watching, not the run", execution.name(), engine.region));
    tokio::select! {
        ended = to_its_end(engine, execution, ending, json, output) => ended,
        _ = tokio::signal::ctrl_c() => {
            Err(Refusal::Unwatched { run: execution.name().to_owned(), again: again.told(execution, &engine.region) })
        }
    }
}

async fn to_its_end<E>(
    engine: &Engine,
    execution: &ExecutionArn,
    ending: impl Fn(&DescribeExecutionOutput) -> Option<E>,
    json: bool,
    output: &mut Output,
) -> Result<E, Refusal> {
    let mut following = Following::default();
    let mut failures = 0;
    for _ in 0..MOST_LOOKS {
        match look(engine, execution, &ending, &mut following).await {
            Ok(ended) => {
                failures = 0;
                for told in following.told() {
                    if json { output.json(&told)? } else { output.line(&told.to_string()) }
                }
                if let Some(ended) = ended {
                    return Ok(ended);
                }
            }
            Err(refusal) => {
                failures += 1;
                if failures == MOST_FAILURES {
                    return Err(refusal);
                }
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(Refusal::failed(
        format!("{execution} still runs, longer than it may"),
        "Look at it in the Step Functions console; RUNBOOK.md has a heading for each end.",
    ))
}

/// Looks once: whether it ended, and then everything new in its history.
async fn look<E>(
    engine: &Engine,
    execution: &ExecutionArn,
    ending: impl Fn(&DescribeExecutionOutput) -> Option<E>,
    following: &mut Following,
) -> Result<Option<E>, Refusal> {
    let ended = ending(&engine.describe(execution).await?);
    for _ in 0..following::MOST_PAGES {
        let (events, next) = engine.history(execution, following.page()).await?;
        if !following.take(&events, next) {
            break;
        }
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_ended_is_our_own_only_with_the_proof_that_we_made() {
        let described = |input: &str| {
            DescribeExecutionOutput::builder()
                .execution_arn("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a")
                .state_machine_arn("arn")
                .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
                .status(ExecutionStatus::Failed)
                .input(input)
                .build()
                .unwrap()
        };
        let order = r#"{"plan":"lab","by":"anna","why":"it burns"}"#;
        let proved =
            |signature: &str| format!(r#"{{"plan":"lab","by":"anna","why":"it burns","proof":"{signature}"}}"#);
        for (started_with, given, ours) in [
            (proved("0a"), proved("0a"), true),
            (proved("0b"), proved("0a"), false),
            (order.to_owned(), proved("0a"), false),
            (order.to_owned(), order.to_owned(), false),
        ] {
            assert_eq!(is_this_order(&described(&started_with), order, &given), ours, "{started_with} {given}");
        }
    }
}
