//! PostgreSQL's programs on this computer, and how they are run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::postgres::authority::Authority;
use crate::postgres::error::PostgresError;
use crate::postgres::folder;
use crate::postgres::secrets::{ADMIN, REPLICATOR, Secrets};

use processes::{DeathSignal, RunAs, Spawner};

/// How long one of PostgreSQL's tools may take, a base backup of a lab's database included.
const TOOL_WITHIN: Duration = Duration::from_secs(120);
/// How often a process that should end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// PostgreSQL's programs, with all that instances have in common.
pub(crate) struct Installation {
    pub(crate) bin: PathBuf,
    pub(crate) run_as: Option<RunAs>,
    pub(crate) spawner: Spawner,
    pub(crate) secrets: Secrets,
    pub(crate) authority: Authority,
    /// The authority's certificate, for standbys that verify their primary.
    pub(crate) ca: PathBuf,
    /// The internal roles' passwords, for PostgreSQL's own programs.
    pub(crate) passwords: PathBuf,
    /// The version as RDS writes it, for instance `15.12`.
    pub(crate) version: String,
}

impl Installation {
    /// Finds out what is installed in `bin` and writes what its programs read, under `data`.
    pub(crate) fn prepare(
        bin: &Path,
        run_as: Option<RunAs>,
        spawner: Spawner,
        data: &Path,
    ) -> Result<Self, PostgresError> {
        let bin = programs_of(bin)?;
        let installation = Self {
            version: version_of(&bin.join("postgres"))?,
            bin,
            run_as,
            spawner,
            secrets: Secrets::make()?,
            authority: Authority::make()?,
            ca: data.join("ca.pem"),
            passwords: data.join("pgpass"),
        };
        folder::write(&installation.ca, installation.authority.pem(), run_as)?;
        folder::write(&installation.passwords, installation.secrets.pgpass(), run_as)?;
        Ok(installation)
    }

    /// The major version, for instance `15`.
    pub(crate) fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or(&self.version)
    }

    /// A program of PostgreSQL's as it is to be run: as the right user, with an environment of its
    /// own, and writing to `log`.
    pub(crate) fn command(&self, program: &str, log: &Path) -> io::Result<Command> {
        if let Some(parent) = log.parent() {
            folder::make(parent, self.run_as)?;
        }
        let out = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(self.bin.join(program));
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("PGPASSFILE", &self.passwords)
            .env("PGCONNECT_TIMEOUT", "5")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        if let Some(user) = self.run_as {
            user.apply(&mut command);
        }
        Ok(command)
    }

    /// Makes an empty data directory.
    pub(crate) async fn init(&self, data: &Path, log: &Path) -> Result<(), PostgresError> {
        // Also makes the folder that all of the instance is in.
        let mut command = self.command("initdb", log)?;
        let password = data.with_extension("password");
        folder::write(&password, self.secrets.admin.reveal(), self.run_as)?;
        command.arg("--pgdata").arg(data).arg("--pwfile").arg(&password);
        command.args(["--username", ADMIN, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]);
        // As on RDS: damage is found when it is read, a base backup's reading included.
        command.arg("--data-checksums");
        // Small segments: one is archived each time that a point in time is fixed.
        command.args(["--wal-segsize=1", "--no-sync", "--no-instructions"]);
        let made = self.finish(command, log).await;
        folder::remove(&password)?;
        made
    }

    /// Takes a base backup of the server at `from` into `into`, complete with the WAL it needs;
    /// with `slot`, makes that slot on the server first and leaves it there.
    pub(crate) async fn base_backup(
        &self,
        from: std::net::SocketAddrV4,
        into: &Path,
        slot: Option<&str>,
        log: &Path,
    ) -> Result<(), PostgresError> {
        folder::remove(into)?;
        if let Some(parent) = into.parent() {
            folder::make(parent, self.run_as)?;
        }
        let mut command = self.command("pg_basebackup", log)?;
        command.arg("--pgdata").arg(into).args([
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            "--no-password",
        ]);
        command.args(["--host", &from.ip().to_string(), "--port", &from.port().to_string(), "--username", REPLICATOR]);
        if let Some(slot) = slot {
            command.args(["--create-slot", "--slot", slot]);
        }
        self.finish(command, log).await
    }

    async fn finish(&self, command: Command, log: &Path) -> Result<(), PostgresError> {
        let program = Path::new(command.get_program()).display().to_string();
        let not_run = |source| PostgresError::NotRun { program: program.clone().into(), source };
        let mut child = self.spawner.spawn(command, DeathSignal::Kill).map_err(not_run)?;
        match ended(&mut child, TOOL_WITHIN).await? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(PostgresError::Failed { program, status, said: last_lines(log) }),
            None => {
                child.kill()?;
                child.wait()?;
                Err(PostgresError::TooLong { program, within: TOOL_WITHIN })
            }
        }
    }
}

/// Waits until the child has ended, at most `within`.
pub(crate) async fn ended(child: &mut Child, within: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            return Ok(None);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The end of a log, for an error's text.
pub(crate) fn last_lines(log: &Path) -> String {
    const LINES: usize = 8;
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join(" | ")
}

/// The folder that all the programs are in. Distributions link some of them, not all, into
/// folders of the search path.
fn programs_of(bin: &Path) -> Result<PathBuf, PostgresError> {
    let postgres = bin.join("postgres");
    let found = postgres.canonicalize().map_err(|source| PostgresError::NotRun { program: postgres, source })?;
    let bin = found.parent().unwrap_or(bin).to_owned();
    for program in ["initdb", "pg_basebackup"] {
        let program = bin.join(program);
        std::fs::metadata(&program).map_err(|source| PostgresError::NotRun { program, source })?;
    }
    Ok(bin)
}

/// Reads `15.12` out of `postgres (PostgreSQL) 15.12 (Debian 15.12-0+deb12u2)`.
fn version_of(postgres: &Path) -> Result<String, PostgresError> {
    let not_run = |source| PostgresError::NotRun { program: postgres.to_owned(), source };
    let said = Command::new(postgres).arg("--version").env_clear().output().map_err(not_run)?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    said.split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .map(ToOwned::to_owned)
        .ok_or_else(|| not_run(io::Error::other(format!("it does not tell its version but `{}`", said.trim()))))
}
