//! A restore: a backup, or a point in time, made into an instance of its own, looked into, and torn down or kept.
//!
//! It never takes the place of anything: the instance has a name of its own, made of the run that asked for it, a
//! security group that admits Lifeboat's functions and nobody else, and tags that say whose it is. An instance that
//! does not carry those is never deleted.

mod choice;
mod examination;
mod instance;
mod like;
mod name;
mod provenance;
mod record;
mod run;
mod source;
mod wanted;

pub use choice::{Replicated, Window, choose, point_in_time};
pub use examination::{Examined, Set, examine};
pub use instance::{Creation, Move, Restored, SeenInstance, Settings, Teardown, next, room, tear_down};
pub use like::Like;
pub use provenance::{Provenance, Stray, stray};
pub use record::{Measured, RestorePart, RestoreRecord, RestoreTurn, Verified, reaches};
pub use run::{RestoreRequest, RestoreRun, Target, record_key};
pub use source::PointSource;
pub use wanted::{Purpose, Wanted, day};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{id::InstanceId, wal::Lsn};

/// What is restored: chosen once for a run, so that a newer backup does not change what is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chosen {
    /// From what.
    pub origin: Origin,
    /// Up to when it holds what was committed.
    #[schemars(with = "String")]
    pub data_until: Timestamp,
    /// Up to where the log reaches at least, where the backup says.
    pub lsn: Option<Lsn>,
}

/// From what a restore is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Origin {
    /// A snapshot of ours.
    Snapshot {
        /// Its name.
        name: String,
        /// Its ARN.
        arn: String,
    },
    /// An instance's automated backups.
    PointInTime {
        /// The instance.
        instance: InstanceId,
        /// The time; absent for the latest that there is.
        #[schemars(with = "Option<String>")]
        time: Option<Timestamp>,
        /// What another Region has of them, by its ARN there; absent for those of the instance's own Region.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replicated: Option<String>,
    },
}

impl Origin {
    /// In a few words.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Snapshot { name, .. } => name.clone(),
            Self::PointInTime { instance, time, replicated } => {
                let at = time.map_or_else(|| "its latest time".to_owned(), |time| time.to_string());
                let from = if replicated.is_some() { ", as replicated" } else { "" };
                format!("{instance} at {at}{from}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
