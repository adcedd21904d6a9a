//! `lifeboat lab up`: a lab without a disaster, to try things on.

use std::process::ExitCode;

use clap::Args;
use lab::{Storage, setup::Progress};

use super::{access, bring_up, observer::OnTerminal};
use crate::{output::Output, refusal::Refusal};

/// Brings a lab up and leaves it up until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
AWS on this machine, the engine in its Regions, and the plan's pair with its data, watched and well: nothing has failed
over. It says how to point the AWS CLI, this command and psql at it, and where the notices lie.

Examples:
  lifeboat lab up
  lifeboat lab up --plan plans/leanvibe.yaml --slot 7
  lifeboat lab up --manners aws

Exit codes: 0 it was up until Ctrl-C; 1 it could not be brought up; 2 wrong command line.")]
pub(crate) struct Up {
    #[command(flatten)]
    wanted: bring_up::LabArguments,
}

impl Up {
    pub(super) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let wanted = self.wanted.read()?;
        let observer = OnTerminal::new();
        let lab = tokio::select! {
            lab = wanted.bring_up(Storage::Memory, &observer) => lab.map_err(|error| bring_up::refusal(&error))?,
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
