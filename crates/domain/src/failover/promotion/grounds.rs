//! What a promotion is held to.

use jiff::Timestamp;

use crate::{
    failover::{drain::Drained, fencing::Fencing, judgement::Judgement},
    words::{
        failure::Failure,
        wal::{LastSeen, Lsn},
    },
};

/// What a promotion is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grounds {
    /// The primary failed: what the replica lacks is an estimate, held to the budget.
    Failed {
        /// Where its log stood when it was last seen.
        last_seen: Option<LastSeen>,
        /// Since when it fails.
        since: Timestamp,
        /// Since when its own host says so; absent where it was only silent.
        dead_since: Option<Timestamp>,
    },
    /// The primary was drained: its log ends here, and the replica must have all of it.
    Drained(Lsn),
}

impl Grounds {
    /// A rehearsal's: whatever the replica has would do.
    pub const REHEARSED: Self = Self::Drained(Lsn(0));

    /// The grounds of a run: a failover's judgement and what its fence saw, or a switchover's drain.
    ///
    /// # Errors
    /// `InvalidInput` where it has both, or neither.
    pub fn of(
        judgement: Option<&Judgement>,
        fencing: Option<&Fencing>,
        drain: Option<&Drained>,
    ) -> Result<Self, Failure> {
        match (judgement, drain) {
            // Where its log ended once the application was shut out is better than any look before.
            (Some(judgement), None) => Ok(match fencing.and_then(|fencing| fencing.ends_at) {
                Some(end) => Self::Failed {
                    // The fence itself writes to a quiet primary's log.
                    last_seen: Some(end.after(judgement.last_seen)),
                    since: end.at,
                    dead_since: Some(end.at),
                },
                None => Self::Failed {
                    last_seen: judgement.last_seen,
                    since: judgement.failing_since,
                    dead_since: judgement.dead_since,
                },
            }),
            (None, Some(drain)) => Ok(Self::Drained(drain.lsn)),
            (None, None) | (Some(_), Some(_)) => {
                Err(Failure::InvalidInput("PromoteReplica: expected either `judgement` or `drain`".into()))
            }
        }
    }

    /// Whether the old primary is to be guarded. One that was drained was seen to refuse the application already: nobody
    /// needs to wait for it.
    #[must_use]
    pub fn leave_a_guard(&self) -> bool {
        match self {
            Self::Failed { .. } => true,
            Self::Drained(_) => false,
        }
    }
}
