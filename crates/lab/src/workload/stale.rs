//! A client that was left on the old primary: it was told an address once and never looks the name up again.
//!
//! Pools and caches do this. What it is given to write after the promotion is lost, and what the old primary
//! acknowledges then is split brain. It tries in both ways there are: by the session it has had all along, which no
//! change of names, firewalls or logins ends, and by new sessions.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use super::{
    Access, ClientTiming, Log, Outcome, WorkloadError,
    client::{Stop, on_its_own_thread},
    log::{Start, Writer},
    session::{Connector, Session},
};

/// What a stale client is told.
#[derive(Debug, Clone)]
pub struct StaleConfig {
    /// The old primary.
    pub address: SocketAddr,
    /// The name in its certificate.
    pub host: String,
    /// How it logs in.
    pub access: Access,
    /// The first id of its sequence, far from every other client's.
    pub first_id: i64,
    /// Its log's file, made or emptied.
    pub log: PathBuf,
    /// Its pace and its time-outs. Its old session has no time-out: it waits for an answer as long as the client runs.
    pub timing: ClientTiming,
}

/// A client left on the old primary. Dropped, it stops.
#[derive(Debug)]
pub struct StaleClient {
    stop: Stop,
    log: PathBuf,
    finished: oneshot::Receiver<Result<Log, WorkloadError>>,
}

impl StaleClient {
    /// Opens the session that is to grow old, and begins to write.
    ///
    /// # Errors
    /// When that session cannot be opened, or the log cannot be made.
    pub async fn start(config: StaleConfig) -> Result<Self, WorkloadError> {
        let connector = Connector::new(config.access, config.address.port(), config.timing.connect_timeout)?;
        let writer = Writer::create(config.log.clone())?;
        let stop = Stop::default();
        let (opened, first) = oneshot::channel();
        let stale = Stale {
            connector,
            address: config.address,
            host: config.host,
            writer: writer.clone(),
            next_id: Arc::new(AtomicI64::new(config.first_id)),
            stop: stop.clone(),
            timing: config.timing,
        };
        let finished = on_its_own_thread("stale-client", async move {
            let session = stale.open().await?;
            let result = match session {
                Ok(session) => {
                    // Whoever asked may have given up waiting; the client is then stopped as well.
                    let _ = opened.send(Ok(()));
                    stale.run(session).await
                }
                Err(because) => {
                    let _ = opened.send(Err(because));
                    Ok(())
                }
            };
            result?;
            writer.close()
        })?;
        let client = Self { stop, log: config.log, finished };
        match first.await {
            Ok(Ok(())) => Ok(client),
            Ok(Err(because)) => Err(WorkloadError::FirstSession { address: config.address, because }),
            Err(_) => Err(WorkloadError::Ended { path: client.log.clone() }),
        }
    }

    /// Stops it and gives its log.
    ///
    /// # Errors
    /// When the log could not be written or the client had ended by itself.
    pub async fn stop(mut self) -> Result<Log, WorkloadError> {
        self.stop.ask();
        let finished = (&mut self.finished).await;
        finished.unwrap_or_else(|_| Err(WorkloadError::Ended { path: self.log.clone() }))
    }
}

impl Drop for StaleClient {
    fn drop(&mut self) {
        self.stop.ask();
    }
}

struct Stale {
    connector: Connector,
    address: SocketAddr,
    host: String,
    writer: Writer,
    next_id: Arc<AtomicI64>,
    stop: Stop,
    timing: ClientTiming,
}

/// How long it waits before it comes again: a session costs the server a process and both sides a login, which at the pace of
/// commits would be most of what a lab does.
const COMES_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// How soon the old session notices that it is to stop.
const STOP_NOTICED: Duration = Duration::from_millis(20);

impl Stale {
    async fn run(&self, old: Session) -> Result<(), WorkloadError> {
        tokio::try_join!(self.go_on(old), self.come_again()).map(|_| ())
    }

    async fn open(&self) -> Result<Result<Session, String>, WorkloadError> {
        let start = Start::now();
        let opened = self.connector.open(self.address.ip(), &self.host).await;
        match &opened {
            Ok(session) => self.writer.connected(start, Vec::new(), session.server().clone())?,
            Err(because) => self.writer.unreachable(start, Vec::new(), Some(self.address.ip()), because.clone())?,
        }
        Ok(opened)
    }

    /// Writes by the old session until it is cut.
    async fn go_on(&self, old: Session) -> Result<(), WorkloadError> {
        while !self.stop.asked() && !old.is_closed() {
            let (start, id) = self.next();
            let outcome = tokio::select! {
                outcome = old.commit(id) => outcome,
                () = self.stopped() => Outcome::Unknown("the client was stopped before the answer".to_owned()),
            };
            self.writer.attempt(start, id, self.address.ip(), outcome)?;
            sleep(self.timing.every).await;
        }
        Ok(())
    }

    /// Opens a new session for each row.
    async fn come_again(&self) -> Result<(), WorkloadError> {
        while !self.stop.asked() {
            if let Ok(session) = self.open().await? {
                let (start, id) = self.next();
                let outcome = match timeout(self.timing.answer_timeout, session.commit(id)).await {
                    Ok(outcome) => outcome,
                    Err(_) => Outcome::Unknown(format!("no answer in {:?}", self.timing.answer_timeout)),
                };
                self.writer.attempt(start, id, self.address.ip(), outcome)?;
            }
            sleep(self.timing.every.max(COMES_AGAIN_AFTER)).await;
        }
        Ok(())
    }

    fn next(&self) -> (Start, i64) {
        (Start::now(), self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// It is to stop, and what was under way then has had its time.
    async fn stopped(&self) {
        while !self.stop.asked() {
            sleep(STOP_NOTICED).await;
        }
        sleep(self.timing.answer_timeout).await;
    }
}
