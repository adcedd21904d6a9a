//! Taking the application's writes away from a primary that works, so that its replica gets all of them.
//!
//! A switchover loses nothing because this proves it: the application's roles may not log in, their sessions are ended,
//! and only then is the end of the log read. Once the replica has replayed up to there, it lacks no commit.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::PostgresPair,
    failover::judgement::{Receiver, ReplicaSeen},
    plan::PairPlan,
    watch::health::{Look, Verdict},
    words::wal::Lsn,
};

/// The pair as the step found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The primary, from here.
    pub primary: Look,
    /// The replica, looked at after the primary.
    pub replica: ReplicaSeen,
}

/// What a drain proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drained {
    /// Where the primary's log ended when nobody of the application was left: no commit of it lies beyond.
    pub lsn: Lsn,
    /// How far the replica had replayed then.
    pub replayed: Lsn,
    /// When that was.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl Drained {
    /// Whether the replica has everything.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.replayed >= self.lsn
    }

    /// One sentence for the record.
    #[must_use]
    pub fn because(&self, pair: &PostgresPair) -> String {
        let (primary, replica, end) = (&pair.primary.instance, &pair.replica.instance, self.lsn);
        let shut = format!("`{primary}` refuses the application, its log ends at {end}");
        if self.is_replayed() {
            format!("{shut}, and `{replica}` has all of it")
        } else {
            format!("{shut}; `{replica}` is at {}", self.replayed)
        }
    }
}

/// What speaks against draining, if anything does. Refuses whenever in doubt.
#[must_use]
pub fn objection(seen: &Seen, plan: &PairPlan, pair: &PostgresPair) -> Option<String> {
    let (primary, replica) = (&pair.primary.instance, &pair.replica.instance);
    let written = match (seen.primary.database, seen.primary.lsn) {
        (Verdict::Up, Some(lsn)) => lsn,
        (Verdict::Up | Verdict::Down | Verdict::Unknown, _) => {
            return Some(format!(
                "`{primary}` is not healthy, and only a healthy primary can hand over: {}; a failover judges what to do",
                seen.primary.because
            ));
        }
    };
    let position = match &seen.replica {
        ReplicaSeen::Replica { position, receiver: Receiver::Streaming { .. } } => position,
        ReplicaSeen::Replica { receiver: Receiver::Absent, .. } => {
            return Some(format!("`{replica}` is not streaming: it would never have everything"));
        }
        ReplicaSeen::Primary => return Some(format!("`{replica}` takes writes already: promoted by someone else")),
        ReplicaSeen::Silent(why) => return Some(format!("`{replica}` does not answer: {why}")),
    };
    // Nothing is lost to the lag; but nobody is served until it is made up.
    let (behind, budget) = (position.replayed.bytes_until(written), plan.failover.data_loss_budget.wal_bytes);
    (behind > budget).then(|| {
        format!(
            "`{replica}` is {behind} bytes behind, the budget is {budget} bytes: nobody would be served meanwhile; try \
             again when it has caught up"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{watch::health::Endpoint, words::wal::ReplicaPosition};

    fn plan() -> PairPlan {
        crate::plan_file::lab_pair()
    }

    fn primary(database: Verdict, lsn: Option<u64>) -> Look {
        let because = "said so".into();
        let at = Timestamp::UNIX_EPOCH;
        Look { endpoint: Endpoint::Open, database, because, at, took_milliseconds: 1, lsn: lsn.map(Lsn) }
    }

    fn replica(replayed: u64) -> ReplicaSeen {
        let position = ReplicaPosition { received: Lsn(replayed), replayed: Lsn(replayed), replayed_commit_at: None };
        ReplicaSeen::Replica { position, receiver: Receiver::Streaming { heard_at: Timestamp::UNIX_EPOCH } }
    }

    fn objection_to(primary: Look, replica: ReplicaSeen) -> Option<String> {
        let plan = plan();
        objection(&Seen { primary, replica }, &plan, plan.pair().unwrap())
    }

    #[test]
    fn a_replica_behind_by_the_budget_may_be_waited_for_and_one_behind_by_more_may_not() {
        let budget = plan().failover.data_loss_budget.wal_bytes;
        for (behind, refused) in [(0, false), (budget, false), (budget + 1, true)] {
            let objection = objection_to(primary(Verdict::Up, Some(budget + 10 + behind)), replica(budget + 10));
            assert_eq!(objection.is_some(), refused, "{behind}: {objection:?}");
        }
    }

    #[test]
    fn a_primary_that_is_not_surely_healthy_is_not_drained() {
        for look in [primary(Verdict::Down, None), primary(Verdict::Unknown, Some(10)), primary(Verdict::Up, None)] {
            assert!(objection_to(look, replica(10)).unwrap().contains("not healthy"));
        }
    }

    #[test]
    fn a_replica_that_does_not_stream_is_not_waited_for() {
        let position = ReplicaPosition { received: Lsn(10), replayed: Lsn(10), replayed_commit_at: None };
        let absent = ReplicaSeen::Replica { position, receiver: Receiver::Absent };
        for replica in [absent, ReplicaSeen::Primary, ReplicaSeen::Silent("refused".into())] {
            assert!(objection_to(primary(Verdict::Up, Some(10)), replica).is_some());
        }
    }

    #[test]
    fn everything_is_replayed_at_the_end_of_the_log_and_not_one_byte_before() {
        let drained = |replayed| Drained { lsn: Lsn(10), replayed: Lsn(replayed), at: Timestamp::UNIX_EPOCH };
        assert_eq!([9, 10, 11].map(|replayed| drained(replayed).is_replayed()), [false, true, true]);
    }
}
