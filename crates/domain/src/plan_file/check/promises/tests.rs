//! Each rule about what was promised: where it holds, and where it does not.

use serde_json::{Value, json};

use super::super::tests::{found, hold, lab, pair};

/// A tier that the lab's plan keeps, but for these fields.
fn tiers(with: &Value) -> Value {
    let mut tier = json!({"name": "gold", "rto": "30s", "rpo": "5s"});
    tier.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    json!([tier])
}

/// The findings where the pair is of a tier.
fn of_the_pair(with: &Value) -> Vec<String> {
    found(&[("/objectives/tiers", tiers(with)), ("/components/0/tier", json!("gold"))])
}

/// The findings where a cluster that is backed up beside the pair is of a tier.
fn of_a_cluster(cluster: &Value, with: &Value) -> Vec<String> {
    let mut reports = json!({
        "kind": "cluster", "name": "reports", "tier": "gold", "engine": "aurora-postgresql", "primary": "reports-1"
    });
    reports.as_object_mut().unwrap().extend(cluster.as_object().unwrap().clone());
    let (pair, mut backup) = (lab()["components"][0].clone(), lab()["backups"][0].clone());
    backup["components"] = json!(["orders", "reports"]);
    // Nothing of this is known of a cluster.
    backup["verification"] = json!({"integrity": "cron(0 5 ? * SUN *)", "encrypted": false});
    backup["alarm"].as_object_mut().unwrap().remove("smallerThanBytes");
    let tiers = tiers(with);
    let changes = [("/components", json!([pair, reports])), ("/backups/0", backup), ("/objectives/tiers", tiers)];
    let mut found = found(&changes);
    found.retain(|finding| !finding.contains("backups[0].verification"));
    found
}

#[test]
fn a_tier_is_named_once_and_components_name_one_that_is_there() {
    let twice = json!([tiers(&json!({}))[0], tiers(&json!({}))[0]]);
    hold(&[
        ("/objectives/tiers", tiers(&json!({})), &[]),
        ("/objectives/tiers", twice, &["error: objectives.tiers[1].name"]),
        ("/components/0/tier", json!("gold"), &["error: components[0].tier"]),
    ]);
    assert_eq!(of_the_pair(&json!({})), [""; 0]);
    assert_eq!(of_the_pair(&json!({"name": "silver"})), ["error: components[0].tier"]);
}

/// An hour in a month is 0.14 %.
#[test]
fn one_recovery_as_slow_as_a_tier_promises_leaves_its_availability() {
    let promised = |rto, percent: f64| of_the_pair(&json!({"rto": rto, "availabilityPercent": percent}));
    assert_eq!(promised("43m", 99.9), [""; 0]);
    assert_eq!(promised("44m", 99.9), ["warning: objectives.tiers[0].availabilityPercent"]);
    assert_eq!(promised("1h", 99.95), ["warning: objectives.tiers[0].availabilityPercent"]);
    assert_eq!(promised("1h", 100.0), ["error: objectives.tiers[0].availabilityPercent"]);
}

#[test]
fn a_pair_s_tier_promises_no_less_than_the_plan_s_own_may() {
    assert_eq!(of_the_pair(&json!({"rto": "12s"})), [""; 0]);
    assert_eq!(of_the_pair(&json!({"rto": "11s"})), ["warning: objectives.tiers[0].rto"], "an alarm takes 10 s");
    assert_eq!(of_the_pair(&json!({"rto": "1s"})), ["error: objectives.tiers[0].rto"]);
    assert_eq!(of_the_pair(&json!({"rpo": "2s"})), [""; 0], "the budget");
    assert_eq!(of_the_pair(&json!({"rpo": "1s"})), ["error: failover.dataLossBudget.time"]);
    assert_eq!(of_the_pair(&json!({"rpo": "0s"})), ["error: objectives.tiers[0].rpo"]);
    // No component of it is failed over.
    assert_eq!(found(&[("/objectives/tiers", tiers(&json!({"rto": "1s", "rpo": "0s"})))]), [""; 0]);
}

