//! Whether the next failover would go through: looked at each half hour, and what is told of it.

use serde_json::{Value, json};

use super::{
    Resources,
    alarm::Alarm,
    engine::Export,
    metric::{Metric, NAMESPACE, Of},
    rule,
};
use crate::plan::PairPlan;

pub(super) fn add(plan: &PairPlan, resources: &mut Resources) {
    resources.add("ReadinessSchedule", schedule(plan));
    resources.add("NotReadyAlarm", not_ready(plan));
    resources.add("ReadinessUnknownAlarm", unknown(plan));
}

/// Each half hour is enough for what changes by hand; so no function of a failover is idle for weeks.
fn schedule(plan: &PairPlan) -> Value {
    let says = "Checks each half hour what the next failover needs.";
    let look = ("check-readiness", Export::CheckReadiness);
    let mut rule = rule::every(&plan.plan, &rule::name(&plan.plan, "readiness"), says, "rate(30 minutes)", look);
    rule["Properties"]["Targets"][0]["RetryPolicy"] =
        json!({ "MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 3 });
    rule
}

fn not_ready(plan: &PairPlan) -> Value {
    let says = format!(
        "The next failover of plan {} would be refused, or would stop halfway. RUNBOOK, \"Not ready\".",
        plan.plan
    );
    // What was looked at twice and is not ready. It stays as it is until the next look.
    of_looks(plan, "not-ready", says, "Maximum").with(json!({ "Period": 300, "TreatMissingData": "ignore" }))
}

fn unknown(plan: &PairPlan) -> Value {
    let says = format!(
        "Nobody has looked for an hour and a half whether the next failover of plan {} would go through. RUNBOOK, \"Not \
         ready\".",
        plan.plan
    );
    let changes = json!({
        "Period": 1_800, "EvaluationPeriods": 3,
        "ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching",
    });
    of_looks(plan, "readiness-unknown", says, "SampleCount").with(changes)
}

fn of_looks<'a>(plan: &'a PairPlan, what: &'a str, says: String, statistic: &'static str) -> Alarm<'a> {
    let (metric, dimensions) = (Metric::NotReady.name(), Of::plan(&plan.plan).in_template());
    Alarm { plan: &plan.plan, what, says, namespace: NAMESPACE, metric, statistic, dimensions }
}
