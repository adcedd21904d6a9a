//! `lifeboat plan remove`: takes a plan out of a Region.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::Args;
use domain::{
    failover::lease::Lease,
    synth::stack_name,
    words::{
        failure::Failure,
        id::{PlanName, Region},
    },
};
use edge::{
    aws,
    object_store::{self, Bucket},
    rollout,
};

use crate::{
    output::{self, Output},
    refusal::Refusal,
};

/// Takes a plan out of a Region: its stack, then its object.
#[derive(Debug, Args)]
#[command(after_help = "\
From then on nobody watches the plan from there, and nothing of it starts there. What it left stays: evidence, backups, the
lease. While a run holds the lease, owes something, or a guard keeps an old primary out, nothing is taken away.

Example:
  lifeboat plan remove lab --region us-west-2

Exit codes: 0 it is gone; 1 it could not be taken away, or was not to be; 2 wrong command line, or nobody to ask.")]
pub(crate) struct Remove {
    /// The plan's name.
    #[arg(value_name = "PLAN")]
    plan: PlanName,
    /// The Region.
    #[arg(long)]
    region: Region,
    /// Does it without asking.
    #[arg(long)]
    yes: bool,
}

impl Remove {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let Self { plan, region, yes } = self;
        let config = aws::config(Some(region.as_str())).await;
        output::progress(&format!("looking at {region}"));
        let Some(bucket) = rollout::bucket(&region, &config).await? else {
            return Err(Refusal::failed(
                format!("there is no engine in {region}"),
                "Name another Region, or another account.",
            ));
        };
        if plan.is_of_a_pair() {
            let what = format!("`{plan}` is one pair of plan `{}`", plan.whole());
            return Err(Refusal::usage(what, "Take it out of the plan's file, and apply that. Nothing was changed."));
        }
        for pair in pairs(&bucket, &plan).await? {
            let lease = match object_store::read_json::<Lease>(&bucket, &object_store::lease_key(&pair)).await {
                Ok(lease) => lease.map(|(lease, _)| lease),
                Err(failure @ Failure::InvalidInput(_)) => return Err(at_work(&pair, &failure.chain())),
                Err(failure) => return Err(failure.into()),
            };
            if let Some(why) = lease.as_ref().and_then(Lease::at_work) {
                return Err(at_work(&pair, &why));
            }
        }
        output.line(&format!(
            "plan {plan} in {region}: the stack {} and s3://{}/{} are taken away",
            stack_name(&plan),
            bucket.name(),
            object_store::plan_key(&plan)
        ));
        if !yes {
            if !io::stdin().is_terminal() {
                let what = "nobody can be asked whether this may be done: standard input is no terminal";
                return Err(Refusal::usage(what, "Give --yes. Nothing was changed."));
            }
            output.remark_always("Do this? Only `yes` does it:");
            if !super::apply::ask().await {
                output.line("nothing was changed");
                return Ok(ExitCode::FAILURE);
            }
        }
        rollout::remove(&plan, &region, &config, &bucket, &|step| output::progress(step)).await?;
        output.line(&format!("plan `{plan}` is not in force in {region} any more"));
        Ok(ExitCode::SUCCESS)
    }
}

/// The names of the plan's pairs; its own where the plan cannot be read any more.
async fn pairs(bucket: &Bucket, plan: &PlanName) -> Result<Vec<PlanName>, Refusal> {
    match object_store::read_plan(bucket, plan).await {
        Ok((plan, _)) => Ok(plan.names_of_pairs().collect()),
        Err(Failure::NotFound(_) | Failure::InvalidInput(_)) => Ok(vec![plan.clone()]),
        Err(failure) => Err(failure.into()),
    }
}

fn at_work(plan: &PlanName, why: &str) -> Refusal {
    let remedy = "Wait for its end, or see to it (RUNBOOK.md). Nothing was changed.";
    Refusal::failed(format!("plan `{plan}` is at work: {why}"), remedy)
}
