use jiff::Timestamp;

use super::*;
use crate::{
    component::ActiveSide,
    failover::{
        approval::{Answer, Decision as Word},
        lease::{Holder, Phase, RequestedPromotion},
        loss::Loss,
        run::{Consent, Run, Trigger},
    },
    plan::{FailureClass, Policy},
    watch::{
        health::{Endpoint, Look, Verdict},
        probe::{Streak, Watch},
    },
    words::{
        id::Generation,
        time_span::TimeSpan,
        wal::{LastSeen, Lsn, ReplicaPosition},
    },
};

const PRIMARY: &str = "orders-primary.us-east-1.rds.lifeboat.test";

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

fn look(endpoint: Endpoint, database: Verdict) -> Look {
    Look { endpoint, database, because: "as the test says".into(), at: at(1_200), took_milliseconds: 1, lsn: None }
}

fn position(replayed: u64, commit_at: i64) -> ReplicaPosition {
    ReplicaPosition { received: Lsn(replayed), replayed: Lsn(replayed), replayed_commit_at: Some(at(commit_at)) }
}

/// A killed primary: refused from both sides, no receiver, nothing lost.
fn killed() -> Seen {
    Seen {
        recovery: look(Endpoint::Refused, Verdict::Down),
        witness: Witness::Looked(look(Endpoint::Refused, Verdict::Down)),
        replica: ReplicaSeen::Replica { position: position(1_000, -600), receiver: Receiver::Absent },
        api: ApiSeen::Status("available".into()),
        record: RecordSeen::Names(PRIMARY.parse().unwrap()),
        fitness: Fitness::default(),
        health: None,
        silent_since: None,
        watch: Watch {
            side: ActiveSide::Primary,
            instance: Some("orders-primary".parse().unwrap()),
            failing: Some(Streak { since: at(0), until: at(1_000), failures: 3, because: "refused".into() }),
            last_seen: Some(LastSeen::new(Lsn(1_000), at(-500))),
            ..Watch::default()
        },
    }
}

fn run() -> Run {
    Run {
        execution: "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a".parse().unwrap(),
        plan: crate::plan_file::lab_pair(),
        plan_version: "1".into(),
        generation: Generation(1),
        trigger: Trigger::Alarm { alarm: "lifeboat-lab-primary-down".into(), at: at(1_000), reason: String::new() },
        taken_over: None,
        owes: None,
        consent: None,
        opened_at: at(1_100),
    }
}

fn by_hand() -> Run {
    Run { trigger: Trigger::Person { by: "anna".parse().unwrap(), why: "a test".into(), proved: None }, ..run() }
}

#[track_caller]
fn refused(seen: &Seen, run: &Run, why: &str) {
    match decide(seen, run, None, at(1_300)) {
        Decision::Refuse(because) => assert!(because.contains(why), "{because}"),
        decision @ (Decision::Go(_) | Decision::Hold(_)) => panic!("{decision:?}"),
    }
}

#[track_caller]
fn goes(seen: &Seen, run: &Run) -> Judgement {
    match decide(seen, run, None, at(1_300)) {
        Decision::Go(judgement) => judgement,
        decision @ (Decision::Hold(_) | Decision::Refuse(_)) => panic!("{decision:?}"),
    }
}

#[test]
fn a_killed_primary_is_failed_over_without_asking() {
    let judgement = goes(&killed(), &run());
    assert_eq!((judgement.class, judgement.policy), (FailureClass::Database, Policy::Automatic));
    assert_eq!(judgement.signals.len(), 4);
}

#[test]
fn a_primary_that_answers_again_stays_primary() {
    let seen = Seen { recovery: look(Endpoint::Open, Verdict::Up), ..killed() };
    refused(&seen, &by_hand(), "answers again");
    let settled = crate::watch::probe::later(run().opened_at, SETTLING);
    assert!(matches!(decide(&seen, &run(), None, settled), Decision::Refuse(why) if why.contains("answers again")));
}

