//! Backups by schedule.

mod continuous;

use std::collections::BTreeSet;

use super::{
    super::finding::Finding, MOST_BACKUP_REGIONS, MOST_PROVED, MOST_SNAPSHOTS, capabilities, regions::partition,
    verification::LONGEST_CHECK,
};
use crate::{
    component::{ActiveSide, Component, STORAGE_GIB, SnapshotKind},
    plan::{Backup, LONGEST_BACKUP, Overlap, Plan, RestoreInto},
    retention::{Each, OnDay, Retention},
    words::{id::Region, time_span::TimeSpan},
};

/// Manual snapshots of a kind that RDS keeps in a Region, unless the account's quota is raised.
const SNAPSHOT_QUOTA: u64 = 100;

/// The most schedules of a plan: each is an EventBridge schedule and has its alarms.
const MOST_SCHEDULES: usize = 20;

pub(super) fn check(plan: &Plan, found: &mut Vec<Finding>) {
    if plan.backups.len() > MOST_SCHEDULES {
        let what = format!("{} schedules are more than a plan has", plan.backups.len());
        found.push(Finding::error("backups", what, format!("Name at most {MOST_SCHEDULES}.")));
    }
    let regions = plan.backup_regions().len();
    if regions as u64 > MOST_BACKUP_REGIONS {
        let what = format!("{regions} Regions hold the plan's backups, more than one cleanup goes through");
        found.push(Finding::error("backups", what, format!("Copy to fewer: {MOST_BACKUP_REGIONS} in all.")));
    }
    let mut names = BTreeSet::new();
    for (index, backup) in plan.backups.iter().enumerate() {
        let path = format!("backups[{index}]");
        if !names.insert(&backup.name) {
            let what = format!("`{}` is named twice", backup.name);
            found.push(Finding::error(format!("{path}.name"), what, "Give each schedule a name of its own."));
        }
        components(plan, backup, &path, found);
        if backup.is_continuous() {
            continuous::check(plan, backup, &path, found);
        } else {
            time(backup, &path, found);
        }
        copies(plan, backup, &path, found);
        let wait = backup.schedule.longest_wait();
        retention(backup, &path, found);
        alarm(backup, wait, &path, found);
        if !capabilities::restores_nothing(plan, backup) {
            verification(plan, backup, &path, found);
        }
        capabilities::check(plan, backup, &path, found);
    }
    quota(plan, found);
}

fn components(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    if backup.verification.is_some() && backup.components.len() as u64 > MOST_PROVED {
        let what = format!("{} components are more than one run proves", backup.components.len());
        let remedy = format!(
            "Name at most {MOST_PROVED} in a schedule that has a verification, and give the others one of their own."
        );
        found.push(Finding::error(format!("{path}.components"), what, remedy));
    }
    if backup.components.is_empty() {
        found.push(Finding::error(format!("{path}.components"), "it names no component", "Name what is backed up."));
    }
    let mut named = BTreeSet::new();
    for (index, component) in backup.components.iter().enumerate() {
        let path = format!("{path}.components[{index}]");
        match plan.component(component).map(Component::kind) {
            None => {
                let what = format!("the plan has no component `{component}`");
                found.push(Finding::error(&path, what, "Name one of `components`."));
            }
            Some(kind) if kind.snapshots().is_none() => {
                let noun = kind.noun();
                let what = format!("`{component}` is a {noun}, which no schedule backs up");
                found.push(Finding::error(&path, what, format!("Take it out: nothing of a {noun} is a snapshot.")));
            }
            Some(_) => {}
        }
        if !named.insert(component) {
            found.push(Finding::error(&path, format!("`{component}` is named twice"), "Name it once."));
        }
    }
}

/// A run that takes as long as it may is still at work when the next one is due.
fn time(backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    let path = format!("{path}.within");
    let Some(within) = backup.within else { return };
    if within < MINUTE || within > LONGEST_BACKUP {
        let what = format!("a run may take {MINUTE} to {LONGEST_BACKUP}, not {within}");
        let remedy = "Write how long a backup and its copies take at most, as 60m; left out, it is 26h.";
        return found.push(Finding::error(path, what, remedy));
    }
    let Some(wait) = backup.schedule.shortest_wait().filter(|wait| *wait < within) else { return };
    let what = match backup.overlap.unwrap_or_default() {
        Overlap::Skip => format!("it may take {within}, and the next one is due after {wait}: that one is skipped"),
        Overlap::Wait => {
            format!("it may take {within}, and the next one is due after {wait}: that one waits, and all after it")
        }
    };
    found.push(Finding::warning(path, what, "Back up less often, or give it less time."));
}

