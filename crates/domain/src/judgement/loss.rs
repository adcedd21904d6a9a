//! How much a promotion may lose.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    plan::{DataLossBudget, Probe},
    span::Span,
    wal::{LastSeen, ReplicaPosition},
};

/// How much a promotion may lose. Unknown is never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Loss {
    /// The replica is this far behind the primary's last known position.
    AtMost {
        /// In bytes of write-ahead log.
        wal_bytes: u64,
        /// In time, from the last replayed commit to when the primary was last seen.
        time: Span,
        /// From when the primary was last seen to its first failure: what was written there nobody knows.
        unseen: Span,
    },
    /// It cannot be told.
    Unknown {
        /// Why.
        because: String,
    },
    /// The replica is promoted already.
    Promoted,
}

/// The lag of a replica behind the primary's last known position.
///
/// Replay is what counts, as in RDS's `ReplicaLag`: what is received and not replayed is not lost, but nothing has
/// shown yet that it can be replayed.
#[must_use]
pub fn lag(last_seen: Option<LastSeen>, failing_since: Timestamp, position: &ReplicaPosition, probe: &Probe) -> Loss {
    let Some(seen) = last_seen else {
        return Loss::Unknown { because: "the primary's position was never seen".into() };
    };
    let unseen = Span::between(seen.at, failing_since);
    // A sample that was under way, and one that the watch may have missed between two windows.
    if unseen > probe.interval.times(3) {
        return Loss::Unknown { because: format!("the primary's position was last seen {unseen} before it failed") };
    }
    let wal_bytes = position.replayed.bytes_until(seen.lsn);
    if wal_bytes == 0 {
        return Loss::AtMost { wal_bytes, time: Span::seconds(0), unseen };
    }
    match position.replayed_commit_at {
        Some(commit) => Loss::AtMost { wal_bytes, time: Span::between(commit, seen.at), unseen },
        None => Loss::Unknown {
            because: format!("the replica is {wal_bytes} bytes behind and has replayed no commit since it started"),
        },
    }
}

impl Loss {
    /// Why this is more than the budget, if it is.
    #[must_use]
    pub fn above(&self, budget: &DataLossBudget) -> Option<String> {
        match self {
            Self::Promoted => None,
            Self::Unknown { because } => Some(format!("what would be lost is unknown: {because}")),
            Self::AtMost { wal_bytes, time, .. } if *time > budget.time || *wal_bytes > budget.wal_bytes => {
                Some(format!(
                    "the replica is {time} and {wal_bytes} bytes behind, the budget is {} and {} bytes",
                    budget.time, budget.wal_bytes
                ))
            }
            Self::AtMost { .. } => None,
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost { wal_bytes: 0, .. } => f.write_str("nothing that was seen"),
            Self::AtMost { wal_bytes, time, .. } => write!(f, "at most {time} ({wal_bytes} bytes)"),
            Self::Unknown { because } => write!(f, "an unknown amount ({because})"),
            Self::Promoted => f.write_str("nothing more"),
        }
    }
}

impl Loss {
    /// The most that may be lost, in time: the lag and what was written unseen. Absent where it is unknown.
    #[must_use]
    pub fn time(&self) -> Option<Span> {
        match self {
            Self::AtMost { time, unseen, .. } => Some(*time + *unseen),
            Self::Unknown { .. } | Self::Promoted => None,
        }
    }
}
