//! The client: one row per commit, through the DNS name, and at once again when it fails.

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use jiff::Timestamp;
use tokio::{
    sync::{oneshot, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    ClientTiming, Log, Outcome, WorkloadConfig, WorkloadError,
    log::{Start, Writer},
    name::Lookups,
    session::{Connector, Session},
};

/// An acknowledged commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// The row.
    pub id: i64,
    /// When it was acknowledged.
    pub at: Timestamp,
    /// The server.
    pub address: IpAddr,
}

/// A client that writes until it is stopped. It has a thread of its own, so that a busy lab does not slow it; dropped,
/// it stops.
#[derive(Debug)]
pub struct Workload {
    stop: Stop,
    log: PathBuf,
    commits: watch::Receiver<Option<Commit>>,
    finished: oneshot::Receiver<Result<Log, WorkloadError>>,
}

impl Workload {
    /// Starts it. The name need not lead anywhere yet.
    ///
    /// # Errors
    /// When the log cannot be made, or the name or the certificates cannot be used.
    pub fn start(config: WorkloadConfig) -> Result<Self, WorkloadError> {
        let connector = Connector::new(config.access, config.port, config.timing.connect_timeout)?;
        let lookups = Lookups::of(&config.name, config.resolver, config.timing.connect_timeout)?;
        let writer = Writer::create(config.log.clone())?;
        let (sender, commits) = watch::channel(None);
        let stop = Stop::default();
        let mut client = Client {
            connector,
            lookups,
            writer,
            commits: sender,
            stop: stop.clone(),
            timing: config.timing,
            next_id: config.first_id,
        };
        let finished = on_its_own_thread("client", async move {
            client.run().await?;
            client.writer.close()
        })?;
        Ok(Self { stop, log: config.log, commits, finished })
    }

    /// The newest acknowledged commit, live.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<Option<Commit>> {
        self.commits.clone()
    }

    /// Stops it and gives its log. Takes at most as long as one attempt may.
    ///
    /// # Errors
    /// When the log could not be written or the client had ended by itself.
    pub async fn stop(mut self) -> Result<Log, WorkloadError> {
        self.stop.ask();
        let finished = (&mut self.finished).await;
        finished.unwrap_or_else(|_| Err(WorkloadError::Ended { path: self.log.clone() }))
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        self.stop.ask();
    }
}

/// Asks a client to stop.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs a client on a thread with a runtime of its own.
pub(super) fn on_its_own_thread(
    name: &str,
    client: impl Future<Output = Result<Log, WorkloadError>> + Send + 'static,
) -> Result<oneshot::Receiver<Result<Log, WorkloadError>>, WorkloadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(WorkloadError::Thread)?;
    let (answer, finished) = oneshot::channel();
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // The receiver may be gone.
        let _ = answer.send(runtime.block_on(client));
    });
    spawned.map_err(WorkloadError::Thread)?;
    Ok(finished)
}

struct Client {
    connector: Connector,
    lookups: Lookups,
    writer: Writer,
    commits: watch::Sender<Option<Commit>>,
    stop: Stop,
    timing: ClientTiming,
    next_id: i64,
}

impl Client {
    async fn run(&mut self) -> Result<(), WorkloadError> {
        while !self.stop.asked() {
            if let Some(session) = self.connect().await? {
                self.write(&session).await?;
            }
            if !self.stop.asked() {
                sleep(self.timing.backoff).await;
            }
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<Option<Session>, WorkloadError> {
        let start = Start::now();
        let target = match self.lookups.target().await {
            Ok(target) => target,
            Err(because) => {
                self.writer.unreachable(start, Vec::new(), None, because)?;
                return Ok(None);
            }
        };
        match self.connector.open(target.address, &target.host).await {
            Ok(session) => {
                self.writer.connected(start, target.answers, session.server().clone())?;
                Ok(Some(session))
            }
            Err(because) => {
                self.writer.unreachable(start, target.answers, Some(target.address), because)?;
                Ok(None)
            }
        }
    }

    /// Writes at its pace until something fails or it is to stop.
    async fn write(&mut self, session: &Session) -> Result<(), WorkloadError> {
        let address = session.server().address;
        let mut pace = interval(self.timing.every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.stop.asked() {
            pace.tick().await;
            let (start, id) = (Start::now(), self.next_id);
            self.next_id += 1;
            let outcome = match timeout(self.timing.answer_timeout, session.commit(id)).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown(format!("no answer in {:?}", self.timing.answer_timeout)),
            };
            let acknowledged = outcome == Outcome::Acknowledged;
            self.writer.attempt(start, id, address, outcome)?;
            if !acknowledged {
                break;
            }
            self.commits.send_replace(Some(Commit { id, at: Timestamp::now(), address }));
        }
        Ok(())
    }
}
