//! The gateway: AWS's services but RDS, as ministack gives them with the lab's seams filled.
//!
//! What the seams take out of an invocation, measured with a trivial Rust function on two cores
//! (medians of 20, AWS SDK over HTTP): warm 96 ms before and 2 ms after when it logs nothing,
//! 52 and 3 ms when it logs a line, cold 73 and 18 ms. Eight in series in a state machine:
//! 543 ms before, 9 ms after. See `python/seams/functions.py` and `executions.py` for why.

mod fault;
mod faults;

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use processes::{DeathSignal, Spawner};

use crate::dns;
use crate::leftovers;
use crate::setup::Python;

pub use fault::{Call, Caller, Fault, How, InForce, Spoiled, When};
pub use faults::{Faults, FaultsError};

/// The account of every lab.
pub const ACCOUNT: &str = "000000000000";

/// The lab's root key and its secret: a pair that AWS would never issue.
const ROOT_KEY: &str = "test";

/// How long the gateway may take to answer. It takes under 2 s on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to end when asked to.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Between two looks at a gateway that starts or ends.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a gateway is started with.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where the RDS API answers; its requests go there.
    pub rds: SocketAddr,
    /// The lab's own folder, for the log and all files.
    pub folder: PathBuf,
    /// The interpreter and the launcher.
    pub python: Python,
    /// The authorities that functions trust where they ask by HTTPS, as PEM.
    pub authorities: PathBuf,
}

/// Why the gateway is not there.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Its folder or its process could not be made.
    #[error("{what} {path}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("the gateway ended while starting ({status}); its log {log} ends with: {tail}")]
    Ended {
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The log's last line.
        tail: String,
    },
    /// It did not answer in time.
    #[error("the gateway did not answer on {listen} within {limit:?}; see its log {log}")]
    Late {
        /// Where it should have answered.
        listen: SocketAddr,
        /// How long was waited.
        limit: Duration,
        /// Its log.
        log: PathBuf,
    },
}

/// A running gateway. Dropped, it is killed with every function it runs.
#[derive(Debug)]
pub struct Gateway {
    listen: SocketAddr,
    zones: PathBuf,
    process: Child,
    watcher: Child,
}

impl Gateway {
    /// Starts it and waits until it answers. `folder` is emptied of an earlier gateway's files.
    ///
    /// # Errors
    /// [`GatewayError`]; nothing is left running then.
    pub async fn start(config: GatewayConfig, spawner: &Spawner) -> Result<Self, GatewayError> {
        let files = config.folder.join("gateway");
        leftovers::clear(&files).map_err(failed("emptying", &files))?;
        fs::create_dir_all(&files).map_err(failed("creating", &files))?;
        let files = files.canonicalize().map_err(failed("finding", &files))?;
        let log = config.folder.join("gateway.log");
        let zones = files.join("zones.json");
        let process = spawner
            .spawn(command(&config, &files, &zones, &log)?, DeathSignal::Kill)
            .map_err(failed("running", &config.python.interpreter))?;
        let watcher = watch_group(process.id()).map_err(failed("running", Path::new("/bin/sh")))?;
        let mut gateway = Self { listen: config.listen, zones, process, watcher };
        gateway.wait_until_it_answers(&log).await?;
        Ok(gateway)
    }

