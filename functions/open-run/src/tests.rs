use domain::{
    failover::{lease::Lease, succession::Owner},
    run::step::Outcome,
    words::id::Generation,
};
use edge::{object_store::fake::Memory, states::fake::Says};
use serde_json::json;

use super::*;

fn sample(file: &str) -> Value {
    serde_json::from_str(file).unwrap()
}

fn alarm() -> Value {
    sample(include_str!("../../../events/open-run.json"))
}

fn lab() -> Memory {
    Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"))
}

async fn open(store: &Memory, event: Value) -> Result<Step<Run>, Failure> {
    run(store, Owner::Running, event).await
}

/// Opens a run of one pair.
async fn run(store: &Memory, owner: Owner, event: Value) -> Result<Step<Run>, Failure> {
    let answer = handle(store, &Says(owner), "us-west-2", Timestamp::UNIX_EPOCH, event).await?;
    let Answer::Run(step) = answer else { panic!("a run of one pair") };
    Ok(*step)
}

#[tokio::test]
async fn an_alarm_opens_a_run_of_the_first_generation() {
    let store = lab();
    let step = open(&store, alarm()).await.unwrap();
    assert_eq!(step.did.unwrap().generation, Generation(1));
    assert!(store.text("leases/lab.json").unwrap().contains("\"generation\":1"));
}

#[tokio::test]
async fn a_person_opens_a_run_with_a_consent() {
    let step = open(&lab(), sample(include_str!("../../../events/open-run-by-hand.json"))).await.unwrap();
    assert!(step.did.unwrap().consent.is_some());
}

#[tokio::test]
async fn a_switchover_does_not_go_on_where_a_promotion_was_asked_for() {
    let opened = lab();
    open(&opened, alarm()).await.unwrap();
    let held = opened.text("leases/lab.json").unwrap();
    for (phase, outcome) in [("opened", Outcome::Done), ("promoting", Outcome::Refused)] {
        let held = held.replace("\"phase\":\"opened\"", &format!("\"phase\":\"{phase}\""));
        let store = lab().with("leases/lab.json", &held);
        let event = sample(include_str!("../../../events/open-run-switchover.json"));
        let step = run(&store, Owner::gone("ABORTED"), event).await.unwrap();
        assert_eq!(step.step, outcome, "{phase}: {}", step.because);
        assert_eq!(store.text("leases/lab.json").unwrap() == held, outcome == Outcome::Refused, "{phase}");
    }
}

#[tokio::test]
async fn opening_twice_is_opening_once() {
    let store = lab();
    let first = open(&store, alarm()).await.unwrap();
    let second = open(&store, alarm()).await.unwrap();
    assert_eq!(first.did.unwrap().generation, second.did.unwrap().generation);
}

#[tokio::test]
async fn a_second_run_is_refused_while_the_first_one_runs() {
    let store = lab();
    open(&store, alarm()).await.unwrap();
    let mut other = sample(include_str!("../../../events/open-run-by-hand.json"));
    other["execution"] = json!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:other");
    let step = open(&store, other).await.unwrap();
    assert_eq!(step.step, Outcome::Refused);
    assert!(step.did.is_none());
}

#[tokio::test]
async fn an_alarm_waits_for_a_run_that_may_come_to_nothing() {
    let store = lab();
    let mut by_hand = sample(include_str!("../../../events/open-run-by-hand.json"));
    by_hand["execution"] = json!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:by-hand");
    open(&store, by_hand).await.unwrap();
    let step = open(&store, alarm()).await.unwrap();
    assert_eq!(step.step, Outcome::Pending);
    assert!(step.because.contains("still running"), "{}", step.because);
    assert!(step.did.is_none());
}

