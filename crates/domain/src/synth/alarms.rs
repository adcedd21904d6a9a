//! The alarms that a plan adds, in its recovery Region: each says how bad it is, whose, and where it is written what to do.

use serde_json::{Value, json};

use super::{
    Resources,
    alarm::Alarm,
    logical_id,
    metric::{Metric, NAMESPACE, Of},
};
use crate::{
    plan::{Condition, Health, MetricSource, PairPlan, Plan, PlanAlarm, Watched},
    watch::region::RegionMetric,
    words::{
        id::{ComponentName, PlanName},
        time_span::TimeSpan,
    },
};

/// Those of one pair.
pub(super) fn add_of_pair(pair: &PairPlan, resources: &mut Resources) {
    let its_own = |alarm: &&PlanAlarm| {
        alarm.watch.is_of_a_pair() && alarm.of.as_ref().is_none_or(|of| *of == pair.traffic.component)
    };
    for alarm in pair.alarms.iter().filter(its_own) {
        let metric = match alarm.watch {
            Watched::PrimaryDown => primary_down(alarm, &pair.plan),
            Watched::RecoveryNotReady => not_ready(alarm, &pair.plan),
            Watched::ReplicationLagBytes => lag(alarm, &pair.plan),
            Watched::DnsMoved => dns_moved(alarm, &pair.plan),
            Watched::BackupFailed | Watched::HealthCheck | Watched::Metric => continue,
        };
        add(alarm, metric, &pair.plan, &pair.notifications.topics, resources);
    }
}

/// Those of the plan as a whole.
pub(super) fn add_of_plan(plan: &Plan, resources: &mut Resources) {
    for alarm in &plan.alarms {
        let made = match (alarm.watch, &alarm.metric, &plan.health) {
            (Watched::BackupFailed, _, _) => backup_failed(alarm, &plan.plan),
            (Watched::HealthCheck, _, Some(health)) => unhealthy(alarm, plan, health),
            (Watched::Metric, Some(source), _) => of_the_application(alarm, source),
            // One that names no metric, or watches what the plan does not look at, is refused before a stack is made.
            _ => continue,
        };
        add(alarm, made, &plan.plan, &plan.notifications.topics, resources);
    }
}

/// What is watched of which metric, and what is said of it.
struct Made {
    says: String,
    namespace: String,
    metric: String,
    statistic: &'static str,
    dimensions: Value,
    changes: Value,
}

impl Made {
    fn of(metric: Metric, of: &Of<'_>, statistic: &'static str, says: String, changes: Value) -> Self {
        let (namespace, metric) = (NAMESPACE.to_owned(), metric.name().to_owned());
        Self { says, namespace, metric, statistic, dimensions: of.in_template(), changes }
    }
}

/// The actions that CloudWatch takes at one change of an alarm: the engine's topic, and so many of the plan's.
pub(crate) const MOST_TOPICS: usize = 4;

fn add(alarm: &PlanAlarm, made: Made, plan: &PlanName, topics: &[String], resources: &mut Resources) {
    let Made { says, namespace, metric, statistic, dimensions, changes } = made;
    let whose = alarm.team.as_ref().map(|team| format!(", {team}")).unwrap_or_default();
    let runbook = alarm.runbook.as_ref().map(|runbook| format!(" {runbook}")).unwrap_or_default();
    let says = format!("{}{whose}: {says}.{runbook} RUNBOOK, \"An alarm that a plan adds\".", alarm.severity);
    let (what, namespace, metric) = (&format!("alarm-{}", alarm.name), namespace.as_str(), metric.as_str());
    let mut made = Alarm { plan, what, says, namespace, metric, statistic, dimensions }.with(changes);
    let told = made["Properties"]["AlarmActions"].as_array_mut();
    told.into_iter().for_each(|told| told.extend(topics.iter().take(MOST_TOPICS).map(|topic| json!(topic))));
    resources.add(format!("Alarm{}", logical_id(alarm.name.as_str())), made);
}

