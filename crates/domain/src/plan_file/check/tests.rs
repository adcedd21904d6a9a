//! Each limit at, above and below; each check against a plan that has nothing else wrong.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::Severity;
use super::check;
use crate::plan::Plan;

const ROLES: &str = "/components/0/applicationRoles";
const RETENTION: &str = "/components/0/afterPromotion/backupRetention";
const WITHIN: &str = "/verify/0/within";

static LAB: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../../../plans/lab.yaml");
    serde_json::to_value(super::super::read(text, "plans/lab.yaml").unwrap()).unwrap()
});

pub(super) fn lab() -> Value {
    LAB.clone()
}

/// The lab's pair by another name, with instances and endpoints of its own.
pub(super) fn pair(name: &str) -> Value {
    let mut pair = lab()["components"][0].clone();
    pair["name"] = json!(name);
    for side in ["primary", "replica"] {
        pair[side]["instance"] = json!(format!("{side}-of-{name}"));
        pair[side]["endpoint"] = json!(format!("{side}-of-{name}.example.com"));
    }
    pair
}

/// What is found in the lab's plan once these values are written at these pointers: `error: path` or `warning: path`.
pub(super) fn found(changes: &[(&str, Value)]) -> Vec<String> {
    let mut plan = lab();
    for (pointer, value) in changes {
        let (group, field) = pointer.rsplit_once('/').unwrap();
        match plan.pointer_mut(group).unwrap() {
            Value::Object(fields) => drop(fields.insert(field.to_owned(), value.clone())),
            Value::Array(values) => values[field.parse::<usize>().unwrap()] = value.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => panic!("{group} is no group"),
        }
    }
    let plan: Plan = serde_json::from_value(plan).unwrap();
    check(&plan).into_iter().map(|finding| format!("{}: {}", finding.severity, finding.path)).collect()
}

/// Holds that each change alone is answered with exactly these findings.
pub(super) fn hold(cases: &[(&str, Value, &[&str])]) {
    for (pointer, value, expected) in cases {
        assert_eq!(found(&[(pointer, value.clone())]), *expected, "{pointer} = {value}");
    }
}

#[test]
fn nothing_is_found_in_the_labs_plan() {
    assert_eq!(found(&[]), [""; 0]);
}

#[test]
fn every_finding_says_what_to_do() {
    let mut plan: Plan = serde_json::from_value(lab()).unwrap();
    plan.regions.recovery = plan.regions.primary.clone();
    plan.regions.witness = None;
    plan.verify.clear();
    let findings = check(&plan);
    assert!(findings.len() >= 4, "{findings:#?}");
    for finding in findings {
        assert!(!finding.path.is_empty() && !finding.what.is_empty(), "{finding}");
        assert!(finding.remedy.ends_with('.') && !finding.what.ends_with('.'), "{finding}");
    }
}

#[test]
fn regions_must_differ() {
    hold(&[
        ("/regions/recovery", json!("us-east-1"), &["error: regions.recovery"]),
        ("/regions/witness", json!("us-central-1"), &["error: regions.witness"]),
        ("/backups/0/copies/0/region", json!("eu-west-9"), &["error: backups[0].copies[0].region"]),
        ("/regions/recovery", json!("us-gov-west-1"), &["error: regions.recovery"]),
        ("/regions/witness", json!("us-east-1"), &["error: regions.witness"]),
        ("/regions/witness", json!("us-west-2"), &["error: regions.witness"]),
        ("/regions/witness", json!("eu-west-2"), &[]),
    ]);
}

/// What an order may restore the lab's pair as in a Region.
fn next_side(region: &str) -> Value {
    let restore = json!({"instanceClass": "db.t4g.small", "subnetGroup": "isolated", "parameterGroup": "orders-15", "optionGroup": "orders"});
    json!({"region": region, "fenceSecurityGroup": "sg-0123456789abcdef0", "restore": restore})
}

#[test]
fn a_further_recovery_region_is_another_one_and_has_what_can_be_restored_there() {
    let copied_to = |region: &str| {
        ("/backups/0/copies", json!([{"region": "us-west-2"}, {"region": "us-east-1"}, {"region": region}]))
    };
    let next = |next: Value, sides: Value| {
        found(&[("/regions/next", next), ("/components/0/next", sides), copied_to("eu-west-1")])
    };
    let there = json!([next_side("eu-west-1")]);
    assert_eq!(next(json!(["eu-west-1"]), there.clone()), [""; 0], "a witness may be one");
    assert_eq!(next(json!(["eu-west-1"]), json!([])), ["warning: regions.next[0]"]);
    assert_eq!(next(json!(["eu-west-1", "eu-west-2"]), there.clone()), ["warning: regions.next[1]"]);
    assert_eq!(next(json!(["eu-west-1", "eu-west-1"]), there.clone()), ["error: regions.next[1]"]);
    for wrong in ["us-east-1", "us-west-2"] {
        assert_eq!(next(json!(["eu-west-1", wrong]), there.clone()), ["error: regions.next[1]"], "{wrong}");
    }
    let unknown = ["error: regions.next[1]", "warning: regions.next[1]"];
    assert_eq!(next(json!(["eu-west-1", "us-central-1"]), there.clone()), unknown);
    assert_eq!(next(json!([]), there), ["error: components[0].next[0].region"]);
    let mut unsaid = next_side("eu-west-1");
    unsaid["restore"].as_object_mut().unwrap().remove("subnetGroup");
    assert_eq!(next(json!(["eu-west-1"]), json!([unsaid])), ["error: components[0].next[0].restore"]);
    let twice = json!([next_side("eu-west-1"), next_side("eu-west-1")]);
    assert_eq!(next(json!(["eu-west-1"]), twice), ["error: components[0].next[1].region"]);
}

#[test]
fn a_further_recovery_region_without_a_backup_is_told() {
    let sides = json!([next_side("eu-west-1")]);
    let found = found(&[("/regions/next", json!(["eu-west-1"])), ("/components/0/next", sides)]);
    assert_eq!(found, ["warning: regions.next[0]"]);
}

#[test]
fn a_witness_is_missed_only_where_a_region_or_zone_fails_over_automatically() {
    let with = |region: &str, zone: &str| {
        found(&[
            ("/regions/witness", Value::Null),
            ("/failover/policy/region", json!(region)),
            ("/failover/policy/zone", json!(zone)),
        ])
    };
    assert_eq!(with("automatic", "approval"), ["error: regions.witness"]);
    assert_eq!(with("approval", "automatic"), ["error: regions.witness"]);
    assert_eq!(with("approval", "never"), [""; 0]);
}

