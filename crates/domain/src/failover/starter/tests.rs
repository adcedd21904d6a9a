use proptest::prelude::*;

use jiff::Timestamp;

use super::{due::wait, *};
use crate::{
    component::ActiveSide,
    failover::{
        fencing::Target,
        judgement::{Rehearsal, Would},
        lease::{Ended, Holder, Lease, Phase, RequestedPromotion, Shut},
        loss::Loss,
        succession::Owner,
    },
    plan::{PairPlan, Probe},
    run::outcome::RunOutcome,
    watch::probe::{Streak, Watch, believed_for, later},
    words::{
        id::{ExecutionArn, Generation},
        time_span::TimeSpan,
        wal::{LastSeen, Lsn},
    },
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn lab() -> PairPlan {
    crate::plan_file::lab_pair()
}

fn execution(name: &str) -> ExecutionArn {
    format!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:{name}").parse().unwrap()
}

fn free() -> Lease {
    let plan = lab();
    Lease {
        plan: plan.plan,
        component: None,
        generation: Generation(1),
        holder: None,
        active: ActiveSide::Primary,
        last: None,
        unfinished: None,
        shut: None,
        guard: None,
    }
}

fn holder(name: &str, phase: Phase) -> Holder {
    let asked = RequestedPromotion { at: at(0), position: None, loss: Loss::Promoted, unserved_since: None };
    let asked = (phase == Phase::Promoting).then_some(asked);
    Holder { execution: execution(name), phase, since: at(0), asked }
}

fn ended(name: &str, seconds: i64) -> Ended {
    let (generation, outcome) = (Generation(1), RunOutcome::Refused);
    Ended { execution: execution(name), generation, outcome, at: at(seconds), declined_at: None }
}

fn gone(status: &str, seconds: i64) -> Owner {
    Owner::Gone { status: status.into(), at: Some(at(seconds)) }
}

/// A primary that has failed since second 0, as of this second.
fn failing(seconds: i64) -> Watch {
    let streak = Streak {
        since: at(0),
        until: at(seconds),
        failures: u32::try_from(2 * seconds + 1).unwrap(),
        because: "refused".into(),
    };
    Watch { failing: Some(streak), ..answers(0) }
}

/// A primary that answered at this second.
fn answers(seconds: i64) -> Watch {
    let instance = Some("orders-primary".parse().unwrap());
    Watch { instance, last_seen: Some(LastSeen::new(Lsn(1), at(seconds))), ..Watch::default() }
}

fn judged(verdict: Would) -> Judge {
    let (because, replication) = ("as judged".to_owned(), String::new());
    Judge::Says(Rehearsal { fails: true, verdict, passes: false, because, class: None, replication })
}

/// A case, and what is decided of it.
struct Case {
    lease: Option<Lease>,
    owner: Option<Owner>,
    watch: Watch,
    judge: Judge,
    starts: Option<Starts>,
    started: Option<Owner>,
}

impl Case {
    /// A primary that has failed since second 0 and whose run was refused at second 3.
    fn refused() -> Self {
        Self {
            lease: Some(Lease { last: Some(ended("alarm-1", 3)), ..free() }),
            owner: None,
            watch: failing(0),
            judge: judged(Would::FailOver),
            starts: None,
            started: None,
        }
    }

    /// A primary that works, and of which something is owed.
    fn owing(lease: Lease) -> Self {
        Self { lease: Some(lease), watch: answers(0), judge: Judge::NotAsked, ..Self::refused() }
    }

    /// As of this second, with the watch as fresh as it can be.
    fn at(&self, seconds: i64) -> Decision {
        let watch = if self.watch.failing.is_some() { failing(seconds) } else { answers(seconds) };
        self.seen(&watch, seconds, decide)
    }

    fn seen<A>(&self, watch: &Watch, seconds: i64, ask: impl Fn(&Seen<'_>) -> A) -> A {
        let plan = lab();
        ask(&Seen {
            plan: &plan,
            lease: self.lease.as_ref(),
            owner: self.owner.as_ref(),
            watch,
            judge: &self.judge,
            starts: self.starts.as_ref(),
            started: self.started.as_ref(),
            now: at(seconds),
        })
    }

    /// That it starts at this second and not a second before.
    fn starts_at(&self, seconds: i64) -> Start {
        let before = self.at(seconds - 1);
        assert!(matches!(before, Decision::Wait { .. }), "at {}: {before:?}", seconds - 1);
        let decision = self.at(seconds);
        let Decision::Start(start) = decision else { panic!("at {seconds}: {decision:?}") };
        start
    }

    /// The same case, after this start was made and refused again after two seconds.
    fn after(mut self, start: &Start, seconds: i64) -> Self {
        let name = start.name(&lab().plan);
        self.starts = Some(Starts::with(self.starts.as_ref(), start, execution(&name), at(seconds)));
        self.started = Some(gone("FAILED", seconds + 2));
        if let Some(lease) = &mut self.lease {
            lease.last = Some(ended(&name, seconds + 2));
        }
        self
    }
}

#[test]
fn a_primary_that_works_is_left_alone() {
    let case = Case { watch: answers(0), ..Case::refused() };
    assert!(matches!(case.at(10), Decision::Idle(_)), "{:?}", case.at(10));
    let never = Case { lease: None, ..case };
    assert!(matches!(never.at(10), Decision::Idle(_)));
}

#[test]
fn a_failure_whose_run_was_refused_is_started_again_five_seconds_after_its_end() {
    let start = Case::refused().starts_at(8);
    assert_eq!((start.cause, start.since, start.attempt), (Cause::Failure, at(0), 1));
    assert_eq!(start.name(&lab().plan), "again-lab-1800000000000-1");
    assert!(start.reason.contains("refused") && start.reason.contains("as judged"), "{}", start.reason);
}

#[test]
fn the_waits_grow_from_end_to_end_up_to_five_minutes() {
    let (mut case, mut end) = (Case::refused(), 3);
    for (attempt, wait) in (1u32..).zip([5, 10, 20, 40, 80, 160, 300, 300]) {
        let start = case.starts_at(end + wait);
        assert_eq!(start.attempt, attempt);
        case = case.after(&start, end + wait);
        end += wait + 2;
    }
}

#[test]
fn a_failure_that_no_run_answered_waits_until_its_alarm_would_have_come() {
    for lease in [None, Some(free()), Some(Lease { last: Some(ended("before", -1)), ..free() })] {
        let case = Case { lease, ..Case::refused() };
        // Three samples of 500 ms, a time-out of 400 ms, a hold-down of 1 s, and 30 s.
        assert_eq!(case.starts_at(33).attempt, 1);
    }
}

#[test]
fn what_is_not_yet_a_failure_is_waited_for() {
    let case = Case::refused();
    let few = Watch { failing: failing(1).failing.map(|streak| Streak { failures: 2, ..streak }), ..failing(1) };
    let decision = case.seen(&few, 100, |seen| decide(&Seen { now: at(1), ..*seen }));
    assert!(matches!(&decision, Decision::Wait { because, .. } if because.contains("2 of 3")), "{decision:?}");
    let plan = PairPlan { probe: Probe { hold_down: TimeSpan::seconds(60), ..lab().probe }, ..lab() };
    for (second, starts) in [(59, false), (60, true)] {
        let decision = case.seen(&failing(second), second, |seen| decide(&Seen { plan: &plan, ..*seen }));
        assert_eq!(matches!(decision, Decision::Start(_)), starts, "{second}: {decision:?}");
    }
}

#[test]
fn a_streak_that_nobody_watches_any_more_starts_nothing() {
    let case = Case::refused();
    let longest = believed_for(&lab().probe).as_milliseconds();
    for (later_by, starts) in [(longest, true), (longest + 1, false)] {
        let now = later(at(10), TimeSpan::milliseconds(later_by));
        let decision = case.seen(&failing(10), 10, |seen| decide(&Seen { now, ..*seen }));
        assert_eq!(matches!(decision, Decision::Start(_)), starts, "{later_by}: {decision:?}");
    }
}

#[test]
fn what_was_seen_of_another_instance_starts_nothing() {
    let case = Case::refused();
    let other = Watch { instance: Some("orders-before".parse().unwrap()), ..failing(60) };
    assert!(matches!(case.seen(&other, 60, decide), Decision::Idle(_)));
}

#[test]
fn whoever_is_at_work_is_left_to_it_and_so_is_whoever_may_be() {
    let held = Lease { holder: Some(holder("alarm-1", Phase::Opened)), ..free() };
    for owner in [None, Some(Owner::Running), Some(Owner::Unknown("throttled".into()))] {
        let case = Case { lease: Some(held.clone()), owner, ..Case::refused() };
        let decision = case.at(3_600);
        assert!(matches!(&decision, Decision::Wait { because, .. } if because.contains("`alarm-1`")), "{decision:?}");
    }
}

#[test]
fn its_own_run_that_holds_no_lease_yet_is_waited_for_too() {
    let start = Case::refused().starts_at(8);
    for started in [None, Some(Owner::Running), Some(Owner::Unknown("throttled".into()))] {
        let case = Case { started, ..Case::refused().after(&start, 8) };
        assert!(matches!(case.at(3_600), Decision::Wait { .. }), "{:?}", case.at(3_600));
    }
}

#[test]
fn a_holder_that_died_is_followed_after_its_end_and_a_stopped_one_after_a_minute() {
    let held = Lease { holder: Some(holder("alarm-1", Phase::Opened)), ..free() };
    for (status, due) in [("TIMED_OUT", 8), ("FAILED", 8), ("ABORTED", 63)] {
        let case = Case { lease: Some(held.clone()), owner: Some(gone(status, 3)), ..Case::refused() };
        assert_eq!(case.starts_at(due).attempt, 1, "{status}");
    }
}

#[test]
fn one_that_was_stopped_nobody_knows_when_is_for_a_person() {
    let lease = Some(Lease { holder: Some(holder("alarm-1", Phase::Opened)), ..free() });
    let case = Case { lease, owner: Some(Owner::gone("ABORTED")), ..Case::refused() };
    assert!(matches!(case.at(3_600), Decision::NotByItself(_)), "{:?}", case.at(3_600));
}

#[test]
fn its_own_run_that_a_person_stopped_is_followed_after_a_minute_too() {
    let start = Case::refused().starts_at(8);
    let case = Case { started: Some(gone("ABORTED", 9)), ..Case::refused().after(&start, 8) };
    assert_eq!(case.starts_at(69).attempt, 2);
}

#[test]
fn a_person_s_no_holds_until_the_primary_was_well_in_between() {
    let no =
        |seconds| Lease { last: Some(Ended { declined_at: Some(at(seconds)), ..ended("alarm-1", seconds) }), ..free() };
    for (said_at, starts) in [(3, false), (0, false), (-1, true)] {
        let case = Case { lease: Some(no(said_at)), ..Case::refused() };
        let decision = case.at(100);
        assert_eq!(matches!(decision, Decision::Start(_)), starts, "{said_at}: {decision:?}");
        assert_eq!(matches!(decision, Decision::NotByItself(_)), !starts, "{said_at}: {decision:?}");
    }
    // A watch that stood still counts the same failure again: it is not another one.
    for (answered_at, starts) in [(0, false), (40, true)] {
        let case = Case { lease: Some(no(3)), ..Case::refused() };
        let streak = Streak { since: at(50), until: at(100), failures: 101, because: "refused".into() };
        let watch = Watch { failing: Some(streak), ..answers(answered_at) };
        let decision = case.seen(&watch, 100, decide);
        assert_eq!(matches!(decision, Decision::NotByItself(_)), !starts, "{answered_at}: {decision:?}");
    }
}

#[test]
fn the_judge_is_asked_when_it_is_time_and_only_then() {
    let case = Case { judge: Judge::NotAsked, ..Case::refused() };
    assert!(matches!(case.at(7), Decision::Wait { .. }));
    assert_eq!(case.at(8), Decision::Ask);
}

#[test]
fn what_the_judge_would_refuse_is_looked_at_again_and_a_silent_judge_starts_nothing() {
    let answers_again = match judged(Would::FailOver) {
        Judge::Says(rehearsal) => Judge::Says(Rehearsal { fails: false, ..rehearsal }),
        other @ (Judge::NotAsked | Judge::Silent(_)) => other,
    };
    for (judge, says) in [
        (judged(Would::Refuse), "would be refused now: as judged"),
        (Judge::Silent("access denied".into()), "could not be asked: access denied"),
        (answers_again, "answered"),
    ] {
        let decision = Case { judge, ..Case::refused() }.at(100);
        let Decision::Wait { until, because } = decision else { panic!("{decision:?}") };
        assert!(because.contains(says), "{because}");
        assert_eq!(until, at(105));
    }
    let asks = Case { judge: judged(Would::AskAPerson), ..Case::refused() };
    assert!(matches!(asks.at(100), Decision::Start(_)), "a person who may answer is asked again");
}

#[test]
fn a_plan_that_failed_over_is_never_started_again() {
    let lease = Some(Lease { active: ActiveSide::Replica, ..free() });
    assert!(matches!(Case { lease, ..Case::refused() }.at(3_600), Decision::Idle(_)));
}

fn shut() -> Lease {
    let plan = lab();
    let target = Target::primary(&plan, plan.pair().unwrap());
    let (execution, generation) = (execution("alarm-1"), Generation(1));
    let shut = Shut { execution, generation, since: at(0), target, network: true };
    Lease { last: Some(ended("alarm-1", 3)), shut: Some(shut), ..free() }
}

#[test]
fn a_shut_primary_that_answers_is_opened_by_a_run_without_asking_the_judge() {
    let start = Case::owing(shut()).starts_at(8);
    assert_eq!((start.cause, start.since), (Cause::Shut, at(0)));
    let lease = Lease { holder: Some(holder("alarm-1", Phase::Opened)), last: None, ..shut() };
    for (status, due) in [("TIMED_OUT", 8), ("ABORTED", 63)] {
        let case = Case { owner: Some(gone(status, 3)), ..Case::owing(lease.clone()) };
        assert_eq!(case.starts_at(due).cause, Cause::Shut, "{status}");
    }
}

#[test]
fn a_shut_primary_that_nobody_has_seen_lately_is_not_said_to_answer() {
    let case = Case::owing(shut());
    for (second, starts) in [(60, true), (61, false)] {
        let decision = case.seen(&answers(0), second, decide);
        assert_eq!(matches!(decision, Decision::Start(_)), starts, "{second}: {decision:?}");
    }
    let decision = case.seen(&Watch::default(), 30, decide);
    assert!(matches!(&decision, Decision::Wait { because, .. } if because.contains("unknown")), "{decision:?}");
}

#[test]
fn a_shut_primary_that_fails_is_a_failure_which_the_judge_is_asked_about() {
    let case = Case { judge: judged(Would::Refuse), ..Case::owing(shut()) };
    assert!(matches!(case.seen(&failing(8), 8, decide), Decision::Wait { .. }));
    let case = Case { judge: judged(Would::FailOver), ..case };
    let decision = case.seen(&failing(8), 8, decide);
    assert!(matches!(&decision, Decision::Start(start) if start.cause == Cause::Failure), "{decision:?}");
}

#[test]
fn an_unfinished_run_is_finished_after_a_minute_and_then_at_growing_distances() {
    let left = Some(holder("alarm-1", Phase::Promoting));
    let last = Some(ended("alarm-1", 3));
    let (mut case, mut end) = (Case::owing(Lease { unfinished: left, last, active: ActiveSide::Replica, ..free() }), 3);
    for wait in [60, 120, 240, 300, 300] {
        let start = case.starts_at(end + wait);
        assert_eq!(start.cause, Cause::Unfinished);
        let own = start.name(&lab().plan);
        case = case.after(&start, end + wait);
        // It came as far as the one before, and died as it did.
        let lease = case.lease.as_mut().unwrap();
        lease.unfinished = Some(Holder { since: at(end + wait), ..holder(&own, Phase::Promoting) });
        end += wait + 2;
    }
}

#[test]
fn a_run_that_died_past_its_point_of_no_return_is_finished_whatever_the_primary_does() {
    for watch in [answers(0), failing(0)] {
        let lease = Some(Lease { holder: Some(holder("alarm-1", Phase::Promoting)), ..free() });
        let case = Case { lease, owner: Some(gone("TIMED_OUT", 3)), judge: Judge::NotAsked, watch, ..Case::refused() };
        assert_eq!(case.starts_at(63).cause, Cause::Unfinished);
    }
}

#[test]
fn a_memory_that_is_lost_goes_on_counting_by_the_runs_own_names() {
    let start = Case::refused().starts_at(8);
    let (starts, started) = (None, None);
    let case = Case { starts, started, ..Case::refused().after(&start, 8) };
    let second = case.starts_at(20);
    assert_eq!(second.attempt, 2);
    assert_ne!(second.name(&lab().plan), start.name(&lab().plan), "a name that was used starts nothing");
}

#[test]
fn another_failure_is_counted_anew() {
    let mut case = Case::refused().after(&Case::refused().starts_at(8), 8);
    let starts = case.starts.as_mut().unwrap();
    starts.since = at(-100);
    case.lease.as_mut().unwrap().last = Some(ended("alarm-2", 10));
    assert_eq!(case.starts_at(15).attempt, 1);
}

#[test]
fn the_longest_name_fits_step_functions() {
    let start = Start { cause: Cause::Failure, since: Timestamp::MAX, attempt: u32::MAX, reason: String::new() };
    let plan = "a".repeat(40).parse().unwrap();
    assert!(start.name(&plan).len() <= 80, "{}", start.name(&plan));
    let input = serde_json::to_value(start.request(&plan)).unwrap();
    assert!(crate::failover::request::FailoverRequest::parse(&input).unwrap().trigger.is_automatic());
}

#[test]
fn an_end_says_what_starts_the_next_run() {
    let told = |outcome, lease: &Lease, by| {
        next(&execution("alarm-1"), &lab().plan, outcome, Some(lease), by).unwrap_or_default()
    };
    let disable = "aws events disable-rule --name lifeboat-lab-start-again --region us-west-2";
    let goes_on = told(RunOutcome::Refused, &free(), None);
    assert!(goes_on.contains("goes on looking") && goes_on.contains(disable), "{goes_on}");
    let declined = told(RunOutcome::Refused, &free(), Some("anna"));
    assert!(declined.contains("anna said no") && declined.contains("lifeboat failover --plan lab"), "{declined}");
    let unfinished = Lease { unfinished: Some(holder("a", Phase::Promoting)), active: ActiveSide::Replica, ..free() };
    let unfinished = told(RunOutcome::NeedsAPerson, &unfinished, None);
    assert!(unfinished.contains("finishes it by itself, in 1m") && unfinished.contains(disable), "{unfinished}");
    let open = told(RunOutcome::NeedsAPerson, &shut(), None);
    assert!(open.contains("`orders-primary` may still refuse") && open.contains(disable), "{open}");
    let moved = Lease { active: ActiveSide::Replica, ..free() };
    assert_eq!(told(RunOutcome::Done, &moved, None), "");
    assert_eq!(told(RunOutcome::Refused, &moved, None), "", "there is nothing to start");
    let broken = next_of_a_broken_run(&execution("alarm-1"), Some(&lab().plan));
    assert!(broken.contains("60 s") && broken.contains(disable), "{broken}");
}

#[test]
fn a_switchover_that_owes_nothing_is_followed_by_nothing() {
    let switchover = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-switchover:a".parse().unwrap();
    let told = |lease: &Lease| next(&switchover, &lab().plan, RunOutcome::Undone, Some(lease), None);
    assert_eq!(told(&free()), None);
    assert!(told(&shut()).unwrap().contains("opens it by itself"));
}

#[test]
fn whether_it_is_armed_is_said_of_a_primary_that_works_and_of_one_that_fails() {
    let told = |case: &Case, watch: &Watch, seconds| case.seen(watch, seconds, standing);
    let well = |judge| Case { watch: answers(0), judge, ..Case::refused() };
    for (judge, armed) in [
        (judged(Would::FailOver), true),
        (judged(Would::AskAPerson), true),
        (judged(Would::Refuse), false),
        (Judge::Silent("denied".into()), false),
    ] {
        assert_eq!(told(&well(judge.clone()), &answers(0), 60).armed, armed, "{judge:?}");
        assert_eq!(told(&Case { judge, ..Case::refused() }, &failing(8), 8).armed, armed);
    }
    assert!(!told(&well(judged(Would::FailOver)), &answers(0), 61).armed, "nobody watches");
    let moved = Some(Lease { active: ActiveSide::Replica, ..free() });
    assert!(!told(&Case { lease: moved, ..well(judged(Would::FailOver)) }, &answers(0), 1).armed);
    let no = Some(Lease { last: Some(Ended { declined_at: Some(at(3)), ..ended("alarm-1", 3) }), ..free() });
    let declined = told(&Case { lease: no, ..Case::refused() }, &failing(8), 8);
    assert!(!declined.armed && declined.because.contains("said no"), "{declined:?}");
}

/// What becomes of the runs and of the primary, in some order.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// The run is refused at once, or lasts for so many seconds, and is undone.
    Ends(i64),
    /// It holds no lease, and ends.
    NeverOpens,
    /// A person, or the engine, ends it.
    Dies(bool),
    /// It ends past its point of no return.
    Unfinished,
    /// It leaves the primary shut, which answers.
    Shuts,
    /// The primary answers for a moment, and fails again.
    Blips,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        (0i64..40).prop_map(Fate::Ends),
        Just(Fate::NeverOpens),
        any::<bool>().prop_map(Fate::Dies),
        Just(Fate::Unfinished),
        Just(Fate::Shuts),
        Just(Fate::Blips),
    ];
    proptest::collection::vec(fate, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_hour_has_at_most_twenty_starts_whatever_becomes_of_them(fates in fates()) {
        let plan = lab();
        let mut fates = fates.into_iter().cycle();
        let (mut lease, mut owner, mut starts, mut started) = (shut(), None, None::<Starts>, None);
        lease.shut = None;
        let (mut since, mut made) = (0, Vec::new());
        let judge = judged(Would::FailOver);
        let mut now = 0;
        while now < 7_200 {
            let watch = if lease.shut.is_some() { answers(now) } else {
                let streak = Streak { since: at(since), until: at(now), failures: 100, because: "refused".into() };
                Watch { failing: Some(streak), ..answers(since) }
            };
            let seen = Seen {
                plan: &plan, lease: Some(&lease), owner: owner.as_ref(), watch: &watch, judge: &judge,
                starts: starts.as_ref(), started: started.as_ref(), now: at(now),
            };
            let start = match decide(&seen) {
                Decision::Start(start) => start,
                Decision::Wait { until, .. } => {
                    now = (until.as_second() - at(0).as_second()).max(now + 1);
                    continue;
                }
                other @ (Decision::Idle(_) | Decision::Ask | Decision::NotByItself(_)) => {
                    prop_assert!(false, "{other:?}");
                    return Ok(());
                }
            };
            let name = start.name(&plan.plan);
            starts = Some(Starts::with(starts.as_ref(), &start, execution(&name), at(now)));
            made.push(now);
            started = Some(gone("FAILED", now));
            (lease.holder, owner) = (None, None);
            match fates.next().unwrap_or(Fate::NeverOpens) {
                Fate::Ends(seconds) => {
                    now += seconds;
                    lease.last = Some(ended(&name, now));
                    (lease.shut, lease.unfinished) = (None, None);
                }
                Fate::NeverOpens => {}
                Fate::Dies(stopped) => {
                    let status = if stopped { "ABORTED" } else { "TIMED_OUT" };
                    lease.holder = Some(holder(&name, Phase::Opened));
                    (owner, started) = (Some(gone(status, now)), Some(gone(status, now)));
                }
                Fate::Unfinished => {
                    lease.unfinished = Some(Holder { since: at(now), ..holder(&name, Phase::Promoting) });
                    lease.last = Some(ended(&name, now));
                }
                Fate::Shuts => {
                    lease.shut = shut().shut.map(|shut| Shut { since: at(now), ..shut });
                    lease.last = Some(ended(&name, now));
                }
                Fate::Blips => {
                    since = now + 1;
                    lease.last = Some(ended(&name, now));
                }
            }
        }
        for (place, first) in made.iter().enumerate() {
            let within = made[place..].iter().take_while(|at| **at < first + 3_600).count();
            prop_assert!(within <= 20, "{} starts within an hour of {}: {:?}", within, first, made);
        }
    }
}

#[test]
fn no_wait_is_longer_than_five_minutes() {
    for cause in [Cause::Failure, Cause::Shut, Cause::Unfinished] {
        assert_eq!(wait(cause, u32::MAX), TimeSpan::seconds(300));
        assert!((1..20).map(|attempt| wait(cause, attempt)).is_sorted());
    }
}
