//! The health of a plan's other Region, seen from here: what starts its looks, and its alarms.

use serde_json::{Value, json};

use super::{Place, Resources, alarm::Alarm, engine::Export, rule};
use crate::{
    plan::{Health, Plan},
    watch::{
        probe,
        region::{RegionMetric, believed_for},
    },
    words::{id::Region, time_span::TimeSpan},
};

/// Each of the two Regions looks at the other one.
pub(super) fn add(plan: &Plan, place: Place, resources: &mut Resources) {
    let of = match place {
        Place::Recovery => &plan.regions.primary,
        Place::Primary => &plan.regions.recovery,
        Place::Witness => return,
    };
    let Some(health) = &plan.health else { return };
    resources.add("HealthSchedule", schedule(plan, of));
    let limits = &health.limits;
    let of = Of { plan, of, health };
    let seconds = |limit: TimeSpan| json!(limit.as_seconds());
    let milliseconds = |limit: TimeSpan| json!(limit.as_milliseconds());
    let many = format!("{} looks in a row were not healthy", health.failures_in_a_row);
    let rows = [
        (
            "Unhealthy",
            "unhealthy",
            RegionMetric::FailuresInARow,
            Some((AT_LEAST, json!(health.failures_in_a_row), many)),
        ),
        (
            "Errors",
            "errors",
            RegionMetric::ErrorsPercent,
            limits
                .errors_percent
                .map(|limit| (ABOVE, json!(limit), format!("more than {limit} % of its checks failed"))),
        ),
        (
            "Response",
            "response",
            RegionMetric::ResponseP95,
            limits
                .response
                .map(|limit| (ABOVE, milliseconds(limit), format!("its checks take more than {limit} at p95"))),
        ),
        (
            "Availability",
            "availability",
            RegionMetric::AvailabilityPercent,
            limits
                .availability_percent
                .map(|limit| (BELOW, json!(limit), format!("fewer than {limit} % of the looks were healthy"))),
        ),
        (
            "Latency",
            "latency",
            RegionMetric::Latency,
            limits.latency.map(|limit| (ABOVE, milliseconds(limit), format!("a round trip takes more than {limit}"))),
        ),
        (
            "Loss",
            "loss",
            RegionMetric::LossPercent,
            limits
                .loss_percent
                .map(|limit| (ABOVE, json!(limit), format!("more than {limit} % of the connections lost a packet"))),
        ),
        (
            "Unconnected",
            "unconnected",
            RegionMetric::UnconnectedSeconds,
            limits
                .connect
                .map(|limit| (AT_LEAST, seconds(limit), format!("no database has taken a connection for {limit}"))),
        ),
    ];
    for (id, what, metric, limit) in rows {
        let Some((comparison, threshold, says)) = limit else { continue };
        resources.add(format!("Health{id}Alarm"), of.alarm(what, metric, &says, (comparison, threshold)));
    }
    resources.add("HealthUnknownAlarm", of.unknown());
}

const AT_LEAST: &str = "GreaterThanOrEqualToThreshold";
const ABOVE: &str = "GreaterThanThreshold";
const BELOW: &str = "LessThanThreshold";

fn schedule(plan: &Plan, of: &Region) -> Value {
    let input = json!({ "plan": plan.plan, "region": of }).to_string();
    let target = json!({
        "Id": "check-health",
        "Arn": Export::CheckHealth.import(),
        "Input": input,
        "RetryPolicy": rule::once(),
    });
    let says = "Looks at the health of the plan's other Region.";
    let when = ("ScheduleExpression", json!(rule::EACH_MINUTE));
    rule::rule(&rule::name(&plan.plan, "health"), says, when, target)
}

/// Whole minutes, with a look in each.
pub(super) fn period(health: &Health) -> u64 {
    let every = health.every.max(health.after_error()).duration().as_secs();
    every.div_ceil(probe::EVERY.duration().as_secs()).max(1) * probe::EVERY.duration().as_secs()
}

/// By what CloudWatch knows the metrics of a Region's health.
pub(super) fn dimensions(plan: &Plan, of: &Region) -> Value {
    json!([{ "Name": "Plan", "Value": plan.plan }, { "Name": "Region", "Value": of }])
}

struct Of<'a> {
    plan: &'a Plan,
    of: &'a Region,
    health: &'a Health,
}

impl Of<'_> {
    /// No data is unknown: the alarm stays as it is, and silence is another one's business.
    fn alarm(&self, what: &str, metric: RegionMetric, says: &str, (comparison, threshold): (&str, Value)) -> Value {
        let says = format!(
            "Region {} of plan {}, seen from the other one: {says}. Nothing is moved by it. RUNBOOK, \"A Region is unhealthy\".",
            self.of, self.plan.plan
        );
        let changes = json!({
            "Period": self.period(),
            "Threshold": threshold,
            "ComparisonOperator": comparison,
            "TreatMissingData": "ignore",
        });
        let statistic = if comparison == BELOW { "Minimum" } else { "Maximum" };
        self.watching(&format!("health-{what}"), metric, says, statistic).with(changes)
    }

    fn unknown(&self) -> Value {
        let says = format!(
            "Nobody can tell the health of Region {} of plan {}: no look has told for {}. RUNBOOK, \"The health of a Region is \
             unknown\".",
            self.of,
            self.plan.plan,
            believed_for(self.health)
        );
        let periods = believed_for(self.health).duration().as_secs().div_ceil(self.period());
        let changes = json!({
            "Period": self.period(),
            "EvaluationPeriods": periods,
            "ComparisonOperator": BELOW,
            "TreatMissingData": "breaching",
        });
        self.watching("health-unknown", RegionMetric::FailuresInARow, says, "SampleCount").with(changes)
    }

    fn period(&self) -> u64 {
        period(self.health)
    }

    fn watching<'s>(&'s self, what: &'s str, metric: RegionMetric, says: String, statistic: &'static str) -> Alarm<'s> {
        let dimensions = dimensions(self.plan, self.of);
        let (plan, metric) = (&self.plan.plan, metric.name());
        Alarm { plan, what, says, namespace: "Lifeboat", metric, statistic, dimensions }
    }
}