#[test]
fn an_rto_must_hold_detection_and_the_ttl() {
    // Detection is three intervals of 500 ms and a time-out of 400 ms; CloudWatch looks each 10 s.
    hold(&[
        ("/objectives/rto", json!("1899ms"), &["error: objectives.rto"]),
        ("/objectives/rto", json!("1900ms"), &["warning: objectives.rto"]),
        ("/objectives/rto", json!("11899ms"), &["warning: objectives.rto"]),
        ("/objectives/rto", json!("11900ms"), &[]),
        // The hold-down begins with the first failed sample, up to an interval after the primary died.
        ("/probe/holdDown", json!("29500ms"), &["warning: objectives.rto"]),
        ("/probe/holdDown", json!("29501ms"), &["error: objectives.rto"]),
        ("/probe/holdDown", json!("30001ms"), &["error: probe.holdDown"]),
        ("/traffic/0/record/ttl", json!("28s"), &["warning: objectives.rto"]),
        ("/traffic/0/record/ttl", json!("29s"), &["error: objectives.rto"]),
        ("/traffic/0/record/ttl", json!("31s"), &["error: traffic[0].record.ttl"]),
    ]);
}

#[test]
fn what_a_failover_is_expected_to_take_fits_into_what_was_promised() {
    let expected = |expected: &str, rto: &str| {
        let promised = json!([{"class": "region", "rto": rto, "rpo": "5s"}]);
        found(&[("/failover/expected", json!(expected)), ("/objectives/failures", promised)])
    };
    // Of the lab's 30 s detection takes 1.9.
    assert_eq!(expected("28100ms", "30s"), [""; 0]);
    assert_eq!(expected("28101ms", "30s"), ["warning: failover.expected"]);
    assert_eq!(expected("30001ms", "40s"), ["warning: failover.expected", "warning: objectives.failures[0].rto"]);
    assert_eq!(expected("10s", "10s"), ["warning: objectives.failures[0].rto"; 0]);
    assert_eq!(expected("0s", "30s"), ["error: failover.expected"]);
    let mut plan = lab();
    plan["failover"]["expected"] = json!("31s");
    let told = check(&serde_json::from_value::<Plan>(plan).unwrap());
    assert_eq!(told[0].what, "a failover is expected to take 31s, and objectives.rto promises 30s");
}

#[test]
fn a_class_has_to_last_no_shorter_than_the_hold_down_no_longer_than_a_run_waits_and_within_the_rto() {
    let after = |after: Value| {
        found(&[("/failover/after", after), ("/objectives/rto", json!("20m")), ("/objectives/rpo", json!("15m"))])
            .into_iter()
            .filter(|found| !found.contains("availability"))
            .collect::<Vec<_>>()
    };
    assert_eq!(after(json!({"region": "999ms"})), ["error: failover.after.region"]);
    assert_eq!(after(json!({"region": "1s"})), [""; 0]);
    assert_eq!(after(json!({"region": "10m", "database": "2m", "zone": "2m", "unknown": "10m"})), [""; 0]);
    assert_eq!(after(json!({"unknown": "601s"})), ["error: failover.after.unknown"]);
    let never = |class: &str| format!("/failover/policy/{class}");
    for class in ["database", "zone", "unknown"] {
        let changes = [(&*never(class), json!("never")), ("/failover/after", json!({class: "2s"}))];
        assert_eq!(found(&changes), [format!("warning: failover.after.{class}")]);
    }
    // The RTO is broken by what the wait adds to detection.
    for (wait, expected) in [
        ("19500ms", &[][..]),
        ("19501ms", &["warning: objectives.rto"]),
        ("29500ms", &["warning: objectives.rto"]),
        ("29501ms", &["error: objectives.rto"]),
        ("30001ms", &["error: failover.after.zone"]),
    ] {
        assert_eq!(found(&[("/failover/after", json!({"zone": wait}))]), expected, "{wait}");
    }
    let failures =
        json!([{"class": "region", "rto": "25s", "rpo": "2s"}, {"class": "zone", "rto": "25s", "rpo": "2s"}]);
    let changes = [("/failover/after", json!({"region": "25s"})), ("/objectives/failures", failures)];
    assert_eq!(found(&changes), ["warning: objectives.rto", "warning: objectives.failures[0].rto"]);
}

#[test]
fn what_only_a_person_tells_begins_by_an_order_alone() {
    for class in ["severalRegions", "corruption", "breach", "deletion"] {
        let path = format!("/failover/policy/{class}");
        assert_eq!(found(&[(&path, json!("automatic"))]), [format!("error: failover.policy.{class}")]);
        for fine in ["approval", "never"] {
            assert_eq!(found(&[(&path, json!(fine))]), [""; 0], "{class}: {fine}");
        }
    }
}

#[test]
fn somebody_may_order_and_each_role_is_named_once() {
    let many: Vec<String> = (0..21).map(|index| format!("role-{index}")).collect();
    hold(&[
        ("/failover/mayOrder", json!(["dba", "AWSReservedSSO_OnCall_0a1b"]), &[]),
        ("/failover/mayOrder", json!([]), &["error: failover.mayOrder"]),
        ("/failover/mayOrder", json!(many[..20]), &[]),
        ("/failover/mayOrder", json!(many), &["error: failover.mayOrder"]),
        ("/failover/mayOrder", json!(["dba", "dba"]), &["error: failover.mayOrder[1]"]),
    ]);
}

#[test]
fn an_rpo_must_hold_what_measures_it_and_the_budget() {
    hold(&[
        ("/objectives/rpo", json!("0s"), &["error: objectives.rpo"]),
        ("/objectives/rpo", json!("2s"), &[]),
        ("/objectives/rpo", json!("1999ms"), &["error: failover.dataLossBudget.time"]),
        ("/failover/dataLossBudget/time", json!("5s"), &[]),
        ("/failover/dataLossBudget/time", json!("5001ms"), &["error: failover.dataLossBudget.time"]),
    ]);
    let small = |rpo: &str| found(&[("/objectives/rpo", json!(rpo)), ("/failover/dataLossBudget/time", json!("0s"))]);
    assert_eq!(small("500ms"), [""; 0]);
    assert_eq!(small("499ms"), ["error: objectives.rpo"]);
}

#[test]
fn an_availability_is_a_share_that_one_failover_does_not_use_up() {
    hold(&[
        ("/objectives/availabilityPercent", json!(0.0), &["error: objectives.availabilityPercent"]),
        ("/objectives/availabilityPercent", json!(100.0), &["error: objectives.availabilityPercent"]),
        ("/objectives/availabilityPercent", json!(99.9989), &["warning: objectives.availabilityPercent"]),
        ("/objectives/availabilityPercent", json!(99.998), &[]),
        ("/objectives/availabilityPercent", Value::Null, &[]),
    ]);
}

#[test]
fn the_two_sides_of_a_pair_are_told_apart() {
    let endpoint = "orders-primary.us-east-1.rds.lifeboat.test";
    hold(&[
        ("/components/0/replica/endpoint", json!(endpoint), &["error: components[0].replica.endpoint"]),
        ("/components/0/replica/instance", json!("orders-primary"), &["error: components[0].replica.instance"]),
        (
            "/components/0/replica/endpoint",
            json!("orders.abc.us-east-1.rds.amazonaws.com"),
            &["error: components[0].replica.endpoint"],
        ),
        ("/components/0/replica/endpoint", json!("orders.abc.us-west-2.rds.amazonaws.com"), &[]),
        ("/components/0/primary/port", json!(0), &["error: components[0].primary.port"]),
        ("/components/0/primary/port", json!(1), &[]),
    ]);
}

