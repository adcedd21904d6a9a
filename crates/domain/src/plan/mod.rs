//! A recovery plan: what one system needs so that it can be recovered.
//!
//! These types are the plan's file, field by field; [`crate::plan_file`] reads one and finds what types cannot. A plan may
//! protect several pairs: each is watched and failed over by itself, and what does so sees the plan of its pair alone, a
//! [`PairPlan`] under a name of its own.

mod alarms;
mod backups;
mod checks;
mod failover;
mod health;
mod health_checks;
mod objectives;
mod probe;
mod targets;
mod traffic;

pub use alarms::{AlarmSeverity, Condition, MetricSource, PlanAlarm, Statistic, Watched};
pub use backups::{Backup, BackupAlarm, BackupCopy, BackupVerification, Cleanup, LONGEST_BACKUP, Overlap, RestoreInto};
pub use checks::{Check, Expected, HttpCheck, HttpExpected, HttpMethod, JsonExpected, SqlCheck};
pub use failover::{DataLossBudget, Failover, FailureClass, Policies, Policy, Waits};
pub use health::{Health, Limits};
pub use health_checks::{HealthCheck, HealthChecks, MovedBy};
pub use objectives::{Disaster, FailureObjective, Objectives, Tier};
pub use probe::Probe;
pub use targets::{Bound, Measure, ServiceTarget};
pub use traffic::{Alias, ApplicationRecord, LoadBalancer, MovedName, Plain, Record, Target, Traffic};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    component::{ActiveSide, ActiveSides, Bucket, Component, PostgresPair, SideRegions, SnapshotKind},
    words::{
        id::{ComponentName, Day, InstanceId, KmsKeyId, PlanName, Region, ScheduleName},
        time_span::TimeSpan,
    },
};

/// One system's recovery plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Plan")]
pub struct Plan<T = Vec<Traffic>> {
    /// The plan's name; in a [`PairPlan`], the pair's.
    pub plan: PlanName,
    /// One line for the person who is paged: what this system is.
    pub summary: String,
    /// Who answers for the plan: a person, a team or a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The day by which people are to read it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_by: Option<Day>,
    /// Where it runs, where it recovers, and a third place to look from.
    pub regions: Regions,
    /// What was promised.
    pub objectives: Objectives,
    /// What the plan protects.
    pub components: Vec<Component>,
    /// How clients find the primary of each pair that a failover moves.
    pub traffic: T,
    /// How the primary's health is watched.
    pub probe: Probe,
    /// What makes a Region healthy, seen from another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// When to fail over, and when to ask.
    pub failover: Failover,
    /// Backups by schedule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<Backup>,
    /// What becomes of backups that no retention keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<Cleanup>,
    /// What must be true of the new side before the run says done.
    #[serde(default)]
    pub verify: Vec<Check>,
    /// Who hears of it, beyond the engine's own topic.
    #[serde(default)]
    pub notifications: Notifications,
    /// Alarms beside those that every plan has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<PlanAlarm>,
}

/// A plan as the watch and the runs of one of its pairs see it: that pair's traffic, under the pair's name.
pub type PairPlan = Plan<Traffic>;

/// The plan's Regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Regions {
    /// Where the system runs.
    pub primary: Region,
    /// Where it recovers, and from where recovery is run.
    pub recovery: Region,
    /// A third place to look from. Needed where a Region's failure is answered automatically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Region>,
    /// Further recovery Regions, in the order in which they are tried where `recovery` is not healthy: backups lie there, and a
    /// person has them restored there. No failover goes there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Region>,
}

/// Who hears of it, beyond the engine's own topic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notifications {
    /// SNS topics, by ARN, in the recovery Region.
    #[serde(default)]
    pub topics: Vec<String>,
}

impl Plan {
    /// Each pair's traffic, with the pair's name. The first goes by the plan's own name, so that a plan to which a pair is
    /// added keeps its lease and its evidence; a further one by its component's too, as `shop.ledger`.
    fn named(&self) -> impl Iterator<Item = (PlanName, &Traffic)> {
        self.traffic.iter().enumerate().filter_map(|(index, traffic)| {
            let name = if index == 0 { self.plan.clone() } else { self.plan.of_pair(&traffic.component).ok()? };
            Some((name, traffic))
        })
    }

    /// The names of its pairs.
    pub fn names_of_pairs(&self) -> impl Iterator<Item = PlanName> {
        self.named().map(|(name, _)| name)
    }

    /// The plan of each pair.
    pub fn pairs(&self) -> impl Iterator<Item = PairPlan> {
        self.named().map(|(name, traffic)| self.narrowed(name, traffic))
    }