fn copies(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    // One where it is taken, which may be one of those that it is copied to.
    let regions = backup.copies.len() as u64 + 1;
    let snapshots = backup.components.len() as u64 * regions;
    if snapshots > MOST_SNAPSHOTS {
        let what = format!("one backup is {snapshots} snapshots, more than one run tells of");
        let remedy =
            format!("Keep components times Regions to {MOST_SNAPSHOTS}: give some components a schedule of their own.");
        found.push(Finding::error(format!("{path}.copies"), what, remedy));
    }
    let is_elsewhere =
        |name, active| plan.component(name).is_some_and(|known| plan.backed_up_on(known, active) != active);
    let taken_on = |active: ActiveSide| {
        backup.components.is_empty() || backup.components.iter().any(|name| !is_elsewhere(name, active))
    };
    for (side, when) in [(ActiveSide::Primary, ""), (ActiveSide::Replica, "after a failover ")] {
        let region = plan.region_of(side);
        // After a failover, nothing of RDS's is replicated until the pair is protected again.
        if (side == ActiveSide::Replica && backup.is_continuous()) || !taken_on(side) {
            continue;
        }
        if backup.copies.iter().all(|copy| copy.region == *region) {
            let what = format!("{when}the backups stay in `{region}`, and are lost with it");
            found.push(Finding::warning(format!("{path}.copies"), what, "Name another Region to copy them to."));
        }
    }
    let mut named = BTreeSet::new();
    for (index, copy) in backup.copies.iter().enumerate() {
        let path = format!("{path}.copies[{index}].region");
        if !named.insert(&copy.region) {
            found.push(Finding::error(&path, format!("`{}` is named twice", copy.region), "Name it once."));
        }
        if partition(&copy.region) != partition(&plan.regions.primary) {
            let what = format!("`{}` and `{}` are in different partitions of AWS", copy.region, plan.regions.primary);
            found.push(Finding::error(&path, what, "Name a Region of the same partition: RDS copies within one."));
        }
    }
    keys(backup, path, found);
}

/// An encrypted snapshot is copied to another Region with a key of that Region, or not at all: RDS looks for none by itself.
fn keys(backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    let is_encrypted = backup.verification.as_ref().is_none_or(|verification| verification.encrypted);
    for (index, copy) in backup.copies.iter().enumerate() {
        let path = format!("{path}.copies[{index}].kmsKey");
        match &copy.kms_key {
            None if is_encrypted => {
                let what = format!("RDS copies an encrypted backup with a key of `{}`, and none is named", copy.region);
                let remedy = "Name a key of that Region; where the databases are not encrypted, set verification.encrypted \
                    to false.";
                found.push(Finding::error(path, what, remedy));
            }
            Some(key) if key.region().is_some_and(|region| region != copy.region.as_str()) => {
                let what =
                    format!("the key is of `{}`, the copy is in `{}`", key.region().unwrap_or_default(), copy.region);
                found.push(Finding::error(path, what, "Name a key of the Region that the copy is in."));
            }
            None | Some(_) => {}
        }
    }
}

fn retention(backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    let path = format!("{path}.retention");
    let Some(rules) = backup.retention.as_ref().filter(|_| !backup.is_continuous()) else {
        if backup.retention.is_none() && !backup.is_continuous() {
            let what = "it is missing: nothing says how long its backups are kept";
            found.push(Finding::error(path, what, "Write it, as `{last: 7}`."));
        }
        return;
    };
    if rules.is_empty() {
        let remedy =
            "Set one of last, within, onDay, hourly, daily, weekly, monthly, yearly: without one nothing is deleted.";
        found.push(Finding::error(&path, "it has no rule", remedy));
    }
    if let Some(OnDay { day, .. }) = rules.on_day.filter(|rule| backup.schedule.fires_on(rule.day) == Some(false)) {
        let what = format!("it keeps nothing: `{}` takes no backup on a {day}", backup.name);
        found.push(Finding::warning(
            format!("{path}.onDay.day"),
            what,
            "Name a day on which the schedule fires, in UTC.",
        ));
    }
}

