//! A Region's health, where a plan says something of it: drawn, and watched by an alarm of the plan's own.

use super::*;
use crate::watch::region::RegionMetric;

fn with_health(alarms: &Value) -> Plan {
    let mut plan = serde_json::to_value(super::plan()).unwrap();
    plan["health"] = json!({"every": "30s", "afterError": "90s", "checks": ["all"], "limits": {"latency": "300ms", "lossPercent": 1}});
    plan["alarms"] = alarms.clone();
    serde_json::from_value(plan).unwrap()
}

#[test]
fn a_dashboard_draws_the_health_of_each_region_where_it_was_seen_from() {
    let made = recovery(&with_health(&json!([])));
    let body: Value =
        serde_json::from_str(made["Resources"]["Dashboard"]["Properties"]["DashboardBody"].as_str().unwrap()).unwrap();
    let graphs = body["widgets"].as_array().unwrap().iter().map(|widget| &widget["properties"]);
    let drawn: Vec<(&Value, &Value, &Value, &Value)> = graphs
        .filter(|graph| graph["title"].as_str().unwrap().contains("seen from"))
        .map(|graph| {
            let metric = &graph["metrics"][0];
            (&graph["region"], &metric[5], &metric[1], &graph["annotations"]["horizontal"][0]["value"])
        })
        .collect();
    let of = |from: &str, of: &str| {
        let lines = [
            (RegionMetric::Score, json!(1.0)),
            (RegionMetric::FailuresInARow, json!(3.0)),
            (RegionMetric::Latency, json!(300.0)),
            (RegionMetric::LossPercent, json!(1.0)),
        ];
        lines.map(|(metric, line)| (json!(from), json!(of), json!(metric.name()), line))
    };
    let expected = [of("us-west-2", "us-east-1"), of("us-east-1", "us-west-2")].concat();
    let expected: Vec<_> = expected.iter().map(|(from, of, metric, line)| (from, of, metric, line)).collect();
    assert_eq!(drawn, expected);
    assert!(!recovery(&super::plan()).to_string().contains("seen from"), "a plan that says nothing of health");
}

#[test]
fn an_alarm_of_the_plan_watches_the_health_of_the_primary_s_region() {
    let template = recovery(&with_health(&json!([{"name": "ours", "watch": "health-check", "for": "5m"}])));
    let alarm = &template["Resources"]["AlarmOurs"]["Properties"];
    assert_eq!(
        (&alarm["MetricName"], &alarm["Statistic"]),
        (&json!(RegionMetric::FailuresInARow.name()), &json!("Minimum"))
    );
    assert_eq!((&alarm["Threshold"], &alarm["TreatMissingData"]), (&json!(3), &json!("ignore")));
    // A look may be 90 s after the one before: each period has one.
    assert_eq!((&alarm["Period"], &alarm["EvaluationPeriods"]), (&json!(120), &json!(3)));
    assert_eq!(alarm["Dimensions"][1], json!({"Name": "Region", "Value": "us-east-1"}));
    let without = recovery(&Plan { health: None, ..with_health(&json!([{"name": "ours", "watch": "health-check"}])) });
    assert!(without["Resources"]["AlarmOurs"].is_null());
}
