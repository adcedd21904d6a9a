//! What the kept backups weigh, and their copies on the way to other Regions. Only where somebody says how large a database
//! is: nothing in a plan does.

use std::collections::BTreeMap;

use jiff::{civil::Date, tz::TimeZone};

use super::{
    ledger::{Ledger, Thing, counted},
    line::{DAY, MONTH},
    upkeep,
};
use crate::{
    component::{ActiveSide, Component, PostgresPair},
    plan::{Backup, Plan},
    retention::{self, Decision, Entry, Retention, State},
    words::{
        cron,
        id::{ComponentName, Region},
    },
};

/// How large the databases are.
#[derive(Debug, Clone, PartialEq)]
pub struct Sizes {
    /// Each component that [`Sizes::of`] does not name, in GB; absent where that is not known.
    pub all: Option<f64>,
    /// One component, in GB.
    pub of: BTreeMap<ComponentName, f64>,
    /// Which share of a database changes in a day, in percent: a snapshot holds what changed since the one before.
    pub changed_percent: f64,
}

/// The share of a database that changes in a day, unless somebody knows it.
pub const CHANGED_PERCENT: f64 = 5.0;

/// The largest database: a cluster of Aurora has at most 256 TiB.
pub const LARGEST_GB: f64 = 256.0 * 1_024.0;

impl Default for Sizes {
    fn default() -> Self {
        Self { all: None, of: BTreeMap::new(), changed_percent: CHANGED_PERCENT }
    }
}

impl Sizes {
    fn gb(&self, component: &ComponentName) -> Option<f64> {
        self.of.get(component).copied().or(self.all)
    }

    /// The share of a database that has changed after so many days: never more than all of it.
    fn changed(&self, days: f64) -> f64 {
        (self.changed_percent / 100.0 * days).min(1.0)
    }
}

/// Enters the snapshots that are kept once a plan has run for years, what their copies send, and the keys of copies.
pub(super) fn enter(plan: &Plan, sizes: &Sizes, from: Date, ledger: &mut Ledger) {
    // A key of AWS's own costs nothing while it is there.
    let keys = plan.copy_keys().iter().filter(|(_, key)| !key.as_str().contains("alias/aws/")).count();
    ledger.there("named", Thing::Key, keys as f64);
    for backup in &plan.backups {
        let (Some(schedule), Some(retention)) = (backup.schedule.schedule(), &backup.retention) else {
            continuous(plan, backup, sizes, ledger);
            continue;
        };
        let times = upkeep::times(schedule, from);
        let ages = kept_days(retention, times, from);
        for name in &backup.components {
            let (Some(component), Some(gb)) = (plan.component(name), sizes.gb(name)) else { continue };
            let Some(storage) = component.kind().storage() else { continue };
            let regions = elsewhere(plan, backup, component).count() as f64;
            let is_whole = storage.is_whole();
            let (kept, size) = (ages.len(), counted(gb));
            let (whole, of) = if is_whole {
                (kept as f64, format!("{size} GB × {kept}: each a whole volume"))
            } else {
                // The newest is whole; of each older one there is what the next newer one does not have.
                let older: f64 = ages.windows(2).map(|two| sizes.changed(two[1] - two[0])).sum();
                let whole = if ages.is_empty() { 0.0 } else { 1.0 + older };
                (whole, format!("{size} GB × {}: {kept} kept, each but the newest by what changed", counted(whole)))
            };
            let who = format!("{} of {name}, in each Region:", backup.name);
            ledger.enter(&who, Thing::SnapshotGb(storage), 1.0 + regions, gb * whole, of);
            let changed = sizes.changed(MONTH.as_seconds() / times.max(1e-9) / DAY.as_seconds());
            let sent = gb * if is_whole { 1.0 } else { changed };
            let who = format!("copies of {name}, {}", backup.name);
            ledger.enter(&who, Thing::CrossingGb, times * regions, sent, format!("{} GB", counted(sent)));
        }
    }
}

/// Enters what another Region keeps of a database's automated backups, and what is sent there: the first of them whole, and what
/// changes from then on. In the database's own Region, automated backups cost nothing up to its size.
fn continuous(plan: &Plan, backup: &Backup, sizes: &Sizes, ledger: &mut Ledger) {
    for name in &backup.components {
        let (Some(component), Some(gb)) = (plan.component(name), sizes.gb(name)) else { continue };
        let pair = component.kind().restores().filter(|_| !backup.copies.is_empty());
        let (Some(storage), Some(days)) = (component.kind().storage(), pair.and_then(PostgresPair::point_in_time_days))
        else {
            continue;
        };
        let (days, changed) = (f64::from(days), sizes.changed_percent / 100.0);
        let (kept, size) = (gb * (1.0 + changed * days), counted(gb));
        let of = format!("{size} GB, and what changed in {days} days");
        let who = format!("{} of {name}, in the other Region:", backup.name);
        ledger.enter(&who, Thing::SnapshotGb(storage), 1.0, kept, of);
        let sent = gb * changed * MONTH.as_seconds() / DAY.as_seconds();
        let who = format!("the log of {name}, {}", backup.name);
        ledger.enter(&who, Thing::CrossingGb, 1.0, sent, format!("{} GB", counted(sent)));
    }
}

/// The Regions that a component's backups are copied to.
fn elsewhere<'p>(plan: &'p Plan, backup: &'p Backup, component: &Component) -> impl Iterator<Item = &'p Region> {
    let home = plan.region_of(plan.backed_up_on(component, ActiveSide::Primary));
    backup.copies.iter().map(|copy| &copy.region).filter(move |region| *region != home)
}

/// How many backups of a series are looked at: far more than RDS keeps.
const MOST_BACKUPS: u32 = 100_000;

/// For how many years a plan has run.
const YEARS: f64 = 10.0;

/// How many days old the backups are that a retention keeps, the newest first, of a schedule that has fired so often each
/// month for years.
fn kept_days(retention: &Retention, times: f64, from: Date) -> Vec<f64> {
    let fired = (times * YEARS * cron::YEAR.as_seconds() / MONTH.as_seconds()).min(MOST_BACKUPS.into());
    // Less than the limit, so that it fits.
    let fired = fired.ceil() as u32;
    let apart = MONTH.as_seconds() / times;
    let Ok(now) = from.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()) else { return Vec::new() };
    let seconds = |nth: u32| f64::from(nth) * apart;
    let entry = |nth: u32| {
        let ago = jiff::SignedDuration::try_from_secs_f64(seconds(nth)).ok()?;
        let taken_at = now.checked_sub(ago).ok()?;
        Some(Entry { id: nth, taken_at, state: State::Available, verified: false, held: false })
    };
    let entries: Vec<Entry<u32>> = (0..fired).map_while(entry).collect();
    let decided = retention::plan(&entries, retention, now).unwrap_or_default();
    let kept = entries.iter().zip(decided).filter(|(_, decision)| matches!(decision, Decision::Keep(_)));
    kept.map(|(entry, _)| seconds(entry.id) / DAY.as_seconds()).collect()
}
