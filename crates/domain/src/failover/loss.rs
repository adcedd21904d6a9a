//! How much a promotion may lose.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    plan::{DataLossBudget, Probe},
    words::{
        time_span::TimeSpan,
        wal::{LastSeen, ReplicaPosition},
    },
};

/// How much a promotion may lose. Unknown is never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Loss {
    /// The replica is this far behind the primary's last known position.
    AtMost {
        /// In bytes of write-ahead log.
        wal_bytes: u64,
        /// In time, from the last replayed commit, or from when the primary's log was seen to stand no further than the
        /// replica has come, to when the primary was last seen.
        time: TimeSpan,
        /// From when the primary was last seen to when its own host said that it does not serve, or, where it was only
        /// silent, until now: what was written there nobody knows.
        unseen: TimeSpan,
    },
    /// It cannot be told.
    Unknown {
        /// Why.
        because: String,
    },
    /// The replica is promoted already.
    Promoted,
}

/// How long before its first failed sample a watched primary was seen at the least: a sample that was under way, and one
/// that the watch may have missed between two windows.
pub(super) fn unwatched_at_most(probe: &Probe) -> TimeSpan {
    probe.interval.times(3)
}

/// The lag of a replica behind the primary's last known position.
///
/// Replay is what counts, as in RDS's `ReplicaLag`: what is received and not replayed is not lost, but nothing has
/// shown yet that it can be replayed. `unseen_until` is until when the primary may have written unseen.
#[must_use]
pub fn lag(
    last_seen: Option<LastSeen>,
    failing_since: Timestamp,
    unseen_until: Timestamp,
    position: &ReplicaPosition,
    probe: &Probe,
) -> Loss {
    let Some(seen) = last_seen else {
        return Loss::Unknown { because: "the primary's position was never seen".into() };
    };
    let unwatched = TimeSpan::between(seen.at, failing_since);
    if unwatched > unwatched_at_most(probe) {
        return Loss::Unknown {
            because: format!("the primary's position was last seen {} before it failed", unwatched.roughly()),
        };
    }
    let unseen = TimeSpan::between(seen.at, unseen_until.max(failing_since));
    let wal_bytes = position.replayed.bytes_until(seen.lsn);
    if wal_bytes == 0 {
        return Loss::AtMost { wal_bytes, time: TimeSpan::seconds(0), unseen };
    }
    // What is not replayed was committed after the last commit that is, and after the log was seen to stand where the
    // replica has come to. A quiet primary's last commit is old, and what it wrote since may have been none.
    let stood = seen.before.filter(|stood| stood.lsn <= position.replayed).map(|stood| stood.at);
    match position.replayed_commit_at.max(stood) {
        Some(since) => Loss::AtMost { wal_bytes, time: TimeSpan::between(since, seen.at), unseen },
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
                    "the replica is {} and {wal_bytes} bytes behind, the budget is {} and {} bytes",
                    time.roughly(),
                    budget.time,
                    budget.wal_bytes
                ))
            }
            Self::AtMost { .. } => None,
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost { wal_bytes: 0, unseen, .. } => {
                write!(f, "nothing that was seen, and what was written in {} that nobody saw", unseen.roughly())
            }
            Self::AtMost { wal_bytes, time, unseen } => {
                let (time, unseen) = (time.roughly(), unseen.roughly());
                write!(f, "at most {time} ({wal_bytes} bytes), and what was written in {unseen} that nobody saw")
            }
            Self::Unknown { because } => write!(f, "an unknown amount ({because})"),
            Self::Promoted => f.write_str("nothing more"),
        }
    }
}

impl Loss {
    /// Why what was written unseen may be more than the budget, if it may.
    #[must_use]
    pub fn unseen_above(&self, budget: &DataLossBudget) -> Option<String> {
        match self {
            Self::AtMost { unseen, .. } if *unseen > budget.time => Some(format!(
                "the primary may have taken writes for {} that nobody saw, the budget is {}",
                unseen.roughly(),
                budget.time
            )),
            Self::AtMost { .. } | Self::Unknown { .. } | Self::Promoted => None,
        }
    }

    /// What the replica was seen to lack, in time: what was lost at the least, as far as anybody knows.
    #[must_use]
    pub fn seen(&self) -> Option<TimeSpan> {
        match self {
            Self::AtMost { time, .. } => Some(*time),
            Self::Unknown { .. } | Self::Promoted => None,
        }
    }

    /// The most that may be lost, in time: the lag and what was written unseen. Absent where it is unknown.
    #[must_use]
    pub fn time(&self) -> Option<TimeSpan> {
        match self {
            Self::AtMost { time, unseen, .. } => Some(*time + *unseen),
            Self::Unknown { .. } | Self::Promoted => None,
        }
    }
}
