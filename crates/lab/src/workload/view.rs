//! A drill as the client saw it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the client can tell, from its own log and from what could be read back afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    /// The longest time without an acknowledged commit that ended, or had not ended, after the disaster.
    /// `None` when nothing was ever acknowledged.
    pub outage: Option<Outage>,
    /// Commits acknowledged to this client.
    pub rows_acknowledged: u64,
    /// Attempts that certainly wrote nothing: no connection, or an error from the server.
    pub attempts_failed: u64,
    /// Acknowledged, and not on the new primary; without the split brain's.
    pub lost: Loss,
    /// Committed by the old primary after the promotion, for any client.
    pub split_brain: Rows,
    /// The same rows with their times, in the order in which they were answered; at most [`MOST_STRAYS`].
    #[serde(default)]
    pub strays: Vec<Stray>,
    /// Attempts whose connection died before the answer, and which the new primary has.
    pub unknown_kept: u64,
    /// Attempts whose connection died before the answer, and which the new primary does not have. Not losses: they were
    /// never acknowledged.
    pub unknown_gone: u64,
    /// Each attempt near the disaster, to be drawn.
    pub trace: Trace,
}

/// A time without an acknowledged commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outage {
    /// The last acknowledgement before.
    pub last_before: Timestamp,
    /// The first one after. `None`: there was none until the client was stopped.
    pub first_after: Option<Timestamp>,
    /// How long it was, by the client's monotonic clock; until the client was stopped, where it did not end.
    pub milliseconds: u64,
}

/// Acknowledged rows that are not on the new primary.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// The rows.
    pub rows: Rows,
    /// From the last acknowledgement that survived with all before it to the last one before the outage: how far the
    /// clock was turned back. Zero when no row was lost.
    pub milliseconds: u64,
}

/// A row that the old primary committed after the promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stray {
    /// The row.
    pub id: i64,
    /// When the client was answered, or gave up: it was committed before.
    pub at: Timestamp,
}

/// The most strays that are listed: minutes of one client at full pace.
pub const MOST_STRAYS: usize = 10_000;

/// Some rows: how many, and which.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rows {
    /// How many.
    pub count: u64,
    /// The first of them, at most [`MOST_IDS`].
    pub ids: Vec<i64>,
}

/// The most rows that are named in a result.
pub const MOST_IDS: usize = 100;

/// When attempts near the disaster ended, in milliseconds from it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// The acknowledged ones.
    pub acknowledged: Vec<i64>,
    /// The failed and the unknown ones.
    pub failed: Vec<i64>,
}

/// The most attempts of a kind in a [`Trace`].
pub const MOST_TRACED: usize = 5_000;
