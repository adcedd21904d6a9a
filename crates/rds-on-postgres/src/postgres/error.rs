//! What did not work with PostgreSQL.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What did not work with PostgreSQL, and where to look.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// A program cannot be run.
    #[error("cannot run {program}")]
    NotRun {
        /// The program.
        program: PathBuf,
        /// What the system or the server says.
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("{program} ended with {status}: {said}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        said: String,
    },
    /// A program did not end in time, and was ended.
    #[error("{program} did not end within {} s", within.as_secs())]
    TooLong {
        /// The program.
        program: String,
        /// How long it had.
        within: Duration,
    },
    /// A server did not start.
    #[error("the server {name} did not start: {why}; its log is {}", log.display())]
    NotStarted {
        /// The server.
        name: String,
        /// What it said.
        why: String,
        /// Where all it said is.
        log: PathBuf,
    },
    /// A server has no process.
    #[error("the server {name} is not running")]
    NotRunning {
        /// The server.
        name: String,
    },
    /// A file or a process cannot be dealt with.
    #[error("cannot read or write files of PostgreSQL")]
    Files(#[from] io::Error),
    /// A certificate cannot be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A server does not answer, or not as awaited, in time.
    #[error("the server {name} does not answer within {} ms", within.as_millis())]
    Silent {
        /// The server.
        name: String,
        /// How long it had.
        within: Duration,
    },
    /// A server refuses a login or a statement.
    #[error("the server {name} refuses a statement")]
    Statement {
        /// The server.
        name: String,
        /// What the system or the server says.
        source: tokio_postgres::Error,
    },
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
