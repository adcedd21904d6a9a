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
fn a_pair_s_worst_outage_is_what_its_slowest_answer_takes() {
    let outage = |policy: &str| {
        let explanation = explained(|plan| plan["failover"]["policy"]["zone"] = json!(policy));
        explanation.worst[0].rto.clone()
    };
    let plan: Plan = serde_json::from_value(lab()).unwrap();
    // CloudWatch's period and RDS's promotion.
    let by_itself = plan.detection() + TimeSpan::seconds(10) + TimeSpan::seconds(300) + plan.traffic[0].record.ttl;
    assert_eq!(
        (outage("automatic").at_worst, outage("automatic").met),
        (Some(by_itself), Some(false)),
        "30 s are promised"
    );
    assert_eq!(outage("approval").at_worst, Some(by_itself + plan.failover.approval_deadline));
    assert_eq!((outage("never").at_worst, outage("never").met), (None, None), "nothing recovers it by itself");
}

#[test]
fn a_pair_s_worst_loss_is_the_budget_and_what_nobody_saw() {
    let plan: Plan = serde_json::from_value(lab()).unwrap();
    let loss = explained(|_| {}).worst[0].rpo.clone();
    assert_eq!((loss.at_worst, loss.met), (Some(TimeSpan::seconds(2) + plan.detection()), Some(true)));
}

#[test]
fn what_only_backups_hold_is_lost_back_to_the_last_one() {
    let explanation = explained(with_a_cluster);
    let worst = &explanation.worst[1];
    assert_eq!(worst.rpo.at_worst, Some(TimeSpan::seconds(24 * 3_600)));
    assert_eq!((worst.rto.at_worst, worst.rto.met), (None, None), "nobody knows how long a person takes");
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
    assert_eq!((kept("10m", "5s"), kept("10m", "3s"), kept("1m", "5s")), (0, 1, 1));
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
    assert!(page.contains("| `low` | 1d | 4h | — | — | Archive | not known: no component is of it |"), "{page}");
}

#[test]
fn the_page_says_all_of_it() {
    let page = explained(with_a_cluster).markdown();
    for said in [
        "# Recovery plan `lab`",
        "| `reports` | cluster of aurora-postgresql |",
        "| `orders` | pair of PostgreSQL |",
        "## If a Region goes",
        "## Signed",
    ] {
        assert!(page.contains(said), "{said}:\n{page}");
    }
}

#[test]
fn what_follows_from_a_lost_region_follows_the_policy() {
    let without = |policy: &str, answer: &str, region: &str| {
        let explanation = explained(|plan| plan["failover"]["policy"][policy] = json!(answer));
        explanation.regions.iter().find(|gone| gone.region.as_str() == region).unwrap().then.join("\n")
    };
    assert!(without("region", "approval", "us-east-1").contains("once a person says yes"));
    assert!(without("region", "never", "us-east-1").contains("stays down until a person orders"));
    assert!(without("unknown", "never", "eu-west-1").contains("not even for a database"));
    let recovery = without("unknown", "approval", "us-west-2");
    assert!(recovery.contains("no backup is taken") && recovery.contains("the copies of `daily`"), "{recovery}");
}

#[test]
fn an_answer_without_effect_is_not_shown_as_one() {
    let explanation = explained(|plan| plan["failover"]["policy"]["network"] = json!("automatic"));
    let network = explanation.answers.iter().find(|answer| answer.class == "network").unwrap();
    assert_eq!(network.answer, "nothing is moved by itself");
}
