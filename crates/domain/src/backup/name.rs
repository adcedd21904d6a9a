//! What snapshots are called.

use jiff::Timestamp;

use super::Kind;
use crate::words::{
    digest,
    id::{ComponentName, PlanName, ScheduleName},
};

/// The longest name that RDS takes for a snapshot of a cluster; for one of an instance it takes 255.
const LONGEST_NAME: usize = 63;

/// The name of a backup's snapshot: the same for each try and in each Region. A cluster's is as an instance's where
/// that is short enough.
pub(super) fn snapshot_name(
    kind: Kind,
    plan: &PlanName,
    component: &ComponentName,
    schedule: &ScheduleName,
    scheduled_at: Timestamp,
) -> String {
    let at = scheduled_at.strftime("%Y%m%dt%H%M%S").to_string();
    let series = format!("{plan}-{component}-{schedule}");
    let whole = format!("lifeboat-{series}-{at}");
    if kind == Kind::Instance || whole.len() <= LONGEST_NAME {
        return whole;
    }
    // What is cut short is told from others by the whole one's digest.
    let rest = format!("-{}-{at}", digest::short(&series));
    let room = LONGEST_NAME.saturating_sub("lifeboat-".len() + rest.len());
    let readable: String = series.chars().take(room).collect();
    format!("lifeboat-{}{rest}", readable.trim_end_matches('-'))
}
