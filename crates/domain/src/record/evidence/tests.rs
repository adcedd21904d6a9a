use serde_json::json;

use super::*;
use crate::failover::{
    lease::{Holder, RequestedPromotion, Shut},
    loss::Loss,
};

fn at(second: i64) -> Timestamp {
    "2026-01-15T09:30:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second)
}

/// The sample of a failover that was done: its primary failed at 0, and its new side was verified at 20.
fn done() -> Closing {
    let mut event: Value = serde_json::from_str(include_str!("../../../../../events/close-run.json")).unwrap();
    let judged = &mut event["record"]["judgement"]["did"];
    (judged["failingSince"], judged["lastSeen"]["at"]) = (json!(at(0)), json!(at(0)));
    let closing: Closing = serde_json::from_value(event).unwrap();
    assert!(closing.run.as_ref().is_some_and(|run| run.owes.is_none() && run.taken_over.is_none()));
    closing
}

fn objective_of(closing: Closing) -> Objective {
    let verified = StateVisit { state: StateName::Verify, entered_at: at(19), left_at: Some(at(20)) };
    assemble(closing, Ok((vec![verified], 1)), ActiveSide::Replica, at(30)).objective.unwrap()
}

fn execution(machine: &str) -> ExecutionArn {
    format!("arn:aws:states:us-west-2:000000000000:execution:{machine}:earlier").parse().unwrap()
}

#[test]
fn nobody_knows_the_outage_where_nobody_watched_the_primary_fail() {
    for last_seen in [Value::Null, json!({ "lsn": "0/5000148", "at": at(-3_600) })] {
        let mut closing = done();
        let judgement = closing.record.judgement.as_mut().unwrap().did.as_mut().unwrap();
        judgement.last_seen = serde_json::from_value(last_seen).unwrap();
        let objective = objective_of(closing);
        assert_eq!((objective.rto_measured_seconds, objective.met), (None, None));
    }
}

#[test]
fn what_an_earlier_run_had_shut_was_closed_to_clients_before_this_one_saw_a_failure() {
    let outage = |machine: &str, since: i64| {
        let mut closing = done();
        let run = closing.run.as_mut().unwrap();
        let target = crate::failover::fencing::Target::primary(&run.plan, run.pair().unwrap());
        let (execution, generation, since) = (execution(machine), run.generation, at(since));
        run.owes = Some(Shut { execution, generation, since, target, network: true });
        let objective = objective_of(closing);
        (objective.rto_measured_seconds, objective.met)
    };
    let alone = objective_of(done());
    assert_eq!(alone.met, Some(true), "{alone:?}");
    let measured = alone.rto_measured_seconds;
    assert_eq!(outage("lifeboat-failover", 5), (measured, Some(true)), "the failure was there before it was shut");
    assert_eq!(outage("lifeboat-failover", -600), (None, None), "since when it failed then nobody knows");
    let (drained, met) = outage("lifeboat-switchover", -600);
    assert_eq!((drained, met), (measured.map(|seconds| seconds + 600.0), Some(false)), "it worked until then");
}

#[test]
fn nobody_knows_the_loss_where_the_old_primary_was_not_seen_to_refuse_or_an_earlier_run_asked() {
    assert!(objective_of(done()).rpo_measured_seconds.is_some());
    let mut open = done();
    open.record.fencing.as_mut().unwrap().did.as_mut().unwrap().fenced = false;
    let open = objective_of(open);
    assert_eq!((open.rpo_measured_seconds, open.met), (None, None));
    let mut finished = done();
    let (execution, phase, since) = (execution("lifeboat-failover"), Phase::Promoting, at(5));
    finished.run.as_mut().unwrap().taken_over = Some(Holder { execution, phase, since, asked: None });
    let finished = objective_of(finished);
    assert_eq!((finished.rpo_measured_seconds, finished.met), (None, None));
    assert!(finished.rto_measured_seconds.is_some(), "its outage is this failure's");
}

#[test]
fn a_run_that_finishes_another_s_counts_the_outage_from_where_that_one_did() {
    let outage = |since: i64, unserved_since: Option<i64>| {
        let mut closing = done();
        let asked = RequestedPromotion {
            at: at(since),
            position: None,
            loss: Loss::Promoted,
            unserved_since: unserved_since.map(at),
        };
        let (execution, phase, since) = (execution("lifeboat-failover"), Phase::Promoting, at(since));
        closing.run.as_mut().unwrap().taken_over = Some(Holder { execution, phase, since, asked: Some(asked) });
        objective_of(closing).rto_measured_seconds
    };
    let alone = objective_of(done()).rto_measured_seconds.unwrap();
    assert_eq!(outage(-50, Some(-60)), Some(alone + 60.0));
    assert_eq!(outage(-50, None), None, "it may have failed long before");
    assert_eq!(outage(5, Some(2)), Some(alone), "this one knows it better");
}

#[test]
fn what_was_waited_for_after_the_checks_had_passed_is_in_resolvers_caches_and_in_no_outage() {
    let check = |name: &str, seconds: i64, resolver: Option<&str>| json!({ "name": name, "finding": "passed", "tookMilliseconds": 5, "at": at(seconds), "resolver": resolver });
    let measured = |checks: Value| {
        let mut closing = done();
        let verification = closing.record.verification.as_mut().unwrap();
        verification.did = serde_json::from_value(checks).unwrap();
        let visits = [(17, 18), (19, 20), (22, 23), (30, 31)];
        let visits = visits.map(|(entered, left)| StateVisit {
            state: StateName::Verify,
            entered_at: at(entered),
            left_at: Some(at(left)),
        });
        let evidence = assemble(closing, Ok((visits.to_vec(), 4)), ActiveSide::Replica, at(40));
        evidence.objective.unwrap().rto_measured_seconds
    };
    let alone = objective_of(done()).rto_measured_seconds;
    let watched =
        |seconds: i64| json!([check("a", 18, None), check("b", seconds, None), check("c", 30, Some("192.0.2.53"))]);
    // Verified at 20 alone; a silent resolver makes the step that the checks had passed in longer.
    assert_eq!(measured(watched(20)), alone.map(|seconds| seconds + 0.005));
    assert_eq!(measured(watched(19)), alone.map(|seconds| seconds - 0.995));
    let last = alone.map(|seconds| seconds + 11.0);
    assert_eq!(measured(watched(50)), last, "by a clock that is wrong");
    assert_eq!(measured(json!([check("a", 30, None)])), last, "without resolvers it ends with the step");
    assert_eq!(measured(json!([])), last);
}
