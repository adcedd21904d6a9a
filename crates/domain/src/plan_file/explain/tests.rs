//! What follows from a plan's numbers, and what is asked of people.

use serde_json::{Value, json};

use super::*;
use crate::plan_file::read;

fn lab() -> Value {
    let text = include_str!("../../../../../plans/lab.yaml");
    serde_json::to_value(read(text, "plans/lab.yaml").unwrap()).unwrap()
}

fn explained(change: impl Fn(&mut Value)) -> Explanation {
    let mut plan = lab();
    change(&mut plan);
    let assumed = Assumed { promotion: TimeSpan::seconds(300), today: "2027-01-31".parse().unwrap() };
    explain(&serde_json::from_value(plan).unwrap(), &assumed)
}

/// The lab's plan with a cluster that is backed up once a day.
fn with_a_cluster(plan: &mut Value) {
    let reports = json!({"kind": "cluster", "name": "reports", "engine": "aurora-postgresql", "primary": "reports-1"});
    plan["components"].as_array_mut().unwrap().push(reports);
    plan["backups"][0]["components"] = json!(["orders", "reports"]);
}

#[test]
fn a_pair_s_worst_outage_is_detection_promotion_and_the_record_s_ttl() {
    let explanation = explained(|_| {});
    let worst = &explanation.worst[0];
    let plan: Plan = serde_json::from_value(lab()).unwrap();
    let reckoned = plan.detection() + TimeSpan::seconds(300) + plan.traffic[0].record.ttl;
    assert_eq!((worst.rto.at_worst, worst.rto.is_kept()), (Some(reckoned), Some(false)), "30 s are promised");
    assert_eq!((worst.rpo.at_worst, worst.rpo.is_kept()), (Some(TimeSpan::seconds(2)), Some(true)));
}

#[test]
fn what_only_backups_hold_is_lost_back_to_the_last_one() {
    let explanation = explained(with_a_cluster);
    let worst = &explanation.worst[1];
    assert_eq!(worst.rpo.at_worst, Some(TimeSpan::seconds(24 * 3_600)));
    assert_eq!((worst.rto.at_worst, worst.rto.is_kept()), (None, None), "nobody knows how long a person takes");
    assert!(
        explanation.questions.iter().any(|asked| asked.contains("`reports` by hand")),
        "{:?}",
        explanation.questions
    );
}

#[test]
fn a_tier_is_kept_by_all_of_its_components_or_it_is_said_by_which_it_is_not() {
    let kept = |rto: &str, rpo: &str| {
        let explanation = explained(|plan| {
            plan["objectives"]["tiers"] = json!([{"name": "gold", "rto": rto, "rpo": rpo}]);
            plan["components"][0]["tier"] = json!("gold");
        });
        explanation.tiers[0].broken_by.len()
    };
    assert_eq!((kept("10m", "5s"), kept("10m", "1s"), kept("1m", "5s")), (0, 1, 1));
}

#[test]
fn what_is_lost_with_the_primary_region_is_said_of_each_component() {
    let without = |region: &str, copies: Value| {
        let explanation = explained(|plan| {
            with_a_cluster(plan);
            plan["backups"][0]["copies"] = copies.clone();
        });
        let gone = explanation.regions.iter().find(|gone| gone.region.as_str() == region).unwrap();
        gone.then.join("\n")
    };
    let copied = without("us-east-1", lab()["backups"][0]["copies"].clone());
    assert!(copied.contains("`orders` is failed over to us-west-2"), "{copied}");
    assert!(copied.contains("`reports` is lost but for the copies"), "{copied}");
    let uncopied = without("us-east-1", json!([]));
    assert!(uncopied.contains("**`reports` is lost, and its backups with it**"), "{uncopied}");
    assert!(uncopied.contains("**the backups of `daily` lie nowhere else**"), "{uncopied}");
}

#[test]
fn a_plan_that_was_to_be_reviewed_is_told_from_the_day_after() {
    let objects = |by: &str| {
        let explanation = explained(|plan| {
            plan["owner"] = json!("anna");
            plan["reviewBy"] = json!(by);
        });
        explanation.objections.iter().any(|finding| finding.path == "reviewBy")
    };
    assert_eq!((objects("2027-01-30"), objects("2027-01-31")), (true, false), "today is the 31st");
}

#[test]
fn a_tier_that_nothing_belongs_to_is_asked_about() {
    let explanation = explained(|plan| {
        plan["objectives"]["tiers"] = json!([{"name": "low", "rto": "24h", "rpo": "4h", "services": ["Archive"]}]);
    });
    assert!(
        explanation.questions.iter().any(|asked| asked.contains("tier `low` (Archive)")),
        "{:?}",
        explanation.questions
    );
    let page = explanation.markdown();
    assert!(page.contains("| `low` | 1d | 4h | not known: no component is of it |"), "{page}");
}

#[test]
fn the_page_says_all_of_it() {
    let page = explained(with_a_cluster).markdown();
    for said in
        ["# Recovery plan `lab`", "| `reports` | cluster of aurora-postgresql |", "## If a Region goes", "## Signed"]
    {
        assert!(page.contains(said), "{said}:\n{page}");
    }
}
