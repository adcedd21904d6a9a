//! A client that commits an increasing sequence through the DNS name, as an application would, and measures a
//! disaster from its own side.
//!
//! [`Workload`] is that client. [`StaleClient`] is one that was left on the old primary and goes on trying there. Both
//! write a log of their own ([`log`]), and [`measure()`] judges by the logs and by what can be read back afterwards.

mod access;
pub mod accounts;
mod client;
mod log;
mod measure;
mod name;
mod once;
pub mod orders;
mod session;
mod stale;
mod view;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use domain::plan::PairPlan;

pub use access::{Access, Password};
pub use client::{Commit, Workload};
pub use log::{Entry, Log, Outcome, Server};
pub use measure::{ReadBack, measure};
pub(crate) use name::Lookups;
pub use name::{Answer, Target};
pub(crate) use once::reach;
pub use once::{Place, write_once};
pub use stale::{StaleClient, StaleConfig};
pub use view::{ClientView, Loss, MOST_IDS, MOST_STRAYS, MOST_TRACED, Outage, Rows, Stray, Trace};

/// How a client is started.
#[derive(Debug, Clone)]
pub struct WorkloadConfig {
    /// The name that clients use. It is looked up as its time to live says.
    pub name: String,
    /// The resolver to ask.
    pub resolver: SocketAddr,
    /// The database's port.
    pub port: u16,
    /// How it logs in.
    pub access: Access,
    /// The first id of its sequence.
    pub first_id: i64,
    /// Its log's file, made or emptied.
    pub log: PathBuf,
    /// Its pace and its time-outs.
    pub timing: ClientTiming,
}

/// How fast a client writes, and how long it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientTiming {
    /// From one commit to the next.
    pub every: Duration,
    /// How long a name may take to be answered, and then a session to be there: connection, TLS and login.
    pub connect_timeout: Duration,
    /// How long a commit may take before the session is given up.
    pub answer_timeout: Duration,
    /// The pause after an attempt that failed.
    pub backoff: Duration,
}

/// How many commits, or attempts, a client of a plan makes from one sample to the next.
const COMMITS_A_SAMPLE: u64 = 25;

/// From one commit to the next where samples are far apart: whoever waits minutes for a failover measures it in tenths of a
/// second.
const SLOWEST: Duration = Duration::from_millis(200);

impl ClientTiming {
    /// As closely as a plan's outage has to be measured: an outage of minutes, watched every 10 ms, would be mostly ours.
    #[must_use]
    pub fn of(plan: &PairPlan) -> Self {
        let timing = Self::default();
        let every = Duration::from_millis(plan.probe.interval.as_milliseconds() / COMMITS_A_SAMPLE);
        let every = every.clamp(timing.every, SLOWEST);
        Self { every, backoff: every, ..timing }
    }

    /// The same, with time for whatever a machine at work needs.
    #[must_use]
    pub fn patient(self) -> Self {
        let patience = Duration::from_secs(10);
        Self { connect_timeout: patience, answer_timeout: patience, ..self }
    }
}

impl Default for ClientTiming {
    /// An impatient application: 50 commits a second, half a second for a connection, a second for an answer.
    fn default() -> Self {
        Self {
            every: Duration::from_millis(20),
            connect_timeout: Duration::from_millis(500),
            answer_timeout: Duration::from_secs(1),
            backoff: Duration::from_millis(20),
        }
    }
}

/// Why a client could not be run.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    /// Its log.
    #[error("cannot use the client's log `{path}`: see that its folder exists and the disk has room")]
    Log {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A line of a log.
    #[error("line {line} of the client's log `{path}` is not one of its entries; it must not be edited")]
    Entry {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The name.
    #[error("`{name}` is not a DNS name that a client can look up")]
    Name {
        /// What was given.
        name: String,
    },
    /// The resolver could not be made.
    #[error("cannot make a DNS client for {resolver}: {because}")]
    Resolver {
        /// The resolver.
        resolver: SocketAddr,
        /// What the DNS client says.
        because: String,
    },
    /// The certificates.
    #[error("the certificates the client is to trust cannot be used: {0}")]
    Certificates(String),
    /// The first session of a stale client.
    #[error("cannot open the session that is to be left on {address}: {because}")]
    FirstSession {
        /// The old primary.
        address: SocketAddr,
        /// What it says.
        because: String,
    },
    /// The client's thread.
    #[error("cannot start the client's thread")]
    Thread(#[source] std::io::Error),
    /// The client's thread ended unexpectedly.
    #[error("the client ended by itself; its log `{path}` says how far it came")]
    Ended {
        /// The log.
        path: PathBuf,
    },
}