const MINUTE_SECONDS: u64 = 60;

fn minutes(span: TimeSpan) -> u64 {
    span.duration().as_secs() / MINUTE_SECONDS
}

/// Each minute of so many must be so.
fn lasting(alarm: &PlanAlarm) -> Value {
    json!({ "Period": MINUTE_SECONDS, "EvaluationPeriods": minutes(alarm.lasting) })
}

/// What happens at one instant raises the alarm for so long.
fn raised(alarm: &PlanAlarm) -> Value {
    json!({ "Period": minutes(alarm.lasting) * MINUTE_SECONDS })
}

fn primary_down(alarm: &PlanAlarm, plan: &PlanName) -> Made {
    let says = format!("for {} no sample of the primary of plan {plan} succeeded", alarm.lasting);
    let mut changes = lasting(alarm);
    // A sample that succeeds is told as none failed. No data is unknown: it stays as it is, and silence is another alarm's
    // business.
    changes["TreatMissingData"] = json!("ignore");
    Made::of(Metric::ConsecutiveFailures, &Of::samples(plan), "Minimum", says, changes)
}

/// How often it is looked whether the next failover would go through.
const LOOK_SECONDS: u64 = 1_800;

fn not_ready(alarm: &PlanAlarm, plan: &PlanName) -> Made {
    let says = format!("the next failover of plan {plan} would be refused, or would stop halfway");
    // Of looks that are half an hour apart, one is enough for what is shorter.
    let looks = alarm.lasting.duration().as_secs().div_ceil(LOOK_SECONDS).max(1);
    let period = if looks == 1 { minutes(alarm.lasting) * MINUTE_SECONDS } else { LOOK_SECONDS };
    let changes = json!({ "Period": period, "EvaluationPeriods": looks, "TreatMissingData": "ignore" });
    Made::of(Metric::NotReady, &Of::plan(plan), "Maximum", says, changes)
}

fn lag(alarm: &PlanAlarm, plan: &PlanName) -> Made {
    let bytes = alarm.above.unwrap_or_default();
    let says =
        format!("for {} the replica of plan {plan} was more than {bytes} bytes behind its primary", alarm.lasting);
    let mut changes = lasting(alarm);
    compare(&mut changes, alarm.above, None);
    // A lag that nobody could measure is neither small nor large.
    changes["TreatMissingData"] = json!("missing");
    Made::of(Metric::ReplicationLagBytes, &Of::plan(plan), "Minimum", says, changes)
}

fn dns_moved(alarm: &PlanAlarm, plan: &PlanName) -> Made {
    let says = format!("a run has moved the record that leads clients to the primary of plan {plan}");
    Made::of(Metric::RecordMoves, &Of::plan(plan), "Sum", says, raised(alarm))
}

fn backup_failed(alarm: &PlanAlarm, plan: &PlanName) -> Made {
    let made = |what: &str, of: &Of<'_>| {
        let says = format!("a backup of {what} of plan {plan} failed, or is not in every Region");
        Made::of(Metric::FailedBackups, of, "Sum", says, raised(alarm))
    };
    match &alarm.of {
        Some(component) => made(component.as_str(), &Of::component(plan, component)),
        None => made("a component", &Of::plan(plan)),
    }
}

/// Of the primary's Region, as the recovery Region sees it: of the other one only the primary Region knows.
fn unhealthy(alarm: &PlanAlarm, plan: &Plan, health: &Health) -> Made {
    let (region, row) = (&plan.regions.primary, health.failures_in_a_row);
    let says = format!(
        "for {} {row} looks in a row or more at {region} of plan {} were not healthy",
        alarm.lasting, plan.plan
    );
    let period = super::health::period(health);
    // No data is unknown: it stays as it is, and silence is another alarm's business.
    let changes = json!({
        "Period": period,
        "EvaluationPeriods": alarm.lasting.duration().as_secs().div_ceil(period),
        "Threshold": row,
        "TreatMissingData": "ignore",
    });
    let dimensions = super::health::dimensions(plan, region);
    let metric = RegionMetric::FailuresInARow.name().to_owned();
    Made { says, namespace: NAMESPACE.to_owned(), metric, statistic: "Minimum", dimensions, changes }
}

