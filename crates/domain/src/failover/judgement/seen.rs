//! Everything the judge looked at, just now.

use jiff::Timestamp;
use serde::Serialize;

use super::{api::ApiSeen, fitness::Fitness};
use crate::{
    watch::{health::Look, probe::Watch, region::Judged},
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
    /// The health of the primary's Region, as last seen; absent where the plan asks for none, or it could not be read. It is told,
    /// and decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Judged>,
    /// Since when RDS of neither Region answers, at each look of this run; absent where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<Timestamp>,
}

impl Seen {
    /// The same, after what the look before it says: both Regions may have been silent since then.
    #[must_use]
    pub fn after(self, silent_since: Option<Timestamp>, now: Timestamp) -> Self {
        let silent_since = self.is_silent_everywhere().then(|| silent_since.map_or(now, |since| since.min(now)));
        Self { silent_since, ..self }
    }

    /// Whether RDS of neither Region answers.
    pub(super) fn is_silent_everywhere(&self) -> bool {
        [&self.api, &self.fitness.replica_api].into_iter().all(|api| matches!(api, ApiSeen::Silent(_)))
    }
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

/// Where the traffic's name leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordSeen {
    /// To this name.
    Names(HostName),
    /// It could not be told, and why.
    Unknown(String),
}
