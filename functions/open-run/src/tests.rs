use domain::{
    failover::{caller::bound_to, lease::Lease, run::Trigger, succession::Owner},
    run::step::Outcome,
    words::id::Generation,
};
use edge::{caller::fake::Knows, object_store::fake::Memory, states::fake::Says};
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
    run_of(store, owner, &nobody(), event).await
}

/// STS, which knows nobody.
fn nobody() -> Knows {
    Knows { bound: String::new(), says: None }
}

/// The engine's Region, at a time when the proofs of the samples are good.
fn here() -> (&'static str, Timestamp) {
    ("us-west-2", "2026-01-26T09:31:00Z".parse().unwrap())
}

async fn run_of(store: &Memory, owner: Owner, callers: &Knows, event: Value) -> Result<Step<Run>, Failure> {
    let Answer::Run(step) = handle(store, &Says(owner), callers, here(), event).await? else { panic!("one pair") };
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
    let failure = handle(&store, &Says(Owner::Running), &nobody(), ("us-east-1", here().1), alarm()).await.unwrap_err();
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
    let answer = handle(&store, &Says(Owner::Running), &nobody(), here(), event.clone()).await;
    let Answer::All(step) = answer.unwrap() else { panic!("several pairs") };
    let pairs = step.did.unwrap().pairs;
    assert_eq!((pairs.len(), pairs[0].plan.as_str(), &pairs[0].request["by"]), (1, "lab", &event["request"]["by"]));
    assert_eq!(store.keys(), ["plans/lab.yaml"], "nothing is written");
    for (field, value, says) in [
        ("pairs", json!(["stock"]), "request.pairs: no traffic of plan `lab` leads to `stock`; it has `orders`"),
        ("plan", json!("lab.orders"), "`lab.orders` is one pair of plan `lab`"),
        ("force", json!(true), "force"),
    ] {
        let mut wrong = event.clone();
        wrong["request"][field] = value;
        let failed = handle(&store, &Says(Owner::Running), &nobody(), here(), wrong).await;
        let error = failed.unwrap_err().chain();
        assert!(error.contains(says), "{error}");
    }
}

/// The lab, where only the on-call role may order.
fn strict() -> Memory {
    let text = include_str!("../../../plans/lab.yaml");
    let text = text.replacen("  approvalDeadline: 15m\n", "  approvalDeadline: 15m\n  mayOrder: [on-call]\n", 1);
    Memory::default().with("plans/lab.yaml", &text)
}

fn by_hand() -> Value {
    sample(include_str!("../../../events/open-run-by-hand.json"))
}

/// STS, which knows whose proof of this event's order it is.
fn knows(what: Ordered, event: &Value, arn: &str) -> Knows {
    let words = if what == Ordered::Approval { &event["approval"] } else { &event["request"] };
    let run = if what == Ordered::Approval { &event["run"] } else { event };
    let plan = "lab".parse().unwrap();
    let execution = serde_json::from_value(run["execution"].clone()).unwrap();
    Knows { bound: bound_to(what, &plan, &execution, words), says: Some(Caller::Proved(arn.parse().unwrap())) }
}

const ON_CALL: &str = "arn:aws:sts::000000000000:assumed-role/on-call/anna";

#[tokio::test]
async fn only_who_may_by_the_plan_orders_a_run_and_the_record_has_who_it_was() {
    let event = by_hand();
    let step = run_of(&strict(), Owner::Running, &knows(Ordered::Run, &event, ON_CALL), event.clone()).await.unwrap();
    let Trigger::Person { proved, .. } = step.did.unwrap().trigger else { panic!("ordered") };
    assert_eq!(proved.unwrap().as_str(), ON_CALL);
    let mut unproved = event.clone();
    unproved["request"].as_object_mut().unwrap().remove("proof");
    let mut old = event.clone();
    old["request"]["proof"]["date"] = json!("20260126T092559Z");
    let mut other_words = event.clone();
    other_words["request"]["why"] = json!("another reason");
    let mut other_run = event.clone();
    other_run["execution"] = json!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:other");
    let other_role = knows(Ordered::Run, &event, "arn:aws:sts::000000000000:assumed-role/developer/on-call");
    let it = knows(Ordered::Run, &event, ON_CALL);
    for (event, callers, says) in [
        (unproved, &it, "who gave this order is not proved, and not everybody may"),
        (old, &it, "its proof was made at 2026-01-26T09:25:59Z, and is good for 5m"),
        (other_words, &it, "signed for another order"),
        (other_run, &it, "signed for another order"),
        (event.clone(), &other_role, "`arn:aws:sts::000000000000:assumed-role/developer/on-call` may not order this"),
    ] {
        let store = strict();
        let step = run_of(&store, Owner::Running, callers, event).await.unwrap();
        assert!(step.step == Outcome::Refused && step.because.contains(says), "{says}: {}", step.because);
        assert_eq!(store.keys(), ["plans/lab.yaml"], "no lease is taken");
    }
    assert_eq!(run_of(&strict(), Owner::Running, &nobody(), event).await.unwrap_err().name(), "AwsTransient");
    assert_eq!(open(&strict(), alarm()).await.unwrap().step, Outcome::Done, "an alarm orders nothing");
}

