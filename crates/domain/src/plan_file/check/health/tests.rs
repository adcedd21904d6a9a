//! Each limit at, above and below; the lab's plan with a health that has nothing else wrong.

use serde_json::{Value, json};

use super::super::tests::found;

/// What is found in the lab's plan with this health; its one check is of the group `database`.
fn of(health: &Value) -> Vec<String> {
    let mut whole = json!({"every": "30s", "checks": ["all"]});
    for (key, value) in health.as_object().unwrap() {
        whole[key] = value.clone();
    }
    found(&[("/health", whole), ("/verify/0/group", json!("database"))])
}

#[test]
fn a_region_is_looked_at_as_often_as_it_can_be_and_no_longer_than_is_kept() {
    for (health, expected) in [
        (json!({}), &[][..]),
        (json!({"every": "10s"}), &[]),
        (json!({"every": "9s"}), &["error: health.every"]),
        (json!({"every": "5m", "failuresInARow": 2}), &[]),
        (json!({"every": "301s", "failuresInARow": 1}), &["error: health.every"]),
        (json!({"afterError": "60s"}), &[]),
        (json!({"afterError": "29s"}), &["error: health.afterError"]),
        (json!({"afterError": "301s"}), &["error: health.afterError"]),
        (json!({"failuresInARow": 20}), &[]),
        (json!({"failuresInARow": 21}), &["error: health.failuresInARow"]),
        (json!({"failuresInARow": 0}), &["error: health.failuresInARow"]),
    ] {
        assert_eq!(of(&health), expected, "{health}");
    }
}

#[test]
fn groups_are_those_of_the_checks() {
    for (health, expected) in [
        (json!({"checks": ["database"]}), &[][..]),
        (json!({"checks": ["all", "database"]}), &[]),
        (json!({"checks": []}), &["error: health.checks"]),
        (json!({"checks": ["api"]}), &["error: health.checks[0]"]),
        (json!({"checks": ["database", "database"]}), &["error: health.checks[1]"]),
    ] {
        assert_eq!(of(&health), expected, "{health}");
    }
    assert_eq!(found(&[("/verify/0/group", json!("database"))]), ["warning: verify[0].group"], "nothing asks it");
    let address = json!([{"kind": "http", "name": "site", "url": "https://shop.example.com/health", "within": "2s"}]);
    let health = json!({"every": "30s", "checks": ["all"]});
    assert_eq!(found(&[("/verify", address), ("/health", health)]), ["warning: health.checks"]);
}

#[test]
fn a_score_that_means_all_is_told() {
    let query = |index: usize| json!({"kind": "sql", "name": format!("check {index}"), "query": "select 1", "expect": {"equals": "1"}, "within": "5s"});
    let score = |checks: usize, healthy_at: f64| {
        let health = json!({"every": "30s", "checks": ["all"], "healthyAt": healthy_at});
        found(&[("/verify", (0..checks).map(query).collect()), ("/health", health)])
    };
    assert_eq!(score(3, 0.8), ["warning: health.healthyAt"], "2 of 3 are 0.67");
    assert_eq!(score(5, 0.8), [""; 0]);
    assert_eq!(score(3, 0.66), [""; 0]);
    assert_eq!(score(3, 0.67), ["warning: health.healthyAt"]);
    assert_eq!(score(3, 1.0), [""; 0]);
    for wrong in [0.0, -1.0, 1.01] {
        assert_eq!(score(3, wrong), ["error: health.healthyAt"], "{wrong}");
    }
}

#[test]
fn a_limit_is_one_that_can_be_reached_and_told() {
    for (limits, expected) in [
        (json!({"errorsPercent": 5, "availabilityPercent": 95, "lossPercent": 1}), &[][..]),
        (json!({"errorsPercent": 100}), &["error: health.limits.errorsPercent"]),
        (json!({"availabilityPercent": 0}), &["error: health.limits.availabilityPercent"]),
        (json!({"availabilityPercent": 100}), &[]),
        (json!({"lossPercent": 101}), &["error: health.limits.lossPercent"]),
        // 20 looks of 6 connections.
        (json!({"lossPercent": 0.84}), &[]),
        (json!({"lossPercent": 0.83}), &["error: health.limits.lossPercent"]),
        // The lab's check has 2 s.
        (json!({"response": "2s"}), &[]),
        (json!({"response": "2001ms"}), &["warning: health.limits.response"]),
        (json!({"response": "0s"}), &["error: health.limits.response"]),
        (json!({"latency": "400ms"}), &[]),
        // The probe gives a sample up after 400 ms.
        (json!({"latency": "401ms"}), &["warning: health.limits.latency"]),
        (json!({"latency": "1ms"}), &["error: health.limits.latency"]),
        (json!({"connect": "30s"}), &[]),
        (json!({"connect": "29s"}), &["error: health.limits.connect"]),
        (json!({"connect": "540s"}), &[]),
        (json!({"connect": "541s"}), &["error: health.limits.connect"]),
    ] {
        assert_eq!(of(&json!({"limits": limits})), expected, "{limits}");
    }
}
