//! A cluster that a plan protects by backups.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::ActiveSide,
    words::id::{ClusterId, ComponentName},
};

/// A cluster of Aurora, DocumentDB or Neptune, and its secondary in the recovery Region where it is a global one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// The component's name.
    pub name: ComponentName,
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
    /// The cluster that is backed up while this side takes writes, and on which side it is.
    #[must_use]
    pub fn on(&self, active: ActiveSide) -> (ActiveSide, &ClusterId) {
        match (active, &self.recovery) {
            (ActiveSide::Replica, Some(recovery)) => (ActiveSide::Replica, recovery),
            (ActiveSide::Replica, None) | (ActiveSide::Primary, _) => (ActiveSide::Primary, &self.primary),
        }
    }
}
