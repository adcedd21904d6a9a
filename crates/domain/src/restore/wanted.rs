//! What is wanted back, and what for.

use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::words::id::SnapshotName;

/// What a restore is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Nothing is restored: the backup is looked at.
    Integrity,
    /// The backup is proved, and the instance is torn down.
    Test,
    /// The instance is kept.
    Keep,
}

/// What is wanted back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Wanted {
    /// The newest backup.
    Latest,
    /// The newest backup that was scheduled on this day, in UTC.
    Date(
        #[schemars(with = "String")]
        #[serde(deserialize_with = "only_a_day")]
        Date,
    ),
    /// The backup that was scheduled for this moment.
    ScheduledAt(#[schemars(with = "String")] Timestamp),
    /// The backup of this name.
    Backup(SnapshotName),
    /// The last moment that the instance's automated backups reach.
    LatestTime,
    /// The moment that the automated backups are to be taken to, in whole seconds.
    Time(#[schemars(with = "String")] Timestamp),
}

/// Reads a day, in UTC. A time or a zone beside it would change which one is meant.
///
/// # Errors
/// A sentence for people.
pub fn day(text: &str) -> Result<Date, String> {
    let is_day = text.len() == "2026-11-20".len();
    let read = is_day.then(|| text.parse().ok()).flatten();
    read.ok_or_else(|| format!("`{}` is no day: write it as 2026-11-20", text.chars().take(64).collect::<String>()))
}

fn only_a_day<'de, D: Deserializer<'de>>(text: D) -> Result<Date, D::Error> {
    day(&String::deserialize(text)?).map_err(serde::de::Error::custom)
}