#[test]
fn one_look_is_no_failure_for_a_run_that_no_alarm_has_started() {
    let trigger = Trigger::Again { since: at(-60_000), attempt: 1, reason: "it is shut".into() };
    let run = Run { trigger, ..run() };
    goes(&killed(), &run);
    let mut seen = killed();
    for failures in [Some(2), None] {
        seen.watch.failing = seen.watch.failing.and_then(|streak| Some(Streak { failures: failures?, ..streak }));
        let decision = decide(&seen, &run, None, at(3_000));
        assert!(matches!(&decision, Decision::Hold(why) if why.contains("one look")), "{failures:?}: {decision:?}");
    }
}

#[test]
fn a_primary_that_has_only_just_come_back_is_watched_until_its_alarm_is_at_rest() {
    let back = Seen { recovery: look(Endpoint::Open, Verdict::Up), ..killed() };
    assert!(matches!(decide(&back, &run(), None, at(31_099)), Decision::Hold(_)));
    goes(&killed(), &run());
}

#[test]
fn a_primary_that_crashes_again_and_again_is_watched_from_when_it_last_came_back() {
    let watch = Watch { failing: None, recovered_at: Some(at(40_000)), ..killed().watch };
    let back = Seen { recovery: look(Endpoint::Open, Verdict::Up), watch, ..killed() };
    assert!(matches!(decide(&back, &run(), None, at(69_999)), Decision::Hold(_)));
    assert!(matches!(decide(&back, &run(), None, at(70_000)), Decision::Refuse(_)));
}

#[test]
fn a_primary_that_the_witness_reaches_stays_primary() {
    refused(&Seen { witness: Witness::Looked(look(Endpoint::Open, Verdict::Up)), ..killed() }, &run(), "cut off");
}

#[test]
fn a_silent_witness_makes_the_class_unknown_and_a_person_is_asked() {
    let judgement = goes(&Seen { witness: Witness::Silent("timed out".into()), ..killed() }, &run());
    assert_eq!((judgement.class, judgement.policy), (FailureClass::Unknown, Policy::Approval));
}

#[test]
fn a_person_who_starts_the_run_is_not_asked_again() {
    let judgement = goes(&Seen { witness: Witness::Silent("timed out".into()), ..killed() }, &by_hand());
    assert_eq!(judgement.policy, Policy::Automatic);
}

#[test]
fn a_replica_that_still_hears_of_the_primary_vetoes() {
    let heard = |ms| {
        let receiver = Receiver::Streaming { heard_at: at(ms) };
        Seen { replica: ReplicaSeen::Replica { position: position(1_000, -600), receiver }, ..killed() }
    };
    refused(&heard(1_001), &by_hand(), "still flows");
    // What was in flight when it died does not prove that it lives.
    goes(&heard(1_000), &run());
    // What may still have been under way is waited for; longer, it is life; and once it ends, it was not.
    assert!(
        matches!(decide(&heard(1_001), &run(), None, at(9_999)), Decision::Hold(why) if why.contains("still flows"))
    );
    let later = decide(&heard(9_900), &run(), None, at(10_000));
    assert!(matches!(later, Decision::Refuse(why) if why.contains("still flows")));
    assert!(matches!(decide(&heard(9_900), &run(), None, at(39_901)), Decision::Go(_)));
}

#[test]
fn a_host_without_an_answer_is_a_zone_and_a_region_without_one_a_region() {
    let silent = look(Endpoint::Silent, Verdict::Down);
    let seen = Seen { recovery: silent.clone(), witness: Witness::Looked(silent), ..killed() };
    assert_eq!(goes(&seen, &run()).class, FailureClass::Zone);
    let answers = Fitness { replica_api: ApiSeen::Status("available".into()), ..Fitness::default() };
    let seen = Seen { api: ApiSeen::Silent("timed out".into()), fitness: answers, ..seen };
    assert_eq!(goes(&seen, &run()).class, FailureClass::Region);
}

