//! `lifeboat failover`: starts a failover by hand and follows it to its end.

mod all;

use std::process::ExitCode;

use clap::Args;
use domain::{
    failover::run::{Consent, RunKind},
    plan::Disaster,
    words::id::{ComponentName, PlanName},
};

use crate::{output::Output, refusal::Refusal, request::Order, run::Ordered};
use all::OrderedAll;

/// Starts a failover by hand and follows it to its end.
#[derive(Debug, Args)]
#[command(after_help = "\
The run judges, fences and promotes exactly as one that an alarm started; a person's order makes it fail over where the
plan's policy would have asked, or refuse and say why. Given twice with the same words while it runs, it is one run.
A plan's name means its first pair, PLAN.COMPONENT a further one. With --all or --pairs one order moves several: all are
judged before the first is fenced, then each is moved by a run of its own, in the order given.

Examples:
  lifeboat failover --plan lab --region us-west-2 --by anna --why 'us-east-1 is down'
  lifeboat failover --plan lab --region us-west-2 --by anna --why 'CTO agreed to lose 40 s' --accept-data-loss
  lifeboat failover --plan shop.ledger --region us-west-2 --by anna --why 'the disk of the ledger is gone'
  lifeboat failover --plan shop --class corruption --region us-west-2 --by anna --why 'totals are wrong since noon'
  lifeboat failover --plan shop --pairs ledger,orders --region us-west-2 --by anna --why 'us-east-1 is down'

Exit codes: 0 done; 3 refused; 4 undone; 5 needs a person; 6 done, and names of the application were not moved;
1 it could not be started or followed; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    /// Fails all pairs of the plan over, in the plan's order.
    #[arg(long, conflicts_with = "pairs")]
    all: bool,
    /// Fails these pairs of the plan over, in this order: their components, with commas between.
    #[arg(long, value_name = "COMPONENT,...", value_delimiter = ',')]
    pairs: Vec<ComponentName>,
    #[command(flatten)]
    order: Order,
    /// Consents, by name and for this run alone, to lose more than the plan's budget; it does not wait for work that RDS
    /// shows on the primary either.
    #[arg(long)]
    accept_data_loss: bool,
    /// What has happened, where only a person can tell: severalRegions, application, network, corruption, breach or deletion. Only
    /// against the first a failover may help; against the others it is refused with what does.
    #[arg(long, value_name = "CLASS", value_parser = class)]
    class: Option<Disaster>,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object for each answer of a step, and one for the end.
    #[arg(long)]
    json: bool,
}

/// A class, as a plan says it.
fn class(text: &str) -> Result<Disaster, String> {
    let told = || Disaster::ALL.into_iter().filter(|class| !class.is_told_by_the_judge());
    told().find(|class| class.to_string() == text).ok_or_else(|| {
        let classes: Vec<String> = told().map(|class| class.to_string()).collect();
        format!("expected one of {}: the judge tells every other one by itself", classes.join(", "))
    })
}

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let Self { plan, all, pairs, order, accept_data_loss, class, region, json } = self;
        let why = order.why.trim().to_owned();
        let consent = accept_data_loss.then(|| Consent { by: order.by.clone(), why });
        if all || !pairs.is_empty() {
            let pairs = (!all).then_some(pairs);
            return OrderedAll { plan, pairs, order, consent, class, region, json }.run(output).await;
        }
        Ordered { kind: RunKind::Failover, plan, order, consent, class, region, json }.run(output).await
    }
}
