//! What was seen of a primary, from where, and what kind of failure it looks like.

use crate::{
    component::{Login, PostgresPair, Side},
    words::{id::SqlName, time_span::TimeSpan, wal::Lsn},
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one look says. Unknown is neither up nor down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It works.
    Up,
    /// It does not.
    Down,
    /// It could not be told.
    Unknown,
}

/// Where one looks from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Vantage {
    /// The recovery Region.
    Recovery,
    /// The witness Region.
    Witness,
    /// The replica, by its WAL receiver.
    Replica,
    /// The RDS API of the primary's Region.
    Api,
}

/// One look at a primary's endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Look {
    /// Whether something answers at the host and port: a connection, or its refusal by the host.
    pub endpoint: Endpoint,
    /// Whether the database answers a query.
    pub database: Verdict,
    /// The error, the state or the role, in a sentence.
    pub because: String,
    /// When the look began.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_milliseconds: u64,
    /// The primary's write position, where it was told.
    pub lsn: Option<Lsn>,
}

/// How a host and port answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// A connection was accepted.
    Open,
    /// The host refused: it lives, nothing listens.
    Refused,
    /// No answer in time, or no route.
    Silent,
    /// The name could not be resolved.
    Unresolved,
}

/// A request to look at a primary from somewhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LookRequest {
    /// The primary.
    pub side: Side,
    /// The database.
    pub database: SqlName,
    /// How to log in.
    pub login: Login,
    /// How long the look may take.
    pub timeout: TimeSpan,
}

impl LookRequest {
    /// A request to look at a side of a pair.
    #[must_use]
    pub fn of(pair: &PostgresPair, side: &Side, timeout: TimeSpan) -> Self {
        Self { side: side.clone(), database: pair.database.clone(), login: pair.login.clone(), timeout }
    }
}