#[test]
fn a_region_whose_recovery_region_is_silent_too_is_looked_at_for_a_moment_and_then_a_person_s() {
    let silent = look(Endpoint::Silent, Verdict::Down);
    let api = ApiSeen::Silent("timed out".into());
    let fitness = Fitness { replica_api: api.clone(), ..Fitness::default() };
    let lost = Seen { recovery: silent.clone(), witness: Witness::Looked(silent), api, fitness, ..killed() };
    // The first look that saw it was at 60 s, long after the run had opened.
    let first = lost.clone().after(None, at(60_000));
    let decided = |run: &Run, now| decide(&lost.clone().after(first.silent_since, at(now)), run, None, at(now));
    for now in [60_000, 89_999] {
        let Decision::Hold(why) = decided(&run(), now) else { panic!("{now}") };
        assert!(why.contains("RDS in us-west-2 does not answer either"), "{why}");
    }
    let Decision::Go(judgement) = decided(&run(), 90_000) else { panic!("at") };
    assert_eq!((judgement.class, judgement.policy), (FailureClass::SeveralRegions, Policy::Approval));
    assert_eq!(goes(&lost, &by_hand()).policy, Policy::Automatic, "a person's order is the approval");
    let mut never = run();
    never.plan.failover.policy.several_regions = Some(Policy::Never);
    assert!(matches!(decided(&never, 90_000), Decision::Refuse(_)));
    // One answer between two looks begins it anew.
    let answers = Fitness { replica_api: ApiSeen::Status("available".into()), ..Fitness::default() };
    let between = Seen { fitness: answers, ..lost.clone() }.after(first.silent_since, at(75_000));
    assert_eq!(between.silent_since, None);
    assert!(matches!(
        decide(&lost.after(between.silent_since, at(90_000)), &run(), None, at(90_000)),
        Decision::Hold(_)
    ));
}

#[test]
fn a_region_that_refuses_to_say_is_not_a_silent_one() {
    let silent = look(Endpoint::Silent, Verdict::Down);
    let gone = Seen { recovery: silent.clone(), witness: Witness::Looked(silent), ..killed() };
    let (refuses, is_silent) = (ApiSeen::Untold("AccessDenied".into()), ApiSeen::Silent("timed out".into()));
    for (primary, replica, class) in [
        (&refuses, &is_silent, FailureClass::Unknown),
        (&refuses, &refuses, FailureClass::Unknown),
        (&is_silent, &refuses, FailureClass::Region),
        (&is_silent, &is_silent, FailureClass::SeveralRegions),
    ] {
        let fitness = Fitness { replica_api: replica.clone(), ..Fitness::default() };
        assert_eq!(classify(&Seen { api: primary.clone(), fitness, ..gone.clone() }), class, "{primary:?} {replica:?}");
    }
}

#[test]
fn a_look_that_could_not_tell_is_not_a_death() {
    let seen = Seen { recovery: look(Endpoint::Unresolved, Verdict::Unknown), ..killed() };
    assert_eq!(goes(&seen, &run()).policy, Policy::Approval);
}

#[test]
fn a_name_that_leads_elsewhere_is_left_alone() {
    let elsewhere = RecordSeen::Names("other.example.com".parse().unwrap());
    refused(&Seen { record: elsewhere, ..killed() }, &run(), "leads to `other.example.com`");
}

#[test]
fn planned_work_is_not_a_failure() {
    for (status, passes) in [
        ("rebooting", true),
        ("maintenance", true),
        ("modifying", true),
        ("configuring-log-exports", true),
        ("stopped", false),
        ("deleting", false),
    ] {
        let seen = Seen { api: ApiSeen::Status(status.into()), ..killed() };
        refused(&seen, &by_hand(), status);
        let held = matches!(decide(&seen, &run(), None, at(1_300)), Decision::Hold(_));
        assert_eq!(held, passes, "{status}: a run that nobody ordered waits for what ends by itself");
        let consent = Some(Consent { by: "anna".parse().unwrap(), why: "it does not come back".into() });
        let ordered = decide(&seen, &Run { consent, ..by_hand() }, None, at(1_300));
        assert_eq!(matches!(ordered, Decision::Go(_)), passes, "{status}: {ordered:?}");
        assert!(matches!(decide(&seen, &run(), None, at(31_100)), Decision::Refuse(_)), "{status}: not for ever");
    }
}

