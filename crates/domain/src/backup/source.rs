//! What a component's backup is made of.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shot;
use crate::{
    digest,
    failure::Failure,
    id::{ClusterId, ComponentName, InstanceId, KmsKeyId, PlanName, Region, ScheduleName},
    plan::{BackupCopy, Cluster, Component, PostgresPair, Side},
};

/// RDS has two kinds of snapshots, and lists, counts and deletes them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Of a DB instance.
    Instance,
    /// Of a cluster: Aurora, DocumentDB or Neptune.
    Cluster,
}

impl Kind {
    /// Of which kind a component's snapshots are.
    #[must_use]
    pub fn of(component: &Component) -> Self {
        match component {
            Component::PostgresPair(_) => Self::Instance,
            Component::Cluster(_) => Self::Cluster,
        }
    }

    /// What several of them are called, as in "3 manual snapshots".
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Instance => "snapshots",
            Self::Cluster => "cluster snapshots",
        }
    }
}

/// What a snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Of {
    /// A DB instance.
    Instance(InstanceId),
    /// A cluster.
    Cluster(ClusterId),
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(instance) => write!(f, "{instance}"),
            Self::Cluster(cluster) => write!(f, "{cluster}"),
        }
    }
}

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

/// The longest name that RDS takes for a snapshot of a cluster; for one of an instance it takes 255.
const LONGEST_NAME: usize = 63;

/// The name of a backup's snapshot: the same for each try and in each Region. A cluster's is as an instance's where
/// that is short enough.
pub(super) fn snapshot_name(
    kind: Kind,
    plan: &PlanName,
    component: &ComponentName,
    schedule: &ScheduleName,
    scheduled_at: Timestamp,
) -> String {
    let at = scheduled_at.strftime("%Y%m%dt%H%M%S").to_string();
    let series = format!("{plan}-{component}-{schedule}");
    let whole = format!("lifeboat-{series}-{at}");
    if kind == Kind::Instance || whole.len() <= LONGEST_NAME {
        return whole;
    }
    // What is cut short is told from others by the whole one's digest.
    let rest = format!("-{}-{at}", digest::short(&series));
    let room = LONGEST_NAME.saturating_sub("lifeboat-".len() + rest.len());
    let readable: String = series.chars().take(room).collect();
    format!("lifeboat-{}{rest}", readable.trim_end_matches('-'))
}

/// A cluster as RDS shows it before its snapshot is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCluster {
    /// `Engine`.
    pub engine: String,
    /// `EngineVersion`, where RDS shows it.
    pub version: Option<String>,
}

impl SeenCluster {
    /// What is known of a cluster just before: nobody asked its database.
    ///
    /// # Errors
    /// `InvalidInput` where it runs something else than the plan says.
    pub fn shot(self, of: &Cluster, now: Timestamp) -> Result<Shot, Failure> {
        if self.engine != of.engine.as_str() {
            return Err(Failure::InvalidInput(format!(
                "plan: `{}` runs {} by the plan, and {} by RDS: correct the plan",
                of.name, of.engine, self.engine
            )));
        }
        Ok(Shot { lsn: None, database_time: now, size_bytes: None, version: self.version })
    }
}
