//! What the health checks cost by which Route 53 moves names.

use super::ledger::{Ledger, Thing};
use crate::{plan::Plan, words::time_span::TimeSpan};

const ROUTED: &str = "names by health checks";

/// A longer interval is a health check's usual one.
const SHORT_INTERVAL: TimeSpan = TimeSpan::seconds(10);

pub(super) fn enter(plan: &Plan, ledger: &mut Ledger) {
    for (_, checks) in plan.traffic.iter().flat_map(|traffic| traffic.routed()) {
        for (_, check) in checks.each() {
            let dearer = [true, check.interval == SHORT_INTERVAL, check.latency];
            let features = u8::try_from(dearer.into_iter().filter(|feature| *feature).count()).unwrap_or(u8::MAX);
            ledger.there(ROUTED, Thing::HealthCheck, 1.0);
            ledger.there(ROUTED, Thing::HealthCheckFeature, features);
        }
    }
}