#[test]
fn a_change_that_our_own_fence_may_be_is_no_planned_work() {
    let seen = Seen { api: ApiSeen::Status("modifying".into()), ..killed() };
    for (network, held) in [(false, true), (true, false)] {
        let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:earlier".parse().unwrap();
        let target = crate::failover::fencing::Target::primary(&run().plan, run().pair().unwrap());
        let owes =
            Some(crate::failover::lease::Shut { execution, generation: Generation(1), since: at(0), target, network });
        let decision = decide(&seen, &Run { owes, ..run() }, None, at(1_300));
        assert_eq!(matches!(decision, Decision::Hold(_)), held, "{network}: {decision:?}");
    }
}

#[test]
fn a_replica_that_rds_would_not_promote_now_is_waited_for_before_anything_is_shut() {
    for (status, passes) in [("backing-up", true), ("modifying", true), ("storage-full", false), ("stopped", false)] {
        let fitness = Fitness { replica_api: ApiSeen::Status(status.into()), ..Fitness::default() };
        let seen = Seen { fitness, ..killed() };
        let held = matches!(decide(&seen, &run(), None, at(1_300)), Decision::Hold(_));
        assert_eq!(held, passes, "{status}");
        refused(&seen, &by_hand(), status);
        assert!(matches!(decide(&seen, &run(), None, at(31_100)), Decision::Refuse(_)), "{status}: not for ever");
    }
    for status in ["available", "storage-optimization"] {
        let fitness = Fitness { replica_api: ApiSeen::Status(status.into()), ..Fitness::default() };
        goes(&Seen { fitness, ..killed() }, &run());
    }
}

#[test]
fn the_hold_down_is_kept_at_its_limit() {
    let seen = |since| Seen {
        watch: Watch {
            failing: Some(Streak { since: at(since), until: at(1_000), failures: 3, because: String::new() }),
            ..killed().watch
        },
        ..killed()
    };
    assert!(matches!(decide(&seen(301), &run(), None, at(1_300)), Decision::Hold(_)), "below");
    assert!(matches!(decide(&seen(300), &run(), None, at(1_300)), Decision::Go(_)), "at");
    assert!(matches!(decide(&seen(299), &run(), None, at(1_300)), Decision::Go(_)), "above");
}

#[test]
fn a_class_that_has_to_last_longer_is_waited_for_at_its_limit_and_only_by_a_run_that_nobody_ordered() {
    let mut run = run();
    run.plan.failover.after.database = Some(TimeSpan::seconds(120));
    let failing = |since| Seen {
        watch: Watch {
            failing: Some(Streak { since: at(since), until: at(119_000), failures: 240, because: String::new() }),
            last_seen: Some(LastSeen::new(Lsn(1_000), at(since - 100))),
            ..killed().watch
        },
        ..killed()
    };
    let decided = |since, run: &Run| decide(&failing(since), run, None, at(120_000));
    let Decision::Hold(why) = decided(1, &run) else { panic!("below") };
    assert!(why.contains("a failure of class database is given 2m"), "{why}");
    assert!(matches!(decided(0, &run), Decision::Go(_)), "at");
    assert!(matches!(decided(-1, &run), Decision::Go(_)), "above");
    // Another class has the hold-down.
    let silent = Seen {
        recovery: look(Endpoint::Silent, Verdict::Down),
        witness: Witness::Looked(look(Endpoint::Silent, Verdict::Down)),
        ..failing(118_900)
    };
    let Decision::Go(judgement) = decide(&silent, &run, None, at(120_000)) else { panic!("another class") };
    assert_eq!(judgement.class, FailureClass::Zone);
    let ordered = Run { trigger: by_hand().trigger, ..run.clone() };
    assert!(matches!(decided(119_500, &ordered), Decision::Go(_)), "a person waits for nothing");
    let answered = Seen { recovery: look(Endpoint::Open, Verdict::Up), ..failing(1) };
    assert!(matches!(decide(&answered, &run, None, at(120_000)), Decision::Refuse(_)), "it came back meanwhile");
    let began = Holder { execution: run.execution.clone(), since: at(1_000), phase: Phase::Promoting, asked: None };
    let finishing = Run { taken_over: Some(began), ..run };
    assert!(matches!(decided(118_000, &finishing), Decision::Go(_)), "what was begun goes forward");
}

