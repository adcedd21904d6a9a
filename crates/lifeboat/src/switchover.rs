//! `lifeboat switchover`: hands a primary that works over to its replica.

use std::process::ExitCode;

use clap::Args;
use domain::{failover::run::RunKind, words::id::PlanName};

use crate::{output::Output, refusal::Refusal, request::Order, run::Ordered};

/// Hands a primary that works over to its recovery Region, losing nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Both sides must work. All that can be known beforehand is looked at before anything is changed; then the application's
sessions on the primary are ended, and the replica is promoted once it has replayed the primary's whole log. For a
primary that failed there is `lifeboat failover`.

Example:
  lifeboat switchover --plan lab --region us-west-2 --by anna --why 'the provider works on us-east-1 tonight'

Exit codes: 0 done; 3 refused; 4 undone; 5 needs a person; 6 done, and names of the application were not moved;
1 it could not be started or followed; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    #[command(flatten)]
    order: Order,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object for each answer of a step, and one for the end.
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let Self { plan, order, region, json } = self;
        Ordered { kind: RunKind::Switchover, plan, order, consent: None, class: None, region, json }.run(output).await
    }
}
