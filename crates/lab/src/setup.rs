//! What a machine needs before a lab can start, made once and kept under the lab's base folder: what [`launch::setup`]
//! makes, and the gateway's program for it.

use std::fs;
use std::path::{Path, PathBuf};

pub use launch::setup::{Progress, SetupError, Silent};

/// The launcher's files: carried in our own program, so that both are always of one version.
const PROGRAM: &[(&str, &str)] = &[
    ("launch.py", include_str!("../python/launch.py")),
    ("seams/__init__.py", include_str!("../python/seams/__init__.py")),
    ("seams/access.py", include_str!("../python/seams/access.py")),
    ("seams/alarm_rules.py", include_str!("../python/seams/alarm_rules.py")),
    ("seams/alarms.py", include_str!("../python/seams/alarms.py")),
    ("seams/callbacks.py", include_str!("../python/seams/callbacks.py")),
    ("seams/error_names.py", include_str!("../python/seams/error_names.py")),
    ("seams/executions.py", include_str!("../python/seams/executions.py")),
    ("seams/fault_rules.py", include_str!("../python/seams/fault_rules.py")),
    ("seams/faults.py", include_str!("../python/seams/faults.py")),
    ("seams/functions.py", include_str!("../python/seams/functions.py")),
    ("seams/hosted_zones.py", include_str!("../python/seams/hosted_zones.py")),
    ("seams/rds.py", include_str!("../python/seams/rds.py")),
    ("seams/retries.py", include_str!("../python/seams/retries.py")),
    ("seams/rule_counts.py", include_str!("../python/seams/rule_counts.py")),
    ("seams/schedules.py", include_str!("../python/seams/schedules.py")),
    ("seams/symbols.py", include_str!("../python/seams/symbols.py")),
];

/// A virtual environment with the gateway's packages, and the launcher beside it.
#[derive(Clone, Debug)]
pub struct Python {
    /// The environment's interpreter.
    pub interpreter: PathBuf,
    /// The gateway's program, to be given to it.
    pub launcher: PathBuf,
}

/// What the set-up found or made.
#[derive(Clone, Debug)]
pub struct Toolbox {
    /// The interpreter that runs the gateway, and its program.
    pub python: Python,
    /// The folder of `postgres`, `initdb`, `pg_basebackup` and `pg_ctl`.
    pub postgres_bin: PathBuf,
}

/// Makes this machine ready, by [`launch::setup::prepare`], and writes the gateway's program.
///
/// # Errors
/// [`SetupError`]; its text names the command that mends it.
pub fn prepare(base: &Path, progress: &dyn Progress) -> Result<Toolbox, SetupError> {
    let made = launch::setup::prepare(base, progress)?;
    let _turn = launch::setup::wait_for_turn(base, progress)?;
    let launcher = write_program(&base.join("python"))?;
    Ok(Toolbox { python: Python { interpreter: made.interpreter, launcher }, postgres_bin: made.postgres_bin })
}

/// Writes the launcher where it differs; a running gateway has read it already.
fn write_program(folder: &Path) -> Result<PathBuf, SetupError> {
    let seams = folder.join("seams");
    fs::create_dir_all(&seams).map_err(SetupError::io("creating", &seams))?;
    for (name, text) in PROGRAM {
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|have| have == *text) {
            continue;
        }
        let draft = path.with_extension("draft");
        fs::write(&draft, text).map_err(SetupError::io("writing", &draft))?;
        fs::rename(&draft, &path).map_err(SetupError::io("writing", &path))?;
    }
    Ok(folder.join("launch.py"))
}
