//! `lifeboat failover`: starts a failover by hand and follows it to its end.

use std::process::ExitCode;

use clap::Args;
use domain::{
    failover::run::{Consent, RunKind},
    words::id::PlanName,
};

use crate::{output::Output, refusal::Refusal, request::Order, run::Ordered};

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
    /// Consents, by name and for this run alone, to lose more than the plan's budget; it does not wait for work that RDS
    /// shows on the primary either.
    #[arg(long)]
    accept_data_loss: bool,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object for each answer of a step, and one for the end.
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let Self { plan, order, accept_data_loss, region, json } = self;
        let why = order.why.trim().to_owned();
        let consent = accept_data_loss.then(|| Consent { by: order.by.clone(), why });
        Ordered { kind: RunKind::Failover, plan, order, consent, region, json }.run(output).await
    }
}
