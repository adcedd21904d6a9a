use super::*;
use crate::{
    failover::{fencing::Target, guard::Guard, lease::RequestedPromotion, run::Run},
    run::outcome::RunOutcome,
    words::time_span::TimeSpan,
};

fn execution(name: &str) -> ExecutionArn {
    format!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:{name}").parse().unwrap()
}

fn lab() -> PairPlan {
    crate::plan_file::lab_pair()
}

fn held_by(name: &str) -> Lease {
    let Taking::Take { lease, .. } = take(None, None, &lab(), &execution(name), Timestamp::UNIX_EPOCH) else {
        panic!("not taken")
    };
    lease
}

#[test]
fn the_first_run_is_generation_one() {
    assert_eq!(held_by("a").generation, Generation(1));
}

#[test]
fn a_running_holder_is_named_in_the_refusal() {
    let taking = take(Some(&held_by("a")), Some(&Owner::Running), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
    let Taking::Refuse(why) = taking else { panic!("{taking:?}") };
    assert!(why.contains("`a`") && why.contains("still running"), "{why}");
}

#[test]
fn a_holder_that_cannot_be_asked_keeps_its_lease() {
    for owner in [None, Some(Owner::Unknown("timed out".into()))] {
        let taking = take(Some(&held_by("a")), owner.as_ref(), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
        assert!(matches!(taking, Taking::Refuse(_)), "{taking:?}");
    }
}

#[test]
fn an_execution_that_is_not_shown_is_gone_only_once_it_is_old() {
    assert!(matches!(Owner::not_known(TimeSpan::seconds(59)), Owner::Unknown(_)));
    assert_eq!(Owner::not_known(TimeSpan::seconds(60)), Owner::gone("forgotten"));
}

#[test]
fn a_dead_holder_is_taken_over_with_the_next_generation() {
    let taking =
        take(Some(&held_by("a")), Some(&Owner::gone("ABORTED")), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
    let Taking::Take { lease, taken_over } = taking else { panic!("{taking:?}") };
    assert_eq!(lease.generation, Generation(2));
    assert_eq!(taken_over.map(|holder| holder.execution), Some(execution("a")));
}

#[test]
fn taking_it_twice_is_taking_it_once() {
    let lease = held_by("a");
    assert_eq!(
        take(Some(&lease), None, &lab(), &execution("a"), Timestamp::UNIX_EPOCH),
        Taking::Ours { lease: lease.clone(), taken_over: None }
    );
}

fn asked() -> RequestedPromotion {
    let position = crate::words::wal::ReplicaPosition {
        received: crate::words::wal::Lsn(1),
        replayed: crate::words::wal::Lsn(1),
        replayed_commit_at: None,
    };
    RequestedPromotion {
        at: Timestamp::UNIX_EPOCH,
        position: Some(position),
        loss: crate::failover::loss::Loss::Promoted,
        unserved_since: None,
    }
}

fn target() -> Target {
    let plan = lab();
    Target::primary(&plan, plan.pair().unwrap())
}

fn guard() -> Option<Guard> {
    let (since, position) = (Timestamp::UNIX_EPOCH, asked().position);
    Some(Guard { generation: Generation(1), since, position, target: target(), settles_at: None })
}

#[test]
fn a_run_that_stopped_past_its_point_of_no_return_is_finished_by_the_next() {
    let promoting = held_by("a").promoting(asked(), guard());
    let stopped = promoting.released(RunOutcome::NeedsAPerson, ActiveSide::Replica, Timestamp::UNIX_EPOCH);
    for left in [(&stopped, None), (&promoting, Some(Owner::gone("ABORTED")))] {
        let taking = take(Some(left.0), left.1.as_ref(), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
        let Taking::Take { lease, taken_over } = taking else { panic!("{taking:?}") };
        assert_eq!(taken_over.unwrap().execution, execution("a"));
        assert_eq!(lease.unfinished.as_ref().unwrap().execution, execution("a"), "until it is done");
        let again = take(Some(&lease), None, &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
        assert!(matches!(again, Taking::Ours { taken_over: Some(_), .. }), "a lost answer loses nothing");
        let refused = lease.released(RunOutcome::Refused, ActiveSide::Replica, Timestamp::UNIX_EPOCH);
        assert!(refused.unfinished.is_some());
        let done = lease.released(RunOutcome::Done, ActiveSide::Replica, Timestamp::UNIX_EPOCH);
        assert_eq!(done.unfinished, None);
    }
}

#[test]
fn the_old_primary_is_guarded_from_the_point_of_no_return_on() {
    let lease = held_by("a").promoting(asked(), guard());
    assert_eq!(lease.guard.as_ref().unwrap().generation, Generation(1));
    assert!(lease.released(RunOutcome::Done, ActiveSide::Replica, Timestamp::UNIX_EPOCH).guard.is_some());
    assert_eq!(held_by("a").promoting(asked(), None).guard, None, "it was seen to refuse them already");
    assert_eq!(lease.unguarded(Generation(2)), None);
    assert_eq!(lease.unguarded(Generation(1)).unwrap().guard, None);
}

fn run(name: &str) -> Run {
    let event: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../events/fence-primary.json")).unwrap();
    let run: Run = serde_json::from_value(event["run"].clone()).unwrap();
    Run { execution: execution(name), generation: Generation(1), ..run }
}

#[test]
fn what_a_run_shuts_stands_in_the_lease_until_it_is_open_or_promoted_away() {
    let shut = held_by("a").shutting(&run("a"), &target(), false, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(shut.shutting(&run("a"), &target(), false, Timestamp::UNIX_EPOCH), None, "said already");
    let fenced = shut.shutting(&run("b"), &target(), true, Timestamp::UNIX_EPOCH).unwrap().shut.unwrap();
    assert_eq!((fenced.network, fenced.execution), (true, execution("a")), "what is added takes nothing away");
    let gone = Owner::gone("ABORTED");
    let taking = take(Some(&shut), Some(&gone), &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
    let Taking::Take { lease, .. } = taking else { panic!("{taking:?}") };
    for outcome in [RunOutcome::Refused, RunOutcome::NeedsAPerson] {
        assert!(lease.released(outcome, ActiveSide::Primary, Timestamp::UNIX_EPOCH).shut.is_some(), "{outcome:?}");
    }
    assert_eq!(lease.opened().shut, None);
    let promoting = lease.promoting(asked(), guard());
    assert_eq!(promoting.shut, None, "it is not to be opened any more");
    assert_eq!(promoting.shutting(&run("b"), &target(), true, Timestamp::UNIX_EPOCH), None, "its guard keeps it out");
}

#[test]
fn a_plan_that_failed_over_has_nothing_left_to_fail_over_to() {
    let lease = held_by("a").released(RunOutcome::Done, ActiveSide::Replica, Timestamp::UNIX_EPOCH);
    let taking = take(Some(&lease), None, &lab(), &execution("b"), Timestamp::UNIX_EPOCH);
    let Taking::Refuse(why) = taking else { panic!("{taking:?}") };
    for part in
        ["generation 1, by `a`", "replication has not been restored", "`orders-replica` in us-east-1", "RUNBOOK.md"]
    {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[test]
fn a_person_s_no_outlives_the_runs_that_end_after_it() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let refused = |lease: Lease, second| lease.released(RunOutcome::Refused, ActiveSide::Primary, at(second));
    let no = refused(held_by("asked"), 10).declined();
    let next = Lease { holder: held_by("again").holder, ..no };
    assert_eq!(refused(next, 20).last.unwrap().declined_at, Some(at(10)), "it was said then, and not later");
}

#[test]
fn the_lease_of_another_pair_is_taken_only_where_that_one_is_gone_and_left_nothing() {
    let of = |component: &str| Lease { component: component.parse().ok(), holder: None, ..held_by("a") };
    let take =
        |lease: &Lease| take(Some(lease), None, &lab(), &held_by("b").holder.unwrap().execution, Timestamp::UNIX_EPOCH);
    assert!(matches!(take(&of("orders")), Taking::Take { .. }));
    let Taking::Take { lease, .. } = take(&of("gone")) else { panic!("it says nothing of the pair that is gone") };
    assert_eq!(lease.component.unwrap().as_str(), "orders");
    for tells in
        [Lease { active: ActiveSide::Replica, ..of("gone") }, Lease { unfinished: held_by("c").holder, ..of("gone") }]
    {
        let Taking::Refuse(why) = take(&tells) else { panic!("{tells:?}") };
        assert!(why.contains("is that of the pair `gone`"), "{why}");
    }
}
