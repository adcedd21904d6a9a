//! Where each thing is in the bucket.

use domain::words::id::{PlanName, Region};

/// Where leases are.
pub(super) const LEASES: &str = "leases/";

/// Where a pair's lease is.
#[must_use]
pub fn lease_key(plan: &PlanName) -> String {
    format!("{LEASES}{plan}.json")
}

/// Where a plan is, its pairs with it.
#[must_use]
pub fn plan_key(plan: &PlanName) -> String {
    format!("plans/{}.yaml", plan.whole())
}

/// Where the watch's memory is.
#[must_use]
pub fn watch_key(plan: &PlanName) -> String {
    format!("probes/{plan}/watch.json")
}

/// Where the watch's claimed windows are.
#[must_use]
pub fn windows_key(plan: &PlanName) -> String {
    format!("probes/{plan}/windows.json")
}

/// Where it is remembered how often a failover was started again.
#[must_use]
pub fn starts_key(plan: &PlanName) -> String {
    format!("probes/{plan}/starts.json")
}

/// Where it is remembered what was seen of a Region's health.
#[must_use]
pub fn health_key(plan: &PlanName, region: &Region) -> String {
    format!("health/{plan}/{region}.json")
}

/// Where a pending approval's task token is.
#[must_use]
pub fn approval_key(plan: &PlanName, execution_name: &str) -> String {
    format!("approvals/{plan}/{execution_name}.json")
}

/// Where an order for several pairs stands that a run of one of them is part of, by that run's name.
#[must_use]
pub fn order_key(run: &str) -> String {
    format!("orders/{run}.json")
}
