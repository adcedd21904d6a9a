//! What looking at the health of Regions costs: each of a plan's two Regions looks at the other one.

use super::{
    deployment::a_month,
    ledger::{Ledger, Thing},
    watch::{LOGIN_BYTES, reads_of_login},
};
use crate::{
    component::Credential,
    plan::{Check, Health, PairPlan, Plan},
    watch::{probe::EVERY, region::RegionMetric},
    words::time_span::TimeSpan,
};

/// How long a look takes: a login from another Region, and what it tells.
const LOOK: TimeSpan = TimeSpan::seconds(1);

/// What a look reads of the bucket: what was seen before; and a start once more, with the plan.
const LOOK_READS: f64 = 1.0;
const START_READS: f64 = 2.0;

/// A look's line in the log, as JSON.
const LOG_LINE_BYTES: f64 = 900.0;

const HEALTH: &str = "health";

/// The two Regions that look at each other.
const LOOKERS: f64 = 2.0;

pub(super) fn enter(plan: &Plan, ledger: &mut Ledger) {
    let Some(health) = &plan.health else { return };
    ledger.there(HEALTH, Thing::Metric, LOOKERS * RegionMetric::ALL.len() as f64);
    // Each start reads, and stays awake from its first look to its last one.
    let starts = LOOKERS * a_month(EVERY);
    ledger.page(HEALTH, starts).runs("check-health", 1.0, awake(health)).uses(Thing::Get, START_READS);
    let looks = LOOKERS * a_month(health.every);
    ledger
        .page(HEALTH, looks)
        .uses(Thing::Get, LOOK_READS)
        .uses(Thing::Put, 1.0)
        .uses(Thing::MetricRequest, 1.0)
        .sends(Thing::LogGb, LOG_LINE_BYTES);
    for pair in plan.pairs() {
        let Some(login) = pair.pair().map(|pair| &pair.login) else { continue };
        ledger.page(HEALTH, looks).sends(Thing::CrossingGb, logins(health, &pair) * LOGIN_BYTES);
        // The credential is kept by the environment that took it, and read again when it is too old.
        let kept = Credential::KEPT.max(health.every);
        ledger.page(HEALTH, LOOKERS * a_month(kept)).uses(Thing::SecretRequest, reads_of_login(login));
    }
}

/// The looks of a minute, and the waits between them.
fn awake(health: &Health) -> TimeSpan {
    let looks = EVERY.as_milliseconds().div_ceil(health.every.as_milliseconds().max(1));
    health.every.times(u32::try_from(looks.saturating_sub(1)).unwrap_or(u32::MAX)) + LOOK
}

/// One for each query, and one that asks whether the database answers.
fn logins(health: &Health, pair: &PairPlan) -> f64 {
    1.0 + health.asked(pair).filter(|check| matches!(check, Check::Sql(_))).count() as f64
}
