//! What is particular to a kind of snapshots, and what one is of.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::SnapshotKind;

/// What is particular to a kind of snapshots.
pub(super) struct Snapshots {
    /// What one is of, as manifests and sentences have it.
    pub(super) noun: &'static str,
    /// The service that keeps them.
    pub(super) service: &'static str,
    /// The engine's parameter that lists what its roles may reach of what they are of.
    pub(super) list: &'static str,
    /// The ARN of what one is of: by partition, Region, account and identifier.
    pub(super) arn: fn(&str, &str, &str, &str) -> String,
    /// What several of them are called, as in "3 manual snapshots".
    pub(super) plural: &'static str,
    /// The longest name that the service takes.
    pub(super) longest_name: usize,
    /// Whether the database was asked before each one is taken, so that its tags say all of it.
    pub(super) is_asked: bool,
    /// What runs in what they are of, where it is always the same.
    pub(super) software: Option<&'static str>,
    /// The actions of AWS that the roles of functions need for it, by function.
    pub(super) actions: &'static [(&'static str, &'static [&'static str])],
}

impl SnapshotKind {
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
        self.particulars().noun
    }

    /// The service that keeps them.
    #[must_use]
    pub fn service(self) -> &'static str {
        self.particulars().service
    }

    /// The engine's parameter that lists what its roles may reach of what they are of.
    #[must_use]
    pub fn list(self) -> &'static str {
        self.particulars().list
    }

    /// The ARN of what one is of.
    #[must_use]
    pub fn arn(self, partition: &str, region: &str, account: &str, id: &str) -> String {
        (self.particulars().arn)(partition, region, account, id)
    }

    /// What several of them are called, as in "3 manual snapshots".
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.particulars().plural
    }

    /// The longest name that the service takes.
    #[must_use]
    pub fn longest_name(self) -> usize {
        self.particulars().longest_name
    }

    /// Whether the database was asked before each one is taken, so that its tags say all of it.
    #[must_use]
    pub fn is_asked(self) -> bool {
        self.particulars().is_asked
    }

    /// What runs in what they are of, where it is always the same.
    #[must_use]
    pub fn software(self) -> Option<&'static str> {
        self.particulars().software
    }

    /// The actions of AWS that a function's role needs for it.
    #[must_use]
    pub fn actions(self, function: &str) -> &'static [&'static str] {
        let of_function = self.particulars().actions.iter().find(|(name, _)| *name == function);
        of_function.map_or(&[], |(_, actions)| actions)
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
