use domain::{
    failover::{
        judgement::Would,
        lease::{Ended, Holder, Phase},
    },
    run::outcome::RunOutcome,
    watch::probe::Streak,
    words::{
        id::Generation,
        wal::{LastSeen, Lsn},
    },
};
use jiff::Timestamp;

use super::*;

const LAB: &str = include_str!("../../../../plans/lab.yaml");

fn now() -> Timestamp {
    "2026-11-28T10:00:00Z".parse().unwrap()
}

fn seconds_ago(seconds: i64) -> Timestamp {
    now() - jiff::SignedDuration::from_secs(seconds)
}

/// A watch whose newest sample is this old.
fn watch(seconds: i64) -> Watch {
    Watch {
        instance: Some("orders-primary".parse().unwrap()),
        last_seen: Some(LastSeen::new(Lsn(1), seconds_ago(seconds))),
        ..Watch::default()
    }
}

fn rehearsal(verdict: Would) -> Result<Rehearsal, String> {
    Ok(Rehearsal {
        verdict,
        passes: false,
        because: "so it is".into(),
        fails: false,
        class: None,
        replication: "streaming".into(),
    })
}

/// The status of the lab's plan when all is well.
fn well() -> Status {
    let mut status = half_way();
    let lease = status.lease.as_mut().unwrap();
    (lease.active, lease.last) = (ActiveSide::Primary, None);
    status.watch = Some(watch(5));
    status.rehearsal = rehearsal(Would::FailOver);
    status
}

fn holder(phase: Phase) -> Option<Holder> {
    let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:alarm-1".parse().unwrap();
    Some(Holder { execution, phase, since: Timestamp::UNIX_EPOCH, asked: None })
}

/// What is told of a status.
fn told(status: Status) -> String {
    status.lines().join("\n")
}

/// The status of the lab's plan after a failover whose DNS switch did not come through.
fn half_way() -> Status {
    let plan = domain::plan_file::read(LAB, "plans/lab.yaml").unwrap().pairs().next().unwrap();
    let pair = plan.pair().unwrap();
    let target = pair.primary.endpoint.to_string();
    let side = Some(ActiveSide::Primary);
    let active = Some(pair.primary.instance.clone());
    let execution: domain::words::id::ExecutionArn =
        "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:alarm-1".parse().unwrap();
    let (generation, outcome, at) = (Generation(1), RunOutcome::NeedsAPerson, Timestamp::UNIX_EPOCH);
    let last = Ended { execution, generation, outcome, at, declined_at: None };
    Status {
        plan: plan.plan.clone(),
        summary: plan.summary.clone(),
        region: "us-west-2".into(),
        recovery_region: plan.regions.recovery.to_string(),
        looked_at: now(),
        owner: None,
        waits_for: None,
        starts: None,
        started: None,
        whole_plan: plan.clone(),
        unreadable: Unreadable::default(),
        lease: Some(Lease {
            plan: plan.plan,
            component: None,
            generation,
            holder: None,
            active: ActiveSide::Replica,
            last: Some(last),
            unfinished: None,
            shut: None,
            guard: None,
        }),
        records: Vec::new(),
        resolvers: Vec::new(),
        record: Record { name: plan.traffic.record.name.to_string(), target: Some(target), side, because: None },
        last_run: None,
        watch: None,
        active,
        rehearsal: Err("access denied".into()),
        health: Vec::new(),
        points_in_time: None,
        kept: None,
    }
}

#[test]
fn an_old_primary_that_nobody_saw_refuse_writes_stands_out() {
    let (mut status, plan) =
        (half_way(), domain::plan_file::read(LAB, "plans/lab.yaml").unwrap().pairs().next().unwrap());
    let position = domain::words::wal::ReplicaPosition {
        received: domain::words::wal::Lsn(1),
        replayed: domain::words::wal::Lsn(1),
        replayed_commit_at: None,
    };
    status.lease.as_mut().unwrap().guard = Some(guard::Guard {
        generation: Generation(1),
        since: Timestamp::UNIX_EPOCH,
        position: Some(position),
        target: domain::failover::fencing::Target::primary(&plan, plan.pair().unwrap()),
        settles_at: None,
    });
    let lines = status.lines().join("\n");
    assert!(lines.contains("NOT seen to refuse writes") && lines.contains("access denied"), "{lines}");
}

