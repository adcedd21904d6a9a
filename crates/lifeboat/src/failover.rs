//! `lifeboat failover`: starts a failover by hand and follows it to its end.

mod ending;
mod following;
mod name;

use std::{process::ExitCode, time::Duration};

use clap::Args;
use domain::{
    evidence::{self, Evidence},
    id::{ExecutionArn, PlanName},
    request::FailoverRequest,
    run::Consent,
};
use edge::shelf;
use serde::Serialize;

use crate::{
    engine::{Engine, Start},
    output::Output,
    refusal::Refusal,
    request::Order,
};
use ending::Ending;
use following::Following;

/// Starts a failover by hand and follows it to its end.
#[derive(Debug, Args)]
#[command(after_help = "\
The run judges, fences and promotes exactly as one that an alarm started; a person's order makes it fail over where the
plan's policy would have asked, or refuse and say why. Given twice with the same words while it runs, it is one run.

Examples:
  lifeboat failover --plan lab --region us-west-2 --by anna --why 'us-east-1 is down'
  lifeboat failover --plan lab --region us-west-2 --by anna --why 'CTO agreed to lose 40 s' --accept-data-loss

Exit codes: 0 done; 3 refused; 4 undone; 5 needs a person; 1 it could not be started or followed; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    #[command(flatten)]
    order: Order,
    /// Consents, by name and for this run alone, to lose more than the plan's budget.
    #[arg(long)]
    accept_data_loss: bool,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object for each answer of a step, and one for the end.
    #[arg(long)]
    json: bool,
}

/// The execution's input: a request by hand.
#[derive(Debug, Serialize)]
struct Request<'a> {
    plan: &'a PlanName,
    by: &'a str,
    why: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<Consent>,
}

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looks in all: the state machine's own limit is ten hours.
const MOST_LOOKS: u32 = 2 * 60 * 60 * 10 + 600;

/// Looks that may fail one after the other: a minute.
const MOST_FAILURES: u32 = 120;

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        self.order.check()?;
        let input = self.input()?;
        let engine = Engine::of(self.region.as_deref()).await?;
        // The plan is looked for first: a run for one that does not exist would only be one more refusal in the record.
        shelf::read_plan(&engine.bucket, &self.plan).await?;
        let execution = self.start(&engine, &input).await?;
        output.remark(&format!("run `{}` in {}; Ctrl-C stops watching, not the run", execution.name(), engine.region));
        let ending = self.follow(&engine, &execution, output).await?;
        let evidence = self.evidence(&engine, &execution).await;
        ending.show(&execution, evidence.as_ref(), self.json, output)?;
        Ok(ending.exit_code())
    }

    fn input(&self) -> Result<String, Refusal> {
        let (by, why) = (self.order.by.as_str(), self.order.why.trim());
        let consent = self.accept_data_loss.then(|| Consent { by: self.order.by.clone(), why: why.to_owned() });
        let wrong =
            |error: &dyn std::fmt::Display| Refusal::usage(error.to_string(), "See `lifeboat failover --help`.");
        let request =
            serde_json::to_value(Request { plan: &self.plan, by, why, consent }).map_err(|error| wrong(&error))?;
        FailoverRequest::parse(&request).map_err(|error| wrong(&error))?;
        Ok(request.to_string())
    }

    /// Starts the run, or joins the one that the same order started before and that still runs.
    async fn start(&self, engine: &Engine, input: &str) -> Result<ExecutionArn, Refusal> {
        for name in name::names(&self.plan, input) {
            match engine.start(&name, input).await? {
                Start::Started(execution) => return Ok(execution),
                Start::Taken(execution) => {
                    if Ending::of(&engine.describe(&execution).await?).is_none() {
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

    async fn follow(&self, engine: &Engine, execution: &ExecutionArn, output: &mut Output) -> Result<Ending, Refusal> {
        let mut following = Following::default();
        let mut failures = 0;
        for _ in 0..MOST_LOOKS {
            match look(engine, execution, &mut following).await {
                Ok(ending) => {
                    failures = 0;
                    for told in following.told() {
                        if self.json { output.json(&told)? } else { output.line(&told.to_string()) }
                    }
                    if let Some(ending) = ending {
                        return Ok(ending);
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

    /// The run's evidence, if it can be read: what is told of the end stands without it.
    async fn evidence(&self, engine: &Engine, execution: &ExecutionArn) -> Option<Evidence> {
        let key = evidence::key(Some(&self.plan), execution);
        shelf::read_json::<Evidence>(&engine.bucket, &key).await.ok().flatten().map(|(evidence, _)| evidence)
    }
}

/// Looks once: whether it ended, and then everything new in its history.
async fn look(engine: &Engine, execution: &ExecutionArn, following: &mut Following) -> Result<Option<Ending>, Refusal> {
    let ending = Ending::of(&engine.describe(execution).await?);
    for _ in 0..following::MOST_PAGES {
        let (events, next) = engine.history(execution, following.page()).await?;
        if !following.take(&events, next) {
            break;
        }
    }
    Ok(ending)
}
