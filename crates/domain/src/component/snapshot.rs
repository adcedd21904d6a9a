//! The kinds of snapshots that a service keeps, and what one is of.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

/// A kind of snapshots: a service lists, counts and deletes those of one kind apart from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotKind {
    /// RDS's, of a DB instance.
    Instance,
    /// RDS's, of a cluster: Aurora, DocumentDB or Neptune.
    Cluster,
}

/// What is particular to a kind of snapshots.
struct Row {
    /// What one is of, as manifests and sentences have it.
    noun: &'static str,
    /// The service that keeps them.
    service: &'static str,
    /// The engine's parameter that lists what its roles may reach of what they are of.
    list: &'static str,
    /// The ARN of what one is of: by partition, Region, account and identifier.
    arn: fn(&str, &str, &str, &str) -> String,
    /// What several of them are called, as in "3 manual snapshots".
    plural: &'static str,
    /// The longest name that the service takes.
    longest_name: usize,
    /// Whether the database was asked before each one is taken, so that its tags say all of it.
    is_asked: bool,
    /// What runs in what they are of, where it is always the same.
    software: Option<&'static str>,
}

impl SnapshotKind {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Instance, Self::Cluster];

    fn row(self) -> Row {
        match self {
            Self::Instance => Row {
                noun: "instance",
                service: "RDS",
                list: "Instances",
                arn: |partition, region, account, id| format!("arn:{partition}:rds:{region}:{account}:db:{id}"),
                plural: "snapshots",
                longest_name: 255,
                is_asked: true,
                software: Some("PostgreSQL"),
            },
            Self::Cluster => Row {
                noun: "cluster",
                service: "RDS",
                list: "Clusters",
                arn: |partition, region, account, id| format!("arn:{partition}:rds:{region}:{account}:cluster:{id}"),
                plural: "cluster snapshots",
                longest_name: 63,
                is_asked: false,
                software: None,
            },
        }
    }

    /// The kind whose snapshots are of what this noun names.
    #[must_use]
    pub fn of_noun(noun: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.noun() == noun)
    }

    /// What one is of, by its identifier.
    #[must_use]
    pub fn of(self, id: impl Into<String>) -> Resource {
        Resource { kind: self, id: id.into() }
    }

    /// What one is of, as manifests and sentences have it.
    #[must_use]
    pub fn noun(self) -> &'static str {
        self.row().noun
    }

    /// The service that keeps them.
    #[must_use]
    pub fn service(self) -> &'static str {
        self.row().service
    }

    /// The engine's parameter that lists what its roles may reach of what they are of.
    #[must_use]
    pub fn list(self) -> &'static str {
        self.row().list
    }

    /// The ARN of what one is of.
    #[must_use]
    pub fn arn(self, partition: &str, region: &str, account: &str, id: &str) -> String {
        (self.row().arn)(partition, region, account, id)
    }

    /// What several of them are called, as in "3 manual snapshots".
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.row().plural
    }

    /// The longest name that the service takes.
    #[must_use]
    pub fn longest_name(self) -> usize {
        self.row().longest_name
    }

    /// Whether the database was asked before each one is taken, so that its tags say all of it.
    #[must_use]
    pub fn is_asked(self) -> bool {
        self.row().is_asked
    }

    /// What runs in what they are of, where it is always the same.
    #[must_use]
    pub fn software(self) -> Option<&'static str> {
        self.row().software
    }
}

/// What a snapshot is of, as the service names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Of which kind its snapshots are.
    pub kind: SnapshotKind,
    /// Its identifier.
    pub id: String,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl Serialize for Resource {
    /// As `{"instance": "orders-primary"}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.kind.noun(), &self.id)?;
        map.end()
    }
}

/// As what AWS bills the storage of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapshotStorage {
    /// Snapshots of an instance: each has what changed since the one before.
    Instance,
    /// Snapshots of an Aurora cluster.
    Aurora,
    /// Snapshots of a DocumentDB cluster.
    Docdb,
    /// Snapshots of a Neptune cluster.
    Neptune,
}

impl SnapshotStorage {
    /// Whether each is billed as a whole volume, whatever changed since the one before.
    /// <https://aws.amazon.com/rds/aurora/pricing/>
    #[must_use]
    pub fn is_whole(self) -> bool {
        match self {
            Self::Instance => false,
            Self::Aurora | Self::Docdb | Self::Neptune => true,
        }
    }
}
