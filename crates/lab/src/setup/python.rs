//! The gateway's Python: interpreter, hashed packages and our own launcher.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Progress, SetupError};

/// The pins, with a hash for every file that pip may take.
const REQUIREMENTS: &str = include_str!("../../python/requirements.txt");

/// The launcher's files: carried in our own program, so that both are always of one version.
const PROGRAM: &[(&str, &str)] = &[
    ("launch.py", include_str!("../../python/launch.py")),
    ("seams/__init__.py", include_str!("../../python/seams/__init__.py")),
    ("seams/access.py", include_str!("../../python/seams/access.py")),
    ("seams/alarm_rules.py", include_str!("../../python/seams/alarm_rules.py")),
    ("seams/alarms.py", include_str!("../../python/seams/alarms.py")),
    ("seams/callbacks.py", include_str!("../../python/seams/callbacks.py")),
    ("seams/error_names.py", include_str!("../../python/seams/error_names.py")),
    ("seams/executions.py", include_str!("../../python/seams/executions.py")),
    ("seams/fault_rules.py", include_str!("../../python/seams/fault_rules.py")),
    ("seams/faults.py", include_str!("../../python/seams/faults.py")),
    ("seams/functions.py", include_str!("../../python/seams/functions.py")),
    ("seams/hosted_zones.py", include_str!("../../python/seams/hosted_zones.py")),
    ("seams/rds.py", include_str!("../../python/seams/rds.py")),
    ("seams/retries.py", include_str!("../../python/seams/retries.py")),
    ("seams/rule_counts.py", include_str!("../../python/seams/rule_counts.py")),
    ("seams/schedules.py", include_str!("../../python/seams/schedules.py")),
    ("seams/symbols.py", include_str!("../../python/seams/symbols.py")),
];

/// Interpreters to try, newest last: the first that is new enough is taken.
const CANDIDATES: &[&str] = &["python3", "python3.13", "python3.12", "python3.11", "python3.10"];

/// The oldest Python that ministack runs on.
const OLDEST: (u32, u32) = (3, 10);

/// A virtual environment with the gateway's packages, and the launcher beside it.
#[derive(Clone, Debug)]
pub struct Python {
    /// The environment's interpreter.
    pub interpreter: PathBuf,
    /// The gateway's program, to be given to it.
    pub launcher: PathBuf,
}

impl Python {
    /// Makes the environment under `base`, or finds it made from the same pins.
    pub(super) fn prepare(base: &Path, progress: &dyn Progress) -> Result<Self, SetupError> {
        let venv = base.join("venv");
        let interpreter = venv.join("bin/python");
        let stamp = venv.join("requirements.txt");
        // The stamp is the pins themselves, written last: an interrupted set-up has none.
        let made = fs::read_to_string(&stamp).is_ok_and(|have| have == REQUIREMENTS);
        if !made || !interpreter.exists() {
            create(&venv, progress)?;
            install(base, &interpreter, progress)?;
            fs::write(&stamp, REQUIREMENTS).map_err(SetupError::io("writing", &stamp))?;
        }
        let launcher = write_program(&base.join("python"))?;
        Ok(Self { interpreter, launcher })
    }
}

fn create(venv: &Path, progress: &dyn Progress) -> Result<(), SetupError> {
    let system = find()?;
    progress.step("creating the gateway's Python environment");
    if venv.exists() {
        fs::remove_dir_all(venv).map_err(SetupError::io("removing", venv))?;
    }
    let made = Command::new(&system)
        .args(["-m", "venv"])
        .arg(venv)
        .stdin(Stdio::null())
        .output()
        .map_err(SetupError::io("running", Path::new(&system)))?;
    if made.status.success() && venv.join("bin/pip").exists() {
        return Ok(());
    }
    // Debian splits `ensurepip` off into a package of its own.
    let text = String::from_utf8_lossy(&made.stdout);
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(SetupError::NoPython { found: format!("`{system} -m venv` failed ({})", first.trim()), remedy: remedy() })
}

/// The first interpreter that is new enough.
fn find() -> Result<String, SetupError> {
    let mut found = "no python3 on the PATH".to_owned();
    for name in CANDIDATES {
        match version(name) {
            Some(version) if version >= OLDEST => return Ok((*name).to_owned()),
            Some((major, minor)) => found = format!("{name} is {major}.{minor}"),
            None => {}
        }
    }
    Err(SetupError::NoPython { found, remedy: remedy() })
}

fn version(interpreter: &str) -> Option<(u32, u32)> {
    let told = Command::new(interpreter)
        .args(["-c", "import sys; print(*sys.version_info[:2])"])
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|told| told.status.success())?;
    let text = String::from_utf8(told.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn remedy() -> String {
    if Path::new("/usr/bin/apt-get").exists() {
        "sudo apt-get install python3 python3-venv".to_owned()
    } else if cfg!(target_os = "macos") {
        "brew install python@3.13".to_owned()
    } else {
        "your system's package manager, for python3 (3.10 or newer)".to_owned()
    }
}

fn install(base: &Path, interpreter: &Path, progress: &dyn Progress) -> Result<(), SetupError> {
    progress.step("installing the gateway's Python packages (once; about 20 s)");
    let pins = base.join("requirements.txt");
    fs::write(&pins, REQUIREMENTS).map_err(SetupError::io("writing", &pins))?;
    let done = Command::new(interpreter)
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
        .args(["--require-hashes", "--no-deps", "--requirement"])
        .arg(&pins)
        .stdin(Stdio::null())
        .output()
        .map_err(SetupError::io("running", interpreter))?;
    let log = base.join("pip.log");
    fs::write(&log, [&done.stdout[..], &done.stderr[..]].concat()).map_err(SetupError::io("writing", &log))?;
    if done.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(3)..].join(" / ");
    Err(SetupError::Packages { log, tail })
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
