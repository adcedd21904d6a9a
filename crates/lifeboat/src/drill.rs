//! `lifeboat drill`: kept free for drills in an AWS account.

use std::ffi::OsString;

use clap::Args;

use crate::refusal::Refusal;

/// Says where drills on this machine are; drills in an AWS account are not there yet.
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = "\
A drill on this machine:
  lifeboat lab drill --help"
)]
pub(crate) struct Command {
    /// Whatever is asked for.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

impl Command {
    /// Refuses, and names the command that was meant.
    pub(crate) fn run(self) -> Refusal {
        let arguments: String = self.arguments.iter().map(|word| format!(" {}", word.to_string_lossy())).collect();
        Refusal::usage(
            "`lifeboat drill` is kept for drills in an AWS account, which do not exist yet; drills on this machine are \
             `lifeboat lab drill`",
            format!("Run `lifeboat lab drill{arguments}`."),
        )
    }
}