#[test]
fn what_a_quiet_primary_s_replica_lacks_is_no_older_than_the_log_that_it_was_seen_to_have() {
    let behind = |stood: u64| {
        // The last commit is an hour old; since then the log has moved by what no commit wrote, or one.
        let replica = ReplicaSeen::Replica { position: position(1_000, -3_600_000), receiver: Receiver::Absent };
        let last_seen = LastSeen::new(Lsn(6_000), at(-500)).after(Some(LastSeen::new(Lsn(stood), at(-1_000))));
        Seen { replica, watch: Watch { last_seen: Some(last_seen), ..killed().watch }, ..killed() }
    };
    assert_eq!(goes(&behind(1_000), &run()).loss.seen(), Some(TimeSpan::milliseconds(500)));
    goes(&behind(999), &run());
    refused(&behind(1_001), &run(), "1h and 5000 bytes behind");
}

#[test]
fn a_lag_is_judged_at_above_and_below_the_budget_and_unknown() {
    let behind = |bytes: u64, ms: i64| {
        let replica =
            ReplicaSeen::Replica { position: position(100_000_000 - bytes, -500 - ms), receiver: Receiver::Absent };
        let watch = Watch { last_seen: Some(LastSeen::new(Lsn(100_000_000), at(-500))), ..killed().watch };
        Seen { replica, watch, ..killed() }
    };
    goes(&behind(1_048_575, 1_999), &run());
    goes(&behind(1_048_576, 2_000), &run());
    refused(&behind(1_048_577, 10), &run(), "bytes behind");
    refused(&behind(10, 2_001), &run(), "behind");
    let unseen = Seen { watch: Watch { last_seen: None, ..killed().watch }, ..killed() };
    refused(&unseen, &run(), "unknown");
    let mut received = behind(1_048_577, 10);
    let ReplicaSeen::Replica { position, .. } = &mut received.replica else { panic!("no replica") };
    position.received = Lsn(100_000_000);
    assert!(
        matches!(decide(&received, &by_hand(), None, at(1_300)), Decision::Hold(why) if why.contains("replays it"))
    );
    assert!(matches!(decide(&received, &by_hand(), None, at(61_100)), Decision::Refuse(_)), "not for ever");
    let stale =
        Seen { watch: Watch { last_seen: Some(LastSeen::new(Lsn(1_000), at(-1_501))), ..killed().watch }, ..killed() };
    refused(&stale, &run(), "unknown");
    let consented =
        Run { consent: Some(Consent { by: "anna".parse().unwrap(), why: "the shop must open".into() }), ..by_hand() };
    goes(&behind(50_000_000, 60_000), &consented);
    goes(&unseen, &consented);
}

#[test]
fn a_replica_that_is_silent_is_nothing_to_fail_over_to_and_one_look_is_not_its_last_word() {
    let seen = Seen { replica: ReplicaSeen::Silent("refused".into()), ..killed() };
    refused(&seen, &by_hand(), "nothing to fail over to");
    assert!(matches!(decide(&seen, &run(), None, at(1_300)), Decision::Hold(_)));
    assert!(matches!(decide(&seen, &run(), None, at(31_100)), Decision::Refuse(_)));
}

/// A run that finishes what another one asked for, with what that one accepted.
fn finishing(run: Run) -> Run {
    let loss = Loss::AtMost { wal_bytes: 0, time: TimeSpan::seconds(0), unseen: TimeSpan::milliseconds(500) };
    let asked =
        Some(RequestedPromotion { at: at(0), position: Some(position(1_000, -600)), loss, unserved_since: None });
    let holder = Holder { execution: run.execution.clone(), phase: Phase::Promoting, since: at(0), asked };
    Run { taken_over: Some(holder), ..run }
}

fn consenting(run: Run) -> Run {
    Run { consent: Some(Consent { by: "anna".parse().unwrap(), why: "the shop must open".into() }), ..run }
}

