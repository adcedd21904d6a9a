//! A snapshot, of a DB instance or of a cluster: a base backup in a folder of its Region.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use crate::resources::copying::Copying;
use crate::resources::instance::Origin;
use crate::resources::name::Name;
use crate::resources::tags::Tags;

/// Who asked for a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotKind {
    /// The service itself, as the base for points in time; it goes with its instance.
    Automated,
    /// A caller; it stays until a caller deletes it.
    Manual,
}

impl SnapshotKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Manual => "manual",
        }
    }
}

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotStatus {
    Creating,
    Available,
    Failed,
}

impl SnapshotStatus {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Failed => "failed",
        }
    }
}

/// A snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) name: Name,
    pub(crate) kind: SnapshotKind,
    pub(crate) status: SnapshotStatus,
    pub(crate) folder: PathBuf,
    /// The identifier of the instance, or of the cluster, that it was taken of.
    pub(crate) instance: String,
    pub(crate) instance_created: Option<Timestamp>,
    pub(crate) zone: String,
    pub(crate) origin: Origin,
    pub(crate) created: Timestamp,
    /// When the first of its copies was made; the same as `created` unless it is a copy.
    pub(crate) first_created: Timestamp,
    /// When it was complete: it is the base for points in time from then on.
    pub(crate) finished: Option<Timestamp>,
    /// The copying, of a copy.
    pub(crate) copying: Option<Arc<Copying>>,
    pub(crate) copied_from: Option<Name>,
    pub(crate) tags: Tags,
}

impl Snapshot {
    /// Enters how the snapshot or the copy ended, unless it was broken off before.
    pub(crate) fn end(&mut self, complete: bool) {
        if self.status == SnapshotStatus::Creating {
            self.status = if complete { SnapshotStatus::Available } else { SnapshotStatus::Failed };
            self.finished = complete.then(|| to_millisecond(Timestamp::now()));
        }
    }

    /// How much of it is there. How far a base backup has come, nobody asks the server.
    pub(crate) fn percent(&self) -> u64 {
        match self.status {
            SnapshotStatus::Available => 100,
            SnapshotStatus::Creating | SnapshotStatus::Failed => {
                self.copying.as_ref().map_or(0, |copying| copying.percent())
            }
        }
    }
}

/// The end of the time's millisecond, since answers tell it to the millisecond: whoever restores to
/// the earliest time they were told asks for one at which the base was complete.
fn to_millisecond(time: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Ceil);
    time.round(up).unwrap_or(time)
}
