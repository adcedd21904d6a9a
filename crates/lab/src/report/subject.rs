//! What a drill rehearsed, and what is shown of it because of that.

use domain::{backup::Manifest, cleanup::Report, restore::RestoreRecord};
use serde::{Deserialize, Serialize};

/// What a drill rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Traffic moves to the replica, or must not: the client's outage and its rows are what counts.
    #[default]
    Failover,
    /// Backups are taken and proved: the client must not notice.
    Backups,
}

/// Something that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// What it is.
    pub name: String,
    /// Its unit, as `ms`.
    pub unit: String,
    /// How much.
    pub value: u64,
}

/// What a run that keeps the backups in order left in the recovery Region's bucket, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Record {
    /// A backup's manifest.
    Backup(Box<Manifest>),
    /// A restore's record.
    Restore(Box<RestoreRecord>),
    /// A cleanup's reports, Region by Region.
    Cleanup(Vec<Report>),
}

impl Record {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Backup(_) => "manifest",
            Self::Restore(_) => "record",
            Self::Cleanup(_) => "reports",
        }
    }

    /// In a sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Backup(manifest) => manifest.summary(),
            Self::Restore(record) => record.summary(),
            Self::Cleanup(reports) => reports.iter().map(Report::summary).collect::<Vec<_>>().join("; "),
        }
    }
}