    /// The plan of the pair of this name; the first pair has its component's name too.
    #[must_use]
    pub fn pair_plan(&self, name: &PlanName) -> Option<PairPlan> {
        let is_it = |own: &PlanName, of: &Traffic| own == name || self.plan.of_pair(&of.component).as_ref() == Ok(name);
        let (own, traffic) = self.named().find(|(own, traffic)| is_it(own, traffic))?;
        Some(self.narrowed(own, traffic))
    }

    /// The plan as one pair's watch and runs see it: what was promised is what its tier promises.
    fn narrowed(&self, name: PlanName, traffic: &Traffic) -> PairPlan {
        let mut pair = self.with(name, traffic.clone());
        if let Some(of) = self.pair_of(traffic) {
            pair.objectives = self.objectives.of(of);
        }
        pair.verify.retain(|check| check.component().is_none_or(|of| *of == traffic.component));
        pair
    }

    /// The names of its pairs, as a sentence lists them.
    #[must_use]
    pub fn pair_names(&self) -> String {
        let names = self.traffic.iter().map(|traffic| format!("`{}.{}`", self.plan, traffic.component));
        names.collect::<Vec<_>>().join(", ")
    }

    /// The name of the pair whose side a component is on: its own where a failover moves it. What no failover moves by
    /// itself goes with the first pair; a pair that no traffic leads to stays where it is.
    #[must_use]
    pub fn goes_with(&self, component: &Component) -> Option<PlanName> {
        let own = self.named().find(|(_, traffic)| traffic.component == *component.name());
        let first = || self.named().next().filter(|_| component.kind().moves().is_none());
        own.or_else(first).map(|(name, _)| name)
    }

    /// Which side of a component takes writes.
    #[must_use]
    pub fn active_of(&self, component: &Component, sides: &ActiveSides) -> ActiveSide {
        sides.of(self.goes_with(component).as_ref())
    }

    /// On which side a component is backed up while its pair takes writes on this one.
    #[must_use]
    pub fn backed_up_on(&self, component: &Component, active: ActiveSide) -> ActiveSide {
        let active = self.goes_with(component).map_or(ActiveSide::Primary, |_| active);
        component.kind().backed_up(active).map_or(active, |(side, _)| side)
    }
}

impl Plan {
    /// The schedules that back a component up.
    pub fn schedules_of(&self, component: &Component) -> impl Iterator<Item = &Backup> {
        self.backups.iter().filter(|backup| backup.components.contains(component.name()))
    }

    /// The longest that a client keeps a pair's record, or a name of its application.
    #[must_use]
    pub fn longest_ttl(&self) -> TimeSpan {
        self.traffic.iter().map(Traffic::longest_ttl).max().unwrap_or_default()
    }
}

impl PairPlan {
    /// The pair that the traffic's record names. [`crate::plan_file::read`] has seen that it exists.
    #[must_use]
    pub fn pair(&self) -> Option<&PostgresPair> {
        self.pair_of(&self.traffic)
    }

    /// The buckets that are looked at with this pair: all of the plan's, with its first.
    pub fn own_buckets(&self) -> impl Iterator<Item = &Bucket> {
        let all = self.components.iter().filter(|_| !self.plan.is_of_a_pair());
        all.filter_map(|component| component.kind().bucket())
    }

    /// The plan that has this pair and no other.
    #[must_use]
    pub fn alone(&self) -> Plan {
        self.with(self.plan.whole(), vec![self.traffic.clone()])
    }
}

impl<T> Plan<T> {
    /// The pair that a traffic leads to.
    #[must_use]
    pub fn pair_of(&self, traffic: &Traffic) -> Option<&PostgresPair> {
        let mut named = self.components.iter().filter(|component| *component.name() == traffic.component);
        named.find_map(|component| component.kind().moves())
    }

    /// The same plan with this traffic, under this name.
    fn with<U>(&self, plan: PlanName, traffic: U) -> Plan<U> {
        Plan {
            plan,
            traffic,
            summary: self.summary.clone(),
            owner: self.owner.clone(),
            review_by: self.review_by.clone(),
            regions: self.regions.clone(),
            objectives: self.objectives.clone(),
            components: self.components.clone(),
            probe: self.probe.clone(),
            health: self.health.clone(),
            failover: self.failover.clone(),
            backups: self.backups.clone(),
            cleanup: self.cleanup.clone(),
            verify: self.verify.clone(),
            notifications: self.notifications.clone(),
            alarms: self.alarms.clone(),
        }
    }

    /// The component of this name.
    #[must_use]
    pub fn component(&self, name: &ComponentName) -> Option<&Component> {
        self.components.iter().find(|component| component.name() == name)
    }