/// Each pair is held to its own promise, with its own record.
#[test]
fn a_tier_is_not_held_against_another_one_s_record() {
    let both = |ttl: &str| {
        let (mut orders, mut ledger) = (lab()["components"][0].clone(), pair("ledger"));
        (orders["tier"], ledger["tier"]) = (json!("gold"), json!("low"));
        let (traffic, mut further) = (lab()["traffic"][0].clone(), lab()["traffic"][0].clone());
        further["component"] = json!("ledger");
        further["record"]["name"] = json!("db.ledger.lifeboat.test");
        further["record"]["ttl"] = json!(ttl);
        let low = json!({"name": "low", "rto": "10m", "rpo": "5s"});
        let mut found = found(&[
            ("/objectives/tiers", json!([tiers(&json!({}))[0], low])),
            ("/components", json!([orders, ledger])),
            ("/traffic", json!([traffic, further])),
        ]);
        // Which of the pairs a query asks is another matter, and so is that this one is not backed up.
        found.retain(|finding| finding.starts_with("error: objectives") || finding.starts_with("error: traffic"));
        found
    };
    assert_eq!(both("5m"), [""; 0]);
    assert_eq!(both("11m"), ["error: traffic[1].record.ttl"]);
}

/// The lab's schedule fires once a day.
#[test]
fn what_only_backups_hold_is_backed_up_more_often_than_its_tier_may_lose() {
    let rpo = |rpo| json!({"rto": "24h", "rpo": rpo});
    assert_eq!(of_a_cluster(&json!({}), &rpo("25h")), [""; 0]);
    assert_eq!(of_a_cluster(&json!({}), &rpo("24h")), ["warning: components[1].tier"], "the backup itself takes time");
    assert_eq!(of_a_cluster(&json!({}), &rpo("1h")), ["warning: components[1].tier"]);
    assert_eq!(of_a_cluster(&json!({"recovery": "reports-2"}), &rpo("1h")), [""; 0], "its other cluster follows it");
}

/// The lab keeps seven yearly ones: the oldest is of six years ago, and one is made each day.
#[test]
fn what_the_law_keeps_is_not_cleaned_up_before() {
    assert_eq!(of_the_pair(&json!({"keep": "2191d"})), [""; 0]);
    assert_eq!(of_the_pair(&json!({"keep": "2192d"})), ["warning: objectives.tiers[0].keep"]);
    let kept = |retention: Value, keep: &str| {
        let tiers = tiers(&json!({"keep": keep}));
        let changes = [("/objectives/tiers", tiers), ("/components/0/tier", json!("gold"))];
        found(&[changes[0].clone(), changes[1].clone(), ("/backups/0/retention", retention)])
    };
    let too_short = ["warning: objectives.tiers[0].keep"];
    assert_eq!(kept(json!({"within": "90d"}), "90d"), [""; 0]);
    assert_eq!(kept(json!({"within": "90d"}), "91d"), too_short);
    assert_eq!(kept(json!({"daily": {"newest": 30}}), "30d"), [""; 0]);
    assert_eq!(kept(json!({"daily": {"newest": 30}}), "31d"), too_short);
    assert_eq!(kept(json!({"yearly": {"newest": 8}}), "2555d"), [""; 0], "seven years");
    let reported = json!({"schedule": "cron(0 4 * * ? *)", "apply": false});
    let changes = [("/objectives/tiers", tiers(&json!({"keep": "3000d"}))), ("/components/0/tier", json!("gold"))];
    let found = found(&[changes[0].clone(), changes[1].clone(), ("/cleanup", reported)]);
    assert_eq!(found, [""; 0], "nothing is deleted");
}

#[test]
fn what_a_tier_is_promised_for_is_said_in_lines() {
    for field in ["services", "data"] {
        let path = format!("error: objectives.tiers[0].{field}[1]");
        let found = |text: &str| of_the_pair(&json!({field: ["Login", text]}));
        assert_eq!(found("Payments"), [""; 0]);
        for bad in [" ", "a\nb", &"a".repeat(101)] {
            assert_eq!(found(bad).join(" "), path, "{bad:?}");
        }
    }
}

#[test]
fn who_answers_for_a_plan_is_one_line() {
    hold(&[
        ("/owner", json!("Platform Team"), &[]),
        ("/owner", json!(" "), &["error: owner"]),
        ("/owner", json!("a\u{1b}[2J"), &["error: owner"]),
        ("/owner", json!("a".repeat(100)), &[]),
        ("/owner", json!("a".repeat(101)), &["error: owner"]),
        ("/reviewBy", json!("2027-01-31"), &["warning: reviewBy"]),
    ]);
    assert_eq!(found(&[("/owner", json!("anna")), ("/reviewBy", json!("2027-01-31"))]), [""; 0]);
}