#[test]
fn a_fence_is_a_group_of_its_own() {
    hold(&[
        ("/components/0/primary/securityGroups", json!([]), &["error: components[0].primary.securityGroups"]),
        (
            "/components/0/primary/securityGroups",
            json!(["sg-00000009", "sg-00000002"]),
            &["error: components[0].primary.fenceSecurityGroup"],
        ),
        (
            "/components/0/replica/fenceSecurityGroup",
            json!("sg-00000003"),
            &["error: components[0].replica.fenceSecurityGroup"],
        ),
        ("/components/0/replica/fenceSecurityGroup", json!("sg-00000002"), &[]),
    ]);
}

#[test]
fn lifeboat_does_not_lock_itself_out() {
    let token = json!({"iamToken": {"user": "lifeboat"}});
    let with = |roles: Value, tls: &str| {
        found(&[("/components/0/login/from", token.clone()), ("/components/0/login/tls", json!(tls)), (ROLES, roles)])
    };
    assert_eq!(with(json!(["shop"]), "verify-full"), [""; 0]);
    assert_eq!(with(json!(["shop", "lifeboat"]), "verify-full"), ["error: components[0].applicationRoles[1]"]);
    assert_eq!(with(json!(["shop"]), "disable"), ["error: components[0].login.tls"]);
}

#[test]
fn a_login_without_tls_is_warned_of() {
    hold(&[("/components/0/login/tls", json!("disable"), &["warning: components[0].login.tls"])]);
}

#[test]
fn somebody_must_be_fenced() {
    let many = |count: usize| json!((0..count).map(|n| format!("role_{n}")).collect::<Vec<_>>());
    hold(&[
        (ROLES, json!([]), &["error: components[0].applicationRoles"]),
        (ROLES, json!(["shop", "shop"]), &["error: components[0].applicationRoles"]),
        (ROLES, many(16), &[]),
        (ROLES, many(17), &["error: components[0].applicationRoles"]),
    ]);
}

#[test]
fn backups_are_kept_for_whole_days_up_to_35() {
    let path: &[&str] = &["error: components[0].afterPromotion.backupRetention"];
    hold(&[
        (RETENTION, json!("0d"), path),
        (RETENTION, json!("1d"), &[]),
        (RETENTION, json!("35d"), &[]),
        (RETENTION, json!("36d"), path),
        (RETENTION, json!("36h"), path),
        (RETENTION, json!("48h"), &[]),
        (
            "/components/0/afterPromotion/deletionProtection",
            json!(false),
            &["warning: components[0].afterPromotion.deletionProtection"],
        ),
    ]);
}

#[test]
fn traffic_names_a_component_that_exists() {
    hold(&[
        ("/traffic/0/component", json!("order"), &["error: traffic[0].component"]),
        ("/components", json!([]), &["error: traffic[0].component", "error: backups[0].components[0]"]),
    ]);
}

#[test]
fn components_have_names_of_their_own_and_only_traffics_is_moved() {
    let orders = lab()["components"][0].clone();
    hold(&[
        ("/components", json!([orders, orders]), &["error: components[1].name"]),
        ("/components", json!([orders, pair("stock")]), &["warning: components[1]"]),
    ]);
    let of = |count: usize| {
        let others = (1..count).map(|n| pair(&format!("stock-{n}")));
        found(&[("/components", std::iter::once(orders.clone()).chain(others).collect())])
    };
    assert!(!of(40).contains(&"error: components".to_owned()));
    assert!(of(41).contains(&"error: components".to_owned()));
}

#[test]
fn a_record_has_whole_seconds_and_a_name_of_its_own() {
    hold(&[
        ("/traffic/0/record/ttl", json!("1500ms"), &["error: traffic[0].record.ttl"]),
        ("/traffic/0/record/ttl", json!("1s"), &[]),
        (
            "/traffic/0/record/name",
            json!("orders-primary.us-east-1.rds.lifeboat.test"),
            &["error: traffic[0].record.name"],
        ),
    ]);
    let ttl = |ttl: &str| found(&[("/objectives/rto", json!("5m")), ("/traffic/0/record/ttl", json!(ttl))]);
    assert_eq!(ttl("60s"), [""; 0]);
    assert_eq!(ttl("61s"), ["warning: traffic[0].record.ttl"]);
}

#[test]
fn a_probe_keeps_its_interval() {
    let interval = |interval: &str, timeout: &str| {
        let rto = ("/objectives/rto", json!("5m"));
        found(&[
            rto,
            ("/objectives/rpo", json!("30s")),
            ("/probe/interval", json!(interval)),
            ("/probe/timeout", json!(timeout)),
        ])
    };
    // Too short a time-out for Regions that far apart, as well.
    let too_far = "error: probe.timeout";
    assert_eq!(interval("99ms", "50ms"), ["error: probe.interval", too_far]);
    assert_eq!(interval("100ms", "50ms"), [too_far]);
    assert_eq!(interval("151ms", "150ms"), [""; 0]);
    for kept in ["1s", "5s", "10s", "30s"] {
        assert_eq!(interval(kept, "500ms"), [""; 0], "{kept}");
    }
    assert_eq!(interval("30001ms", "1s"), ["error: objectives.rpo", "error: probe.interval"]);
    assert_eq!(interval("30s", "10s"), [""; 0]);
    assert_eq!(interval("30s", "10001ms"), ["error: probe.timeout"]);
    assert_eq!(interval("500us", "49ms"), ["error: probe.interval", "error: probe.timeout", "error: probe.timeout"]);
    assert_eq!(interval("500500us", "150ms"), ["error: probe.interval"]);
}

#[test]
fn what_detection_costs_is_reckoned_with_the_plan_s_own_interval() {
    // Three intervals of 30 s and a time-out of 5 s; CloudWatch's 10 s come on top.
    let rto = |rto: &str, hold_down: &str| {
        found(&[
            ("/objectives/rpo", json!("30s")),
            ("/objectives/rto", json!(rto)),
            ("/probe/interval", json!("30s")),
            ("/probe/timeout", json!("5s")),
            ("/probe/holdDown", json!(hold_down)),
        ])
    };
    assert_eq!(rto("94999ms", "1s"), ["error: objectives.rto"]);
    assert_eq!(rto("95s", "1s"), ["warning: objectives.rto"]);
    assert_eq!(rto("105s", "1s"), [""; 0]);
    assert_eq!(rto("105s", "65s"), [""; 0]);
    assert_eq!(rto("105s", "66s"), ["warning: objectives.rto"]);
    assert_eq!(rto("105s", "76s"), ["error: objectives.rto"]);
}