#[test]
fn traffic_that_does_not_follow_the_primary_stands_out() {
    let lines = half_way().lines().join("\n");
    for expected in ["the plan's replica, promoted", "NOT where the primary is", "lease      free", "NEEDS A PERSON"] {
        assert!(lines.contains(expected), "{expected} in {lines}");
    }
}

#[test]
fn the_watch_of_an_instance_that_the_plan_no_longer_names_is_not_called_healthy() {
    let mut status = well();
    assert!(told(well()).contains("watch      healthy"), "{}", told(well()));
    status.watch = Some(Watch { instance: Some("orders-before".parse().unwrap()), ..watch(5) });
    let lines = told(status);
    assert!(lines.contains("NOT ONE SAMPLE of `orders-primary`"), "{lines}");
}

#[test]
fn what_is_well_is_armed() {
    let lines = told(well());
    assert!(lines.contains("armed      armed") && lines.contains("it would fail over by itself"), "{lines}");
    assert!(!lines.contains("NOT"), "{lines}");
    assert!(well().is_whole());
}

#[test]
fn nothing_fails_over_by_itself_that_nobody_watches() {
    for (watch, says) in [
        (None, "no sample could tell yet"),
        (Some(Watch::default()), "no sample could tell yet"),
        (Some(watch(91)), "1m 31s old"),
    ] {
        let lines = told(Status { watch, ..well() });
        for says in
            [says, "NOT watched: no failover starts by itself", "NOT armed: nobody watches", "The probe is silent"]
        {
            assert!(lines.contains(says), "{says}: {lines}");
        }
        assert!(!lines.contains("would fail over by itself"), "{lines}");
        assert!(lines.contains("Ordered by hand"), "{lines}");
    }
    assert!(told(Status { watch: Some(watch(30)), ..well() }).contains("armed      armed"), "at the limit");
}

#[test]
fn a_region_that_decides_nothing_says_so_first_and_names_the_one_that_does() {
    let status = Status { region: "us-east-1".into(), ..well() };
    assert!(!status.is_whole());
    let lines = told(status);
    assert!(lines.starts_with("NOT the Region to ask"), "{lines}");
    assert!(lines.contains("lifeboat status lab --region us-west-2"), "{lines}");
    assert!(lines.contains("NOT armed: the plan is recovered from us-west-2"), "{lines}");
    assert!(!lines.contains("would fail over by itself"), "{lines}");
}

#[test]
fn a_holder_that_is_gone_stops_no_failover_and_one_that_runs_decides() {
    let held = |phase: Phase, owner: Owner| {
        let mut status = Status { owner: Some(owner), ..well() };
        status.lease.as_mut().unwrap().holder = holder(phase);
        told(status)
    };
    let lines = held(Phase::Opened, Owner::gone("ABORTED"));
    for says in
        ["run `alarm-1` ended as ABORTED without releasing it", "takes it over and begins anew", "armed      armed"]
    {
        assert!(lines.contains(says), "{says}: {lines}");
    }
    assert!(!lines.contains("NO failover"), "{lines}");
    let lines = held(Phase::Promoting, Owner::gone("forgotten"));
    assert!(lines.contains("takes it over and finishes it") && lines.contains("armed      armed"), "{lines}");
    let lines = held(Phase::Opened, Owner::Running);
    assert!(
        lines.contains("which still runs") && lines.contains("armed      armed: run `alarm-1` is at work"),
        "{lines}"
    );
    let lines = held(Phase::Opened, Owner::Unknown("timed out".into()));
    assert!(lines.contains("could NOT be asked") && lines.contains("NOT armed"), "{lines}");
}

