//! A database as it was seen just before its backup was taken.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::wal::Lsn;

/// A database just before its backup is taken: what was committed by then is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeenDatabase {
    /// Where its log ended, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lsn: Option<Lsn>,
    /// Its own clock; Lifeboat's, where it was not asked.
    #[schemars(with = "String")]
    pub database_time: Timestamp,
    /// The size of the plan's database, in bytes, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// The server's version, as `15.18`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl SeenDatabase {
    /// What is known where the database itself was not asked.
    #[must_use]
    pub fn unasked(version: Option<String>, now: Timestamp) -> Self {
        Self { lsn: None, database_time: now, size_bytes: None, version }
    }
}

impl fmt::Display for SeenDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lsn {
            Some(lsn) => write!(f, "data of {}, log at {lsn}", self.database_time),
            None => write!(f, "data of {}", self.database_time),
        }
    }
}
