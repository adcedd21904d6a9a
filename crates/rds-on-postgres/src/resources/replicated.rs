//! Automated backups of an instance as another Region has them: base backups and the WAL that followed, in a folder of that
//! Region's own.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::resources::instance::{Origin, Traits};
use crate::resources::name::Name;
use crate::resources::tags::Tags;

/// Automated backups that are replicated to a Region, or were.
#[derive(Clone, Debug)]
pub(crate) struct Replicated {
    /// In the Region that they are replicated to.
    pub(crate) name: Name,
    /// The instance that they are of.
    pub(crate) source: Name,
    pub(crate) source_created: Option<Timestamp>,
    /// What a restored instance has of it, with the key of this Region.
    pub(crate) origin: Origin,
    pub(crate) traits: Traits,
    pub(crate) retention_days: u32,
    /// Holds `wal`, and a folder for each base backup.
    pub(crate) folder: PathBuf,
    /// The base backups that are here, the oldest first, with when each was complete.
    pub(crate) bases: Vec<(Timestamp, PathBuf)>,
    /// Up to when the WAL here is complete.
    pub(crate) reached: Option<Timestamp>,
    /// Whether what is new comes here: not once it was stopped, nor when the instance is gone.
    pub(crate) is_fed: bool,
    pub(crate) tags: Tags,
}

impl Replicated {
    /// The archive here.
    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.join("wal")
    }

    /// As RDS writes it.
    pub(crate) fn status(&self) -> &'static str {
        match (self.is_fed, self.reached) {
            (true, Some(_)) => "replicating",
            (true, None) => "creating",
            (false, _) => "retained",
        }
    }
}
