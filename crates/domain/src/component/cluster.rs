//! A cluster that a plan protects by backups.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActiveSide, Complaint, Identity, Kind, SeenDatabase, SnapshotKind, SnapshotStorage, snapshot::Snapshots};
use crate::words::{
    failure::Failure,
    id::{ClusterId, ComponentName, TierName},
};

/// A cluster of Aurora, DocumentDB or Neptune, and its secondary in the recovery Region where it is a global one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// The component's name.
    pub name: ComponentName,
    /// The tier whose promises it shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierName>,
    /// What it runs.
    pub engine: ClusterEngine,
    /// The DB cluster identifier in the primary Region.
    pub primary: ClusterId,
    /// The global database's cluster in the recovery Region. After a failover, that one is backed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<ClusterId>,
}

/// What a cluster runs, by RDS's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterEngine {
    /// Aurora, with PostgreSQL's protocol.
    AuroraPostgresql,
    /// Aurora, with MySQL's protocol.
    AuroraMysql,
    /// DocumentDB.
    Docdb,
    /// Neptune.
    Neptune,
}

impl ClusterEngine {
    /// RDS's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuroraPostgresql => "aurora-postgresql",
            Self::AuroraMysql => "aurora-mysql",
            Self::Docdb => "docdb",
            Self::Neptune => "neptune",
        }
    }
}

impl fmt::Display for ClusterEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Cluster {
    /// Its identifier on a side; the only one that it has, where it has no other.
    #[must_use]
    pub fn on(&self, side: ActiveSide) -> &ClusterId {
        match (side, &self.recovery) {
            (ActiveSide::Replica, Some(recovery)) => recovery,
            (ActiveSide::Replica, None) | (ActiveSide::Primary, _) => &self.primary,
        }
    }
}

/// RDS's snapshots of a cluster: Aurora's, DocumentDB's and Neptune's.
pub(super) const SNAPSHOTS: Snapshots = Snapshots {
    noun: "cluster",
    service: "RDS",
    list: "Clusters",
    arn: |partition, region, account, id| format!("arn:{partition}:rds:{region}:{account}:cluster:{id}"),
    plural: "cluster snapshots",
    longest_name: 63,
    is_asked: false,
    software: None,
    actions: &[
        (
            "snapshot",
            &[
                "rds:CopyDBClusterSnapshot",
                "rds:CreateDBClusterSnapshot",
                "rds:DescribeDBClusterSnapshots",
                "rds:DescribeDBClusters",
            ],
        ),
        ("cleanup", &["rds:DeleteDBClusterSnapshot", "rds:DescribeDBClusterSnapshots"]),
        ("verify", &["rds:DescribeDBClusterSnapshots"]),
    ],
};

impl Kind for Cluster {
    fn name(&self) -> &ComponentName {
        &self.name
    }

    fn tier(&self) -> Option<&TierName> {
        self.tier.as_ref()
    }

    fn noun(&self) -> &'static str {
        "cluster"
    }

    fn identities(&self) -> Vec<Identity> {
        let noun = SnapshotKind::Cluster.noun();
        let first = Identity { field: "primary", side: ActiveSide::Primary, noun, id: self.primary.to_string() };
        let second = self.recovery.as_ref();
        let second =
            second.map(|id| Identity { field: "recovery", side: ActiveSide::Replica, noun, id: id.to_string() });
        std::iter::once(first).chain(second).collect()
    }

    fn snapshots(&self) -> Option<SnapshotKind> {
        Some(SnapshotKind::Cluster)
    }

    fn backed_up(&self, active: ActiveSide) -> Option<(ActiveSide, &str)> {
        let side = if self.recovery.is_some() { active } else { ActiveSide::Primary };
        Some((side, self.on(side).as_str()))
    }

    /// Neptune copies its snapshots within a Region only.
    fn stays_in_its_region(&self) -> Option<Complaint> {
        let what = format!("Neptune copies no snapshot to another Region: `{}` would have no such backup", self.name);
        let remedy = "Back it up by a schedule of its own without copies, and export its data for the other Region.";
        (self.engine == ClusterEngine::Neptune).then(|| Complaint::error("", what, remedy))
    }

    fn storage(&self) -> Option<SnapshotStorage> {
        Some(match self.engine {
            ClusterEngine::AuroraPostgresql | ClusterEngine::AuroraMysql => SnapshotStorage::Aurora,
            ClusterEngine::Docdb => SnapshotStorage::Docdb,
            ClusterEngine::Neptune => SnapshotStorage::Neptune,
        })
    }

    fn replicates(&self) -> bool {
        self.recovery.is_some()
    }

    fn engine(&self) -> Option<&'static str> {
        Some(self.engine.as_str())
    }
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
    pub fn database(self, of: &Cluster, now: Timestamp) -> Result<SeenDatabase, Failure> {
        if self.engine != of.engine.as_str() {
            return Err(Failure::InvalidInput(format!(
                "plan: `{}` runs {} by the plan, and {} by RDS: correct the plan",
                of.name, of.engine, self.engine
            )));
        }
        Ok(SeenDatabase::unasked(self.version, now))
    }
}