/// What a service keeps for the account in a Region is one number for all schedules.
fn quota(plan: &Plan, found: &mut Vec<Finding>) {
    for kind in SnapshotKind::ALL {
        let in_regions = plan.backup_regions().into_iter().map(|region| (kept_in(plan, kind, &region), region));
        let total = |kept: &[(u64, usize)]| kept.iter().map(|(kept, _)| kept).sum::<u64>();
        let Some((kept, region)) = in_regions.max_by_key(|(kept, _)| total(kept)) else { continue };
        let Some((_, most)) = kept.iter().max().copied().filter(|_| total(&kept) > SNAPSHOT_QUOTA) else { continue };
        let of_each = kept.iter().map(|(kept, index)| format!("{kept} of `{}`", plan.backups[*index].name));
        let what = format!(
            "{} {} are kept in {region} ({}), {} allows {SNAPSHOT_QUOTA} manual ones in a Region",
            total(&kept),
            kind.plural(),
            of_each.collect::<Vec<_>>().join(", "),
            kind.service()
        );
        let remedy = "Keep fewer, or have the account's quota raised: at the quota no backup can be made.";
        found.push(Finding::warning(format!("backups[{most}].retention"), what, remedy));
    }
}

/// How many snapshots of a kind each schedule keeps in a Region, by its place in the plan, while the primary takes writes.
fn kept_in(plan: &Plan, kind: SnapshotKind, region: &Region) -> Vec<(u64, usize)> {
    let of_schedules = plan.backups.iter().enumerate().map(|(index, backup)| {
        let lies_here = |component: &&Component| {
            let taken = component.kind().backed_up(ActiveSide::Primary).map(|(side, _)| plan.region_of(side));
            taken == Some(region) || backup.copies.iter().any(|copy| copy.region == *region)
        };
        let components = backup.components.iter().filter_map(|name| plan.component(name));
        let of_the_kind = components.filter(|component| component.kind().snapshots() == Some(kind));
        let each = backup.retention.as_ref().map_or(0, |rules| keeps(rules, backup.schedule.longest_wait()));
        (each * of_the_kind.filter(lies_here).count() as u64, index)
    });
    of_schedules.filter(|(kept, _)| *kept > 0).collect()
}

/// At least so many of a component's backups are kept, once the schedule has run for long enough: the rules overlap,
/// so that they are not added up.
fn keeps(rules: &Retention, wait: Option<TimeSpan>) -> u64 {
    let Retention { last, within, on_day, hourly, daily, weekly, monthly, yearly, floor } = rules;
    // The newest one, and one each time that the schedule fires or the period ends, whichever is longer.
    let so_old = |within: TimeSpan, period: TimeSpan| {
        wait.map_or(0, |wait| within.duration().as_secs() / wait.max(period).duration().as_secs().max(1) + 1)
    };
    let each = |rule: &Option<Each>, period: TimeSpan| match rule {
        None => 0,
        Some(Each::Newest(count)) => u64::from(*count),
        Some(Each::Within(within)) => so_old(*within, period),
    };
    let all = [
        u64::from(*last.max(floor)),
        within.map_or(0, |within| so_old(within, TimeSpan::seconds(0))),
        on_day.map_or(0, |rule| on_days(rule, wait)),
        each(hourly, HOUR),
        each(daily, DAY),
        each(weekly, DAY.times(7)),
        each(monthly, DAY.times(31)),
        each(yearly, DAY.times(366)),
    ];
    all.into_iter().max().unwrap_or_default()
}

/// As many of a day as the schedule fires at least in it, in each whole week. One that waits longer than a day may not fire
/// on it.
fn on_days(OnDay { within, .. }: OnDay, wait: Option<TimeSpan>) -> u64 {
    let seconds = |span: TimeSpan| span.duration().as_secs();
    let of_a_day = wait.map_or(0, |wait| seconds(DAY) / seconds(wait).max(1));
    seconds(within) / seconds(DAY.times(7)) * of_a_day
}

const MINUTE: TimeSpan = TimeSpan::seconds(60);

const HOUR: TimeSpan = TimeSpan::seconds(3_600);

