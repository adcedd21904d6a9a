//! Keeping an old primary out until it was seen to refuse the application's writes.
//!
//! Every promotion leaves a guard behind, in the same write of the lease that passes the point of no return. What
//! FencePrimary reached is confirmed by the guard's first look; what it could not reach is fenced when it returns.

use crate::{
    failover::fencing::{Target, Way},
    words::{
        id::{CallerArn, Generation, InstanceId, Person, PlanName},
        time_span::TimeSpan,
        wal::{Lsn, ReplicaPosition},
    },
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An old primary that is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guard {
    /// The generation whose promotion left it behind.
    pub generation: Generation,
    /// Since when: just before RDS was asked to promote the other side.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Where the replica stood then. Whatever the old primary's log holds beyond it, the new primary lacks. Absent where
    /// somebody else promoted it.
    pub position: Option<ReplicaPosition>,
    /// Whom to keep out, whatever the plan says by now.
    pub target: Target,
    /// Until when it is looked at in any case: a step of a run that was taken over may still be opening it. Absent where
    /// none was.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub settles_at: Option<Timestamp>,
}

/// An old primary as the guard met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Met {
    /// It does not answer, and why.
    Silent(String),
    /// It answers, and could not be shut: the application may go on writing to it. Why.
    Resists(String),
    /// It answered, and refuses the application now; its log ends here.
    ShutOut(Lsn),
    /// It follows another server, so that nobody can write to it.
    Follows,
}

/// What the guard left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// The plan.
    pub plan: PlanName,
    /// The generation whose promotion left it behind.
    pub generation: Generation,
    /// The old primary.
    pub instance: InstanceId,
    /// Since when it was guarded.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// When it was seen to refuse writes.
    #[schemars(with = "String")]
    pub ended_at: Timestamp,
    /// Its security group, when last asked for.
    pub network: Way,
    /// What it holds that the new primary lacks; absent where it follows another server, or nobody looked.
    pub divergence: Option<Divergence>,
    /// Who took it over, where a person did: then nobody has seen it refuse writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_over: Option<TakenOver>,
    /// One sentence.
    pub because: String,
}

/// A person's word that an old primary is theirs to keep out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TakenOver {
    /// Who.
    pub by: Person,
    /// Why.
    pub why: String,
    /// Who it was by AWS's word, where that was proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<CallerArn>,
}

/// Where two logs part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Divergence {
    /// Where the replica stood when it was promoted.
    pub promoted_at: Lsn,
    /// Where the old primary's log ends.
    pub old_primary_ends_at: Lsn,
    /// How much of its log the new primary lacks. Checkpoints count too, so that it is rarely zero.
    pub wal_bytes: u64,
}

/// How often a look at an old primary begins, whatever the plan's probe does and whatever became of the looks before: one
/// that returns is met within a second.
pub const EVERY: TimeSpan = TimeSpan::seconds(1);

/// What to make of a meeting; `None` is: go on watching.
#[must_use]
pub fn conclude(guard: &Guard, plan: &PlanName, met: &Met, network: Way, now: Timestamp) -> Option<Kept> {
    let instance = &guard.target.side.instance;
    let waited = TimeSpan::between(guard.since, now).roughly();
    if guard.settles_at.is_some_and(|settles_at| now < settles_at) {
        return None;
    }
    let (divergence, because) = match met {
        Met::Silent(_) | Met::Resists(_) => return None,
        Met::Follows => (None, format!("`{instance}` follows another server, {waited} after the promotion")),
        Met::ShutOut(lsn) => {
            let refuses = format!(
                "`{instance}` refuses the application since {now}, {waited} after the promotion; its log ends at {lsn}"
            );
            match guard.position {
                Some(position) => {
                    let promoted_at = position.received.max(position.replayed);
                    let wal_bytes = promoted_at.bytes_until(*lsn);
                    let because = format!(
                        "{refuses}, {wal_bytes} bytes after {promoted_at}, where the new primary went its own way"
                    );
                    (Some(Divergence { promoted_at, old_primary_ends_at: *lsn, wal_bytes }), because)
                }
                None => (None, format!("{refuses}; where the new primary went its own way nobody has seen")),
            }
        }
    };
    Some(Kept {
        plan: plan.clone(),
        generation: guard.generation,
        instance: instance.clone(),
        since: guard.since,
        ended_at: now,
        network,
        divergence,
        taken_over: None,
        because,
    })
}

