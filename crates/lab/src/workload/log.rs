//! A client's own log: one JSON object a line, written out before the next attempt.
//!
//! Each entry has the wall clock's time, to compare it with other logs, and the client's monotonic clock, for durations.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{WorkloadError, name::Answer};

/// The most entries of one log: more than five hours at full pace. A client stops when it has written them.
const MOST_ENTRIES: usize = 1_000_000;

/// One line of a log. `elapsed` and `took` are by the monotonic clock: from the client's start to the attempt's, and
/// from the attempt's start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Entry {
    /// The client began.
    Began {
        /// When.
        at: Timestamp,
    },
    /// A session is there.
    Connected {
        /// When the attempt began.
        at: Timestamp,
        /// From the client's start.
        elapsed_microseconds: u64,
        /// Until the session could be used.
        took_microseconds: u64,
        /// What DNS had answered. Empty when connected by address.
        answers: Vec<Answer>,
        /// Who answered.
        server: Server,
    },
    /// No session: nothing was sent that could write.
    Unreachable {
        /// When the attempt began.
        at: Timestamp,
        /// From the client's start.
        elapsed_microseconds: u64,
        /// Until it had failed.
        took_microseconds: u64,
        /// What DNS had answered.
        answers: Vec<Answer>,
        /// Where it went. `None` when the name had no address.
        address: Option<IpAddr>,
        /// The error.
        because: String,
    },
    /// One row was to be committed.
    Attempt {
        /// When it was sent.
        at: Timestamp,
        /// From the client's start.
        elapsed_microseconds: u64,
        /// Until it was answered or given up.
        took_microseconds: u64,
        /// The row.
        id: i64,
        /// The server.
        address: IpAddr,
        /// What came of it.
        outcome: Outcome,
    },
    /// The client was stopped.
    Stopped {
        /// When.
        at: Timestamp,
        /// From the client's start.
        elapsed_microseconds: u64,
    },
}

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// The address connected to.
    pub address: IpAddr,
    /// The cluster, the same on a primary and its replicas.
    pub system_identifier: String,
    /// The timeline: a promotion begins the next one.
    pub timeline: u32,
}

/// What came of an attempt to commit one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The commit returned.
    Acknowledged,
    /// The server answered with an error: nothing was written.
    Failed(String),
    /// The answer never came. Reading back shows whether it was written.
    Unknown(String),
}

/// A log, read back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Log {
    /// The entries, in the order in which they were written.
    pub entries: Vec<Entry>,
}

impl Log {
    /// Reads a log. A last line that was cut off by the client's death is left out.
    ///
    /// # Errors
    /// When the file cannot be read or is not such a log.
    pub fn read(path: &Path) -> Result<Self, WorkloadError> {
        let broken = |source| WorkloadError::Log { path: path.to_owned(), source };
        let mut lines =
            BufReader::new(File::open(path).map_err(broken)?).lines().take(MOST_ENTRIES + 1).enumerate().peekable();
        let mut entries = Vec::new();
        while let Some((index, line)) = lines.next() {
            match serde_json::from_str(&line.map_err(broken)?) {
                Ok(entry) => entries.push(entry),
                Err(error) if error.is_eof() && lines.peek().is_none() => break,
                Err(source) => return Err(WorkloadError::Entry { path: path.to_owned(), line: index + 1, source }),
            }
        }
        Ok(Self { entries })
    }
}

/// An attempt's start, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    at: Timestamp,
    began: Instant,
}

impl Start {
    pub(super) fn now() -> Self {
        Self { at: Timestamp::now(), began: Instant::now() }
    }
}

/// Writes a log. Clones write to the same one.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    began: Instant,
    path: PathBuf,
    file: Arc<Mutex<(File, usize)>>,
}

impl Writer {
    /// Makes or empties the file and writes that the client began.
    pub(super) fn create(path: PathBuf) -> Result<Self, WorkloadError> {
        let file = File::create(&path).map_err(|source| WorkloadError::Log { path: path.clone(), source })?;
        let start = Start::now();
        let writer = Self { began: start.began, path, file: Arc::new(Mutex::new((file, 0))) };
        writer.write(&Entry::Began { at: start.at })?;
        Ok(writer)
    }

    pub(super) fn connected(&self, start: Start, answers: Vec<Answer>, server: Server) -> Result<(), WorkloadError> {
        let (at, elapsed_microseconds, took_microseconds) = self.times(start);
        self.write(&Entry::Connected { at, elapsed_microseconds, took_microseconds, answers, server })
    }

    pub(super) fn unreachable(
        &self,
        start: Start,
        answers: Vec<Answer>,
        address: Option<IpAddr>,
        because: String,
    ) -> Result<(), WorkloadError> {
        let (at, elapsed_microseconds, took_microseconds) = self.times(start);
        self.write(&Entry::Unreachable { at, elapsed_microseconds, took_microseconds, answers, address, because })
    }

    pub(super) fn attempt(
        &self,
        start: Start,
        id: i64,
        address: IpAddr,
        outcome: Outcome,
    ) -> Result<(), WorkloadError> {
        let (at, elapsed_microseconds, took_microseconds) = self.times(start);
        self.write(&Entry::Attempt { at, elapsed_microseconds, took_microseconds, id, address, outcome })
    }

    /// Writes that the client was stopped, and reads the whole log back.
    pub(super) fn close(self) -> Result<Log, WorkloadError> {
        let (at, elapsed_microseconds, _) = self.times(Start::now());
        self.write(&Entry::Stopped { at, elapsed_microseconds })?;
        Log::read(&self.path)
    }

    fn times(&self, start: Start) -> (Timestamp, u64, u64) {
        (start.at, microseconds(start.began.saturating_duration_since(self.began)), microseconds(start.began.elapsed()))
    }

    fn write(&self, entry: &Entry) -> Result<(), WorkloadError> {
        let broken = |source| WorkloadError::Log { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(entry).map_err(|error| broken(error.into()))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.1 >= MOST_ENTRIES {
            return Err(broken(std::io::Error::other(format!("it has {MOST_ENTRIES} entries, and that is the limit"))));
        }
        file.1 += 1;
        file.0.write_all(&line).map_err(broken)
    }
}

fn microseconds(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
