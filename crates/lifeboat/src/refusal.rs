//! Why a command was not done, and what to do next.

use std::process::ExitCode;

use domain::words::failure::Failure;

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The command line cannot be carried out as it is.
    #[error("{what}\n  {remedy}")]
    Usage {
        /// What was wrong, and where.
        what: String,
        /// What to do next.
        remedy: String,
    },
    /// It was tried, and could not be done.
    #[error("{what}\n  {remedy}")]
    Failed {
        /// What was wrong, and where.
        what: String,
        /// What to do next.
        remedy: String,
    },
    /// A person stopped it.
    #[error("interrupted\n  Nothing is left running.")]
    Interrupted,
    /// A person stopped watching a run, which goes on.
    #[error("run `{run}` goes on; only the watching has stopped\n  {again}")]
    Unwatched {
        /// The run's name.
        run: String,
        /// How it is watched again.
        again: String,
    },
}

impl Refusal {
    pub(crate) fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), remedy: remedy.into() }
    }

    pub(crate) fn failed(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), remedy: remedy.into() }
    }

    /// 2 for a wrong command line, as clap has it; 130 for Ctrl-C, as shells have it; else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage { .. } => ExitCode::from(2),
            Self::Failed { .. } => ExitCode::from(1),
            Self::Interrupted | Self::Unwatched { .. } => ExitCode::from(130),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let remedy = match &failure {
            Failure::InvalidInput(_) => "Correct it and try again.",
            Failure::NotFound(_) => "Correct the name, the Region (--region) or the account (AWS_PROFILE).",
            Failure::AwsTransient { .. } => {
                "AWS did not answer in order: try again, and look at AWS_ENDPOINT_URL if it is set."
            }
            Failure::AwsDenied { .. } => "Log in with a role that may do this (AWS_PROFILE).",
            Failure::AwsRejected { .. } => "AWS would answer the same again: correct what it names.",
            Failure::Conflict(_) => "Look again: somebody changed it meanwhile.",
            Failure::Superseded(_) => "Look again with `lifeboat status`: another run was faster.",
            Failure::Database { .. } => "Look at the database's own log.",
        };
        Self::failed(failure.chain(), remedy)
    }
}
