//! Making a promoted replica as safe as the primary was: automated backups, deletion protection, a fresh snapshot.
//!
//! A replica keeps no backups of its own, and its promotion brings next to nothing along. All this comes after the
//! traffic has moved: nobody waits for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::PostgresPair,
    failover::{promotion::retention_days, run::Run},
    plan::{MovedName, Target},
    words::id::{Generation, InstanceId},
};

/// The new primary, by RDS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// `DBInstanceStatus`.
    pub status: String,
    /// Automated backups' retention, in days; zero means that there are none.
    pub retention_days: u8,
    /// Whether it cannot be deleted.
    pub deletion_protection: bool,
    /// The status of the snapshot that this run is to take, if it exists.
    pub snapshot: Option<String>,
}

/// What an instance is to be changed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Automated backups' retention, in days.
    pub retention_days: u8,
    /// Whether it cannot be deleted.
    pub deletion_protection: bool,
    /// Whether automated backups begin with it. Only that needs `ApplyImmediately`, which also applies every other pending
    /// change, for example of the class.
    pub begins_backups: bool,
}

/// The next move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Move {
    /// Change the instance.
    Modify(Change),
    /// Take the snapshot.
    Snapshot,
    /// RDS takes no change in this status.
    Wait(String),
    /// It is as it should be.
    Done,
}

/// Plans the next move. A longer retention than the plan's, or a protection that it does not ask for, is left alone.
#[must_use]
pub fn plan(seen: &Seen, run: &Run, pair: &PostgresPair) -> Move {
    let wanted = pair.after_promotion.clone();
    let days = retention_days(&run.plan);
    let short = seen.retention_days < days;
    let open = wanted.deletion_protection && !seen.deletion_protection;
    let is_available = seen.status == "available";
    match (short || open, seen.snapshot.as_deref()) {
        (true, _) if is_available => Move::Modify(Change {
            retention_days: days.max(seen.retention_days),
            deletion_protection: wanted.deletion_protection || seen.deletion_protection,
            begins_backups: seen.retention_days == 0,
        }),
        (false, None) if is_available => Move::Snapshot,
        (false, Some("failed")) => Move::Wait("its snapshot failed: take one by hand".to_owned()),
        (false, Some(_)) => Move::Done,
        (true, _) | (false, None) => {
            Move::Wait(format!("RDS changes only an available instance, this one is {}", seen.status))
        }
    }
}

/// What was made of the new primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hardening {
    /// The new primary.
    pub instance: InstanceId,
    /// The generation that made it so.
    pub generation: Generation,
    /// Automated backups' retention, in days.
    pub retention_days: u8,
    /// Whether it cannot be deleted.
    pub deletion_protection: bool,
    /// The snapshot that was started.
    pub snapshot: String,
}

impl Hardening {
    /// What was made of a run's new primary, as it is seen now.
    #[must_use]
    pub fn of(run: &Run, pair: &PostgresPair, seen: &Seen) -> Self {
        Self {
            instance: pair.replica.instance.clone(),
            generation: run.generation,
            retention_days: seen.retention_days,
            deletion_protection: seen.deletion_protection,
            snapshot: snapshot_name(run, pair),
        }
    }

    /// One sentence for the record.
    #[must_use]
    pub fn because(&self) -> String {
        format!(
            "`{}` keeps backups for {} days, {}, and snapshot `{}` is under way",
            self.instance,
            self.retention_days,
            if self.deletion_protection { "cannot be deleted" } else { "can be deleted" },
            self.snapshot
        )
    }
}

/// The name of the run's snapshot: the same for each try, another for each run.
#[must_use]
pub fn snapshot_name(run: &Run, pair: &PostgresPair) -> String {
    format!("lifeboat-{}-{}", pair.replica.instance, run.opened_at.strftime("%Y%m%dt%H%M%S"))
}

