use serde_json::{Value, json};

use super::super::tests::{found, lab, pair};
use crate::plan::Watched;

/// What is found of one alarm that has these fields besides its name.
fn of(fields: &Value) -> Vec<String> {
    let mut alarm = json!({"name": "ours"});
    for (key, value) in fields.as_object().unwrap() {
        alarm[key] = value.clone();
    }
    found(&[("/alarms", json!([alarm]))])
}

const METRIC: &str = "metric";

#[test]
fn each_watch_is_fine_with_what_belongs_to_it() {
    for watch in Watched::ALL.into_iter().filter(|watch| *watch != Watched::HealthCheck) {
        let mut alarm = json!({"watch": watch});
        if watch.has_a_threshold() {
            alarm["above"] = json!(1_000);
        }
        if watch == Watched::Metric {
            alarm[METRIC] = json!({"namespace": "Shop", "name": "Errors"});
        } else {
            alarm["of"] = json!("orders");
        }
        assert_eq!(of(&alarm), [""; 0], "{alarm}");
    }
}

#[test]
fn a_region_s_health_is_watched_where_the_plan_looks_at_it_and_is_of_no_component() {
    let alarm = json!({"watch": "health-check"});
    assert_eq!(of(&alarm), ["error: alarms[0].watch"]);
    let looked_at = |alarm: Value| {
        let health = json!({"every": "30s", "checks": ["all"]});
        found(&[("/health", health), ("/alarms", json!([alarm]))])
    };
    assert_eq!(looked_at(json!({"name": "ours", "watch": "health-check", "for": "10m"})), [""; 0]);
    assert_eq!(looked_at(json!({"name": "ours", "watch": "health-check", "of": "orders"})), ["error: alarms[0].of"]);
    assert_eq!(looked_at(json!({"name": "ours", "watch": "health-check", "above": 1})), ["error: alarms[0].above"]);
}

#[test]
fn an_alarm_watches_something_that_is_there() {
    for (alarm, path) in [
        (json!({"watch": "primary-down", "of": "stock"}), "alarms[0].of"),
        (json!({"watch": "backup-failed", "of": "stock"}), "alarms[0].of"),
        (json!({"watch": "metric", "above": 1}), "alarms[0]"),
        (
            json!({"watch": "metric", "above": 1, "of": "orders", "metric": {"namespace": "Shop", "name": "Errors"}}),
            "alarms[0].of",
        ),
        (json!({"watch": "dns-moved", "metric": {"namespace": "Shop", "name": "Errors"}}), "alarms[0].metric"),
    ] {
        assert_eq!(of(&alarm), [format!("error: {path}")], "{alarm}");
    }
    let none = [("/backups", json!([])), ("/alarms", json!([{"name": "a", "watch": "backup-failed"}]))];
    assert_eq!(found(&none), ["error: alarms[0].watch"]);
    // A pair that no traffic leads to, and no schedule backs up.
    let components = json!([lab()["components"][0], pair("stock")]);
    for watch in ["dns-moved", "backup-failed"] {
        let alarms = json!([{"name": "a", "watch": watch, "of": "stock"}]);
        let told = found(&[("/components", components.clone()), ("/alarms", alarms)]);
        assert_eq!(told, ["warning: components[1]", "error: alarms[0].of"], "{watch}");
    }
}

#[test]
fn a_threshold_is_of_the_kind_that_the_watch_needs() {
    let metric = json!({"namespace": "Shop", "name": "Errors"});
    for (alarm, told) in [
        (json!({"watch": "primary-down", "above": 1}), "error: alarms[0].above"),
        (json!({"watch": "backup-failed", "below": 1}), "error: alarms[0].below"),
        (json!({"watch": "replication-lag-bytes"}), "error: alarms[0]"),
        (json!({"watch": "replication-lag-bytes", "below": 1}), "error: alarms[0]"),
        (json!({"watch": "replication-lag-bytes", "above": -1}), "error: alarms[0]"),
        (json!({"watch": "replication-lag-bytes", "above": 0.5}), "error: alarms[0]"),
        // The lab's budget is 1 MiB.
        (json!({"watch": "replication-lag-bytes", "above": 1_048_577}), "warning: alarms[0].above"),
        (json!({"watch": "metric", "metric": metric}), "error: alarms[0]"),
        (json!({"watch": "metric", "metric": metric, "above": 1, "below": 0}), "error: alarms[0]"),
        (json!({"watch": "metric", "metric": metric, "above": 1, "and": {"metric": metric}}), "error: alarms[0].and"),
    ] {
        assert_eq!(of(&alarm), [told], "{alarm}");
    }
    assert_eq!(of(&json!({"watch": "replication-lag-bytes", "above": 1_048_576})), [""; 0]);
}

