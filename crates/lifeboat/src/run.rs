//! A run that a person orders: started, or joined, and followed to its end.

mod again;
mod ending;
mod following;
mod name;

use std::{process::ExitCode, time::Duration};

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use domain::{
    failover::{
        request::FailoverRequest,
        run::{Consent, RunKind},
    },
    record::evidence::{self, Evidence},
    words::id::{ExecutionArn, PlanName},
};
use edge::{clock, object_store};
use serde::Serialize;

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
        self.plan = pair::named(&engine, &self.plan).await?.plan;
        let input = self.input()?;
        let execution = start(&engine, &self.plan, &input).await?;
        let ending = follow(&engine, &execution, Ending::of, Again::SameWords, self.json, output).await?;
        let evidence = self.evidence(&engine, &execution).await;
        ending.show(&execution, evidence.as_ref(), self.json, output)?;
        Ok(ending.exit_code())
    }

    fn input(&self) -> Result<String, Refusal> {
        let (by, why, consent) = (self.order.by.as_str(), self.order.why.trim(), self.consent.as_ref());
        let wrong = |error: &dyn std::fmt::Display| {
            Refusal::usage(error.to_string(), format!("See `lifeboat {} --help`.", self.kind.noun()))
        };
        let request =
            serde_json::to_value(Request { plan: &self.plan, by, why, consent }).map_err(|error| wrong(&error))?;
        FailoverRequest::parse_for(self.kind, &request).map_err(|error| wrong(&error))?;
        Ok(request.to_string())
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
    for name in name::names(plan, input) {
        match engine.start(&name, input).await? {
            Start::Started(execution) => return Ok(execution),
            Start::Taken(execution) => {
                if !has_ended(&engine.describe(&execution).await?) {
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
