//! The times that an instance can be restored to, and from which base backup each of them.

use std::path::Path;

use jiff::Timestamp;

use crate::resources::instance::Instance;
use crate::resources::inventory::Inventory;
use crate::resources::replicated::Replicated;
use crate::resources::snapshot::SnapshotKind;

/// Complete base backups, and how far the archive reaches.
pub(crate) struct Window<'i> {
    /// The end of the first base backup.
    pub(crate) earliest: Timestamp,
    /// Up to when its archive is complete.
    pub(crate) latest: Timestamp,
    /// When each was complete, the oldest first.
    bases: Vec<(Timestamp, &'i Path)>,
}

impl<'i> Window<'i> {
    /// The window of an instance; there is none before its first base backup is complete.
    pub(crate) fn of(inventory: &'i Inventory, instance: &Instance) -> Option<Self> {
        let bases = inventory.snapshots.values().filter(|snapshot| {
            snapshot.kind == SnapshotKind::Automated && snapshot.origin.resource_id == instance.origin.resource_id
        });
        let mut bases: Vec<(Timestamp, &Path)> =
            bases.filter_map(|snapshot| Some((snapshot.finished?, snapshot.folder.as_path()))).collect();
        bases.sort_by_key(|(finished, _)| *finished);
        let (earliest, _) = *bases.first()?;
        Some(Self { earliest, latest: instance.restorable_to?, bases })
    }

    /// The window of what another Region has; there is none before a base backup and the WAL that followed are there.
    pub(crate) fn replicated(of: &'i Replicated) -> Option<Self> {
        let bases: Vec<(Timestamp, &Path)> =
            of.bases.iter().map(|(finished, base)| (*finished, base.as_path())).collect();
        let (earliest, _) = *bases.first()?;
        Some(Self { earliest, latest: of.reached.filter(|reached| *reached >= earliest)?, bases })
    }

    /// The newest base backup that was complete at the time to restore to, which is in the window;
    /// `None` is the latest time there is.
    pub(crate) fn base(&self, until: Option<Timestamp>) -> Option<&'i Path> {
        let fits = |finished: Timestamp| until.is_none_or(|until| finished <= until);
        self.bases.iter().rfind(|(finished, _)| fits(*finished)).map(|(_, base)| *base)
    }

    /// Each of them, the oldest first.
    pub(crate) fn bases(&self) -> &[(Timestamp, &'i Path)] {
        &self.bases
    }
}
