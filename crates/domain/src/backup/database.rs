//! A database as it was seen just before its snapshot was taken.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::Cluster,
    words::{failure::Failure, wal::Lsn},
};

/// A database just before its snapshot is taken: what was committed by then is in it. A cluster's database is not asked.
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

impl fmt::Display for SeenDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lsn {
            Some(lsn) => write!(f, "data of {}, log at {lsn}", self.database_time),
            None => write!(f, "data of {}", self.database_time),
        }
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
        Ok(SeenDatabase { lsn: None, database_time: now, size_bytes: None, version: self.version })
    }
}
