use super::*;
use crate::state_machine::{Answered, Caught};

/// The lab's plan with another pair, `ledger`, that traffic leads to.
fn plan() -> Plan {
    let text = include_str!("../../../../../plans/lab.yaml");
    let mut plan: Value = serde_json::to_value(crate::plan_file::read(text, "plans/lab.yaml").unwrap()).unwrap();
    let mut pair = plan["components"][0].clone();
    pair["name"] = "ledger".into();
    plan["components"].as_array_mut().unwrap().push(pair);
    let mut traffic = plan["traffic"][0].clone();
    (traffic["component"], traffic["record"]["name"]) = ("ledger".into(), "db.ledger.lifeboat.test".into());
    plan["traffic"].as_array_mut().unwrap().push(traffic);
    serde_json::from_value(plan).unwrap()
}

fn execution() -> ExecutionArn {
    "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover-all:a".parse().unwrap()
}

fn opened(order: Value) -> Result<Opened, Failure> {
    serde_json::from_value::<OrderOfAll>(order).unwrap().open(&plan(), &execution())
}

fn plans(opened: &Opened) -> Vec<&str> {
    opened.pairs.iter().map(|pair| pair.plan.as_str()).collect()
}

#[test]
fn all_pairs_are_moved_in_the_plan_s_order_or_in_the_one_that_is_given() {
    let all = opened(json!({ "plan": "lab", "by": "anna", "why": "the Region is lost" })).unwrap();
    assert_eq!(plans(&all), ["lab", "lab.ledger"]);
    let turned = json!({ "plan": "lab", "pairs": ["ledger", "orders"], "by": "anna", "why": "the Region is lost" });
    let turned = opened(turned).unwrap();
    assert_eq!(plans(&turned), ["lab.ledger", "lab"]);
    let request = FailoverRequest::parse_for(RunKind::Failover, &turned.pairs[0].request).unwrap();
    assert_eq!((request.plan.as_str(), request.trigger.is_automatic()), ("lab.ledger", false));
    assert_ne!(all.pairs[0].run, all.pairs[1].run);
    assert_eq!(all.pairs[0].run, turned.pairs[1].run, "the same run for each try of an execution");
}

#[test]
fn an_order_that_is_wrong_names_its_field() {
    for (pairs, why, says) in [
        (json!([]), "x", "request.pairs: is empty; plan `lab` has `lab.orders`, `lab.ledger`"),
        (json!(["ledger", "ledger"]), "x", "request.pairs: `ledger` is named twice"),
        (json!(["stock"]), "x", "request.pairs: no traffic of plan `lab` leads to `stock`"),
        (json!(["ledger"]), " ", "request: why: is empty"),
    ] {
        let error = opened(json!({ "plan": "lab", "pairs": pairs, "by": "anna", "why": why })).unwrap_err().chain();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn the_name_of_a_pair_s_run_fits_step_functions() {
    let plan: PlanName = format!("{}.{}", "p".repeat(19), "c".repeat(20)).parse().unwrap();
    let pair = PairPlan { plan, ..self::plan().pairs().next().unwrap() };
    let order = json!({ "plan": "lab", "by": "anna", "why": "x" });
    let order: OrderOfAll = serde_json::from_value(order).unwrap();
    assert!(order.order(pair, &execution()).unwrap().run.len() <= 80);
}

fn word(state: StateName, because: &str) -> LastWord {
    let answer = Some(Answered { step: None, because: because.into() });
    LastWord { state, not_done: None, asks: 0, answer, error: None }
}

fn ended() -> Ended {
    let opened = opened(json!({ "plan": "lab", "by": "anna", "why": "the Region is lost" })).unwrap();
    let [plan, other] = [0, 1].map(|index| opened.pairs[index].plan.clone());
    let judged = vec![
        Judged { plan, is_failure: true, word: word(StateName::JudgePair, "a failure") },
        Judged { plan: other, is_failure: false, word: word(StateName::JudgePair, "the primary answers again") },
    ];
    Ended {
        execution: execution(),
        opened: Some(opened),
        judged,
        moved: 0,
        outcome: RunOutcome::Refused,
        stopped: None,
    }
}

#[test]
fn why_nothing_was_moved_names_each_pair_that_speaks_against_it() {
    let because = ended().because();
    assert_eq!(because, "1 of 2 pairs are not failed over now: `lab.ledger`: the primary answers again");
}

#[test]
fn where_one_pair_stops_the_rest_is_named_with_what_became_of_it() {
    let cause = json!({ "Error": "FailoverRefused", "Cause": "the primary answers again" }).to_string();
    let error = Some(Caught { error: "States.TaskFailed".into(), cause });
    let stopped = Some(LastWord { answer: None, error, ..word(StateName::MovePair, "") });
    let ended = Ended { stopped, outcome: RunOutcome::NeedsAPerson, ..ended() };
    let because = ended.because();
    assert!(because.contains("of `lab` did not end as done: FailoverRefused: the primary answers again"), "{because}");
    assert!(because.ends_with("moved before it: none; not begun: `lab.ledger`"), "{because}");
    let because = Ended { moved: 1, ..ended }.because();
    assert!(because.ends_with("moved before it: `lab`; not begun: none"), "{because}");
}

#[test]
fn each_outcome_has_an_end_of_its_own() {
    for outcome in [RunOutcome::Done, RunOutcome::Refused, RunOutcome::NeedsAPerson] {
        assert_eq!(outcome_of(&end(outcome)), Some(outcome));
    }
    assert_eq!(outcome_of(&StateName::FailoverRefused), None);
}
