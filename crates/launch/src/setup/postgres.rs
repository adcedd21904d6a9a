//! PostgreSQL's server programs: found, or installed from Debian's packages when we may.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Progress, SetupError};

/// All of these must be in one folder.
const PROGRAMS: &[&str] = &["postgres", "initdb", "pg_ctl", "pg_basebackup"];

/// The oldest server that the lab is tried with.
const OLDEST_MAJOR: u32 = 14;

const APT: &str = "/usr/bin/apt-get";

/// Debian's packages create and start a cluster of their own unless this says no.
const CREATE_NO_CLUSTER: &str = "create_main_cluster = false\nstart_conf = manual\n";

/// Finds the newest server programs, or installs them, or says how.
pub(super) fn prepare(base: &Path, progress: &dyn Progress) -> Result<PathBuf, SetupError> {
    if let Some(folder) = find() {
        return Ok(folder);
    }
    if may_install() {
        progress.step("installing Debian's package postgresql (no cluster is created or started)");
        install(base)?;
        if let Some(folder) = find() {
            return Ok(folder);
        }
    }
    Err(missing())
}

/// Whether we may install what is missing: as root, on a Debian.
pub(super) fn may_install() -> bool {
    // The standard library has no word for this; it links with the C library that has.
    unsafe extern "C" {
        safe fn geteuid() -> u32;
    }
    geteuid() == 0 && Path::new(APT).exists()
}

/// That there are none.
pub(super) fn missing() -> SetupError {
    SetupError::NoPostgres { found: "no server programs of PostgreSQL found".to_owned(), remedy: remedy() }
}

fn remedy() -> String {
    if Path::new(APT).exists() {
        "sudo apt-get install postgresql".to_owned()
    } else if cfg!(target_os = "macos") {
        "brew install postgresql@17".to_owned()
    } else {
        "your system's package manager, for the PostgreSQL server (initdb, postgres, pg_basebackup)".to_owned()
    }
}

/// The folder with the newest complete set of programs that is new enough.
pub(super) fn find() -> Option<PathBuf> {
    let versioned = ["/usr/lib/postgresql", "/usr/local/lib/postgresql"].iter().flat_map(|root| bins_below(root));
    let homebrew = ["/opt/homebrew/opt", "/usr/local/opt"].iter().flat_map(|root| bins_below(root));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let searched: Vec<PathBuf> = std::env::split_paths(&path).collect();
    searched
        .into_iter()
        .chain(versioned)
        .chain(homebrew)
        .filter(|folder| PROGRAMS.iter().all(|program| folder.join(program).is_file()))
        .filter_map(|folder| Some((major(&folder)?, folder)))
        .filter(|(major, _)| *major >= OLDEST_MAJOR)
        // Of equals the first, which is the one on the PATH.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, folder)| folder)
}

/// `<root>/<anything>/bin`.
fn bins_below(root: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    entries.filter_map(Result::ok).map(|entry| entry.path().join("bin")).collect()
}

/// "postgres (PostgreSQL) 15.8 (Debian …)" → 15.
fn major(folder: &Path) -> Option<u32> {
    let told = Command::new(folder.join("postgres")).arg("--version").stdin(Stdio::null()).output().ok()?;
    parse_major(&String::from_utf8(told.stdout).ok()?)
}

fn parse_major(text: &str) -> Option<u32> {
    let number = text.split_whitespace().find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn install(base: &Path) -> Result<(), SetupError> {
    let settings = Path::new("/etc/postgresql-common/createcluster.conf");
    if !settings.exists() {
        if let Some(folder) = settings.parent() {
            fs::create_dir_all(folder).map_err(SetupError::io("creating", folder))?;
        }
        fs::write(settings, CREATE_NO_CLUSTER).map_err(SetupError::io("writing", settings))?;
    }
    let log = base.join("apt.log");
    let mut said = Vec::new();
    for arguments in [&["update"][..], &["install", "--yes", "--no-install-recommends", "postgresql"][..]] {
        let done = Command::new(APT)
            .args(arguments)
            // An existing settings file is kept without asking: there is nobody to ask.
            .args(["-o", "Dpkg::Options::=--force-confold"])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output()
            .map_err(SetupError::io("running", Path::new(APT)))?;
        said.extend_from_slice(&done.stdout);
        said.extend_from_slice(&done.stderr);
        fs::write(&log, &said).map_err(SetupError::io("writing", &log))?;
        // A failed update need not matter: the package may be known already.
        if !done.status.success() && arguments[0] == "install" {
            return Err(SetupError::NoPostgres {
                found: format!("installing Debian's package failed, see {}", log.display()),
                remedy: remedy(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_major;

    #[test]
    fn the_major_version_is_read_from_what_each_packager_prints() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("postgres (EnterpriseDB) 9.6.24"), Some(9));
        assert_eq!(parse_major(""), None);
    }
}