/// What infrastructure code says of the world as it was, and must say now: else its next deployment turns it back.
#[must_use]
pub fn infrastructure(run: &Run, pair: &PostgresPair) -> Vec<String> {
    let regions = &run.plan.regions;
    let (old, new, wanted) = (&pair.primary, &pair.replica, &pair.after_promotion);
    let instances = [
        format!(
            "DB instance `{}` ({}): it has no replication source any more; backup retention {} days, deletion protection {}",
            new.instance,
            regions.recovery,
            retention_days(&run.plan),
            if wanted.deletion_protection { "on" } else { "as it was" },
        ),
        format!(
            "DB instance `{}` ({}): its only security group is `{}` until it is rebuilt as a replica of `{}`",
            old.instance, regions.primary, old.fence_security_group, new.instance
        ),
    ];
    let records = run.plan.moved_names().into_iter().map(|moved| {
        let MovedName { zone, name, recovery, ttl, ttl_after, .. } = moved;
        let kind = match &recovery {
            Target::LoadBalancer(_) => "alias A",
            Target::Address(_) | Target::Host(_) => recovery.record_type(),
        };
        let lowered =
            ttl_after.filter(|after| *after != ttl).map_or_else(String::new, |after| format!(", TTL {after}"));
        format!(
            "record `{name}` in zone {zone}: {kind} `{recovery}`{lowered}; TXT `_lifeboat.{name}` says generation={}",
            run.generation
        )
    });
    instances.into_iter().chain(records).collect()
}

/// Where what was made of it is kept.
#[must_use]
pub fn key(run: &Run) -> String {
    format!("evidence/{}/hardening/{}.json", run.plan.plan, run.execution.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        let event: serde_json::Value =
            serde_json::from_str(include_str!("../../../../events/fence-primary.json")).unwrap();
        serde_json::from_value(event["run"].clone()).unwrap()
    }

    fn seen(status: &str, days: u8, protected: bool, snapshot: Option<&str>) -> Seen {
        Seen {
            status: status.into(),
            retention_days: days,
            deletion_protection: protected,
            snapshot: snapshot.map(str::to_owned),
        }
    }

    fn next(seen: &Seen) -> Move {
        plan(seen, &run(), run().pair().unwrap())
    }

    #[test]
    fn it_is_changed_first_and_then_a_snapshot_is_taken() {
        let modify = Move::Modify(Change { retention_days: 7, deletion_protection: true, begins_backups: false });
        assert_eq!(next(&seen("available", 1, true, None)), modify);
        assert_eq!(next(&seen("available", 7, false, None)), modify);
        assert_eq!(next(&seen("available", 7, true, None)), Move::Snapshot);
        assert_eq!(next(&seen("backing-up", 7, true, Some("creating"))), Move::Done);
    }

    #[test]
    fn nothing_is_asked_of_an_instance_that_rds_would_not_change() {
        for status in ["backing-up", "modifying", "rebooting"] {
            assert!(matches!(next(&seen(status, 1, false, None)), Move::Wait(_)), "{status}");
            assert!(matches!(next(&seen(status, 7, true, None)), Move::Wait(_)), "{status}");
        }
    }

    #[test]
    fn what_is_safer_than_the_plan_is_left_alone() {
        assert_eq!(next(&seen("available", 35, true, Some("available"))), Move::Done);
        assert_eq!(
            next(&seen("available", 35, false, None)),
            Move::Modify(Change { retention_days: 35, deletion_protection: true, begins_backups: false })
        );
    }

    #[test]
    fn only_backups_that_begin_are_applied_immediately() {
        for (days, immediately) in [(0, true), (1, false)] {
            let Move::Modify(change) = next(&seen("available", days, true, None)) else { panic!("not changed") };
            assert_eq!(change.begins_backups, immediately, "{days}");
        }
    }

    #[test]
    fn a_failed_snapshot_is_not_taken_for_one() {
        assert!(matches!(next(&seen("available", 7, true, Some("failed"))), Move::Wait(_)));
    }

    #[test]
    fn a_snapshot_s_name_is_one_that_rds_takes() {
        let name = snapshot_name(&run(), run().pair().unwrap());
        assert!(name.len() <= 255 && !name.contains("--") && !name.ends_with('-'), "{name}");
        assert!(name.starts_with("lifeboat-orders-replica-2"), "{name}");
    }

    #[test]
    fn infrastructure_code_is_told_each_thing_that_changed() {
        let told = infrastructure(&run(), run().pair().unwrap()).join("\n");
        for name in ["orders-replica", "sg-00000002", "db.orders.lifeboat.test"] {
            assert!(told.contains(name), "{name} in {told}");
        }
    }
}
