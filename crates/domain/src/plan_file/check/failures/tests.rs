//! Each rule about what was promised by what fails: where it holds, and where it does not.

use serde_json::{Value, json};

use super::super::tests::found;

const RTO: &str = "warning: objectives.failures[0].rto";
const RPO: &str = "warning: objectives.failures[0].rpo";

/// The findings where this is promised of a class, and of all else what the lab keeps with ease.
fn promised(class: &str, rto: &str, rpo: &str, changes: &[(&str, Value)]) -> Vec<String> {
    let failures = json!([{"class": class, "rto": rto, "rpo": rpo}]);
    let objectives = json!({"rto": "4h", "rpo": "1h", "failures": failures});
    found(&[&[("/objectives", objectives)], changes].concat())
}

#[test]
fn no_failure_takes_longer_than_a_tier_of_what_it_hits_promises() {
    let found = |class: &str, rto: &str, rpo: &str| {
        let tiers = json!([{"name": "gold", "rto": "30s", "rpo": "5s"}]);
        promised(class, rto, rpo, &[("/objectives/tiers", tiers), ("/components/0/tier", json!("gold"))])
    };
    assert_eq!(found("region", "30s", "5s"), [""; 0]);
    assert_eq!(found("region", "31s", "5s"), [RTO]);
    assert_eq!(found("region", "4h", "1h"), [RTO, RPO]);
    assert_eq!(found("database", "4h", "5s"), [RTO]);
    assert_eq!(found("breach", "24h", "1h"), [RTO, RPO]);
    assert_eq!(found("application", "4h", "1h"), [""; 0], "the database goes on");
    assert_eq!(found("zone", "30s", "0s"), [RPO], "the replica is asynchronous");
    assert_eq!(found("application", "5m", "0s"), [""; 0]);
}

#[test]
fn what_is_of_no_tier_has_the_plan_s_own_promise() {
    assert_eq!(promised("region", "4h", "1h", &[]), [""; 0]);
    assert_eq!(promised("region", "5h", "2h", &[]), [RTO, RPO]);
}

/// The lab's detection takes 1.9 s, and its record is kept by nobody.
#[test]
fn what_the_plan_answers_is_as_quick_as_was_promised() {
    assert_eq!(promised("region", "2s", "5s", &[]), [""; 0]);
    assert_eq!(promised("region", "1s", "5s", &[]), [RTO]);
    let asked = [("/failover/policy/zone", json!("approval"))];
    assert_eq!(promised("zone", "15m", "5s", &asked), [RTO], "a person has 15 minutes");
    assert_eq!(promised("zone", "16m", "5s", &asked), [""; 0]);
    assert_eq!(promised("zone", "16m", "5s", &[("/failover/policy/zone", json!("never"))]), [RTO]);
    assert_eq!(promised("application", "1s", "5s", &[]), [""; 0], "no database is moved for it");
}

#[test]
fn what_was_deleted_comes_back_as_old_as_what_it_is_restored_from() {
    for class in ["deletion", "corruption", "breach"] {
        assert_eq!(promised(class, "1h", "5m", &[]), [""; 0], "{class}");
        assert_eq!(promised(class, "1h", "4m", &[]), [RPO], "{class}");
    }
}

#[test]
fn a_class_is_promised_once_and_its_level_is_a_line() {
    let region = |level: &str| json!({"class": "region", "level": level, "rto": "4h", "rpo": "1h"});
    let objectives = |failures: Value| json!({"rto": "4h", "rpo": "1h", "failures": failures});
    let found = |failures: Value| found(&[("/objectives", objectives(failures))]);
    assert_eq!(found(json!([region("level-3")])), [""; 0]);
    assert_eq!(found(json!([region("3"), region("3")])), ["error: objectives.failures[1].class"]);
    assert_eq!(found(json!([region("a\u{1b}[2J")])), ["error: objectives.failures[0].level"]);
}

#[test]
fn what_is_gone_with_more_than_itself_is_not_back_sooner_than_alone() {
    let found = |zone: [&str; 2], wider: &str, region: [&str; 2]| {
        let promised = |class: &str, [rto, rpo]: [&str; 2]| json!({"class": class, "rto": rto, "rpo": rpo});
        let failures = json!([promised("zone", zone), promised(wider, region)]);
        found(&[("/objectives", json!({"rto": "4h", "rpo": "1h", "failures": failures}))])
    };
    assert_eq!(found(["1h", "5m"], "region", ["1h", "5m"]), [""; 0]);
    assert_eq!(found(["1h", "5m"], "region", ["4h", "1h"]), [""; 0]);
    assert_eq!(found(["61m", "5m"], "region", ["1h", "5m"]), [RTO]);
    assert_eq!(found(["4h", "6m"], "region", ["1h", "5m"]), [RTO, RPO]);
    assert_eq!(found(["4h", "1h"], "application", ["1h", "5m"]), [""; 0], "it takes no zone along");
}