    async fn wait_until_it_answers(&mut self, log: &Path) -> Result<(), GatewayError> {
        let started = Instant::now();
        let health = format!("{}/_ministack/health", self.endpoint());
        edge::tls::cryptography();
        loop {
            if let Some(status) = self.process.try_wait().map_err(failed("waiting for the gateway of", log))? {
                let text = fs::read_to_string(log).unwrap_or_default();
                let tail = text.lines().next_back().unwrap_or("(empty)").to_owned();
                return Err(GatewayError::Ended { status, log: log.to_owned(), tail });
            }
            // Connection refused until it listens; then it answers at once.
            if reqwest::get(&health).await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if started.elapsed() > START_LIMIT {
                return Err(GatewayError::Late { listen: self.listen, limit: START_LIMIT, log: log.to_owned() });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The URL of every service, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// The file that holds Route 53's zones as of the last answered change.
    #[must_use]
    pub fn zones_file(&self) -> &Path {
        &self.zones
    }

    /// The faults of AWS's calls, and the record of the calls.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults::at(&self.endpoint())
    }

    /// How the lab's root calls AWS in `region`.
    #[must_use]
    pub fn sdk_config(&self, region: &str) -> SdkConfig {
        sdk_config(&self.endpoint(), region)
    }

    /// A client of S3 in `region`; buckets are in the path, for there is no DNS for their names.
    #[must_use]
    pub fn s3(&self, region: &str) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk_config(region)).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// Its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it in order, and returns when it and its functions are gone.
    pub async fn stop(mut self) {
        signal_group(&self.process, libc::SIGTERM);
        let asked = Instant::now();
        while asked.elapsed() < STOP_LIMIT && matches!(self.process.try_wait(), Ok(None)) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Functions are in its process group, whose number stays taken while one of them lives.
        signal_group(&self.process, libc::SIGKILL);
        let _ = self.process.wait();
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}

/// An SDK configuration for the lab's root in `region` at `endpoint`.
#[must_use]
pub fn sdk_config(endpoint: &str, region: &str) -> SdkConfig {
    let root = Credentials::new(ROOT_KEY, ROOT_KEY, None, None, "lab");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(edge::tls::https_client())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(root))
        .build()
}

/// The gateway's command, with an environment of its own: functions would inherit ours.
fn command(config: &GatewayConfig, files: &Path, zones: &Path, log: &Path) -> Result<Command, GatewayError> {
    let output = File::create(log).map_err(failed("creating", log))?;
    let errors = output.try_clone().map_err(failed("opening", log))?;
    let host = config.listen.ip().to_string();
    let mut command = Command::new(absolute(&config.python.interpreter)?);
    command
        .arg(absolute(&config.python.launcher)?)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", files)
        .env("TMPDIR", files)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .env("BIND_HOST", &host)
        .env("MINISTACK_HOST", &host)
        .env("GATEWAY_PORT", config.listen.port().to_string())
        .env("AWS_ENDPOINT_URL", format!("http://{}", config.listen))
        .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
        // IAM is enforced, for callers and for functions' roles.
        .env("AUTH", "true")
        // Listeners of other services on fixed ports, which nothing here needs.
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env("SSL_CERT_FILE", absolute(&config.authorities)?)
        .env("LIFEBOAT_LAB_RDS", format!("http://{}", config.rds))
        .env("LIFEBOAT_LAB_ZONES", zones)
        .env("LIFEBOAT_LAB_NAME_SERVERS", dns::NAMES.join(","))
        .current_dir(files)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        // A group of its own: its functions are in it and end with it, a terminal's Ctrl-C is not.
        .process_group(0);
    Ok(command)
}

/// An interpreter in a virtual environment is a link, which must not be resolved.
fn absolute(path: &Path) -> Result<PathBuf, GatewayError> {
    std::path::absolute(path).map_err(failed("finding", path))
}

/// A process that kills the gateway's group when this process is gone: the gateway itself dies by
/// its death signal, but its functions are not our children.
fn watch_group(group: u32) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", "read -r never; kill -KILL -- \"-$1\"", "gateway-watcher"])
        .arg(group.to_string())
        .env_clear()
        // The pipe's other end is ours alone, and closes when we end, however we do.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

fn signal_group(process: &Child, signal: libc::c_int) {
    if let Ok(group) = i32::try_from(process.id()) {
        // SAFETY: takes plain numbers.
        unsafe { libc::kill(-group, signal) };
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GatewayError {
    let path = path.to_owned();
    move |source| GatewayError::Io { what, path, source }
}