const DAY: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// The longest that a CloudWatch alarm looks back, with periods of an hour.
const LONGEST_ALARM: TimeSpan = TimeSpan::seconds(7 * 24 * 3_600);

fn alarm(backup: &Backup, wait: Option<TimeSpan>, path: &str, found: &mut Vec<Finding>) {
    let Some(alarm) = &backup.alarm else { return };
    let path = format!("{path}.alarm.olderThan");
    let age = alarm.older_than;
    if age < HOUR || age > LONGEST_ALARM || !age.duration().as_secs().is_multiple_of(3_600) {
        let what = format!("an alarm looks back whole hours, {HOUR} to {LONGEST_ALARM}, not {age}");
        found.push(Finding::error(&path, what, "Write whole hours, as 26h: CloudWatch's limit is 7d."));
    }
    let Some(wait) = wait.filter(|wait| *wait >= age) else { return };
    let what = format!("up to {wait} pass from one backup to the next, and {age} old is too old");
    let remedy = if wait < LONGEST_ALARM {
        "Leave the next backup time to be made: write more."
    } else {
        "Back up more often, or leave the alarm out: CloudWatch looks back no further than 7d."
    };
    found.push(Finding::error(&path, what, remedy));
}

/// Where a test restores to, against where what is restored comes from.
fn restore_into(plan: &Plan, backup: &Backup, into: &RestoreInto, path: &str, found: &mut Vec<Finding>) {
    let sides = [&plan.regions.primary, &plan.regions.recovery];
    if let Some(region) = into.region.as_ref().filter(|region| !sides.contains(region)) {
        let what = format!("the plan has no side in `{region}` that a restore could be made like");
        let remedy = format!("Name `{}` or `{}`.", sides[0], sides[1]);
        found.push(Finding::error(format!("{path}.region"), what, remedy));
    }
    let Some(gib) = into.storage_gib else { return };
    let path = format!("{path}.storageGib");
    if !STORAGE_GIB.contains(&gib) {
        let what = format!("RDS gives an instance {} to {} GiB, not {gib}", STORAGE_GIB.start(), STORAGE_GIB.end());
        return found.push(Finding::error(path, what, "Write as much as the source has, or leave it out."));
    }
    for name in &backup.components {
        let pair = plan.component(name).and_then(|component| component.kind().restores());
        let told = pair.into_iter().flat_map(|pair| [&pair.primary, &pair.replica]);
        let most = told.filter_map(|side| side.restore.as_ref()?.storage_gib).max();
        if let Some(most) = most.filter(|most| *most > gib) {
            let what = format!("{gib} GiB do not hold `{name}`, which has {most}: RDS refuses to restore it into less");
            found.push(Finding::warning(&path, what, "Leave it out: a restore then has what the backup's source had."));
        }
    }
}

/// A backup that nobody has restored is a hope.
fn verification(plan: &Plan, backup: &Backup, path: &str, found: &mut Vec<Finding>) {
    let path = format!("{path}.verification");
    let Some(verification) = &backup.verification else {
        let what = "its backups are never proved";
        let remedy = "Add a restoreTest: a backup counts once it was restored and queried.";
        return found.push(Finding::warning(&path, what, remedy));
    };
    if verification.restore_test.is_none() {
        let what = "its backups are looked at, and never restored";
        found.push(Finding::warning(
            &path,
            what,
            "Add a restoreTest: a backup counts once it was restored and queried.",
        ));
    }
    if let Some(within) = verification.read_every_table.filter(|within| super::verification::is_outside(*within)) {
        let what = format!("a check may take more than 0s and at most {LONGEST_CHECK}, not {within}");
        let remedy = format!("Write {LONGEST_CHECK} or less, as 5s.");
        found.push(Finding::error(format!("{path}.readEveryTable"), what, remedy));
    }
    if verification.read_every_table.is_none() {
        let what = "a restore test reads what its queries name, and nothing else";
        let remedy = "Add how long reading all of it may take, at most 20s; leave it out where it would take longer.";
        found.push(Finding::warning(format!("{path}.readEveryTable"), what, remedy));
    }
    if let Some(into) = &verification.restore_into {
        restore_into(plan, backup, into, &format!("{path}.restoreInto"), found);
    }
    super::verification::sql(&verification.checks, &format!("{path}.checks"), found);
}
