//! Everything the judge looked at, just now.

use jiff::Timestamp;
use serde::Serialize;

use super::fitness::Fitness;
use crate::{
    watch::{health::Look, probe::Watch},
    words::{id::HostName, wal::ReplicaPosition},
};

/// Everything the judge looked at, just now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The primary, from the recovery Region.
    pub recovery: Look,
    /// The primary, from the witness Region.
    pub witness: Witness,
    /// The replica.
    pub replica: ReplicaSeen,
    /// What RDS says of the primary.
    pub api: ApiSeen,
    /// Where the traffic's name leads.
    pub record: RecordSeen,
    /// What the steps after this one will need.
    pub fitness: Fitness,
    /// What the watch remembers.
    pub watch: Watch,
}

/// The primary, from the witness Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Witness {
    /// The plan names none.
    NotPlanned,
    /// It did not answer, and why.
    Silent(String),
    /// It looked.
    Looked(Look),
}

/// The replica, by its own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ReplicaSeen {
    /// It answers as a replica.
    Replica {
        /// How far it is.
        position: ReplicaPosition,
        /// Its WAL receiver.
        receiver: Receiver,
    },
    /// It takes writes: someone promoted it.
    Primary,
    /// It does not answer, and why.
    Silent(String),
}

/// A replica's WAL receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Receiver {
    /// None runs: the stream is broken.
    Absent,
    /// One runs; it last heard of the primary then.
    Streaming {
        /// When the newest message of the primary arrived.
        heard_at: Timestamp,
    },
}

/// What RDS says of the primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ApiSeen {
    /// The instance's status.
    Status(String),
    /// The Region's API did not answer, and why.
    Silent(String),
}

/// Where the traffic's name leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordSeen {
    /// To this name.
    Names(HostName),
    /// It could not be told, and why.
    Unknown(String),
}
