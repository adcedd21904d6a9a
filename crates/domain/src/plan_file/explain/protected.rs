//! What is protected, and by which backups.

use serde::Serialize;

use crate::{
    component::{ActiveSide, Component, Identity},
    plan::{Backup, Plan},
    retention::{Each, Retention},
    words::{
        id::{ComponentName, Region, ScheduleName, TierName},
        time_span::TimeSpan,
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
            engine: kind.engine().or(kind.snapshots().software()),
            tier: kind.tier().cloned(),
            primary: on(ActiveSide::Primary),
            recovery: on(ActiveSide::Replica),
            in_a_failover: match (is_moved(plan, component), kind.replicates()) {
                (true, _) => "moved",
                (false, true) => "stays; its recovery side is moved by hand",
                (false, false) => "stays; a backup is restored by hand",
            },
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
        copies: backup.copies.iter().map(|copy| copy.region.clone()).collect(),
        kept: if deletes { kept(&backup.retention) } else { "for ever: nothing is deleted".to_owned() },
        proved: proved(backup),
    }
}

fn kept(retention: &Retention) -> String {
    let Retention { last, within, hourly, daily, weekly, monthly, yearly, floor } = retention;
    let each = |rule: &Option<Each>, noun: &str| {
        Some(match rule.as_ref()? {
            Each::Newest(count) => format!("{count} {noun}"),
            Each::Within(within) => format!("{noun} for {within}"),
        })
    };
    let rules = [
        (*last > 0).then(|| format!("the newest {last}")),
        within.map(|within| format!("all for {within}")),
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
    let integrity = verification.integrity.as_ref().map(|when| format!("looked at {when}"));
    let restored = verification.restore_test.as_ref().map(|when| format!("restored and queried {when}"));
    let ways: Vec<String> = integrity.into_iter().chain(restored).collect();
    if ways.is_empty() { "never".to_owned() } else { ways.join("; ") }
}
