//! What a component's backup is made of.

use super::kind::{Kind, Of};
use crate::{
    component::{Cluster, PostgresPair, Side},
    plan::BackupCopy,
    words::id::{ClusterId, KmsKeyId, Region},
};

/// What one component's backup is made of.
#[derive(Debug, Clone, Copy)]
pub struct Source<'r> {
    /// What is taken.
    pub what: What<'r>,
    /// The Region that it is taken in.
    pub region: &'r Region,
    /// Where it is copied to.
    pub copies: &'r [BackupCopy],
    /// The Regions of the plan's sides.
    pub sides: [&'r Region; 2],
}

/// What is taken of a component.
#[derive(Debug, Clone, Copy)]
pub enum What<'r> {
    /// A pair's side that takes writes.
    Side {
        /// The component.
        pair: &'r PostgresPair,
        /// The side.
        side: &'r Side,
    },
    /// A cluster.
    Cluster {
        /// The component.
        cluster: &'r Cluster,
        /// Its identifier there.
        id: &'r ClusterId,
    },
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
    pub fn of(&self) -> Of {
        match self.what {
            What::Side { side, .. } => Of::Instance(side.instance.clone()),
            What::Cluster { id, .. } => Of::Cluster(id.clone()),
        }
    }

    /// Which kind its snapshot is of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.what {
            What::Side { .. } => Kind::Instance,
            What::Cluster { .. } => Kind::Cluster,
        }
    }
}