#[test]
fn a_hold_down_is_over_before_a_run_stops_asking() {
    let hold_down = |hold_down: &str| {
        found(&[
            ("/objectives/rto", json!("1h")),
            ("/objectives/availabilityPercent", Value::Null),
            ("/probe/holdDown", json!(hold_down)),
        ])
    };
    assert_eq!(hold_down("10m"), [""; 0]);
    assert_eq!(hold_down("600001ms"), ["error: probe.holdDown"]);
}

#[test]
fn a_sample_ends_before_the_next_begins() {
    hold(&[
        ("/probe/timeout", json!("499ms"), &[]),
        ("/probe/timeout", json!("500ms"), &["error: probe.timeout"]),
        ("/probe/timeout", json!("150ms"), &[]),
        ("/probe/timeout", json!("100ms"), &["error: probe.timeout"]),
        ("/probe/timeout", json!("49ms"), &["error: probe.timeout"]),
    ]);
}

#[test]
fn a_value_outside_its_limits_is_told_them() {
    let every_table = "/backups/0/verification/readEveryTable";
    for (pointer, value, expected) in [
        ("/probe/interval", json!("60s"), "an interval is whole milliseconds, 100ms to 30s, not 1m"),
        ("/probe/failuresInARow", json!(1), "the threshold is 2 to 100 failed samples in a row, not 1"),
        ("/backups/0/alarm/olderThan", json!("90m"), "an alarm looks back whole hours, 1h to 7d, not 1h 30m"),
        (every_table, json!("0s"), "a check may take more than 0s and at most 20s, not 0s"),
        (WITHIN, json!("21s"), "a check may take more than 0s and at most 20s, not 21s"),
        ("/failover/approvalDeadline", json!("5h"), "a person has 1s to 4h to answer, not 5h"),
        (RETENTION, json!("36h"), "RDS keeps automated backups for whole days, 1d to 35d, not 36h"),
        ("/components/0/primary/port", json!(0), "a port is 1 to 65535, not 0"),
        ("/objectives/availabilityPercent", json!(100.0), "an availability is above 0 and below 100 percent, not 100"),
    ] {
        let mut plan = lab();
        *plan.pointer_mut(pointer).unwrap() = value;
        let found = check(&serde_json::from_value(plan).unwrap());
        assert!(found.iter().any(|finding| finding.what == expected), "{pointer}: {found:#?}");
    }
}

#[test]
fn one_failure_is_not_an_outage() {
    let rto = ("/objectives/rto", json!("5m"));
    for (failures, expected) in [(1, 1), (2, 0), (100, 0), (101, 1)] {
        let found = found(&[rto.clone(), ("/probe/failuresInARow", json!(failures))]);
        assert_eq!(found, vec!["error: probe.failuresInARow"; expected], "{failures}");
    }
}

#[test]
fn a_person_has_time_to_answer_but_not_for_ever() {
    let path: &[&str] = &["error: failover.approvalDeadline"];
    hold(&[
        ("/failover/approvalDeadline", json!("0s"), path),
        ("/failover/approvalDeadline", json!("999ms"), path),
        ("/failover/approvalDeadline", json!("1s"), &[]),
        ("/failover/approvalDeadline", json!("4h"), &[]),
        ("/failover/approvalDeadline", json!("14401s"), path),
    ]);
}

#[test]
fn doubt_that_is_answered_automatically_is_warned_of() {
    hold(&[
        ("/failover/policy/unknown", json!("automatic"), &["warning: failover.policy.unknown"]),
        ("/failover/policy/unknown", json!("approval"), &[]),
        ("/failover/policy/unknown", json!("never"), &[]),
    ]);
}

#[test]
fn what_nobody_sees_until_a_failover_may_begin_is_held_against_the_budget() {
    // Three samples of 0.5 s, or one and the hold-down of 1 s: 1.5 s without a look, the budget is 2 s.
    let says = |pointer: &str, value: &str| {
        let mut plan = lab();
        plan["failover"]["policy"]["unknown"] = json!("automatic");
        *plan.pointer_mut(pointer).unwrap() = json!(value);
        let found = check(&serde_json::from_value(plan).unwrap());
        found.iter().map(|finding| finding.what.contains("no effect")).collect::<Vec<_>>()
    };
    assert_eq!(says("/probe/holdDown", "1s"), [false]);
    assert_eq!(says("/probe/holdDown", "1500ms"), [false]);
    assert_eq!(says("/probe/holdDown", "1501ms"), [true]);
    assert_eq!(says("/failover/dataLossBudget/time", "1500ms"), [false]);
    assert_eq!(says("/failover/dataLossBudget/time", "1499ms"), [true]);
}

#[test]
fn an_answer_that_no_run_comes_to_is_warned_of() {
    for answer in ["automatic", "approval"] {
        hold(&[
            ("/failover/policy/network", json!(answer), &["warning: failover.policy.network"]),
            ("/failover/policy/application", json!(answer), &["warning: failover.policy.application"]),
        ]);
    }
    hold(&[("/failover/policy/network", json!("never"), &[]), ("/failover/policy/application", json!("never"), &[])]);
}

#[test]
fn a_topic_is_told_from_where_recovery_is_run() {
    let topic = "arn:aws:sns:us-west-2:123456789012:on-call";
    let path: &[&str] = &["error: notifications.topics[0]"];
    let many = |count: usize| json!((0..count).map(|n| format!("{topic}-{n}")).collect::<Vec<_>>());
    hold(&[
        ("/notifications/topics", json!([topic]), &[]),
        ("/notifications/topics", json!([topic, topic]), &["error: notifications.topics[1]"]),
        ("/notifications/topics", json!(["arn:aws:sns:us-east-1:123456789012:on-call"]), path),
        ("/notifications/topics", json!(["arn:aws:sqs:us-west-2:123456789012:on-call"]), path),
        ("/notifications/topics", json!(["arn:aws:sns:us-west-2:12345:on-call"]), path),
        ("/notifications/topics", json!(["on-call@example.com"]), path),
        ("/notifications/topics", many(10), &[]),
        ("/notifications/topics", many(11), &["error: notifications.topics"]),
    ]);
}

#[test]
fn a_check_has_a_limit() {
    hold(&[
        ("/verify", json!([]), &["warning: verify"]),
        (WITHIN, json!("0s"), &["error: verify[0].within"]),
        (WITHIN, json!("1ms"), &[]),
        (WITHIN, json!("20s"), &[]),
        (WITHIN, json!("20001ms"), &["error: verify[0].within"]),
        ("/verify/0/query", json!(" "), &["error: verify[0].query"]),
        ("/verify/0/name", json!(""), &["error: verify[0].name"]),
        ("/verify/0/name", json!("a\nb"), &["error: verify[0].name"]),
        ("/verify/0/name", json!("n".repeat(80)), &[]),
        ("/verify/0/name", json!("n".repeat(81)), &["error: verify[0].name"]),
    ]);
    let check =
        |n: usize| json!({"kind": "http", "name": format!("page {n}"), "url": "https://shop.example/", "within": "2s"});
    let many = |count: usize| found(&[("/verify", (0..count).map(check).collect())]);
    assert_eq!(many(20), [""; 0]);
    assert_eq!(many(21), ["error: verify"]);
    assert_eq!(found(&[("/verify", json!([check(1), check(1)]))]), ["error: verify[1].name"]);
}