#[test]
fn a_run_that_waits_for_a_person_shows_until_when_and_the_command_that_answers_it() {
    let deadline = Some(now() + jiff::SignedDuration::from_mins(12));
    let waits_for = Some(Waiting { because: "the witness is silent".into(), deadline });
    let mut status = Status { owner: Some(Owner::Running), waits_for, ..well() };
    status.lease.as_mut().unwrap().holder = holder(Phase::Opened);
    let lines = told(status);
    for says in [
        "A PERSON IS ASKED until 2026-11-28T10:12:00Z (12m left): the witness is silent",
        "lifeboat approve alarm-1 --plan lab --region us-west-2 --by YOU --why REASON",
    ] {
        assert!(lines.contains(says), "{says}: {lines}");
    }
}

#[test]
fn a_primary_that_fails_now_is_not_told_as_one_that_might() {
    let streak = Streak { since: seconds_ago(60), until: seconds_ago(1), failures: 100, because: "no answer".into() };
    for (verdict, says) in [
        (Would::FailOver, "it fails over by itself if it goes on, and at once by hand (lifeboat failover --plan lab"),
        (Would::AskAPerson, "a person would be asked"),
        (Would::Refuse, "NO failover: so it is"),
    ] {
        let watch = Some(Watch { failing: Some(streak.clone()), ..watch(60) });
        let lines = told(Status { watch, rehearsal: rehearsal(verdict), ..well() });
        assert!(lines.contains("  now        failing since 2026-11-28T09:59:00Z, for 1m: "), "{lines}");
        assert!(lines.contains(says) && !lines.contains("if it died"), "{lines}");
    }
}

#[test]
fn a_lease_that_cannot_be_read_is_told_with_what_mends_it_and_the_rest_is_told_too() {
    let unreadable = Unreadable { lease: Some("leases/lab.json cannot be read".into()), others: Vec::new() };
    let status = Status { lease: None, active: None, unreadable, ..well() };
    assert!(!status.is_whole());
    let lines = told(status);
    for says in [
        "UNREADABLE: leases/lab.json cannot be read",
        "\"Correcting the lease\"",
        "primary    unknown",
        "watch      healthy",
        "replica    streaming",
    ] {
        assert!(lines.contains(says), "{says}: {lines}");
    }
    assert!(!lines.contains("would fail over by itself") && !lines.contains("no run has ever"), "{lines}");
}

#[test]
fn what_keeps_it_from_being_armed_is_named() {
    let failed_over = {
        let mut status = well();
        status.lease.as_mut().unwrap().active = ActiveSide::Replica;
        status
    };
    let declined = {
        let mut status = well();
        let last = half_way().lease.unwrap().last.unwrap();
        status.lease.as_mut().unwrap().last = Some(Ended { declined_at: Some(now()), ..last });
        let streak =
            Streak { since: seconds_ago(60), until: seconds_ago(1), failures: 100, because: "no answer".into() };
        status.watch = Some(Watch { failing: Some(streak), ..watch(60) });
        status
    };
    for (status, says) in [
        (failed_over, "it failed over already"),
        (declined, "a person said no"),
        (Status { rehearsal: rehearsal(Would::Refuse), ..well() }, "so it is"),
        (Status { rehearsal: Err("denied".into()), ..well() }, "the judge could not be asked"),
    ] {
        let lines = told(status);
        let line = lines.lines().find(|line| line.starts_with("  armed ")).unwrap_or_default();
        assert!(line.contains("NOT armed: ") && line.contains(says), "{says}: {line}");
    }
}

#[test]
fn what_starts_by_itself_after_a_person_was_asked_or_a_run_was_left_is_armed() {
    let mut unfinished = well();
    unfinished.lease.as_mut().unwrap().unfinished = holder(Phase::Promoting);
    for (status, says) in [
        (unfinished, "ended past its point of no return"),
        (Status { rehearsal: rehearsal(Would::AskAPerson), ..well() }, "a person is asked first"),
    ] {
        let lines = told(status);
        let line = lines.lines().find(|line| line.starts_with("  armed ")).unwrap_or_default();
        assert!(line.contains("armed      armed: ") && line.contains(says), "{says}: {line}");
    }
}

