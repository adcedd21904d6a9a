//! Making the replica the primary: the point of no return.

mod asking;
mod grounds;

pub use asking::{Asking, Before, guard, promoted_by_nobody};
pub use grounds::Grounds;

use crate::{
    failover::{
        lease::RequestedPromotion,
        loss::{Loss, lag},
        run::Run,
    },
    plan::PairPlan,
    watch::instance_status::InstanceStatus,
    words::{
        id::InstanceId,
        time_span::TimeSpan,
        wal::{Lsn, ReplicaPosition},
    },
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The replica as the step found it: by the API, and by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// RDS's view.
    pub api: Instance,
    /// The server's own.
    pub server: Server,
}

/// RDS's view of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// `DBInstanceStatus`.
    pub status: String,
    /// Whether it still names a replication source.
    pub is_replica: bool,
}

/// A server's own view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Server {
    /// In recovery: it replays another's log.
    InRecovery(ReplicaPosition),
    /// It takes writes.
    Writable,
    /// It does not answer, and why.
    Silent(String),
}

/// The next move.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Move {
    /// Ask RDS to promote it.
    Promote {
        /// What that may lose.
        loss: Loss,
        /// Where the replica stands.
        position: ReplicaPosition,
    },
    /// Promoted: prove it with a write.
    Confirm,
    /// On its way.
    Wait(String),
    /// Do not, and why.
    Refuse(String),
}

/// Plans a promotion. Refuses whenever in doubt, as long as nothing was asked for; after that it only waits. `consented`
/// is whether a person accepts a loss above the budget.
#[must_use]
pub fn plan(seen: &Seen, run: &Run, grounds: &Grounds, before: Before, consented: bool, now: Timestamp) -> Move {
    let asked = before != Before::Never;
    match (&seen.server, seen.api.is_replica) {
        (Server::Writable, false) => return Move::Confirm,
        (Server::Writable, true) => return Move::Wait("the server takes writes, RDS still names its source".into()),
        (Server::InRecovery(_) | Server::Silent(_), false) => {
            return Move::Wait(format!(
                "RDS names no source any more (status {}), the server is not writable yet",
                seen.api.status
            ));
        }
        (Server::InRecovery(_) | Server::Silent(_), true) => {}
    }
    let status = InstanceStatus::of(&seen.api.status);
    if asked && status != InstanceStatus::Works {
        return Move::Wait(format!("promoting: status {}", seen.api.status));
    }
    let position = match &seen.server {
        Server::InRecovery(position) => *position,
        Server::Silent(why) if asked => return Move::Wait(format!("promoting: the server does not answer: {why}")),
        Server::Silent(why) => return Move::Refuse(format!("the replica does not answer: {why}")),
        Server::Writable => return Move::Confirm,
    };
    // What passes is waited for by the judge, and by the next run: not here, where the primary is shut.
    if status != InstanceStatus::Works {
        return Move::Refuse(format!("RDS promotes only an available replica, this one is {}", seen.api.status));
    }
    let loss = match grounds {
        Grounds::Failed { last_seen, since, dead_since } => {
            lag(*last_seen, *since, dead_since.unwrap_or(now), &position, &run.plan.probe)
        }
        Grounds::Drained(end) if position.replayed < *end => {
            let why = format!("the replica has replayed up to {}, the primary's log ends at {end}", position.replayed);
            return if asked { Move::Wait(why) } else { Move::Refuse(why) };
        }
        Grounds::Drained(_) => Loss::AtMost { wal_bytes: 0, time: TimeSpan::seconds(0), unseen: TimeSpan::seconds(0) },
    };
    match loss.above(&run.plan.failover.data_loss_budget) {
        Some(why) if !consented && before != Before::ByUs => Move::Refuse(why),
        _ => Move::Promote { loss, position },
    }
}

impl Move {
    /// What a rehearsal answers, which promotes nothing: only a replica that RDS would promote now will do.
    ///
    /// # Errors
    /// Why it would not.
    pub fn rehearsed(&self, replica: &InstanceId) -> Result<String, String> {
        match self {
            Self::Promote { .. } => Ok(format!("`{replica}` is an available replica, and could be promoted now")),
            Self::Confirm => Err(format!("`{replica}` is a primary already")),
            Self::Wait(why) | Self::Refuse(why) => Err(format!("`{replica}` cannot be promoted: {why}")),
        }
    }
}

/// A write that committed on a new primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The timeline that it is on.
    pub timeline: u32,
    /// The server's position after it.
    pub lsn: Lsn,
    /// When it committed.
    pub at: Timestamp,
}

/// What a promotion did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promotion {
    /// The new primary.
    pub instance: InstanceId,
    /// Where it stood when RDS was asked; absent where an earlier run asked and died.
    pub position: Option<ReplicaPosition>,
    /// What may be lost.
    pub loss: Loss,
    /// When RDS was asked.
    #[schemars(with = "Option<String>")]
    pub asked_at: Option<Timestamp>,
    /// The timeline that the new primary writes.
    pub timeline: u32,
    /// Its position after the write that proved it.
    pub written_at_lsn: Lsn,
    /// When that write committed.
    #[schemars(with = "String")]
    pub written_at: Timestamp,
}

impl Promotion {
    /// A promotion that a write has proved.
    #[must_use]
    pub fn proved(instance: &InstanceId, asked: RequestedPromotion, written: Written) -> Self {
        Self {
            instance: instance.clone(),
            position: asked.position,
            loss: asked.loss,
            asked_at: Some(asked.at),
            timeline: written.timeline,
            written_at_lsn: written.lsn,
            written_at: written.at,
        }
    }

    /// One sentence for the record.
    #[must_use]
    pub fn because(&self) -> String {
        format!(
            "`{}` is the primary: a write committed on timeline {} at {}",
            self.instance, self.timeline, self.written_at_lsn
        )
    }
}

/// Automated backups' retention as RDS wants it: whole days, 1 to 35.
#[must_use]
pub fn retention_days(plan: &PairPlan) -> u8 {
    plan.pair().map_or(1, |pair| pair.after_promotion.retention_days())
}

#[cfg(test)]
mod tests;