#[test]
fn an_address_is_one_of_http_and_holds_no_login() {
    for (url, good) in [
        ("https://shop.example/health?deep=1", true),
        ("http://shop.example:8080", true),
        ("ftp://shop.example/", false),
        ("file:///etc/passwd", false),
        ("shop.example", false),
        ("https://", false),
        ("https://:80/", false),
        ("https://shop example/", false),
        ("https://anna:secret@shop.example/", false),
    ] {
        let check = json!([{"kind": "http", "name": "page", "url": url, "within": "2s"}]);
        assert_eq!(found(&[("/verify", check)]).is_empty(), good, "{url}");
    }
    for (status, good) in [(99, false), (100, true), (599, true), (600, false)] {
        let check =
            json!([{"kind": "http", "name": "page", "url": "https://a.example", "status": status, "within": "2s"}]);
        assert_eq!(found(&[("/verify", check)]).is_empty(), good, "{status}");
    }
}

#[test]
fn an_address_is_asked_and_answers_what_a_run_has_time_for() {
    let page = |changes: Value| {
        let mut check = json!({"kind": "http", "name": "page", "url": "https://shop.example/", "within": "2s"});
        for (key, value) in changes.as_object().unwrap() {
            check[key] = value.clone();
        }
        found(&[("/verify", json!([check]))])
    };
    for (changes, path) in [
        (json!({"method": "POST", "body": "{}", "expect": {"contains": "ok"}}), ""),
        (json!({"body": "{}"}), "body"),
        (json!({"method": "POST", "body": "b".repeat(4_096)}), ""),
        (json!({"method": "POST", "body": "b".repeat(4_097)}), "body"),
        (json!({"samples": 50, "passPercent": 95}), ""),
        (json!({"samples": 51, "passPercent": 95}), "samples"),
        (json!({"samples": 0}), "samples"),
        (json!({"samples": 101, "within": "10ms"}), "samples"),
        (json!({"samples": 2, "passPercent": 101}), "passPercent"),
        (json!({"samples": 2, "passPercent": 0}), "passPercent"),
        (json!({"passPercent": 95}), "passPercent"),
        (json!({"expect": {}}), "expect"),
        (json!({"expect": {"contains": ""}}), "expect"),
        (json!({"expect": {"json": {"at": "/status", "equals": "healthy"}}}), ""),
        (json!({"expect": {"json": {"at": "status", "equals": "healthy"}}}), "expect.json.at"),
    ] {
        let expected: Vec<String> = Some(path)
            .filter(|path| !path.is_empty())
            .map(|path| format!("error: verify[0].{path}"))
            .into_iter()
            .collect();
        assert_eq!(page(changes.clone()), expected, "{changes}");
    }
}

#[test]
fn a_login_in_an_address_is_not_repeated() {
    let mut plan = lab();
    plan["verify"][0] = json!({"kind": "http", "name": "p", "url": "https://anna:hunter2@a.example", "within": "2s"});
    let findings = check(&serde_json::from_value(plan).unwrap());
    assert_eq!(findings.len(), 1);
    assert!(!format!("{findings:?}").contains("hunter2"), "{findings:?}");
}

#[test]
fn a_summary_is_one_line() {
    let path: &[&str] = &["error: summary"];
    hold(&[
        ("/summary", json!(""), path),
        ("/summary", json!("two\nlines"), path),
        ("/summary", json!("s".repeat(200)), &[]),
        ("/summary", json!("s".repeat(201)), path),
    ]);
}

#[test]
fn only_errors_keep_a_plan_from_being_read() {
    for finding in [Severity::Error, Severity::Warning] {
        let (from, to) = match finding {
            Severity::Error => ("within: 2s", "within: 0s"),
            Severity::Warning => ("unknown: approval", "unknown: automatic"),
        };
        let text = include_str!("../../../../../plans/lab.yaml").replace(from, to);
        assert_eq!(super::super::read(&text, "p").is_ok(), finding == Severity::Warning, "{to}");
        assert_eq!(super::super::examine(&text).findings.len(), 1, "{to}");
    }
}

const RETENTION_OF_BACKUPS: &str = "/backups/0/retention";

#[test]
fn backups_are_of_components_that_exist_each_once() {
    hold(&[
        ("/backups/0/components", json!([]), &["error: backups[0].components"]),
        ("/backups/0/components", json!(["order"]), &["error: backups[0].components[0]"]),
        ("/backups/0/components", json!(["orders", "orders"]), &["error: backups[0].components[1]"]),
    ]);
    let backup = lab()["backups"][0].clone();
    let both = ["warning: backups[1].schedule", "error: backups[1].name"];
    hold(&[("/backups", json!([backup, backup]), &both)]);
    let of = |count: usize| {
        let named = (0..count).map(|n| {
            let mut backup = backup.clone();
            backup["name"] = json!(format!("s{n}"));
            backup["schedule"] = json!(format!("cron({n} 2 * * ? *)"));
            backup["retention"] = json!({"last": 4});
            backup
        });
        found(&[("/backups", named.collect())])
    };
    assert_eq!((of(20).len(), of(21)), (0, vec!["error: backups".to_owned()]));
}

/// RDS's quota is of an account and a Region, whichever schedule fills it.
#[test]
fn all_schedules_together_keep_no_more_than_a_region_holds() {
    let of = |each: &[u32]| {
        let named = each.iter().enumerate().map(|(n, newest)| {
            let mut backup = lab()["backups"][0].clone();
            backup["name"] = json!(format!("s{n}"));
            backup["schedule"] = json!(format!("cron({n} 2 * * ? *)"));
            backup["retention"] = json!({"last": newest});
            backup
        });
        found(&[("/backups", named.collect())])
    };
    assert_eq!(of(&[100]), [""; 0]);
    assert_eq!(of(&[101]), ["warning: backups[0].retention"]);
    assert_eq!(of(&[40, 60]), [""; 0]);
    assert_eq!(of(&[40, 61]), ["warning: backups[1].retention"]);
}

#[test]
fn backups_leave_the_primary_region_and_stay_in_its_partition() {
    let at = |region: &str| json!([{"region": region}]);
    hold(&[
        ("/backups/0/copies", json!([]), &["warning: backups[0].copies", "warning: backups[0].copies"]),
        ("/backups/0/copies", at("us-west-2"), &["warning: backups[0].copies"]),
        ("/backups/0/copies", at("us-east-1"), &["warning: backups[0].copies"]),
        ("/backups/0/copies", at("eu-west-1"), &[]),
        ("/backups/0/copies", at("cn-north-1"), &["error: backups[0].copies[0].region"]),
        (
            "/backups/0/copies",
            json!([{"region": "us-west-2"}, {"region": "us-west-2"}, {"region": "us-east-1"}]),
            &["error: backups[0].copies[1].region"],
        ),
    ]);
}