fn of_the_application(alarm: &PlanAlarm, source: &MetricSource) -> Made {
    let says = match &alarm.and {
        None => format!("for {} {}", alarm.lasting, relation(source, alarm.above, alarm.below)),
        Some(Condition { metric, above, below }) => format!(
            "for {} {}, and {}",
            alarm.lasting,
            relation(source, alarm.above, alarm.below),
            relation(metric, *above, *below)
        ),
    };
    let mut changes = lasting(alarm);
    // What the application does not tell is neither well nor ill.
    changes["TreatMissingData"] = json!("missing");
    match &alarm.and {
        None => compare(&mut changes, alarm.above, alarm.below),
        Some(second) => both(&mut changes, alarm, source, second),
    }
    let MetricSource { namespace, name, statistic, .. } = source;
    let statistic = statistic.name();
    Made {
        says,
        namespace: namespace.clone(),
        metric: name.clone(),
        statistic,
        dimensions: dimensions(source),
        changes,
    }
}

fn relation(of: &MetricSource, above: Option<f64>, below: Option<f64>) -> String {
    let than = match (above, below) {
        (Some(above), _) => format!("above {above}"),
        (None, Some(below)) => format!("below {below}"),
        (None, None) => "not told".to_owned(),
    };
    format!("{} of {} was {than}", of.name, of.namespace)
}

fn dimensions(of: &MetricSource) -> Value {
    of.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
}

/// Holds the metric itself against the threshold.
fn compare(changes: &mut Value, above: Option<f64>, below: Option<f64>) {
    let (threshold, comparison) = match (above, below) {
        (Some(above), _) => (above, "GreaterThanThreshold"),
        (None, below) => (below.unwrap_or_default(), "LessThanThreshold"),
    };
    changes["Threshold"] = json!(threshold);
    changes["ComparisonOperator"] = json!(comparison);
}

/// Holds both metrics of each minute against their thresholds, by CloudWatch's arithmetic: one alarm of two metrics.
fn both(changes: &mut Value, alarm: &PlanAlarm, first: &MetricSource, second: &Condition) {
    let stat = |id: &str, of: &MetricSource| {
        let metric = json!({ "Namespace": of.namespace, "MetricName": of.name, "Dimensions": dimensions(of) });
        let stat = json!({ "Metric": metric, "Period": MINUTE_SECONDS, "Stat": of.statistic.name() });
        json!({ "Id": id, "MetricStat": stat, "ReturnData": false })
    };
    let than = |above: Option<f64>, below: Option<f64>| match (above, below) {
        (Some(above), _) => format!("> {above}"),
        (None, below) => format!("< {}", below.unwrap_or_default()),
    };
    let expression =
        format!("IF(first {} AND second {}, 1, 0)", than(alarm.above, alarm.below), than(second.above, second.below));
    let both = json!({ "Id": "both", "Expression": expression, "ReturnData": true });
    changes["Metrics"] = json!([stat("first", first), stat("second", &second.metric), both]);
    // These belong to each of its metrics instead.
    for key in ["Namespace", "MetricName", "Dimensions", "Statistic", "Period"] {
        changes[key] = Value::Null;
    }
}

/// Whether a plan's alarms watch how far the replica of a pair is behind.
#[must_use]
pub fn watches_the_lag(pair: &PairPlan) -> bool {
    let of_it = |of: &Option<ComponentName>| of.as_ref().is_none_or(|of| *of == pair.traffic.component);
    pair.alarms.iter().any(|alarm| alarm.watch == Watched::ReplicationLagBytes && of_it(&alarm.of))
}
