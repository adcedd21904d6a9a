//! How clients find the primary.

use crate::words::{
    id::{ComponentName, HostName, ZoneId},
    time_span::TimeSpan,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How clients find the primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    /// The component whose primary the record names.
    pub component: ComponentName,
    /// The record.
    pub record: Record,
}

/// A CNAME in Route 53 that names the primary's endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// The hosted zone, public or private.
    pub zone: ZoneId,
    /// The name that clients use.
    pub name: HostName,
    /// How long resolvers keep it. Part of every client's outage.
    pub ttl: TimeSpan,
}