#[test]
fn copies_of_what_is_encrypted_need_a_key_of_their_region() {
    const ENCRYPTED: &str = "/backups/0/verification/encrypted";
    let with = |key: &str| json!([{"region": "eu-west-1", "kmsKey": key}]);
    let arn = |region: &str| format!("arn:aws:kms:{region}:000000000000:key/00000000-0000-0000-0000-000000000000");
    let key = "error: backups[0].copies[0].kmsKey";
    for (copies, encrypted, expected) in [
        (json!([{"region": "eu-west-1"}]), true, &[key][..]),
        (json!([{"region": "eu-west-1"}]), false, &[]),
        (with("alias/lifeboat"), true, &[]),
        (with(&arn("eu-west-1")), true, &[]),
        (with(&arn("us-east-1")), true, &[key]),
        (with(&arn("us-east-1")), false, &[key]),
    ] {
        let found = found(&[("/backups/0/copies", copies.clone()), (ENCRYPTED, json!(encrypted))]);
        assert_eq!(found, expected, "{copies}, {encrypted}");
    }
    let found = found(&[("/backups/0/verification", Value::Null)]);
    let keys = found.iter().filter(|found| found.ends_with("kmsKey")).count();
    assert_eq!(keys, 2, "where nobody says otherwise, it is encrypted: {found:?}");
}

#[test]
fn a_schedule_proves_as_many_components_as_the_history_of_a_run_holds() {
    for (count, expected) in [(20, &[][..]), (21, &["error: backups[0].components"])] {
        let names: Vec<String> =
            std::iter::once("orders".to_owned()).chain((1..count).map(|n| format!("c{n}"))).collect();
        let pairs: Value = std::iter::once(lab()["components"][0].clone())
            .chain(names.iter().skip(1).map(|name| pair(name)))
            .collect();
        let found = found(&[("/components", pairs), ("/backups/0/components", json!(names))]);
        let errors: Vec<&String> = found.iter().filter(|found| found.starts_with("error")).collect();
        assert_eq!(errors, expected, "{count} components");
    }
}

/// Beside the lab's own, whose primary and recovery Region they are not.
const OTHER_REGIONS: [&str; 15] = [
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
];

#[test]
fn a_plan_s_backups_are_in_as_many_regions_as_one_cleanup_goes_through() {
    // The primary's and the recovery Region hold some, too.
    for (count, expected) in [(14, &[][..]), (15, &["error: backups"])] {
        let copies: Value = OTHER_REGIONS[..count].iter().map(|region| json!({"region": region})).collect();
        let found = found(&[("/backups/0/copies", copies)]);
        let errors: Vec<&String> = found.iter().filter(|found| found.starts_with("error")).collect();
        assert_eq!(errors, expected, "{count} more");
    }
}

#[test]
fn a_backup_is_as_many_snapshots_as_one_run_tells_of() {
    let names: Vec<String> = std::iter::once("orders".to_owned()).chain((1..40).map(|n| format!("c{n}"))).collect();
    let pairs: Value =
        std::iter::once(lab()["components"][0].clone()).chain(names.iter().skip(1).map(|name| pair(name))).collect();
    for (copies, expected) in [(4, &[][..]), (5, &["error: backups[0].copies"])] {
        let copies = OTHER_REGIONS[..copies].iter().map(|region| json!({"region": region, "kmsKey": "alias/backups"}));
        let copies: Value = copies.collect();
        let found = found(&[
            ("/components", pairs.clone()),
            ("/backups/0/components", json!(names)),
            ("/backups/0/copies", copies.clone()),
            ("/backups/0/verification", Value::Null),
        ]);
        let errors: Vec<&String> = found.iter().filter(|found| found.starts_with("error")).collect();
        assert_eq!(errors, expected, "{copies}");
    }
}

#[test]
fn an_alarm_leaves_the_next_backup_time_and_is_one_that_cloudwatch_takes() {
    const OLDER: &str = "/backups/0/alarm/olderThan";
    let wrong = &["error: backups[0].alarm.olderThan"][..];
    for (schedule, older, expected) in [
        ("rate(30 minutes)", "1h", &[][..]),
        ("rate(30 minutes)", "7d", &[]),
        ("rate(30 minutes)", "59m", wrong),
        ("rate(30 minutes)", "90m", wrong),
        ("rate(30 minutes)", "169h", wrong),
        ("rate(5 hours)", "6h", &[]),
        ("rate(6 hours)", "6h", wrong),
        ("cron(0 2 * * ? *)", "24h", wrong),
        ("cron(0 2 * * ? *)", "25h", &[]),
        ("cron(0 */6 * * ? *)", "6h", wrong),
        ("cron(0 */6 * * ? *)", "7h", &[]),
        ("cron(0 2 ? * MON-FRI *)", "26h", wrong),
        ("cron(0 2 ? * MON-FRI *)", "73h", &[]),
        ("cron(0 2 ? * SUN *)", "7d", wrong),
        ("cron(0 2 1 * ? *)", "7d", wrong),
    ] {
        let found = found(&[("/backups/0/schedule", json!(schedule)), (OLDER, json!(older))]);
        assert_eq!(found, expected, "{schedule}, {older}");
    }
}

#[test]
fn an_alarm_that_no_number_mends_is_told_to_be_left_out() {
    for (schedule, remedy) in [("rate(6 days)", "write more."), ("rate(7 days)", "than 7d.")] {
        let mut plan = lab();
        plan["backups"][0]["schedule"] = json!(schedule);
        let findings = check(&serde_json::from_value(plan).unwrap());
        assert!(findings.iter().any(|finding| finding.remedy.ends_with(remedy)), "{schedule}: {findings:#?}");
    }
}

#[test]
fn a_retention_keeps_something_and_no_more_than_a_region_holds() {
    hold(&[
        (RETENTION_OF_BACKUPS, json!({"floor": 9}), &["error: backups[0].retention"]),
        (RETENTION_OF_BACKUPS, json!({"last": 100}), &[]),
        (RETENTION_OF_BACKUPS, json!({"last": 101}), &["warning: backups[0].retention"]),
    ]);
}