#[test]
fn a_replica_that_someone_promoted_is_left_alone_unless_a_dead_run_did() {
    let promoted = Seen { replica: ReplicaSeen::Primary, ..killed() };
    refused(&promoted, &run(), "takes writes already");
    goes(&promoted, &finishing(run()));
}

#[test]
fn only_a_person_who_consents_takes_over_what_someone_else_promoted() {
    let promoted = Seen { replica: ReplicaSeen::Primary, ..killed() };
    refused(&promoted, &by_hand(), "consents");
    refused(&promoted, &consenting(run()), "takes writes already");
    let judgement = goes(&promoted, &consenting(by_hand()));
    assert!(matches!(judgement.loss, Loss::Unknown { .. }) && judgement.policy == Policy::Automatic);
    let both = Seen { recovery: up(), ..promoted };
    assert!(goes(&both, &consenting(by_hand())).answers, "the old one must be seen to refuse the application then");
}

/// A primary that answers.
fn up() -> Look {
    Look { lsn: Some(Lsn(1_000)), ..look(Endpoint::Open, Verdict::Up) }
}

#[test]
fn a_fenced_primary_that_answers_keeps_no_promotion_from_being_finished() {
    let streaming =
        ReplicaSeen::Replica { position: position(1_000, -600), receiver: Receiver::Streaming { heard_at: at(1_200) } };
    let back = Seen { recovery: up(), witness: Witness::Looked(up()), replica: streaming, ..killed() };
    refused(&back, &by_hand(), "answers again");
    let judgement = goes(&back, &finishing(by_hand()));
    assert!(judgement.answers, "and must be seen to refuse the application before anything is promoted");
    let stopped = Seen { api: ApiSeen::Status("stopped".into()), ..killed() };
    goes(&stopped, &finishing(by_hand()));
}

#[test]
fn one_that_only_others_reach_cannot_be_seen_to_refuse_and_stays_primary() {
    let cut_off = Seen { witness: Witness::Looked(up()), ..killed() };
    refused(&cut_off, &finishing(by_hand()), "cut off");
}

#[test]
fn what_a_promotion_would_lose_of_a_primary_that_came_back_is_reckoned_anew() {
    let ahead = Look { lsn: Some(Lsn(50_000_000)), ..up() };
    let back = Seen { recovery: ahead, ..killed() };
    refused(&back, &finishing(by_hand()), "bytes behind");
    goes(&back, &consenting(finishing(by_hand())));
    // Nobody has seen it since: what the first run accepted holds, though the watch follows another instance by now.
    let silent = Seen { watch: Watch::default(), ..killed() };
    let judgement = goes(&silent, &finishing(by_hand()));
    assert_eq!(judgement.loss.seen(), Some(TimeSpan::seconds(0)));
}

fn approves(accept_data_loss: bool) -> Answer {
    Answer {
        decision: Word::Approve,
        by: "ben".parse().unwrap(),
        why: "confirmed".into(),
        accept_data_loss,
        proved: None,
    }
}

#[test]
fn an_approval_is_judged_by_what_is_true_then() {
    let mut run = run();
    run.plan.failover.policy.database = Policy::Approval;
    let word = approves(false);
    let approved = |seen: &Seen| decide(seen, &run, Some(&word), at(900_000));
    let Decision::Go(judgement) = approved(&killed()) else { panic!("{:?}", approved(&killed())) };
    assert_eq!(judgement.policy, Policy::Automatic, "nobody is asked twice");
    assert_eq!(
        judgement.loss.time(),
        Some(TimeSpan::milliseconds(500)),
        "its own host says that it was dead all the while"
    );
    let back = Seen { recovery: up(), ..killed() };
    assert!(matches!(approved(&back), Decision::Refuse(why) if why.contains("answers again")));
    let gone = Seen { replica: ReplicaSeen::Silent("refused".into()), ..killed() };
    assert!(matches!(approved(&gone), Decision::Refuse(why) if why.contains("nothing to fail over to")));
    let promoted = Seen { replica: ReplicaSeen::Primary, ..killed() };
    assert!(matches!(approved(&promoted), Decision::Refuse(why) if why.contains("takes writes already")));
}

