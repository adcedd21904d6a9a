//! What a component's backup is made of.

use crate::{
    component::{ActiveSide, Component, Resource, SnapshotKind},
    plan::BackupCopy,
    words::id::{KmsKeyId, Region},
};

/// What one component's backup is made of.
#[derive(Debug, Clone, Copy)]
pub struct Source<'r> {
    /// The component.
    pub component: &'r Component,
    pub(super) kind: SnapshotKind,
    /// The side of it that is backed up.
    pub side: ActiveSide,
    /// By which id its service knows that side.
    pub id: &'r str,
    /// The Region that it is taken in.
    pub region: &'r Region,
    /// Where it is copied to.
    pub copies: &'r [BackupCopy],
    /// The Regions of the plan's sides.
    pub sides: [&'r Region; 2],
}

impl Source<'_> {
    /// The Regions of the copies: a backup is not copied to where it is.
    pub fn destinations(&self) -> impl Iterator<Item = &BackupCopy> {
        self.copies.iter().filter(|copy| copy.region != *self.region)
    }

    /// Where else it may be: in the Regions of its copies, and in that of the plan's other side.
    pub fn elsewhere(&self) -> impl Iterator<Item = &Region> {
        let is_new = |side: &&Region| self.regions().all(|region| region != *side);
        self.destinations().map(|copy| &copy.region).chain(self.sides.into_iter().filter(is_new))
    }

    /// Every Region that it has to be in.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(self.region).chain(self.destinations().map(|copy| &copy.region))
    }

    /// The key that a copy to a Region is encrypted with, where the plan names one.
    #[must_use]
    pub fn key_in(&self, region: &Region) -> Option<&KmsKeyId> {
        self.copies.iter().find(|copy| copy.region == *region)?.kms_key.as_ref()
    }

    /// What its snapshot is of.
    #[must_use]
    pub fn of(&self) -> Resource {
        self.kind.of(self.id)
    }

    /// Which kind its snapshot is of.
    #[must_use]
    pub fn kind(&self) -> SnapshotKind {
        self.kind
    }
}
