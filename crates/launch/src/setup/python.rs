//! The gateway's Python: interpreter and hashed packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Progress, SetupError};

/// The pins, with a hash for every file that pip may take.
const REQUIREMENTS: &str = include_str!("../../python/requirements.txt");

/// Interpreters to try, newest last: the first that is new enough is taken.
const CANDIDATES: &[&str] = &["python3", "python3.13", "python3.12", "python3.11", "python3.10"];

/// The oldest Python that ministack runs on.
const OLDEST: (u32, u32) = (3, 10);

/// Makes the environment under `base`, or finds it made from the same pins. Gives its interpreter.
pub(super) fn prepare(base: &Path, progress: &dyn Progress) -> Result<PathBuf, SetupError> {
    let Environment { venv, interpreter, stamp } = Environment::below(base);
    if !is_made(base) {
        create(&venv, progress)?;
        install(base, &interpreter, progress)?;
        fs::write(&stamp, REQUIREMENTS).map_err(SetupError::io("writing", &stamp))?;
    }
    Ok(interpreter)
}

/// Whether the environment is there, from these pins.
pub(super) fn is_made(base: &Path) -> bool {
    let Environment { interpreter, stamp, .. } = Environment::below(base);
    fs::read_to_string(&stamp).is_ok_and(|have| have == REQUIREMENTS) && interpreter.exists()
}

/// Where the environment is.
struct Environment {
    venv: PathBuf,
    interpreter: PathBuf,
    /// The pins themselves, written last: an interrupted set-up has none.
    stamp: PathBuf,
}

impl Environment {
    fn below(base: &Path) -> Self {
        let venv = base.join("venv");
        Self { interpreter: venv.join("bin/python"), stamp: venv.join("requirements.txt"), venv }
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
    let text = String::from_utf8_lossy(&made.stdout);
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(SetupError::NoPython { found: format!("`{system} -m venv` failed ({})", first.trim()), remedy: remedy() })
}

/// The first interpreter that is new enough and can make environments.
pub(super) fn find() -> Result<String, SetupError> {
    let mut found = "no python3 on the PATH".to_owned();
    for name in CANDIDATES {
        match version(name) {
            Some(version) if version >= OLDEST && makes_environments(name) => return Ok((*name).to_owned()),
            // Debian splits `ensurepip` off into a package of its own.
            Some(version) if version >= OLDEST => found = format!("{name} has no module venv, or no ensurepip"),
            Some((major, minor)) => found = format!("{name} is {major}.{minor}"),
            None => {}
        }
    }
    Err(SetupError::NoPython { found, remedy: remedy() })
}

fn makes_environments(interpreter: &str) -> bool {
    let modules = Command::new(interpreter).args(["-c", "import ensurepip, venv"]).stdin(Stdio::null()).output();
    modules.is_ok_and(|told| told.status.success())
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
