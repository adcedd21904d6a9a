//! What did not work, for whoever runs the service.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::postgres::error::PostgresError;
use crate::resources::instance::Status;
use crate::resources::name::Name;

/// What did not work with the lab's RDS.
#[derive(Debug, thiserror::Error)]
pub enum RdsError {
    /// Another lab, or another program, has the port.
    #[error("{listen} is in use, so another lab has this slot; end it or take another slot")]
    InUse {
        /// Where the endpoint was to listen.
        listen: SocketAddr,
    },
    /// The endpoint cannot listen.
    #[error("cannot listen on {listen}")]
    Listen {
        /// Where the endpoint was to listen.
        listen: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// PostgreSQL's user cannot reach its data.
    #[error(
        "PostgreSQL runs as another user, who may not pass the folder {}; run `chmod o+x {}`, or keep the lab's \
         data elsewhere", folder.display(), folder.display()
    )]
    OutOfReach {
        /// The folder that is closed to other users.
        folder: PathBuf,
    },
    /// The data folder cannot be made ready.
    #[error("cannot make the folder {} ready", folder.display())]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// PostgreSQL cannot be run.
    #[error("cannot use PostgreSQL in {}", bin.display())]
    Postgres {
        /// The folder of its programs.
        bin: PathBuf,
        /// What did not work.
        source: PostgresError,
    },
    /// There is no such instance.
    #[error("there is no DB instance {name}")]
    NoInstance {
        /// Its name.
        name: Name,
    },
    /// The instance is no replica.
    #[error("the DB instance {name} is no replica")]
    NoReplica {
        /// Its name.
        name: Name,
    },
    /// The instance is worked on already.
    #[error("the DB instance {name} is {status}: RDS begins other work only with an available one")]
    Busy {
        /// Its name.
        name: Name,
        /// What is done.
        status: Status,
    },
    /// The instance's host is alive.
    #[error("the host of the DB instance {name} is running")]
    Running {
        /// Its name.
        name: Name,
    },
    /// Something did not work on the instance's host.
    #[error("the host of the DB instance {name} did not do it")]
    Host {
        /// Its name.
        name: Name,
        /// What did not work.
        source: PostgresError,
    },
    /// There is no such snapshot, or it is not complete.
    #[error("there is no complete DB snapshot {name}")]
    NoSnapshot {
        /// Its name.
        name: Name,
    },
    /// A snapshot has nothing to damage.
    #[error("the DB snapshot {name} has no table of a user that has rows")]
    NoTable {
        /// Its name.
        name: Name,
    },
    /// A snapshot's files cannot be dealt with.
    #[error("cannot read or write the files of the DB snapshot {name}")]
    Snapshot {
        /// Its name.
        name: Name,
        /// What the system says.
        source: io::Error,
    },
    /// Not all servers could be stopped.
    #[error("could not stop every server")]
    ShutDown(#[source] PostgresError),
}

impl RdsError {
    pub(crate) fn host(name: &Name, source: PostgresError) -> Self {
        Self::Host { name: name.clone(), source }
    }
}
