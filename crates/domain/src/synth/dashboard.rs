//! A plan's dashboard, in its recovery Region: each pair's samples, lag and readiness, each Region's health, the backups and their
//! proofs, and what runs took against what was promised. It draws only what the engine writes, and what RDS tells of the replica.

use serde_json::{Value, json};

use super::{
    Resources,
    metric::{Metric, NAMESPACE, Of},
    watches_the_lag,
};
use crate::{
    plan::{PairPlan, Plan},
    watch::region::RegionMetric,
    words::{id::Region, time_span::TimeSpan},
};

pub(super) fn add(plan: &Plan, resources: &mut Resources) {
    let body = json!({ "start": "-P14D", "widgets": widgets(plan) });
    let dashboard = json!({
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": { "DashboardName": format!("lifeboat-{}", plan.plan), "DashboardBody": body.to_string() },
    });
    resources.add("Dashboard", dashboard);
}

/// A dashboard is 24 units wide: three graphs side by side.
const WIDTH: u64 = 8;
const HEIGHT: u64 = 6;
const ABREAST: u64 = 24 / WIDTH;

/// The graphs, each at its place.
fn widgets(plan: &Plan) -> Value {
    let region = &plan.regions.recovery;
    let of_pairs = plan.pairs().flat_map(|pair| of_pair(&pair, region));
    let graphs = of_pairs.chain(of_health(plan)).chain(of_backups(plan, region));
    (0..)
        .zip(graphs)
        .map(|(index, graph)| {
            let (x, y) = (index % ABREAST * WIDTH, index / ABREAST * HEIGHT);
            json!({ "type": "metric", "x": x, "y": y, "width": WIDTH, "height": HEIGHT, "properties": graph })
        })
        .collect()
}

fn of_pair(pair: &PairPlan, region: &Region) -> Vec<Value> {
    let (plan, objectives) = (&pair.plan, &pair.objectives);
    let of = Of::plan(plan);
    let health = ours(Metric::ConsecutiveFailures, &Of::samples(plan), "Maximum", 60);
    let readiness = ours(Metric::NotReady, &of, "Maximum", 1_800);
    let seconds_behind = pair.pair().map(|known| {
        let (named, drawn) = ("DBInstanceIdentifier", json!({ "stat": "Maximum", "period": 60 }));
        json!(["AWS/RDS", "ReplicaLag", named, known.replica.instance, drawn])
    });
    let bytes_behind = watches_the_lag(pair).then(|| ours(Metric::ReplicationLagBytes, &of, "Maximum", 60));
    let lag: Vec<Value> = seconds_behind.into_iter().chain(bytes_behind).collect();
    let seconds = |metric: Metric| ours(metric, &of, "Maximum", 300);
    vec![
        graph(
            &format!("{plan}: samples that failed in a row"),
            region,
            &[health],
            Some(line_at("a failover begins", f64::from(pair.probe.failures_in_a_row))),
        ),
        graph(&format!("{plan}: how far the replica is behind"), region, &lag, None),
        graph(&format!("{plan}: not ready for a failover"), region, &[readiness], None),
        graph(
            &format!("{plan}: RTO of runs, in seconds"),
            region,
            &[seconds(Metric::RecoverySeconds)],
            Some(promised(objectives.rto)),
        ),
        graph(
            &format!("{plan}: RPO of runs, in seconds"),
            region,
            &[seconds(Metric::LossSeconds)],
            Some(promised(objectives.rpo)),
        ),
        graph(&format!("{plan}: record moved"), region, &[ours(Metric::RecordMoves, &of, "Sum", 300)], None),
    ]
}

/// The health of each of the two Regions, drawn of what the other one saw: the metrics are there.
fn of_health(plan: &Plan) -> Vec<Value> {
    let Some(health) = &plan.health else { return Vec::new() };
    let (primary, recovery, limits) = (&plan.regions.primary, &plan.regions.recovery, &health.limits);
    let milliseconds = |limit: TimeSpan| limit.as_seconds() * 1_000.0;
    [(primary, recovery), (recovery, primary)]
        .into_iter()
        .flat_map(|(of, from)| {
            let drawn = |says: &str, metric: RegionMetric, statistic: &str, line: Option<Value>| {
                let named = json!([NAMESPACE, metric.name(), "Plan", plan.plan, "Region", of, { "stat": statistic, "period": 60 }]);
                graph(&format!("{of}, seen from {from}: {says}"), from, &[named], line)
            };
            let limit = |at: Option<f64>| at.map(|at| line_at("unhealthy above", at));
            let row = line_at("unhealthy", f64::from(health.failures_in_a_row));
            [
                drawn("score", RegionMetric::Score, "Minimum", Some(line_at("healthy", health.healthy_at))),
                drawn("looks that failed in a row", RegionMetric::FailuresInARow, "Maximum", Some(row)),
                drawn("round trip, in ms", RegionMetric::Latency, "Maximum", limit(limits.latency.map(milliseconds))),
                drawn("connections that lost a packet, in %", RegionMetric::LossPercent, "Maximum", limit(limits.loss_percent)),
            ]
        })
        .collect()
}

/// CloudWatch draws no more in one graph.
const MOST_METRICS: usize = 500;

fn of_backups(plan: &Plan, region: &Region) -> Vec<Value> {
    if plan.scheduled().next().is_none() {
        return Vec::new();
    }
    let series = plan.scheduled().flat_map(|backup| {
        let of = move |component| Of::series(&plan.plan, &backup.name, component);
        backup.components.iter().map(of)
    });
    let whole: Vec<Value> =
        series.take(MOST_METRICS).map(|of| ours(Metric::WholeBackups, &of, "SampleCount", 3_600)).collect();
    let of = Of::plan(&plan.plan);
    let failed = ours(Metric::FailedBackups, &of, "Sum", 3_600);
    let proved = [("Sum", "passed"), ("SampleCount", "in all")].map(|(statistic, label)| {
        let mut metric = ours(Metric::ProvedBackups, &of, statistic, 3_600);
        if let Some(drawn) = metric.as_array_mut().and_then(|metric| metric.last_mut()) {
            drawn["label"] = json!(label);
        }
        metric
    });
    vec![
        graph("whole backups, at the time that their data is of", region, &whole, None),
        graph("parts of backups that failed", region, &[failed], None),
        graph("proofs of backups", region, &proved, None),
    ]
}

/// A metric of the engine's, as a dashboard names it.
fn ours(metric: Metric, of: &Of<'_>, statistic: &str, period_seconds: u64) -> Value {
    let dimensions = of.dimensions().iter().flat_map(|(name, value)| [json!(name), json!(value)]);
    let named = [json!(NAMESPACE), json!(metric.name())].into_iter().chain(dimensions);
    named.chain([json!({ "stat": statistic, "period": period_seconds })]).collect()
}

fn graph(title: &str, region: &Region, metrics: &[Value], line: Option<Value>) -> Value {
    let mut graph = json!({ "title": title, "region": region, "view": "timeSeries", "metrics": metrics });
    if let Some(line) = line {
        graph["annotations"] = json!({ "horizontal": [line] });
    }
    graph
}

fn promised(objective: TimeSpan) -> Value {
    line_at("promised", objective.as_seconds())
}

fn line_at(label: &str, value: f64) -> Value {
    json!({ "label": label, "value": value })
}
