//! A plan's file: read with errors that name line and path, checked for what types cannot find, described for editors.

mod check;
mod explain;
mod finding;
mod read;

pub use check::{
    EngineSeen, MOST_BACKUP_REGIONS, MOST_COMPONENTS, MOST_PROVED, MOST_SNAPSHOTS, Other, check, check_against,
    check_engine,
};
pub use explain::{
    Answer, Assumed, Explanation, Gone, Named, Protected, Reckoned, Scheduled, TierKept, Worst, explain, overdue,
};
pub use finding::{Finding, Place, Severity};
pub use read::{Examined, LARGEST_PLAN_BYTES, MOST_FINDINGS, PlanError, examine, placed, read, schema};

/// The lab's plan.
#[cfg(test)]
pub(crate) fn lab() -> crate::plan::Plan {
    read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
}

/// The pair of the lab's plan.
#[cfg(test)]
pub(crate) fn lab_pair() -> crate::plan::PairPlan {
    lab().pairs().next().unwrap()
}
