//! The times that an instance can be restored to, and from which base backup each of them.

use jiff::Timestamp;

use crate::resources::instance::Instance;
use crate::resources::inventory::Inventory;
use crate::resources::snapshot::{Snapshot, SnapshotKind};

/// An instance's complete base backups, and how far its archive reaches.
pub(crate) struct Window<'i> {
    /// The end of the first base backup.
    pub(crate) earliest: Timestamp,
    /// Up to when its archive is complete.
    pub(crate) latest: Timestamp,
    /// When each was complete, the oldest first.
    bases: Vec<(Timestamp, &'i Snapshot)>,
}

impl<'i> Window<'i> {
    /// The window of an instance; there is none before its first base backup is complete.
    pub(crate) fn of(inventory: &'i Inventory, instance: &Instance) -> Option<Self> {
        let bases = inventory.snapshots.values().filter(|snapshot| {
            snapshot.kind == SnapshotKind::Automated && snapshot.origin.resource_id == instance.origin.resource_id
        });
        let mut bases: Vec<(Timestamp, &Snapshot)> =
            bases.filter_map(|snapshot| Some((snapshot.finished?, snapshot))).collect();
        bases.sort_by_key(|(finished, _)| *finished);
        let (earliest, _) = *bases.first()?;
        Some(Self { earliest, latest: instance.restorable_to?, bases })
    }

    /// The newest base backup that was complete at the time to restore to, which is in the window;
    /// `None` is the latest time there is.
    pub(crate) fn base(&self, until: Option<Timestamp>) -> Option<&'i Snapshot> {
        let fits = |finished: Timestamp| until.is_none_or(|until| finished <= until);
        self.bases.iter().rfind(|(finished, _)| fits(*finished)).map(|(_, snapshot)| *snapshot)
    }
}