#[test]
fn a_period_is_one_that_cloudwatch_takes() {
    let lasting = |span: &str| of(&json!({"watch": "primary-down", "for": span}));
    for fine in ["1m", "2m", "24h"] {
        assert_eq!(lasting(fine), [""; 0], "{fine}");
    }
    for wrong in ["0s", "59s", "90s", "1m 1ms", "1441m", "2d"] {
        assert_eq!(lasting(wrong), ["error: alarms[0].for"], "{wrong}");
    }
}

#[test]
fn names_differ_in_more_than_hyphens() {
    let told = |first: &str, second: &str| {
        let alarm = |name: &str| json!({"name": name, "watch": "dns-moved"});
        found(&[("/alarms", json!([alarm(first), alarm(second)]))])
    };
    assert_eq!(told("lag-1", "lag-2"), [""; 0]);
    assert_eq!(told("lag-1", "lag-1"), ["error: alarms[1].name"]);
    assert_eq!(told("lag-1", "lag1"), ["error: alarms[1].name"]);
}

#[test]
fn a_metric_is_one_that_the_recovery_region_has() {
    let named = |namespace: &str| {
        of(&json!({"watch": "metric", "below": 1, "metric": {"namespace": namespace, "name": "HealthCheckStatus"}}))
    };
    for (namespace, fine) in
        [("AWS/RDS", true), ("Shop", true), ("AWS/Route53", false), ("Lifeboat", false), ("", false)]
    {
        let expected: &[&str] = if fine { &[] } else { &["error: alarms[0].metric.namespace"] };
        assert_eq!(named(namespace), expected, "{namespace}");
    }
    let dimensions: serde_json::Map<String, Value> = (0..31).map(|n| (format!("d{n}"), json!("v"))).collect();
    let many = json!({"namespace": "Shop", "name": "Errors", "dimensions": dimensions});
    assert_eq!(of(&json!({"watch": "metric", "above": 1, "metric": many})), ["error: alarms[0].metric.dimensions"]);
}

#[test]
fn what_people_read_is_one_line_and_a_runbook_is_an_address() {
    let with = |field: &str, text: &str| of(&json!({"watch": "dns-moved", field: text}));
    assert_eq!(with("runbook", "https://runbooks.example.com/primary-down"), [""; 0]);
    for wrong in ["http://example.com", "https://", "https://a b", "wiki"] {
        assert_eq!(with("runbook", wrong), ["error: alarms[0].runbook"], "{wrong}");
    }
    assert_eq!(with("team", "infrastructure"), [""; 0]);
    for wrong in ["", "a\nb", "the \"team\"", &"t".repeat(61)] {
        assert_eq!(with("team", wrong), ["error: alarms[0].team"], "{wrong}");
    }
}

#[test]
fn there_are_as_many_alarms_and_topics_as_one_plan_may_have() {
    let many =
        |count: usize| (0..count).map(|n| json!({"name": format!("a{n}"), "watch": "dns-moved"})).collect::<Value>();
    assert_eq!(found(&[("/alarms", many(50))]), [""; 0]);
    assert_eq!(found(&[("/alarms", many(51))]), ["error: alarms"]);
    let topics = |count: usize| {
        (0..count).map(|n| json!(format!("arn:aws:sns:us-west-2:123456789012:topic-{n}"))).collect::<Value>()
    };
    let told = |count: usize| found(&[("/alarms", many(1)), ("/notifications/topics", topics(count))]);
    assert_eq!(told(4), [""; 0]);
    assert_eq!(told(5), ["error: notifications.topics"]);
}

#[test]
fn one_failure_that_calls_twice_and_differently_is_told() {
    let alarm = |name: &str, watch: &str, of: Option<&str>, severity: &str, lasting: &str| {
        let mut alarm = json!({"name": name, "watch": watch, "severity": severity, "for": lasting});
        if let Some(of) = of {
            alarm["of"] = json!(of);
        }
        alarm
    };
    let all = |watch: &str, severity: &str| alarm("all", watch, None, severity, "1m");
    let told = |alarms: [Value; 2]| found(&[("/alarms", json!(alarms))]);
    for watch in ["backup-failed", "primary-down"] {
        let own = |severity: &str, lasting: &str| alarm("own", watch, Some("orders"), severity, lasting);
        assert_eq!(told([all(watch, "critical"), own("warning", "1m")]), ["warning: alarms[0]"], "{watch}");
        assert_eq!(told([own("warning", "1m"), all(watch, "critical")]), ["warning: alarms[1]"], "{watch}");
        assert_eq!(told([all(watch, "critical"), own("critical", "1m")]), [""; 0], "both say the same");
        assert_eq!(told([all(watch, "warning"), own("critical", "10m")]), [""; 0], "it goes on for longer");
    }
    let others = alarm("own", "primary-down", Some("orders"), "warning", "1m");
    assert_eq!(told([all("backup-failed", "critical"), others]), [""; 0], "they watch two things");
}