/// Hands an old primary over to a person.
#[must_use]
pub fn hand_over(guard: &Guard, plan: &PlanName, to: TakenOver, now: Timestamp) -> Kept {
    let instance = &guard.target.side.instance;
    let because = format!(
        "{} keeps `{instance}` out from {now} on, {} after the promotion: {}",
        to.by,
        TimeSpan::between(guard.since, now).roughly(),
        to.why
    );
    Kept {
        plan: plan.clone(),
        generation: guard.generation,
        instance: instance.clone(),
        since: guard.since,
        ended_at: now,
        network: Way::Unreachable("not looked at: a person took it over".to_owned()),
        divergence: None,
        taken_over: Some(to),
        because,
    }
}

/// Where what the guard left behind is kept.
#[must_use]
pub fn key(plan: &PlanName, generation: Generation) -> String {
    format!("evidence/{plan}/guard/generation-{generation}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let position = ReplicaPosition { received: Lsn(100), replayed: Lsn(90), replayed_commit_at: None };
        let plan = crate::plan_file::lab_pair();
        let target = Target::primary(&plan, plan.pair().unwrap());
        Guard {
            generation: Generation(3),
            since: Timestamp::UNIX_EPOCH,
            position: Some(position),
            target,
            settles_at: None,
        }
    }

    fn met(met: &Met) -> Option<Kept> {
        conclude(&guard(), &"lab".parse().unwrap(), met, Way::Holds, Timestamp::from_second(7).unwrap())
    }

    #[test]
    fn a_silent_primary_is_watched_on_and_so_is_one_that_cannot_be_shut() {
        assert_eq!(met(&Met::Silent("no answer".into())), None);
        assert_eq!(met(&Met::Resists("role \"shop\" does not exist".into())), None);
    }

    #[test]
    fn what_the_old_primary_wrote_beyond_the_promotion_is_counted() {
        let kept = met(&Met::ShutOut(Lsn(164))).unwrap();
        assert_eq!(kept.divergence.unwrap().wal_bytes, 64);
        assert!(kept.because.contains("0/A4") && kept.because.contains("7s after"), "{}", kept.because);
        assert_eq!(met(&Met::ShutOut(Lsn(100))).unwrap().divergence.unwrap().wal_bytes, 0);
    }

    #[test]
    fn where_two_logs_part_is_not_said_where_nobody_has_seen_it() {
        let guard = Guard { position: None, ..guard() };
        let plan = "lab".parse().unwrap();
        let kept = conclude(&guard, &plan, &Met::ShutOut(Lsn(164)), Way::Holds, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(kept.divergence, None);
        assert!(kept.because.contains("nobody has seen"), "{}", kept.because);
    }

    #[test]
    fn one_that_an_earlier_run_may_still_be_opening_is_looked_at_until_that_is_over() {
        let settling = |second| Guard { settles_at: Some(Timestamp::from_second(second).unwrap()), ..guard() };
        let concluded = |guard: &Guard| {
            let now = Timestamp::from_second(7).unwrap();
            conclude(guard, &"lab".parse().unwrap(), &Met::ShutOut(Lsn(164)), Way::Holds, now).is_some()
        };
        assert_eq!([8, 7].map(|second| concluded(&settling(second))), [false, true]);
    }

    #[test]
    fn what_a_person_took_over_is_never_said_to_refuse_writes() {
        let to = TakenOver { by: "anna".parse().unwrap(), why: "it was deleted".into(), proved: None };
        let kept = hand_over(&guard(), &"lab".parse().unwrap(), to, Timestamp::from_second(7).unwrap());
        assert!(kept.network != Way::Holds && kept.divergence.is_none());
        assert!(kept.because.contains("anna keeps") && kept.because.contains("it was deleted"), "{}", kept.because);
    }

    #[test]
    fn a_server_that_follows_needs_no_fence() {
        assert_eq!(met(&Met::Follows).unwrap().divergence, None);
    }
}
