//! What is protected, and by which backups.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    component::{ActiveSide, Bucket, Component, Identity, SnapshotKind},
    plan::{Backup, Overlap, Plan, RestoreInto},
    retention::{Each, OnDay, Retention},
    words::{
        id::{ComponentName, Region, ScheduleName, TierName},
        time_span::TimeSpan,
        when::NEWEST_POINT,
    },
};

/// A component.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Protected {
    /// Its name.
    pub name: ComponentName,
    /// What one is called.
    pub noun: &'static str,
    /// What it runs, where that is known.
    pub engine: Option<&'static str>,
    /// Whose promises it shares.
    pub tier: Option<TierName>,
    /// What it is in the primary Region.
    pub primary: Vec<String>,
    /// What it is in the recovery Region.
    pub recovery: Vec<String>,
    /// What becomes of it in a failover.
    pub in_a_failover: &'static str,
    /// How far back a point in time is to reach, where the plan says so.
    pub point_in_time: Option<TimeSpan>,
    /// What becomes of its objects as they grow old, where the plan says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
}

/// Whether a failover moves it.
pub(super) fn is_moved(plan: &Plan, component: &Component) -> bool {
    component.kind().moves().is_some() && plan.traffic.iter().any(|traffic| traffic.component == *component.name())
}

pub(super) fn components(plan: &Plan) -> Vec<Protected> {
    let protected = |component: &Component| {
        let kind = component.kind();
        let identities = kind.identities();
        let on = |side: ActiveSide| {
            let there = identities.iter().filter(|identity| identity.side == side);
            there.map(|Identity { noun, id, .. }| format!("{noun} {id}")).collect()
        };
        Protected {
            name: kind.name().clone(),
            noun: kind.noun(),
            engine: kind.engine().or(kind.snapshots().and_then(SnapshotKind::software)),
            tier: kind.tier().cloned(),
            primary: on(ActiveSide::Primary),
            recovery: on(ActiveSide::Replica),
            in_a_failover: match kind.snapshots() {
                _ if is_moved(plan, component) => "moved",
                _ if kind.replicates() => "stays; its recovery side is moved by hand",
                Some(_) => "stays; a backup is restored by hand",
                None if kind.holds_data() => "stays; nothing else has what it holds",
                None if kind.checks().is_empty() => "nothing is done for it",
                None => "checked afterwards",
            },
            point_in_time: kind.restores().and_then(|pair| pair.point_in_time),
            lifecycle: kind.bucket().and_then(Bucket::lifecycle).map(ToString::to_string),
        }
    };
    plan.components.iter().map(protected).collect()
}

/// A schedule of backups.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduled {
    /// Its name.
    pub name: ScheduleName,
    /// Of what.
    pub components: Vec<ComponentName>,
    /// When.
    pub schedule: String,
    /// The longest from one to the next.
    pub longest_wait: Option<TimeSpan>,
    /// How long one may take, and what becomes of the next one meanwhile.
    pub bound: String,
    /// Where they lie, besides where they are taken.
    pub copies: Vec<Region>,
    /// How long they are kept.
    pub kept: String,
    /// How they are proved.
    pub proved: String,
}

pub(super) fn schedules(plan: &Plan) -> Vec<Scheduled> {
    plan.backups.iter().map(|backup| scheduled(backup, plan)).collect()
}

fn scheduled(backup: &Backup, plan: &Plan) -> Scheduled {
    let deletes = plan.cleanup.as_ref().is_some_and(|cleanup| cleanup.apply);
    Scheduled {
        name: backup.name.clone(),
        components: backup.components.clone(),
        schedule: backup.schedule.to_string(),
        longest_wait: backup.schedule.longest_wait(),
        bound: bound(backup),
        copies: backup.copies.iter().map(|copy| copy.region.clone()).collect(),
        kept: match &backup.retention {
            None => kept_back(backup, plan),
            Some(retention) if deletes => kept(retention),
            Some(_) => "for ever: nothing is deleted".to_owned(),
        },
        proved: proved(backup),
    }
}

/// How far back its points in time reach.
fn kept_back(backup: &Backup, plan: &Plan) -> String {
    let components = backup.components.iter().filter_map(|name| plan.component(name));
    let days: BTreeSet<TimeSpan> =
        components.filter_map(|known| known.kind().restores().and_then(|pair| pair.point_in_time)).collect();
    let days: Vec<String> = days.iter().map(ToString::to_string).collect();
    format!("any time within {}", days.join(", "))
}

fn bound(backup: &Backup) -> String {
    if backup.is_continuous() {
        return format!(
            "any time until {NEWEST_POINT} ago can be restored, in another Region what it is behind before that"
        );
    }
    let meanwhile = match backup.overlap.unwrap_or_default() {
        Overlap::Skip => "one that is due meanwhile is skipped, and that is told",
        Overlap::Wait => "one that is due meanwhile waits",
    };
    format!("{}; {meanwhile}", backup.longest_run())
}

fn kept(retention: &Retention) -> String {
    let Retention { last, within, on_day, hourly, daily, weekly, monthly, yearly, floor } = retention;
    let each = |rule: &Option<Each>, noun: &str| {
        Some(match rule.as_ref()? {
            Each::Newest(count) => format!("{count} {noun}"),
            Each::Within(within) => format!("{noun} for {within}"),
        })
    };
    let rules = [
        (*last > 0).then(|| format!("the newest {last}")),
        within.map(|within| format!("all for {within}")),
        on_day.map(|OnDay { day, within }| format!("those of each {day} for {within}")),
        each(hourly, "hourly"),
        each(daily, "daily"),
        each(weekly, "weekly"),
        each(monthly, "monthly"),
        each(yearly, "yearly"),
    ];
    let rules: Vec<String> = rules.into_iter().flatten().collect();
    format!("{}; never fewer than {floor}", rules.join(", "))
}

fn proved(backup: &Backup) -> String {
    let Some(verification) = &backup.verification else { return "never".to_owned() };
    let each = verification.after_each.then(|| "each one looked at once it is whole".to_owned());
    let integrity = verification.integrity.as_ref().map(|when| format!("looked at {when}"));
    let into = verification.restore_into.as_ref().map(into).unwrap_or_default();
    let restored = verification.restore_test.as_ref().map(|when| format!("restored{into} and queried {when}"));
    let ways: Vec<String> = each.into_iter().chain(integrity).chain(restored).collect();
    if ways.is_empty() { "never".to_owned() } else { ways.join("; ") }
}

/// Where a test is restored to, as far as the plan says it.
fn into(RestoreInto { instance_class, storage_gib, storage_type, region }: &RestoreInto) -> String {
    let told = [
        region.as_ref().map(ToString::to_string),
        instance_class.as_ref().map(ToString::to_string),
        storage_gib.map(|gib| format!("{gib} GiB")),
        storage_type.map(|kind| kind.as_str().to_owned()),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { String::new() } else { format!(" into {}", told.join(", ")) }
}