#[test]
fn what_a_primary_may_have_written_unseen_counts_until_now_and_is_consented_to_by_name() {
    let silent = look(Endpoint::Silent, Verdict::Down);
    let cut_off = Seen { recovery: silent, witness: Witness::Silent("no answer".into()), ..killed() };
    let question = goes(&cut_off, &run());
    assert_eq!((question.class, question.policy), (FailureClass::Unknown, Policy::Approval));
    assert_eq!(question.loss.time(), Some(TimeSpan::milliseconds(1_800)), "from when it was last seen until now");
    let fourteen_minutes = at(840_000);
    let approved = |word: &Answer| decide(&cut_off, &run(), Some(word), fourteen_minutes);
    let Decision::Refuse(why) = approved(&approves(false)) else { panic!("not refused") };
    assert!(why.contains("14m") && why.contains("--accept-data-loss"), "{why}");
    let Decision::Go(judgement) = approved(&approves(true)) else { panic!("refused") };
    assert_eq!(judgement.consent.map(|consent| consent.by.to_string()), Some("ben".into()));
    // A person who orders it consents as well, or is refused.
    assert!(matches!(decide(&cut_off, &by_hand(), None, fourteen_minutes), Decision::Refuse(_)));
    assert!(matches!(decide(&cut_off, &consenting(by_hand()), None, fourteen_minutes), Decision::Go(_)));
}

#[test]
fn a_run_that_owes_an_undo_does_not_watch_a_primary_that_answers() {
    let target = crate::failover::fencing::Target::primary(&run().plan, run().pair().unwrap());
    let owes = crate::failover::lease::Shut {
        execution: run().execution,
        generation: Generation(1),
        since: at(0),
        target,
        network: true,
    };
    let back = Seen { recovery: up(), ..killed() };
    assert!(matches!(decide(&back, &run(), None, at(1_300)), Decision::Hold(_)));
    refused(&back, &Run { owes: Some(owes), ..run() }, "answers again");
}

#[test]
fn what_a_later_step_would_be_refused_is_refused_before_anything_is_changed() {
    let with = |fitness: Fitness| Seen { fitness, ..killed() };
    let role = |seen| Fitness { roles: vec![("shop".parse().unwrap(), seen)], ..Fitness::default() };
    goes(&with(role(RoleSeen::Ours)), &run());
    refused(&with(role(RoleSeen::Missing)), &run(), "does not exist");
    refused(&with(role(RoleSeen::NotOurs)), &run(), "admin option");
    goes(&with(role(RoleSeen::Missing)), &finishing(run()));
    for newer in [
        Fitness { promoted: Some(Generation(2)), ..Fitness::default() },
        Fitness { moved: Some(Generation(2)), ..Fitness::default() },
    ] {
        refused(&with(newer), &run(), "generation 2");
    }
    goes(&with(Fitness { promoted: Some(Generation(1)), moved: Some(Generation(1)), ..Fitness::default() }), &run());
}

#[test]
fn an_event_of_any_age_moves_no_hold_down() {
    let week_ago = Trigger::Alarm { alarm: "a".into(), at: at(-600_000_000), reason: String::new() };
    let watch = Watch { failing: None, last_seen: Some(LastSeen::new(Lsn(1_000), at(1_000))), ..killed().watch };
    let seen = Seen { watch, ..killed() };
    let decision = decide(&seen, &Run { trigger: week_ago, ..run() }, None, at(1_300));
    assert!(matches!(&decision, Decision::Hold(why) if why.contains("hold-down")), "{decision:?}");
}

#[test]
fn a_class_whose_policy_is_never_is_refused_even_by_hand() {
    let mut run = by_hand();
    run.plan.failover.policy.database = Policy::Never;
    refused(&killed(), &run, "never");
}

