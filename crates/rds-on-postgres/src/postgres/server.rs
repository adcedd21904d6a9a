//! One PostgreSQL server: a data directory, and the processes that run it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::postgres::error::PostgresError;
use crate::postgres::folder;
use crate::postgres::ingress::Ingress;
use crate::postgres::installation::{Installation, ended, last_lines};
use crate::postgres::login::Login;
use crate::postgres::pid_file::{self, PidFile};
use crate::postgres::settings::{self, Role, Site};

use processes::{DeathSignal, tree};

/// How long a certificate is valid, as with RDS's newer authorities.
const CERTIFIED_FOR: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long a start may take; recovery after a kill is part of it.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// How long a restore may replay.
const RESTORES_WITHIN: Duration = Duration::from_secs(120);
/// How long sessions have to end at a stop, before they are cut.
const STOPS_WITHIN: Duration = Duration::from_secs(10);
/// How long a promotion may take.
const PROMOTES_WITHIN: Duration = Duration::from_secs(60);
/// How often a start, a promotion or a restore is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A server on its own address, which stands for a host of its own.
pub(crate) struct Server {
    pub(crate) installation: Arc<Installation>,
    /// The identifier of the instance, as the server's own name.
    pub(crate) name: String,
    pub(crate) host_name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    /// Everything of the instance: `data`, `wal` and `log`.
    pub(crate) folder: PathBuf,
    role: Mutex<Role>,
    ingress: Mutex<Ingress>,
    read_only: AtomicBool,
    certified_until: OnceLock<Timestamp>,
    postmaster: tokio::sync::Mutex<Option<Child>>,
}

impl Server {
    /// A server that is to be made in `folder`.
    pub(crate) fn new(
        installation: Arc<Installation>,
        name: &str,
        host_name: String,
        at: SocketAddrV4,
        folder: PathBuf,
        role: Role,
    ) -> Self {
        Self {
            installation,
            name: name.to_owned(),
            host_name,
            address: *at.ip(),
            port: at.port(),
            folder,
            role: Mutex::new(role),
            ingress: Mutex::new(Ingress::Everybody),
            read_only: AtomicBool::new(false),
            certified_until: OnceLock::new(),
            postmaster: tokio::sync::Mutex::new(None),
        }
    }

