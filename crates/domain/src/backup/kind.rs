//! Which kind of snapshot a component has, and what one is of.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::Component,
    words::id::{ClusterId, InstanceId},
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
