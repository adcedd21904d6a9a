//! `lifeboat lab`: AWS, the engine and a plan's system on this machine.

mod access;
mod bring_up;
mod drill;
mod manners;
mod observer;
mod random;
mod up;

use std::process::ExitCode;

use clap::Subcommand;
use processes::supervisor;

use crate::{output::Output, refusal::Refusal};

/// What to do with a lab.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Brings a lab up and leaves it up until Ctrl-C.
    Up(up::Up),
    /// Makes a disaster in a lab and shows what comes of it.
    Drill(drill::Drill),
}

impl Command {
    /// Puts a supervisor above this process, which ends whatever this leaves running. To be called before any thread is
    /// started.
    pub(crate) fn supervised(self) -> Result<Self, Refusal> {
        let starts_a_lab = match &self {
            Self::Up(_) => true,
            Self::Drill(drill) => drill.starts_a_lab(),
        };
        if starts_a_lab {
            supervisor::supervise().map_err(|error| {
                Refusal::failed(format!("no supervisor can be set up: {error}"), "Nothing was started.")
            })?;
        }
        Ok(self)
    }

    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        match self {
            Self::Up(up) => up.run(output).await,
            Self::Drill(drill) => drill.run(output).await,
        }
    }
}
