//! The watch of the primary: what starts it each minute, and its alarms.

use serde_json::{Value, json};

use super::{
    Resources,
    alarm::Alarm,
    engine::Export,
    metric::{Metric, NAMESPACE, Of},
    rule,
};
use crate::{plan::PairPlan, watch::probe};

pub(super) fn add(plan: &PairPlan, resources: &mut Resources) {
    resources.add("ProbeSchedule", schedule(plan));
    resources.add("PrimaryDownAlarm", primary_down(plan));
    resources.add("ProbeSilentAlarm", probe_silent(plan));
}

fn schedule(plan: &PairPlan) -> Value {
    // A window is told the schedule's own time, which only the event has.
    let template = format!(r#"{{"watch":{{"plan":"{}","scheduledAt":<time>}}}}"#, plan.plan);
    let target = json!({
        "Id": "health-probe",
        "Arn": Export::HealthProbe.import(),
        "InputTransformer": { "InputPathsMap": { "time": "$.time" }, "InputTemplate": template },
        "RetryPolicy": rule::once(),
    });
    let when = ("ScheduleExpression", json!(rule::EACH_MINUTE));
    rule::rule(&rule::name(&plan.plan, "probe"), "Starts a window of samples each minute.", when, target)
}

/// The alarm that starts a failover.
pub(super) const PRIMARY_DOWN: &str = "primary-down";

fn primary_down(plan: &PairPlan) -> Value {
    let failures = plan.probe.failures_in_a_row;
    let says = format!(
        "The primary of plan {} failed {failures} samples in a row. A failover starts by itself; its notice follows. \
         RUNBOOK, \"An alarm\".",
        plan.plan
    );
    // Maximum of ten seconds: the shortest period that AWS takes. No data is unknown, and unknown is neither down nor up:
    // the alarm stays as it is, and silence is the other alarm's business.
    let changes = json!({
        "Period": probe::FAILING_TOLD_EVERY.duration().as_secs(),
        "Threshold": failures,
        "TreatMissingData": "ignore",
    });
    of_samples(plan, PRIMARY_DOWN, says, "Maximum").with(changes)
}

fn probe_silent(plan: &PairPlan) -> Value {
    let says = format!(
        "Nothing was heard of plan {}'s probe for two minutes: nobody watches its primary, and no failover would start by \
         itself. RUNBOOK, \"The probe is silent\".",
        plan.plan
    );
    let changes = json!({
        "EvaluationPeriods": 2, "ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching",
    });
    of_samples(plan, "probe-silent", says, "SampleCount").with(changes)
}

fn of_samples<'a>(plan: &'a PairPlan, what: &'a str, says: String, statistic: &'static str) -> Alarm<'a> {
    let (metric, dimensions) = (Metric::ConsecutiveFailures.name(), Of::samples(&plan.plan).in_template());
    Alarm { plan: &plan.plan, what, says, namespace: NAMESPACE, metric, statistic, dimensions }
}
