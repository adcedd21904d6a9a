use super::*;
use crate::component::Component;

fn lab() -> Plan {
    crate::plan_file::read(include_str!("../../../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
}

/// Another plan that shares nothing with the lab's but its Regions.
fn billing() -> Plan {
    let text = serde_json::to_string(&lab()).unwrap().replace("orders", "billing");
    let mut plan: Plan = serde_json::from_str(&text).unwrap();
    plan.plan = "billing".parse().unwrap();
    plan
}

fn told(plan: &Plan, other: Plan) -> Vec<String> {
    let other = Other { plan: other, at: "s3://bucket/plans/other.yaml".into() };
    check_against(plan, &[other]).iter().map(|finding| format!("{}: {}", finding.path, finding.what)).collect()
}

fn pair(plan: &mut Plan) -> &mut PostgresPair {
    let Component::PostgresPair(pair) = &mut plan.components[0] else { panic!("no pair") };
    pair
}

#[test]
fn two_plans_with_the_same_regions_share_nothing_else() {
    assert_eq!(told(&lab(), billing()), [""; 0]);
    assert_eq!(told(&lab(), lab()), [""; 0], "a plan is not its own neighbour");
}

#[test]
fn an_instance_a_secret_and_a_record_are_one_plan_s() {
    let mut other = billing();
    pair(&mut other).replica.instance = "orders-replica".parse().unwrap();
    let errors = told(&lab(), other);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let says = "components[0].replica.instance: `orders-replica` in us-west-2 is in plan `billing` (s3://bucket/plans/other.yaml)";
    assert!(errors[0].starts_with(says), "{errors:?}");

    let mut other = billing();
    pair(&mut other).login = pair(&mut lab()).login.clone();
    let errors = told(&lab(), other);
    let says = "components[0].login.from.secretsManager.secret: the secret `lifeboat/orders` in us-west-2";
    assert!(errors.len() == 1 && errors[0].starts_with(says), "{errors:?}");

    let mut other = billing();
    other.traffic[0].record = lab().traffic[0].record.clone();
    let errors = told(&lab(), other);
    assert!(
        errors.len() == 1 && errors[0].starts_with("traffic[0].record.name: `db.orders.lifeboat.test`"),
        "{errors:?}"
    );
}

#[test]
fn a_bucket_s_lifecycle_is_said_by_one_plan() {
    let with = |mut plan: Plan, store: serde_json::Value| {
        let bucket = serde_json::json!({ "kind": "bucket", "name": "logs", "primary": "logs-a", "store": store });
        plan.components.push(serde_json::from_value(bucket).unwrap());
        plan
    };
    let (kept, looked_at) = (serde_json::json!({ "lifecycle": { "expire": "9d" } }), serde_json::Value::Null);
    let errors = told(&with(lab(), kept.clone()), with(billing(), kept.clone()));
    assert!(errors.len() == 1 && errors[0].starts_with("components[1].store.lifecycle: plan `billing`"), "{errors:?}");
    assert_eq!(told(&with(lab(), kept), with(billing(), looked_at)), [""; 0], "both may look at it");
}

#[test]
fn the_same_names_in_other_regions_are_other_things() {
    let mut other = billing();
    pair(&mut other).primary.instance = "orders-replica".parse().unwrap();
    assert_eq!(told(&lab(), other.clone()), [""; 0], "an instance of that name in the primary Region");
    pair(&mut other).login = pair(&mut lab()).login.clone();
    other.regions =
        serde_json::from_value(serde_json::json!({"primary": "eu-north-1", "recovery": "eu-south-1"})).unwrap();
    assert_eq!(told(&lab(), other), [""; 0], "and a secret of another Region");
}

#[test]
fn crossed_regions_are_compared_side_by_side() {
    let mut other = billing();
    (other.regions.primary, other.regions.recovery) = (other.regions.recovery, other.regions.primary);
    assert_eq!(told(&lab(), other.clone()), [""; 0]);
    pair(&mut other).replica.instance = "orders-primary".parse().unwrap();
    assert_eq!(told(&lab(), other).len(), 1, "its replica is where the lab's primary is");
}

#[test]
fn plans_whose_names_run_into_each_other_are_refused() {
    let (mut ours, mut other) = (lab(), billing());
    (ours.plan, other.plan) = ("shop-eu".parse().unwrap(), "shop".parse().unwrap());
    assert_eq!(told(&ours, other.clone()), [""; 0]);
    other.backups[0].name = "eu-daily".parse().unwrap();
    other.backups[0].components = ours.backups[0].components.clone();
    let errors = told(&ours, other);
    assert!(errors.len() == 1 && errors[0].starts_with("plan: its `lifeboat-shop-eu-daily-orders-too-"), "{errors:?}");
}

#[test]
fn another_pair_in_the_place_of_the_first_is_told() {
    let (before, mut now) = (lab(), lab());
    let mut ledger = now.traffic[0].clone();
    ledger.component = "ledger".parse().unwrap();
    now.traffic.insert(0, ledger);
    let errors = told(&now, before);
    let says = "traffic[0].component: `orders` comes first in plan `lab`";
    assert!(errors.len() == 1 && errors[0].starts_with(says), "{errors:?}");
    now.traffic.rotate_left(1);
    assert_eq!(told(&now, lab()), [""; 0]);
}
