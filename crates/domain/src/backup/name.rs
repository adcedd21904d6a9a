//! What snapshots are called.

use jiff::Timestamp;

use crate::{
    component::SnapshotKind,
    words::{
        digest,
        id::{ComponentName, PlanName, ScheduleName},
    },
};

/// The name of a backup's snapshot: the same for each try and in each Region, and of each kind, where the kind's service
/// takes one so long.
pub(super) fn snapshot_name(
    kind: SnapshotKind,
    plan: &PlanName,
    component: &ComponentName,
    schedule: &ScheduleName,
    scheduled_at: Timestamp,
) -> String {
    let at = scheduled_at.strftime("%Y%m%dt%H%M%S").to_string();
    let series = format!("{plan}-{component}-{schedule}");
    let whole = format!("lifeboat-{series}-{at}");
    if whole.len() <= kind.longest_name() {
        return whole;
    }
    // What is cut short is told from others by the whole one's digest.
    let rest = format!("-{}-{at}", digest::short(&series));
    let room = kind.longest_name().saturating_sub("lifeboat-".len() + rest.len());
    let readable: String = series.chars().take(room).collect();
    format!("lifeboat-{}{rest}", readable.trim_end_matches('-'))
}
