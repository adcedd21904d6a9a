//! What a machine needs before a lab can start, made once and kept under the lab's base folder.
//!
//! - the gateway's Python: a virtual environment from hashed pins ([`python`]);
//! - PostgreSQL's server programs, found or, where that is allowed, installed ([`postgres`]).
//!
//! A second call finds everything in place and takes milliseconds.

mod postgres;
mod python;

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Hears what is being done, to show it to the person who waits.
pub trait Progress: Sync {
    /// One sentence on what begins now.
    fn step(&self, what: &str);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _what: &str) {}
}

/// What the set-up found or made.
#[derive(Clone, Debug)]
pub struct Toolbox {
    /// The Python that runs the gateway, with its packages.
    pub interpreter: PathBuf,
    /// The folder of `postgres`, `initdb`, `pg_basebackup` and `pg_ctl`.
    pub postgres_bin: PathBuf,
}

/// Why a machine could not be made ready. Each says what to do.
#[derive(Debug)]
pub enum SetupError {
    /// No usable Python.
    NoPython {
        /// What was looked for and what was there instead.
        found: String,
        /// The command that installs it here.
        remedy: String,
    },
    /// pip could not install the pinned packages.
    Packages {
        /// pip's whole output.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// No PostgreSQL server programs, and none could be installed.
    NoPostgres {
        /// What was found instead.
        found: String,
        /// The command that installs them here.
        remedy: String,
    },
    /// A file or program could not be used.
    Io {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SetupError {
    /// A step of the set-up that the system refused.
    pub fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPython { found, remedy } => {
                write!(f, "{found}; the lab needs Python 3.10 or newer with its venv module: run `{remedy}`")
            }
            Self::Packages { log, tail } => {
                write!(f, "installing the gateway's Python packages failed, see {}: {tail}", log.display())
            }
            Self::NoPostgres { found, remedy } => {
                write!(f, "{found}; the lab needs the server programs of PostgreSQL 14 or newer: run `{remedy}`")
            }
            Self::Io { what, path, .. } => write!(f, "{what} {}", path.display()),
        }
    }
}

impl Error for SetupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::NoPython { .. } | Self::Packages { .. } | Self::NoPostgres { .. } => None,
        }
    }
}

/// Whether [`prepare`] has something to make that takes time.
#[must_use]
pub fn is_due(base: &Path) -> bool {
    !python::is_made(base) || postgres::find().is_none()
}

/// Looks, in a tenth of a second and changing nothing, whether [`prepare`] would stop for what only a person can install.
///
/// # Errors
/// [`SetupError::NoPython`] or [`SetupError::NoPostgres`].
pub fn look(base: &Path) -> Result<(), SetupError> {
    if !python::is_made(base) {
        python::find()?;
    }
    if postgres::find().is_none() && !postgres::may_install() {
        return Err(postgres::missing());
    }
    Ok(())
}

/// Makes this machine ready: blocks while it installs, and while another lab does.
///
/// `base` is the folder of all labs, `target/lab` in a checkout. May install Debian's package
/// `postgresql` when run as root on a machine without PostgreSQL; nothing else outside of `base`
/// is changed.
///
/// # Errors
/// [`SetupError`]; its text names the command that mends it.
pub fn prepare(base: &Path, progress: &dyn Progress) -> Result<Toolbox, SetupError> {
    fs::create_dir_all(base).map_err(SetupError::io("creating", base))?;
    let _turn = wait_for_turn(base, progress)?;
    Ok(Toolbox { interpreter: python::prepare(base, progress)?, postgres_bin: postgres::prepare(base, progress)? })
}

/// Holds the set-up's lock until dropped: one lab sets up at a time.
///
/// # Errors
/// [`SetupError::Io`].
pub fn wait_for_turn(base: &Path, progress: &dyn Progress) -> Result<File, SetupError> {
    let path = base.join("setup.lock");
    let lock = File::create(&path).map_err(SetupError::io("creating", &path))?;
    if lock.try_lock().is_err() {
        progress.step("waiting for another lab to finish its set-up");
        lock.lock().map_err(SetupError::io("locking", &path))?;
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_command_that_mends_it() {
        let error = SetupError::NoPython { found: "no python3 on the PATH".into(), remedy: "brew install".into() };
        assert_eq!(
            error.to_string(),
            "no python3 on the PATH; the lab needs Python 3.10 or newer with its venv module: run `brew install`"
        );
    }
}