#[tokio::test]
async fn where_everybody_may_order_nobody_is_refused_and_who_is_proved_is_on_record() {
    let event = by_hand();
    let trigger = async |callers: &Knows| {
        let step = run_of(&lab(), Owner::Running, callers, event.clone()).await.unwrap();
        let Trigger::Person { proved, .. } = step.did.unwrap().trigger else { panic!("ordered") };
        proved.map(|who| who.to_string())
    };
    assert_eq!(trigger(&knows(Ordered::Run, &event, ON_CALL)).await.as_deref(), Some(ON_CALL));
    assert_eq!(trigger(&nobody()).await, None, "STS is silent");
}

#[tokio::test]
async fn the_runs_of_an_order_for_several_are_held_to_it_for_as_long_as_it_is_carried_out() {
    let store = strict();
    let mut event = sample(include_str!("../../../events/open-run-all.json"));
    event["request"]["proof"] = by_hand()["request"]["proof"].clone();
    let mut unproved = event.clone();
    unproved["request"].as_object_mut().unwrap().remove("proof");
    let callers = knows(Ordered::Run, &event, ON_CALL);
    let refused = handle(&store, &Says(Owner::Running), &callers, here(), unproved).await.unwrap_err().chain();
    assert!(refused.contains("request.proof: who gave this order is not proved"), "{refused}");
    let Answer::All(step) = handle(&store, &Says(Owner::Running), &callers, here(), event).await.unwrap() else {
        panic!("several pairs")
    };
    let pair = step.did.unwrap().pairs.remove(0);
    assert!(!pair.request.to_string().contains("signature"), "{}", pair.request);
    let execution = format!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:{}", pair.run);
    let its_run = json!({"execution": execution, "request": pair.request});
    let mut consenting = its_run.clone();
    consenting["request"]["consent"] = json!({"by": "anna", "why": "x"});
    // The same words under the same name, and of another machine.
    let mut handed_over = its_run.clone();
    handed_over["execution"] = json!(execution.replace(":lifeboat-failover:", ":lifeboat-switchover:"));
    for (event, owner, outcome) in [
        (handed_over, Owner::Running, Outcome::Refused),
        (consenting, Owner::Running, Outcome::Refused),
        (its_run.clone(), Owner::gone("SUCCEEDED"), Outcome::Refused),
        (its_run, Owner::Running, Outcome::Done),
    ] {
        let step = run_of(&store, owner, &nobody(), event).await.unwrap();
        assert_eq!(step.step, outcome, "{}", step.because);
        let proved = step.did.is_some_and(|run| matches!(run.trigger, Trigger::Person { proved: Some(_), .. }));
        assert_eq!(proved, outcome == Outcome::Done);
    }
}

#[tokio::test]
async fn an_approval_is_an_order_as_well() {
    let mut event = sample(include_str!("../../../events/open-run-approval.json"));
    let approve = async |event: &Value, callers: &Knows| {
        let answer = handle(&lab(), &Says(Owner::Running), callers, here(), event.clone()).await.unwrap();
        let Answer::Approval(step) = answer else { panic!("an approval") };
        assert!(!serde_json::to_string(&step).unwrap().contains("signature"));
        step
    };
    let step = approve(&event, &knows(Ordered::Approval, &event, ON_CALL)).await;
    assert_eq!(step.because, format!("approved by anna ({ON_CALL})"));
    assert_eq!(approve(&event, &nobody()).await.did.unwrap().proved, None, "everybody may");
    event["run"]["plan"]["failover"]["mayOrder"] = json!(["on-call"]);
    assert_eq!(approve(&event, &knows(Ordered::Approval, &event, ON_CALL)).await.step, Outcome::Done);
    // The same words as an order, or with a consent, were signed by nobody.
    let as_an_order = Knows { says: Some(Caller::Unproved("signed for an order".into())), ..nobody() };
    let mut consenting = event.clone();
    consenting["approval"]["acceptDataLoss"] = json!(true);
    let mut unproved = event.clone();
    unproved["approval"].as_object_mut().unwrap().remove("proof");
    let it = knows(Ordered::Approval, &event, ON_CALL);
    for (event, callers) in [(&event, &as_an_order), (&consenting, &it), (&unproved, &it)] {
        let step = approve(event, callers).await;
        assert!(step.step == Outcome::Pending && step.because.contains("not by anybody who may"), "{}", step.because);
    }
    // One that nobody can tell of, or that nobody can read, is as if it had not been given.
    let step = approve(&event, &nobody()).await;
    assert!(step.step == Outcome::Pending && step.because.contains("STS is silent"), "{}", step.because);
    event["approval"]["proved"] = json!(ON_CALL);
    let step = approve(&event, &nobody()).await;
    assert!(step.step == Outcome::Pending && step.because.contains("proved"), "only AWS says who it was");
}

#[tokio::test]
async fn what_a_replica_has_as_well_is_refused_with_what_helps_and_takes_no_lease() {
    let store = lab();
    let event = sample(include_str!("../../../events/open-run-by-class.json"));
    let step = open(&store, event).await.unwrap();
    assert!(step.step == Outcome::Refused && step.because.contains("lifeboat restore"), "{}", step.because);
    assert_eq!(store.keys(), ["plans/lab.yaml"]);
}
