//! What a machine needs before a lab can start, made once and kept under the lab's base folder.
//!
//! - the gateway's Python: a virtual environment from hashed pins ([`Python`]);
//! - PostgreSQL's server programs, found or, where that is allowed, installed ([`postgres`]).
//!
//! A second call finds everything in place and takes milliseconds.

mod postgres;
mod python;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

pub use python::Python;

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
    /// The interpreter that runs the gateway, and its program.
    pub python: Python,
    /// The folder of `postgres`, `initdb`, `pg_basebackup` and `pg_ctl`.
    pub postgres_bin: PathBuf,
}

/// Why a machine could not be made ready. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No usable Python.
    #[error("{found}; the lab needs Python 3.10 or newer with its venv module: run `{remedy}`")]
    NoPython {
        /// What was looked for and what was there instead.
        found: String,
        /// The command that installs it here.
        remedy: String,
    },
    /// pip could not install the pinned packages.
    #[error("installing the gateway's Python packages failed, see {log}: {tail}")]
    Packages {
        /// pip's whole output.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// No PostgreSQL server programs, and none could be installed.
    #[error("{found}; the lab needs the server programs of PostgreSQL 14 or newer: run `{remedy}`")]
    NoPostgres {
        /// What was found instead.
        found: String,
        /// The command that installs them here.
        remedy: String,
    },
    /// A file or program could not be used.
    #[error("{what} {path}")]
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
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
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
    Ok(Toolbox { python: Python::prepare(base, progress)?, postgres_bin: postgres::prepare(base, progress)? })
}

/// Holds the set-up's lock until dropped: one lab sets up at a time.
fn wait_for_turn(base: &Path, progress: &dyn Progress) -> Result<File, SetupError> {
    let path = base.join("setup.lock");
    let lock = File::create(&path).map_err(SetupError::io("creating", &path))?;
    if lock.try_lock().is_err() {
        progress.step("waiting for another lab to finish its set-up");
        lock.lock().map_err(SetupError::io("locking", &path))?;
    }
    Ok(lock)
}