#[tokio::test]
async fn what_an_earlier_run_shut_is_owed_by_the_next_unless_it_finishes_a_promotion() {
    let store = lab();
    let first = open(&store, alarm()).await.unwrap().did.unwrap();
    let target = domain::failover::fencing::Target::primary(&first.plan, first.pair().unwrap());
    let lease: Lease = serde_json::from_str(&store.text("leases/lab.json").unwrap()).unwrap();
    let shut = lease.shutting(&first, &target, true, Timestamp::UNIX_EPOCH).unwrap();
    let at = Timestamp::UNIX_EPOCH;
    let loss = domain::failover::loss::Loss::Promoted;
    let promoting = shut.promoting(
        domain::failover::lease::RequestedPromotion { at, position: None, loss, unserved_since: None },
        None,
    );
    let mut event = sample(include_str!("../../../events/open-run-by-hand.json"));
    event["execution"] = json!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:next");
    for (left, owes) in [(&shut, true), (&promoting, false)] {
        let store = lab().with("leases/lab.json", &serde_json::to_string(left).unwrap());
        let run = run(&store, Owner::gone("ABORTED"), event.clone()).await.unwrap().did.unwrap();
        assert_eq!((run.owes.is_some(), run.finishes()), (owes, !owes));
    }
}

#[tokio::test]
async fn a_plan_that_does_not_exist_is_named_and_nothing_is_written() {
    let store = Memory::default();
    let failure = open(&store, alarm()).await.unwrap_err();
    assert_eq!(failure.name(), "NotFound");
    assert!(failure.to_string().contains("`lab`"), "{failure}");
    assert!(store.keys().is_empty());
}

#[tokio::test]
async fn a_run_in_the_wrong_region_is_refused_before_anything_is_written() {
    let store = lab();
    let failure = handle(&store, &Says(Owner::Running), "us-east-1", Timestamp::UNIX_EPOCH, alarm()).await.unwrap_err();
    assert!(failure.to_string().contains("recovers in us-west-2"), "{failure}");
    assert_eq!(store.keys(), ["plans/lab.yaml"]);
}

#[tokio::test]
async fn a_lease_that_cannot_be_read_is_told_with_what_mends_it_and_stays_as_it_is() {
    for text in ["", "[]", r#"{"plan": "lab"}"#] {
        let store = lab().with("leases/lab.json", text);
        let failure = open(&store, alarm()).await.unwrap_err();
        assert_eq!(failure.name(), "InvalidInput");
        let told = failure.to_string();
        assert!(told.contains("leases/lab.json") && told.contains("RUNBOOK.md, Correcting the lease"), "{told}");
        assert_eq!(store.text("leases/lab.json").unwrap(), text);
    }
}

#[tokio::test]
async fn a_malformed_event_is_invalid_input() {
    for event in [json!(null), json!({}), json!({"execution": "x", "request": {}}), json!([1])] {
        assert_eq!(open(&lab(), event).await.unwrap_err().name(), "InvalidInput");
    }
}

#[tokio::test]
async fn an_order_for_several_pairs_takes_no_lease_and_makes_each_pair_s_order() {
    let store = lab();
    let event = sample(include_str!("../../../events/open-run-all.json"));
    let answer = handle(&store, &Says(Owner::Running), "us-west-2", Timestamp::UNIX_EPOCH, event.clone()).await;
    let Answer::All(step) = answer.unwrap() else { panic!("several pairs") };
    let pairs = step.did.unwrap().pairs;
    assert_eq!((pairs.len(), pairs[0].plan.as_str(), &pairs[0].request["by"]), (1, "lab", &event["request"]["by"]));
    assert_eq!(store.keys(), ["plans/lab.yaml"], "nothing is written");
    for (field, value, says) in [
        ("pairs", json!(["stock"]), "request.pairs: no traffic of plan `lab` leads to `stock`; it has `lab.orders`"),
        ("plan", json!("lab.orders"), "`lab.orders` is one pair of plan `lab`"),
        ("force", json!(true), "force"),
    ] {
        let mut wrong = event.clone();
        wrong["request"][field] = value;
        let failed = handle(&store, &Says(Owner::Running), "us-west-2", Timestamp::UNIX_EPOCH, wrong).await;
        let error = failed.unwrap_err().chain();
        assert!(error.contains(says), "{error}");
    }
}