#[test]
fn each_rule_of_a_retention_is_held_against_the_quota() {
    // The daily alarm does not fit each of these schedules.
    let found = |schedule: &str, rules: &Value| {
        let alarm = ("/backups/0/alarm", Value::Null);
        found(&[alarm, ("/backups/0/schedule", json!(schedule)), (RETENTION_OF_BACKUPS, rules.clone())])
    };
    for (schedule, rule, fits, is_too_much) in [
        ("rate(15 minutes)", "within", json!("1d"), json!("30d")),
        ("rate(15 minutes)", "hourly", json!({"within": "99h"}), json!({"within": "100h"})),
        ("rate(2 hours)", "hourly", json!({"within": "199h"}), json!({"within": "200h"})),
        ("cron(0 2 * * ? *)", "within", json!("99d"), json!("100d")),
        ("cron(0 2 * * ? *)", "hourly", json!({"within": "99d"}), json!({"within": "365d"})),
        ("cron(0 2 * * ? *)", "daily", json!({"newest": 100}), json!({"newest": 101})),
        ("cron(0 2 * * ? *)", "daily", json!({"newest": 30}), json!({"newest": u32::MAX})),
        ("cron(0 2 * * ? *)", "weekly", json!({"within": "699d"}), json!({"within": "700d"})),
        ("rate(2 hours)", "onDay", json!({"day": "SUN", "within": "62d"}), json!({"day": "SUN", "within": "63d"})),
        (
            "cron(0 2 * * ? *)",
            "onDay",
            json!({"day": "SUN", "within": "706d"}),
            json!({"day": "SUN", "within": "707d"}),
        ),
        ("cron(0 2 * * ? *)", "monthly", json!({"within": "3099d"}), json!({"within": "3100d"})),
        ("cron(0 2 * * ? *)", "yearly", json!({"within": "3650d"}), json!({"newest": 101})),
        ("cron(0 2 1 1 ? 2030)", "last", json!(100), json!(101)),
    ] {
        assert_eq!(found(schedule, &json!({ rule: fits })), [""; 0], "{schedule}, {rule}: {fits}");
        let warned = found(schedule, &json!({ rule: is_too_much }));
        assert_eq!(warned, ["warning: backups[0].retention"], "{schedule}, {rule}: {is_too_much}");
    }
}

#[test]
fn a_test_is_restored_where_the_plan_has_a_side_and_into_no_less_than_its_source_has() {
    const INTO: &str = "/backups/0/verification/restoreInto";
    const SOURCE: &str = "/components/0/primary/restore";
    let wrong = ["error: backups[0].verification.restoreInto.storageGib"];
    hold(&[
        (INTO, json!({"region": "us-east-1", "instanceClass": "db.t3.micro", "storageType": "gp3"}), &[]),
        (INTO, json!({"region": "us-west-2"}), &[]),
        (INTO, json!({"region": "eu-west-1"}), &["error: backups[0].verification.restoreInto.region"]),
        (INTO, json!({"storageGib": 20}), &[]),
        (INTO, json!({"storageGib": 19}), &wrong),
        (INTO, json!({"storageGib": 65536}), &[]),
        (INTO, json!({"storageGib": 65537}), &wrong),
        (SOURCE, json!({"storageGib": 20, "storageType": "gp2"}), &[]),
        (SOURCE, json!({"storageGib": 19}), &["error: components[0].primary.restore.storageGib"]),
    ]);
    let into = |gib: u32| found(&[(SOURCE, json!({"storageGib": 100})), (INTO, json!({"storageGib": gib}))]);
    assert_eq!(into(100), [""; 0]);
    assert_eq!(into(20), ["warning: backups[0].verification.restoreInto.storageGib"], "as progressive-framework's");
}

#[test]
fn points_in_time_reach_as_far_back_after_a_failover_as_before() {
    const POINT: &str = "/components/0/pointInTime";
    let wrong = ["error: components[0].pointInTime"];
    // A new primary is given seven days unless told.
    hold(&[
        (POINT, json!("1d"), &[]),
        (POINT, json!("7d"), &[]),
        (POINT, json!("8d"), &wrong),
        (POINT, json!("36h"), &wrong),
        (POINT, json!("0s"), &wrong),
        (POINT, json!("36d"), &wrong),
    ]);
    assert_eq!(found(&[(RETENTION, json!("35d")), (POINT, json!("35d"))]), [""; 0]);
    assert_eq!(found(&[(RETENTION, json!("1d")), (POINT, json!("2d"))]), wrong);
}

#[test]
fn a_schedule_is_no_more_frequent_than_its_runs_may_be_long() {
    const TIME: &str = "/backups/0/within";
    let wrong = ["error: backups[0].within"];
    hold(&[
        (TIME, json!("59s"), &wrong),
        (TIME, json!("1m"), &[]),
        (TIME, json!("24h"), &[]),
        (TIME, json!("26h1s"), &wrong),
    ]);
    let found = |schedule: &str, within: &str, overlap: &str| {
        let alarm = ("/backups/0/alarm", Value::Null);
        let last = (RETENTION_OF_BACKUPS, json!({"last": 3}));
        let rest = [(TIME, json!(within)), ("/backups/0/overlap", json!(overlap))];
        found(&[alarm, last, ("/backups/0/schedule", json!(schedule)), rest[0].clone(), rest[1].clone()])
    };
    let too_often = ["warning: backups[0].within"];
    for overlap in ["skip", "wait"] {
        assert_eq!(found("cron(0 * * * ? *)", "60m", overlap), [""; 0]);
        assert_eq!(found("cron(0 * * * ? *)", "61m", overlap), too_often);
        assert_eq!(found("cron(0/5 * * * ? *)", "60m", overlap), too_often, "as leanvibe's first tier");
        assert_eq!(found("cron(0 2,3 * * ? *)", "2h", overlap), too_often, "the shortest wait counts");
        assert_eq!(found("rate(15 minutes)", "15m", overlap), [""; 0]);
        assert_eq!(found("cron(0 2 1 1 ? 2030)", "2h", overlap), [""; 0]);
    }
}

#[test]
fn a_day_s_backups_are_kept_only_where_the_schedule_fires_on_it() {
    let found = |schedule: &str, day: &str| {
        let rules = json!({"last": 2, "onDay": {"day": day, "within": "30d"}});
        let alarm = ("/backups/0/alarm", Value::Null);
        found(&[alarm, ("/backups/0/schedule", json!(schedule)), (RETENTION_OF_BACKUPS, rules)])
    };
    let nothing = ["warning: backups[0].retention.onDay.day"];
    for (schedule, day, expected) in [
        ("cron(0 2 * * ? *)", "MON", &[][..]),
        ("cron(0 2 ? * SUN *)", "SUN", &[]),
        ("cron(0 2 ? * SUN *)", "MON", &nothing),
        ("cron(0 2 ? * MON-FRI *)", "SAT", &nothing),
        // The first of a month is any day.
        ("cron(0 2 1 * ? *)", "WED", &[]),
        ("rate(1 hour)", "SAT", &[]),
        // Of a week, on which day it began is known to nobody here.
        ("rate(7 days)", "SAT", &[]),
    ] {
        assert_eq!(found(schedule, day), expected, "{schedule} {day}");
    }
}

#[test]
fn a_backup_that_is_never_restored_is_warned_of_and_its_queries_are_checked_as_the_plan_s_own() {
    const VERIFICATION: &str = "/backups/0/verification";
    let query = |name: &str, within: &str| json!({"name": name, "query": "select 1", "expect": {"equals": "1"}, "within": within});
    let checked =
        |checks| json!({"restoreTest": "rate(7 days)", "encrypted": false, "readEveryTable": "20s", "checks": checks});
    hold(&[
        (
            VERIFICATION,
            json!(null),
            &[
                "error: backups[0].copies[0].kmsKey",
                "error: backups[0].copies[1].kmsKey",
                "warning: backups[0].verification",
            ],
        ),
        (
            VERIFICATION,
            json!({"integrity": "rate(1 day)", "encrypted": false}),
            &["warning: backups[0].verification", "warning: backups[0].verification.readEveryTable"],
        ),
        (VERIFICATION, checked(json!([])), &[]),
        ("/backups/0/verification/readEveryTable", json!("21s"), &["error: backups[0].verification.readEveryTable"]),
        (VERIFICATION, checked(json!([query("a", "5s")])), &[]),
        (
            VERIFICATION,
            checked(json!([query("a", "5s"), query("a", "21s")])),
            &["error: backups[0].verification.checks[1].name", "error: backups[0].verification.checks[1].within"],
        ),
    ]);
}

