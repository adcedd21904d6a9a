//! `lifeboat approve`: answers a run that waits for a person.

use std::process::ExitCode;

use clap::Args;
use domain::{
    failover::{
        approval::{Answer, ApprovalRequest, Decision},
        run::RunKind,
    },
    words::id::{ExecutionArn, PlanName},
};
use edge::object_store;

use crate::{engine::Engine, output::Output, pair, refusal::Refusal, request::Order, run};

/// Answers a run that waits for a person.
#[derive(Debug, Args)]
#[command(after_help = "\
The notice that asked shows this command with its RUN. The answer, who gave it and why are kept in the run's record.

Examples:
  lifeboat approve alarm-8f3a --plan lab --region us-west-2 --by anna --why 'us-east-1 is down, status page agrees'
  lifeboat approve alarm-8f3a --plan lab --region us-west-2 --by anna --why 'planned work on the primary' --deny")]
pub(crate) struct Command {
    /// The run: its execution's name, or its ARN.
    #[arg(value_name = "RUN")]
    run: String,
    /// The plan's name.
    #[arg(long, value_name = "NAME")]
    plan: PlanName,
    #[command(flatten)]
    order: Order,
    /// Says no: the run ends as refused and nothing is changed.
    #[arg(long)]
    deny: bool,
    /// Consents as well, by name and for this run alone, to lose more than the plan's budget.
    #[arg(long, conflicts_with = "deny")]
    accept_data_loss: bool,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        self.order.check()?;
        let (region, name) = self.place()?;
        let engine = Engine::of(RunKind::Failover.machine(), region.as_deref()).await?;
        let execution = engine.execution(&name)?;
        let key = object_store::approval_key(&pair::name(&engine, &self.plan).await, &name);
        let Some((asked, _)) = object_store::read_json::<ApprovalRequest>(&engine.bucket, &key).await? else {
            return Err(Refusal::failed(
                format!("run `{name}` of plan `{}` has asked nobody in {} (no object {key})", self.plan, engine.region),
                "Take RUN, --plan and --region from the notice.",
            ));
        };
        if asked.execution != execution {
            return Err(Refusal::failed(
                format!("{key} belongs to {}, not to {execution}", asked.execution),
                "Take RUN and --region from the notice.",
            ));
        }
        // Step Functions may take an answer that nobody waits for.
        if let Some(how) = run::how_it_ended(&engine.describe(&execution).await?) {
            return Err(Refusal::failed(
                format!("run `{name}` of plan `{}` takes no answer any more: {how}", self.plan),
                "A failover can be started by hand: `lifeboat failover --help`.",
            ));
        }
        let decision = if self.deny { Decision::Deny } else { Decision::Approve };
        let answer = Answer {
            decision,
            by: self.order.by.clone(),
            why: self.order.why.trim().to_owned(),
            accept_data_loss: self.accept_data_loss,
        };
        engine.answer(&asked.task_token, &answer).await?;
        if self.json {
            output.json(&answer)?;
        } else {
            let verb = if self.deny { "denied" } else { "approved" };
            output.line(&format!(
                "{verb}: run `{name}` of plan `{}`, by {}. It had asked because: {}",
                self.plan, answer.by, asked.because
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The Region and the execution's name; an ARN names both.
    fn place(&self) -> Result<(Option<String>, String), Refusal> {
        if !self.run.starts_with("arn:") {
            return Ok((self.region.clone(), self.run.clone()));
        }
        let arn: ExecutionArn =
            self.run.parse().map_err(|error| Refusal::usage(format!("RUN: {error}"), "Take it from the notice."))?;
        let region = arn.region().to_owned();
        match &self.region {
            Some(other) if *other != region => {
                Err(Refusal::usage(format!("--region is {other}, but the run is in {region}"), "Leave --region out."))
            }
            _ => Ok((Some(region), arn.name().to_owned())),
        }
    }
}
