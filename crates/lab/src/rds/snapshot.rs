//! A DB snapshot: a base backup in a folder of its Region.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::copying::Copying;
use super::instance::Origin;
use super::name::Name;
use super::query::Tags;

/// Who asked for a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotKind {
    /// The service itself, as the base for points in time; it goes with its instance.
    Automated,
    /// A caller; it stays until a caller deletes it.
    Manual,
}

impl SnapshotKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Manual => "manual",
        }
    }
}

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotStatus {
    Creating,
    Available,
    Failed,
}

impl SnapshotStatus {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Failed => "failed",
        }
    }
}

/// A DB snapshot.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) name: Name,
    pub(super) kind: SnapshotKind,
    pub(super) status: SnapshotStatus,
    pub(super) folder: PathBuf,
    /// The identifier of the instance it was taken of.
    pub(super) instance: String,
    pub(super) instance_created: Option<Timestamp>,
    pub(super) zone: String,
    pub(super) origin: Origin,
    pub(super) created: Timestamp,
    /// When the first of its copies was made; the same as `created` unless it is a copy.
    pub(super) first_created: Timestamp,
    /// When it was complete: it is the base for points in time from then on.
    pub(super) finished: Option<Timestamp>,
    /// The copying, of a copy.
    pub(super) copying: Option<Arc<Copying>>,
    pub(super) copied_from: Option<Name>,
    pub(super) tags: Tags,
}

impl Snapshot {
    /// How much of it is there. How far a base backup has come, nobody asks the server.
    pub(super) fn percent(&self) -> u64 {
        match self.status {
            SnapshotStatus::Available => 100,
            SnapshotStatus::Creating | SnapshotStatus::Failed => {
                self.copying.as_ref().map_or(0, |copying| copying.percent())
            }
        }
    }
}