fn cluster(recovery: Option<&str>) -> Value {
    let mut cluster = json!({"kind": "cluster", "name": "reports", "engine": "docdb", "primary": "reports"});
    if let Some(recovery) = recovery {
        cluster["recovery"] = json!(recovery);
    }
    cluster
}

/// The lab's plan with a cluster, and a schedule that backs these up.
fn found_with(cluster: &Value, components: Value, changes: &[(&str, Value)]) -> Vec<String> {
    let both = json!([lab()["components"][0], cluster]);
    let mut all = vec![("/components", both), ("/backups/0/alarm/smallerThanBytes", Value::Null)];
    if components == json!(["reports"]) {
        all.push(("/backups/0/verification/restoreTest", Value::Null));
    }
    all.push(("/backups/0/components", components));
    all.extend(changes.iter().cloned());
    found(&all)
}

#[test]
fn a_cluster_is_backed_up_or_told_to_be_forgotten() {
    assert_eq!(found_with(&cluster(None), json!(["reports"]), &[]), [""; 0]);
    assert_eq!(found_with(&cluster(None), json!(["orders"]), &[]), ["warning: components[1]"]);
}

#[test]
fn traffic_never_names_a_cluster() {
    let traffic = ("/traffic/0/component", json!("reports"));
    assert_eq!(found_with(&cluster(None), json!(["reports"]), &[traffic]), ["error: traffic[0].component"]);
}

#[test]
fn a_cluster_without_a_secondary_stays_where_it_is_after_a_failover() {
    let to = |region: &str| ("/backups/0/copies", json!([{ "region": region }]));
    let one = ["warning: backups[0].copies"];
    for (cluster, components, copies, expected) in [
        (cluster(None), json!(["reports"]), "us-west-2", &[][..]),
        (cluster(None), json!(["reports"]), "us-east-1", &one[..]),
        (cluster(Some("reports-2")), json!(["reports"]), "us-west-2", &one[..]),
        (cluster(None), json!(["orders", "reports"]), "us-west-2", &one[..]),
    ] {
        let found = found_with(&cluster, components, &[to(copies)]);
        let of_copies: Vec<&String> = found.iter().filter(|found| found.ends_with("copies")).collect();
        assert_eq!(of_copies, expected, "{cluster}: {copies}");
    }
}

#[test]
fn neptune_s_backups_stay_in_their_region() {
    let mut neptune = cluster(None);
    neptune["engine"] = json!("neptune");
    let error = "error: backups[0].copies[0]";
    for (copies, expected) in
        [(json!([{"region": "us-west-2"}]), &[error][..]), (json!([]), &["warning: backups[0].copies"])]
    {
        assert_eq!(found_with(&neptune, json!(["reports"]), &[("/backups/0/copies", copies)]), expected);
    }
}

#[test]
fn what_is_not_known_and_not_done_of_a_cluster_is_told() {
    const SIZE: &str = "/backups/0/alarm/smallerThanBytes";
    const TEST: &str = "/backups/0/verification/restoreTest";
    let unproved = "warning: backups[0].verification.restoreTest";
    for (components, changes, expected) in [
        (json!(["orders", "reports"]), vec![], vec![unproved]),
        (
            json!(["orders", "reports"]),
            vec![(SIZE, json!(1))],
            vec!["warning: backups[0].alarm.smallerThanBytes", unproved],
        ),
        (json!(["reports"]), vec![(TEST, json!("rate(1 day)"))], vec!["error: backups[0].verification.restoreTest"]),
        (
            json!(["reports"]),
            vec![("/backups/0/verification", Value::Null)],
            vec!["error: backups[0].copies[0].kmsKey", "error: backups[0].copies[1].kmsKey"],
        ),
    ] {
        assert_eq!(found_with(&cluster(None), components, &changes), expected);
    }
}

#[test]
fn a_service_and_a_bucket_are_named_by_no_schedule_and_no_traffic_and_a_service_by_checks_that_there_are() {
    let service = |checks: Value| json!({ "kind": "service", "name": "shop", "checks": checks });
    let bucket =
        json!({ "kind": "bucket", "name": "shop", "primary": "shop-a", "recovery": "shop-b", "replicated": true });
    let with = |component: &Value, others: &[(&str, Value)]| {
        let components = json!([lab()["components"][0], component]);
        found(&[&[("/components", components)][..], others].concat())
    };
    for (checks, expected) in [
        (json!(["orders can be read"]), &[][..]),
        (json!([]), &[]),
        (json!(["orders can be red"]), &["error: components[1].checks[0]"]),
        (json!(["orders can be read", "orders can be read"]), &["error: components[1].checks[1]"]),
    ] {
        assert_eq!(with(&service(checks.clone()), &[]), expected, "{checks}");
    }
    for component in [service(json!(["orders can be read"])), bucket] {
        assert_eq!(with(&component, &[]), [""; 0]);
        let backed_up = with(&component, &[("/backups/0/components", json!(["orders", "shop"]))]);
        assert!(backed_up.contains(&"error: backups[0].components[1]".to_owned()), "{backed_up:?}");
        let led_to = with(&component, &[("/traffic/0/component", json!("shop"))]);
        assert!(led_to.contains(&"error: traffic[0].component".to_owned()), "{led_to:?}");
    }
}

#[test]
fn at_most_three_resolvers_are_asked_each_named_once_and_each_an_address() {
    let resolvers = |all: Value| found(&[("/traffic/0/resolvers", all)]);
    assert_eq!(resolvers(json!(["8.8.8.8", "1.1.1.1", "9.9.9.9"])), [""; 0]);
    assert_eq!(resolvers(json!(["8.8.8.8", "1.1.1.1", "9.9.9.9", "8.8.4.4"])), ["error: traffic[0].resolvers"]);
    assert_eq!(resolvers(json!(["8.8.8.8", "8.8.8.8"])), ["error: traffic[0].resolvers[1]"]);
    for nobody in ["0.0.0.0", "224.0.0.1", "255.255.255.255"] {
        assert_eq!(resolvers(json!([nobody])), ["error: traffic[0].resolvers[0]"], "{nobody}");
    }
    let mut plan = lab();
    plan["traffic"][0]["resolvers"] = json!(["dns.google"]);
    let why = serde_json::from_value::<Plan>(plan).unwrap_err().to_string();
    assert!(why.contains("an IPv4 address, as 192.0.2.1"), "{why}");
}
