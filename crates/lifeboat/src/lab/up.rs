//! `lifeboat lab up`: a lab without a disaster, to try things on.

use std::process::ExitCode;

use clap::Args;
use lab::setup::Progress;

use super::{access, bring_up, manners, observer::OnTerminal};
use crate::{output::Output, refusal::Refusal};

/// Brings a lab up and leaves it up until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
AWS on this machine, the engine in its Regions, and the plan's pair with its data, watched and well: nothing has failed
over. It says how to point the AWS CLI, this command and psql at it, and where the notices lie.

Examples:
  lifeboat lab up
  lifeboat lab up --plan plans/lab.yaml --slot 7
  lifeboat lab up --manners aws

Exit codes: 0 it was up until Ctrl-C; 1 it could not be brought up; 2 wrong command line.")]
pub(crate) struct Up {
    /// The plan whose system is made.
    #[arg(long, default_value = "plans/lab.yaml", value_name = "FILE")]
    plan: String,
    #[command(flatten)]
    manners: manners::Arguments,
    /// The lab's slot, 1 to 99, which decides its addresses; the first free one by default.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
    slot: Option<u8>,
}

impl Up {
    pub(super) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let plan = bring_up::read_plan(&self.plan)?;
        let slot = bring_up::slot(self.slot)?;
        let manners = self.manners.read()?;
        let observer = OnTerminal::new();
        let lab = tokio::select! {
            lab = bring_up::bring_up(&plan, slot, manners, false, &observer) => lab.map_err(|error| bring_up::refusal(&error))?,
            _ = tokio::signal::ctrl_c() => return Err(Refusal::Interrupted),
        };
        for line in access::how_to_talk_to(&lab)? {
            output.line(&line);
        }
        drop(tokio::signal::ctrl_c().await);
        observer.step("taking the lab down");
        lab.shut_down().await;
        Ok(ExitCode::SUCCESS)
    }
}
