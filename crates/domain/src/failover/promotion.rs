//! Making the replica the primary: the point of no return.

use crate::{
    failover::{
        loss::{Loss, lag},
        run::Run,
    },
    plan::Plan,
    watch::instance_status::InstanceStatus,
    words::{
        span::Span,
        wal::{LastSeen, Lsn, ReplicaPosition},
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

/// Whether a promotion was asked for before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nobody did.
    Never,
    /// This run did: what it may lose was accepted then.
    ByUs,
    /// The run that this one finishes did: what is known of the loss since counts.
    ByAnother,
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
        Grounds::Drained(_) => Loss::AtMost { wal_bytes: 0, time: Span::seconds(0), unseen: Span::seconds(0) },
    };
    match loss.above(&run.plan.failover.data_loss_budget) {
        Some(why) if !consented && before != Before::ByUs => Move::Refuse(why),
        _ => Move::Promote { loss, position },
    }
}

/// What a promotion did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promotion {
    /// The new primary.
    pub instance: crate::words::id::InstanceId,
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

/// Automated backups' retention as RDS wants it: whole days, 1 to 35.
#[must_use]
pub fn retention_days(plan: &Plan) -> u8 {
    plan.traffic_pair().map_or(1, |pair| pair.after_promotion.retention_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{failover::run::Trigger, words::id::Generation};

    fn run() -> Run {
        Run {
            execution: "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a".parse().unwrap(),
            plan: crate::plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap(),
            plan_version: "1".into(),
            generation: Generation(1),
            trigger: Trigger::Person { by: "anna".parse().unwrap(), why: "a test".into() },
            taken_over: None,
            owes: None,
            consent: None,
            opened_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn position(replayed: u64) -> ReplicaPosition {
        ReplicaPosition {
            received: Lsn(replayed),
            replayed: Lsn(replayed),
            replayed_commit_at: Some(Timestamp::UNIX_EPOCH),
        }
    }

    fn seen(status: &str, is_replica: bool, server: Server) -> Seen {
        Seen { api: Instance { status: status.into(), is_replica }, server }
    }

    fn failed(lsn: Option<u64>) -> Grounds {
        let last_seen = lsn.map(|lsn| LastSeen::new(Lsn(lsn), Timestamp::UNIX_EPOCH));
        Grounds::Failed { last_seen, since: Timestamp::UNIX_EPOCH, dead_since: Some(Timestamp::UNIX_EPOCH) }
    }

    fn planned(seen: &Seen, grounds: &Grounds, before: Before, consented: bool) -> Move {
        plan(seen, &run(), grounds, before, consented, Timestamp::from_second(60).unwrap())
    }

    fn plan_it(seen: &Seen, lsn: Option<u64>, asked: bool) -> Move {
        planned(seen, &failed(lsn), if asked { Before::ByUs } else { Before::Never }, false)
    }

    #[test]
    fn a_replica_that_has_everything_is_promoted() {
        let seen = seen("available", true, Server::InRecovery(position(10)));
        let loss = Loss::AtMost { wal_bytes: 0, time: Span::seconds(0), unseen: Span::seconds(0) };
        assert_eq!(plan_it(&seen, Some(10), false), Move::Promote { loss, position: position(10) });
    }

    #[test]
    fn a_replica_whose_lag_is_unknown_is_not_promoted() {
        let seen = seen("available", true, Server::InRecovery(position(10)));
        assert!(matches!(plan_it(&seen, None, false), Move::Refuse(_)));
    }

    #[test]
    fn a_replica_above_the_budget_is_not_promoted_without_consent() {
        let seen = seen("available", true, Server::InRecovery(position(0)));
        assert!(matches!(plan_it(&seen, Some(1_048_577), false), Move::Refuse(_)));
        let grounds = failed(Some(1_048_577));
        assert!(matches!(planned(&seen, &grounds, Before::Never, true), Move::Promote { .. }));
        assert!(matches!(planned(&seen, &grounds, Before::ByUs, false), Move::Promote { .. }), "accepted already");
        assert!(matches!(planned(&seen, &grounds, Before::ByAnother, false), Move::Refuse(_)), "known since");
    }

    #[test]
    fn a_primary_that_was_only_silent_may_have_written_until_now() {
        let seen = seen("available", true, Server::InRecovery(position(10)));
        let Grounds::Failed { last_seen, since, .. } = failed(Some(10)) else { panic!("not failed") };
        for (dead_since, unseen) in [(Some(since), Span::seconds(0)), (None, Span::seconds(60))] {
            let grounds = Grounds::Failed { last_seen, since, dead_since };
            let Move::Promote { loss, .. } = planned(&seen, &grounds, Before::Never, false) else { panic!("refused") };
            assert_eq!(loss, Loss::AtMost { wal_bytes: 0, time: Span::seconds(0), unseen });
        }
    }

    #[test]
    fn a_drained_primary_s_replica_is_promoted_only_with_all_of_its_log_whoever_consents() {
        for (replayed, promoted) in [(9, false), (10, true), (11, true)] {
            let seen = seen("available", true, Server::InRecovery(position(replayed)));
            let drained = |before| planned(&seen, &Grounds::Drained(Lsn(10)), before, true);
            assert_eq!(matches!(drained(Before::Never), Move::Promote { .. }), promoted, "{replayed}");
            assert_eq!(matches!(drained(Before::Never), Move::Refuse(_)), !promoted, "{replayed}");
            assert_eq!(matches!(drained(Before::ByUs), Move::Wait(_)), !promoted, "once asked: {replayed}");
        }
    }

    #[test]
    fn a_replica_that_rds_would_refuse_is_refused_here() {
        for status in ["backing-up", "modifying", "creating", "storage-full", "a word of next year"] {
            let seen = seen(status, true, Server::InRecovery(position(10)));
            assert!(matches!(plan_it(&seen, Some(10), false), Move::Refuse(_)), "{status}");
        }
        let optimized = seen("storage-optimization", true, Server::InRecovery(position(10)));
        assert!(matches!(plan_it(&optimized, Some(10), false), Move::Promote { .. }));
    }

    #[test]
    fn once_asked_for_it_is_only_waited_for() {
        for server in [Server::InRecovery(position(10)), Server::Silent("refused".into())] {
            assert!(matches!(plan_it(&seen("modifying", true, server.clone()), Some(10), true), Move::Wait(_)));
            assert!(matches!(plan_it(&seen("rebooting", false, server), Some(10), true), Move::Wait(_)));
        }
    }

    #[test]
    fn an_ask_that_never_arrived_is_repeated() {
        for status in ["available", "storage-optimization"] {
            let seen = seen(status, true, Server::InRecovery(position(10)));
            assert!(matches!(plan_it(&seen, Some(10), true), Move::Promote { .. }), "{status}");
        }
    }

    #[test]
    fn it_is_done_only_when_api_and_server_agree() {
        assert_eq!(plan_it(&seen("available", false, Server::Writable), Some(10), true), Move::Confirm);
        assert!(matches!(plan_it(&seen("modifying", true, Server::Writable), Some(10), true), Move::Wait(_)));
        assert!(matches!(
            plan_it(&seen("available", false, Server::InRecovery(position(10))), Some(10), true),
            Move::Wait(_)
        ));
    }
}
