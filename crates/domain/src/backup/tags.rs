//! What a backup carries as tags, so that each Region's copy can be understood without any other.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::name::snapshot_name;
use crate::{
    component::{SeenDatabase, SnapshotKind},
    words::id::{ComponentName, PlanName, ScheduleName},
};

/// What every tag of ours begins with. What has none of them is not ours to delete.
const PREFIX: &str = "lifeboat:";

/// The name of a tag of ours.
#[must_use]
pub fn tag(key: &str) -> String {
    format!("{PREFIX}{key}")
}

/// What a backup is of, and what was true when it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// The plan.
    pub plan: PlanName,
    /// The component.
    pub component: ComponentName,
    /// The schedule: with plan and component, the series.
    pub schedule: ScheduleName,
    /// The time that it was scheduled for.
    pub scheduled_at: Timestamp,
    /// The database, just before.
    #[serde(rename = "shot")]
    pub database: SeenDatabase,
}

/// What a snapshot's tags say beside its label.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// The plan that it is of. One that has none is not ours.
    pub plan: Option<String>,
    /// When a restore of it was tried and queried.
    pub verified_at: Option<Timestamp>,
    /// Why it is on legal hold.
    pub hold: Option<String>,
}

/// Why tags are not those of a backup of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTags {
    /// It has none of them.
    #[error("it has no tag `lifeboat:{0}`")]
    Missing(&'static str),
    /// One does not hold what it should.
    #[error("its tag `lifeboat:{0}` is `{1}`: {2}")]
    Wrong(&'static str, String, String),
    /// They were copied from another one.
    #[error("its tags are those of `{0}`")]
    Another(String),
}

impl Label {
    /// As tags; what is not known has none. Each value is one that AWS takes: letters, digits, spaces and `_.:/=+-@`, at most 256.
    #[must_use]
    pub fn tags(&self) -> Vec<(String, String)> {
        let SeenDatabase { lsn, database_time, size_bytes, version } = &self.database;
        let values = [
            ("plan", Some(self.plan.to_string())),
            ("component", Some(self.component.to_string())),
            ("schedule", Some(self.schedule.to_string())),
            ("scheduled-at", Some(self.scheduled_at.to_string())),
            ("lsn", lsn.map(|lsn| lsn.to_string())),
            ("database-time", Some(database_time.to_string())),
            ("size-bytes", size_bytes.map(|bytes| bytes.to_string())),
            ("version", version.clone()),
        ];
        values.into_iter().filter_map(|(key, value)| Some((tag(key), value?))).collect()
    }

    /// Reads them back from the snapshot of a name. Where the database was always asked, its tags say all of it. A copy that somebody made under another name has the same tags, and is in no series.
    ///
    /// # Errors
    /// Names the tag that is missing or wrong, or the snapshot whose tags they are.
    pub fn read(kind: SnapshotKind, name: &str, tags: &BTreeMap<String, String>) -> Result<Self, BadTags> {
        let label = Self::told(kind, tags)?;
        let Self { plan, component, schedule, scheduled_at, .. } = &label;
        let expected = snapshot_name(kind, plan, component, schedule, *scheduled_at);
        if expected == name { Ok(label) } else { Err(BadTags::Another(expected)) }
    }

    fn told(kind: SnapshotKind, tags: &BTreeMap<String, String>) -> Result<Self, BadTags> {
        Ok(Self {
            plan: parsed(tags, "plan")?,
            component: parsed(tags, "component")?,
            schedule: parsed(tags, "schedule")?,
            scheduled_at: parsed(tags, "scheduled-at")?,
            database: SeenDatabase {
                lsn: told(kind, tags, "lsn")?,
                database_time: parsed(tags, "database-time")?,
                size_bytes: told(kind, tags, "size-bytes")?,
                version: told(kind, tags, "version")?,
            },
        })
    }
}

/// The tags that a copy is given: all but what was proved of the original only, and AWS's own.
#[must_use]
pub fn carried(tags: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let is_carried = |key: &str| key != tag("verified-at") && !key.starts_with("aws:");
    let carried = tags.iter().filter(|(key, _)| is_carried(key));
    carried.map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl Marks {
    /// Reads them from a snapshot's tags. A hold holds whatever its value; a time that cannot be read verifies nothing.
    #[must_use]
    pub fn read(tags: &BTreeMap<String, String>) -> Self {
        let value = |key: &str| tags.get(&tag(key)).cloned();
        Self {
            plan: value("plan"),
            verified_at: value("verified-at").and_then(|at| at.parse().ok()),
            hold: value("hold"),
        }
    }
}

fn parsed<T>(tags: &BTreeMap<String, String>, key: &'static str) -> Result<T, BadTags>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = tags.get(&tag(key)).ok_or(BadTags::Missing(key))?;
    text.parse().map_err(|error: T::Err| BadTags::Wrong(key, text.chars().take(64).collect(), error.to_string()))
}

/// What only a database that was asked could tell.
fn told<T>(kind: SnapshotKind, tags: &BTreeMap<String, String>, key: &'static str) -> Result<Option<T>, BadTags>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    match parsed(tags, key) {
        Err(BadTags::Missing(_)) if !kind.is_asked() => Ok(None),
        read => read.map(Some),
    }
}