    /// Where the server is reached.
    pub(crate) fn at(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.address, self.port)
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The archive of its WAL.
    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.join("wal")
    }

    /// What the server's processes say.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What the server does when it starts.
    pub(crate) fn role(&self) -> Role {
        self.role.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what the server does; [`Server::configure`] and a reload or a start make it so.
    pub(crate) fn set_role(&self, role: Role) {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = role;
    }

    /// Makes the server refuse writes, or take them again, as RDS does with one whose disk is full: from now on when it
    /// runs, and else when it starts.
    pub(crate) fn set_read_only(&self, read_only: bool) -> Result<(), PostgresError> {
        self.read_only.store(read_only, Ordering::SeqCst);
        self.configure()?;
        self.reload()
    }

    /// Changes whom the server lets in, in addition to the service: from now on if it runs, otherwise when it
    /// returns. Sessions that exist go on, as they do under a security group that changes.
    pub(crate) fn set_ingress(&self, wanted: Ingress) -> Result<(), PostgresError> {
        let mut ingress = self.ingress.lock().unwrap_or_else(PoisonError::into_inner);
        if *ingress == wanted {
            return Ok(());
        }
        *ingress = wanted;
        // Without a data directory the server is still to be made; its first start writes it.
        if self.data().join("PG_VERSION").exists() {
            self.write("pg_hba.conf", &settings::pg_hba_conf(wanted))?;
            self.reload()?;
        }
        Ok(())
    }

    /// Who is let through to a password.
    pub(crate) fn ingress(&self) -> Ingress {
        *self.ingress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all that the server reads at a start.
    pub(crate) fn configure(&self) -> Result<(), PostgresError> {
        let role = self.role();
        let (archive, installation) = (self.archive(), &self.installation);
        folder::make(&archive, installation.run_as)?;
        let site = Site {
            address: self.address,
            port: self.port,
            name: &self.name,
            archive: &archive,
            ca: &installation.ca,
            passwords: &installation.passwords,
            read_only: self.read_only.load(Ordering::SeqCst),
        };
        self.write("postgresql.conf", &settings::postgresql_conf(&site, &role))?;
        // Settings from a copied server, or from a client's ALTER SYSTEM, must have no effect.
        self.write("postgresql.auto.conf", "")?;
        // Under the lock of the ingress, so that the file has its newest state.
        {
            let ingress = self.ingress.lock().unwrap_or_else(PoisonError::into_inner);
            self.write("pg_hba.conf", &settings::pg_hba_conf(*ingress))?;
        }
        let (standby, recovery) = match role {
            Role::Primary => (false, false),
            Role::Standby(_) => (true, false),
            Role::Restoring { .. } => (false, true),
        };
        self.mark("standby.signal", standby)?;
        self.mark("recovery.signal", recovery)
    }

    /// Gives the server a certificate for its own name.
    pub(crate) fn certify(&self) -> Result<(), PostgresError> {
        let until = *self.certified_until.get_or_init(|| Timestamp::now() + CERTIFIED_FOR);
        let certificate = self.installation.authority.certify(&self.host_name, self.address, until)?;
        self.write("server.crt", &certificate.certificate)?;
        self.write("server.key", &certificate.key)
    }

    /// Until when its certificate is valid, once it has one.
    pub(crate) fn certified_until(&self) -> Option<Timestamp> {
        self.certified_until.get().copied()
    }

    fn mark(&self, file: &str, present: bool) -> Result<(), PostgresError> {
        if present {
            return self.write(file, "");
        }
        Ok(folder::remove(&self.data().join(file))?)
    }

    fn write(&self, file: &str, text: &str) -> Result<(), PostgresError> {
        Ok(folder::write(&self.data().join(file), text, self.installation.run_as)?)
    }

    /// Starts the server and waits until it accepts connections.
    pub(crate) async fn start(&self) -> Result<(), PostgresError> {
        self.configure()?;
        {
            let mut postmaster = self.postmaster.lock().await;
            let mut command = self.installation.command("postgres", &self.log())?;
            command.arg("-D").arg(self.data());
            let program = PathBuf::from(command.get_program());
            let spawned = self.installation.spawner.spawn(command, DeathSignal::Quit);
            *postmaster = Some(spawned.map_err(|source| PostgresError::NotRun { program, source })?);
        }
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&self) -> Result<(), PostgresError> {
        let deadline = Instant::now() + STARTS_WITHIN;
        loop {
            let Ok(pid) = self.pid().await else { return Err(self.not_started(last_lines(&self.log()))) };
            if PidFile::read(&self.data()).is_some_and(|file| file.pid == pid && file.is_ready) {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.kill().await?;
                return Err(self.not_started(format!("it is not ready after {} s", STARTS_WITHIN.as_secs())));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn not_started(&self, why: String) -> PostgresError {
        PostgresError::NotStarted { name: self.host_name.clone(), why, log: self.log() }
    }

    /// The process of the running server.
    pub(crate) async fn pid(&self) -> Result<i32, PostgresError> {
        let mut postmaster = self.postmaster.lock().await;
        if let Some(child) = postmaster.as_mut() {
            if child.try_wait()?.is_none() {
                return Ok(child.id().cast_signed());
            }
            *postmaster = None;
        }
        Err(PostgresError::NotRunning { name: self.host_name.clone() })
    }

    /// Whether the server has a process.
    pub(crate) async fn is_running(&self) -> bool {
        self.pid().await.is_ok()
    }

    /// Makes a running server read its settings again.
    pub(crate) fn reload(&self) -> Result<(), PostgresError> {
        match PidFile::read(&self.data()) {
            Some(file) => Ok(tree::signal(file.pid, libc::SIGHUP)?),
            None => Ok(()),
        }
    }

    /// Stops the server: sessions are ended and a checkpoint is made. A server that is not running
    /// is stopped already.
    pub(crate) async fn stop(&self) -> Result<(), PostgresError> {
        let Ok(pid) = self.pid().await else { return Ok(()) };
        tree::thaw(pid)?;
        for signal in [libc::SIGINT, libc::SIGQUIT] {
            tree::signal(pid, signal)?;
            if self.reap(STOPS_WITHIN).await? {
                return Ok(());
            }
        }
        self.kill().await
    }

    /// Ends every process of the server with SIGKILL, as when its host dies.
    pub(crate) async fn kill(&self) -> Result<(), PostgresError> {
        let pid = self.pid().await?;
        tokio::task::spawn_blocking(move || tree::kill(pid)).await.map_err(std::io::Error::other)??;
        self.reap(STOPS_WITHIN).await?;
        self.forget()
    }

    /// Removes what a server leaves behind that could not end by itself. All its processes must be
    /// gone: by the file and the segment a new server would know one that still runs.
    fn forget(&self) -> Result<(), PostgresError> {
        if let Some(file) = PidFile::read(&self.data()) {
            file.free_segment();
        }
        Ok(folder::remove(&pid_file::path(&self.data()))?)
    }

    /// Stops every process of the server where it is.
    pub(crate) async fn freeze(&self) -> Result<(), PostgresError> {
        tree::freeze(self.pid().await?)?;
        Ok(())
    }

    /// Lets every process of the server go on.
    pub(crate) async fn thaw(&self) -> Result<(), PostgresError> {
        Ok(tree::thaw(self.pid().await?)?)
    }

    /// Whether the process has ended within the time, and then forgets it.
    async fn reap(&self, within: Duration) -> Result<bool, PostgresError> {
        let mut postmaster = self.postmaster.lock().await;
        let Some(child) = postmaster.as_mut() else { return Ok(true) };
        let gone = ended(child, within).await?.is_some();
        if gone {
            *postmaster = None;
        }
        Ok(gone)
    }

    /// A session of the service itself, which no fence keeps out.
    pub(crate) async fn login(&self, database: &str) -> Result<Login, PostgresError> {
        Login::to(&self.host_name, self.at(), &self.installation.secrets.admin, database).await
    }

    /// Makes a standby accept writes, and waits until it does.
    pub(crate) async fn promote(&self) -> Result<(), PostgresError> {
        let login = self.login("postgres").await?;
        login.query("SELECT pg_promote(wait => false)").await?;
        self.wait_until_writable(&login, PROMOTES_WITHIN).await?;
        self.set_role(Role::Primary);
        self.configure()
    }

    /// Waits until a restore has replayed all it was told to.
    pub(crate) async fn wait_until_restored(&self) -> Result<(), PostgresError> {
        let login = self.login("postgres").await?;
        self.wait_until_writable(&login, RESTORES_WITHIN).await?;
        self.set_role(Role::Primary);
        self.configure()?;
        self.reload()
    }

    async fn wait_until_writable(&self, login: &Login, within: Duration) -> Result<(), PostgresError> {
        let deadline = Instant::now() + within;
        while login.is("SELECT pg_is_in_recovery()").await? {
            if Instant::now() > deadline {
                return Err(PostgresError::Silent { name: self.host_name.clone(), within });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}