    /// Everything of a noun, as `instance`, that a component is in one of its Regions.
    pub fn identifiers(&self, noun: &str) -> impl Iterator<Item = String> {
        let all = self.components.iter().flat_map(|component| component.kind().identities());
        all.filter(move |identity| identity.noun == noun).map(|identity| identity.id)
    }

    /// Whether an instance is a component's.
    #[must_use]
    pub fn names(&self, instance: &InstanceId) -> bool {
        self.identifiers(SnapshotKind::Instance.noun()).any(|id| id == instance.as_str())
    }

    /// The Regions of its sides.
    #[must_use]
    pub fn side_regions(&self) -> SideRegions<'_> {
        SideRegions { primary: &self.regions.primary, recovery: &self.regions.recovery }
    }

    /// The Region of a side.
    #[must_use]
    pub fn region_of(&self, side: ActiveSide) -> &Region {
        match side {
            ActiveSide::Primary => &self.regions.primary,
            ActiveSide::Replica => &self.regions.recovery,
        }
    }

    /// The side that is in a Region.
    #[must_use]
    pub fn side_in(&self, region: &Region) -> Option<ActiveSide> {
        [ActiveSide::Primary, ActiveSide::Replica].into_iter().find(|side| self.region_of(*side) == region)
    }

    /// Every Region that a backup may be restored into.
    #[must_use]
    pub fn restore_regions(&self) -> Vec<&Region> {
        [&self.regions.primary, &self.regions.recovery].into_iter().chain(&self.regions.next).collect()
    }

    /// The backups of a schedule.
    #[must_use]
    pub fn backup(&self, name: &ScheduleName) -> Option<&Backup> {
        self.backups.iter().find(|backup| backup.name == *name)
    }

    /// The schedules that fire.
    pub fn scheduled(&self) -> impl Iterator<Item = &Backup> {
        self.backups.iter().filter(|backup| !backup.is_continuous())
    }

    /// What keeps a component's points in time, where the plan says so.
    #[must_use]
    pub fn continuous(&self, component: &ComponentName) -> Option<&Backup> {
        self.backups.iter().find(|backup| backup.is_continuous() && backup.components.contains(component))
    }

    /// Whether a component's points in time are replicated to a Region.
    #[must_use]
    pub fn replicates_points_to(&self, component: &ComponentName, region: &Region) -> bool {
        self.continuous(component).is_some_and(|backup| backup.copies.iter().any(|copy| copy.region == *region))
    }

    /// The names of the schedules that fire, as a sentence lists them.
    #[must_use]
    pub fn schedule_names(&self) -> String {
        let names: Vec<&str> = self.scheduled().map(|backup| backup.name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// The KMS keys of the plan's copies, each once, with its Region.
    #[must_use]
    pub fn copy_keys(&self) -> Vec<(Region, KmsKeyId)> {
        let mut keys = Vec::new();
        for copy in self.backups.iter().flat_map(|backup| &backup.copies) {
            let Some(key) = &copy.kms_key else { continue };
            let named = (copy.region.clone(), key.clone());
            if !keys.contains(&named) {
                keys.push(named);
            }
        }
        keys
    }

    /// Every Region that may hold backups.
    #[must_use]
    pub fn backup_regions(&self) -> Vec<Region> {
        let sides = [&self.regions.primary, &self.regions.recovery].into_iter();
        let all = sides.chain(self.backups.iter().flat_map(|backup| backup.copies.iter().map(|copy| &copy.region)));
        let mut regions = Vec::new();
        for region in all {
            if !regions.contains(region) {
                regions.push(region.clone());
            }
        }
        regions
    }

    /// How long a failure of this class has to last before a run that nobody ordered moves anything.
    #[must_use]
    pub fn wait_for(&self, class: FailureClass) -> TimeSpan {
        self.failover.after.of(class).unwrap_or_default().max(self.probe.hold_down)
    }

    /// The longest from the primary's death by a failure of this class until it may be failed over: a sample just missed,
    /// then all in a row and the last one's time-out; never less than its wait, which begins with the first failed sample.
    #[must_use]
    pub fn detection_of(&self, class: FailureClass) -> TimeSpan {
        let probe = &self.probe;
        let counted = probe.interval.times(probe.failures_in_a_row) + probe.timeout;
        counted.max(probe.interval + self.wait_for(class))
    }

    /// The longest detection, whatever takes the primary away.
    #[must_use]
    pub fn detection(&self) -> TimeSpan {
        FailureClass::TAKING.into_iter().map(|class| self.detection_of(class)).max().unwrap_or_default()
    }

    /// The shortest from when the primary was last seen until a failure of this class may be failed over.
    #[must_use]
    pub fn unseen(&self, class: FailureClass) -> TimeSpan {
        let probe = &self.probe;
        probe.interval.times(probe.failures_in_a_row).max(probe.interval + self.wait_for(class))
    }
}