#[test]
fn a_run_that_is_to_be_finished_is_told_with_what_finishes_it() {
    let mut status = half_way();
    status.lease.as_mut().unwrap().unfinished = holder(Phase::Promoting);
    let lines = told(status);
    assert!(lines.contains("`lifeboat failover` finishes it"), "{lines}");
}

#[test]
fn a_primary_that_a_run_left_shut_stands_out() {
    let mut status = well();
    let target = domain::failover::fencing::Target::primary(&status.whole_plan, status.whole_plan.pair().unwrap());
    status.lease.as_mut().unwrap().shut = Some(domain::failover::lease::Shut {
        execution: holder(Phase::Opened).unwrap().execution,
        generation: Generation(1),
        since: seconds_ago(60),
        target,
        network: true,
    });
    let lines = told(status);
    assert!(lines.contains("run `alarm-1` left `orders-primary` SHUT: `lifeboat failover` opens it"), "{lines}");
}

#[test]
fn a_record_that_is_neither_side_is_not_taken_for_one() {
    let plan = domain::plan_file::read(LAB, "plans/lab.yaml").unwrap().pairs().next().unwrap();
    let name = &plan.moved_names()[0];
    let (primary, recovery) = (name.primary.told().unwrap(), name.recovery.told().unwrap());
    let unknown = "no answer".to_owned();
    assert_eq!(side_of(&recovery, Ok(&primary), Ok(&recovery)), Some(ActiveSide::Replica));
    assert_eq!(side_of(&primary, Ok(&primary), Err(&unknown)), Some(ActiveSide::Primary));
    let elsewhere = Leads::Host("elsewhere.example".parse().unwrap());
    assert_eq!(side_of(&elsewhere, Ok(&primary), Ok(&recovery)), None);
}

#[test]
fn the_application_s_names_are_told_beside_the_record() {
    let mut status = half_way();
    let name = |name: &str, side| Record { name: name.into(), target: Some("192.0.2.1".into()), side, because: None };
    status.records =
        vec![name("www.shop.test", Some(ActiveSide::Replica)), name("api.shop.test", Some(ActiveSide::Primary))];
    let lines = told(status);
    assert!(lines.contains("with it    www.shop.test -> 192.0.2.1, where the primary is"), "{lines}");
    assert!(lines.contains("with it    api.shop.test -> 192.0.2.1, NOT where the primary is"), "{lines}");
}

#[test]
fn each_resolver_s_answer_is_shown_and_an_old_one_is_called_so() {
    let resolved = |target: Option<&str>, side, because: Option<&str>| Resolved {
        resolver: "192.0.2.53".parse().unwrap(),
        record: Record {
            name: "db.orders.lifeboat.test".into(),
            target: target.map(str::to_owned),
            side,
            because: because.map(str::to_owned),
        },
    };
    let mut status = well();
    status.resolvers = vec![
        resolved(Some("orders-primary.example"), Some(ActiveSide::Primary), None),
        resolved(Some("orders-replica.example"), Some(ActiveSide::Replica), None),
        resolved(None, None, Some("no answer within 2000 ms")),
    ];
    let pairs = [well(), status];
    let shown = json(&pairs);
    assert_eq!(shown[1]["resolvers"][1]["target"], "orders-replica.example");
    assert!(shown[0].get("resolvers").is_none(), "{}", shown[0]);
    let told = pairs[1].lines().join("\n");
    for says in [
        "resolver   192.0.2.53: db.orders.lifeboat.test -> orders-primary.example\n",
        "-> orders-replica.example, NOT where the primary is: it keeps an old answer",
        "192.0.2.53: does not answer for db.orders.lifeboat.test: no answer within 2000 ms",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
}