#[test]
fn a_person_who_is_faster_than_the_watch_waits_for_it_and_not_for_ever() {
    let watch = Watch { failing: None, last_seen: Some(LastSeen::new(Lsn(1_000), at(-9_000))), ..killed().watch };
    let seen = Seen { watch, ..killed() };
    let decision = decide(&seen, &by_hand(), None, at(1_300));
    assert!(matches!(&decision, Decision::Hold(why) if why.contains("written down")), "{decision:?}");
    let decision = decide(&seen, &by_hand(), None, at(9_000));
    assert!(matches!(&decision, Decision::Refuse(why) if why.contains("last seen")), "{decision:?}");
}

/// A primary in health, seen from everywhere.
fn healthy() -> Seen {
    let up = |at| Look { at, ..up() };
    let receiver = Receiver::Streaming { heard_at: at(1_200) };
    Seen {
        recovery: up(at(1_250)),
        witness: Witness::Looked(up(at(1_250))),
        replica: ReplicaSeen::Replica { position: position(1_000, 1_200), receiver },
        watch: Watch::default(),
        ..killed()
    }
}

#[test]
fn a_rehearsal_says_what_a_death_now_would_lead_to() {
    let rehearsed = |seen: Seen, run: &Run| rehearse(seen, None, run, at(1_260));
    let told = rehearsed(healthy(), &run());
    assert_eq!((told.verdict, told.class), (Would::FailOver, Some(FailureClass::Zone)), "{}", told.because);
    assert!(told.replication.contains("0 bytes behind"), "{}", told.replication);

    let lagging = Seen {
        replica: ReplicaSeen::Replica { position: position(1, -9_000), receiver: Receiver::Absent },
        ..healthy()
    };
    let told = rehearsed(lagging, &run());
    assert_eq!(told.verdict, Would::Refuse, "{}", told.because);
    assert!(told.replication.contains("NOT streaming"), "{}", told.replication);

    let blind = Seen { witness: Witness::Silent("no answer".into()), ..healthy() };
    assert_eq!(rehearsed(blind, &run()).verdict, Would::AskAPerson);

    let outside = Witness::Looked(look(Endpoint::Silent, Verdict::Down));
    let told = rehearsed(Seen { witness: outside.clone(), ..healthy() }, &run());
    assert_eq!(told.verdict, Would::Refuse, "a witness that never reaches it tells no failure from a cut");
    assert!(told.because.contains("the witness does not see it up"), "{}", told.because);
    assert_eq!(rehearsed(Seen { witness: outside, ..killed() }, &run()).verdict, Would::FailOver, "one that fails now");
}

#[test]
fn a_primary_that_fails_now_is_rehearsed_by_what_is_seen_of_it_and_not_as_if_nobody_saw_it() {
    let told = rehearse(killed(), None, &run(), at(1_260));
    assert_eq!(told.verdict, Would::FailOver, "{}", told.because);
    let seen_elsewhere = Seen { witness: healthy().witness, ..killed() };
    let told = rehearse(seen_elsewhere, None, &run(), at(1_260));
    assert_eq!(told.verdict, Would::Refuse, "somebody sees it: {}", told.because);
}

#[test]
fn a_holder_is_for_whoever_asks_to_look_up() {
    let holder = crate::failover::lease::Holder {
        execution: run().execution,
        phase: crate::failover::lease::Phase::Opened,
        since: at(0),
        asked: None,
    };
    let lease = crate::failover::lease::Lease {
        plan: run().plan.plan,
        component: None,
        generation: Generation(1),
        holder: Some(holder),
        active: ActiveSide::Primary,
        last: None,
        unfinished: None,
        shut: None,
        guard: None,
    };
    assert_eq!(rehearse(healthy(), Some(&lease), &run(), at(1_260)).verdict, Would::FailOver);
}

#[test]
fn a_plan_that_failed_over_would_not_do_so_again() {
    let lease = crate::failover::lease::Lease {
        plan: run().plan.plan,
        component: None,
        generation: Generation(1),
        holder: None,
        active: ActiveSide::Replica,
        last: None,
        unfinished: None,
        shut: None,
        guard: None,
    };
    assert_eq!(rehearse(healthy(), Some(&lease), &run(), at(60_000)).verdict, Would::Refuse);
}
