//! Windows that nap between their samples.

use super::*;

fn every(interval: &str) -> Memory {
    handover::at_pace(interval, "400ms")
}

/// The same after windows that were gone on with until now.
fn on_and_on(interval: &str) -> Memory {
    let windows = json!({"claimedUntil": at(0)});
    let watch = json!({
        "instance": "orders-primary", "failing": null, "lastSeen": {"lsn": "0/10", "at": at(-10_000)}, "toldUntil": at(0),
    });
    let store = every(interval).with("probes/lab/windows.json", &windows.to_string());
    store.with("probes/lab/watch.json", &watch.to_string())
}

/// The schedule's start of a minute, and nothing of what it leaves word for.
fn begin(store: &Memory, world: &Fake, minute: i64) {
    let event = json!({"watch": {"plan": "lab", "scheduledAt": at(minute * 60_000)}});
    world.clock.run(handle(store, world, event)).unwrap();
}

/// How many places of the grid a streak reaches over.
fn places(streak: &domain::watch::probe::Streak, step: i64) -> i64 {
    (streak.until.as_millisecond() - streak.since.as_millisecond()) / step + 1
}

#[test]
fn nobody_is_awake_between_two_samples_that_are_far_apart() {
    let (store, world) = (on_and_on("10s"), Fake::down(&[]));
    begin(&store, &world, 0);
    let (mut awake, mut invocations) = (world.now().as_millisecond() - at(200).as_millisecond(), 1);
    while world.now() < at(60_000) {
        let (comes_at, message) = world.message_of(at(0)).expect("somebody is woken for the next sample");
        world.clock.run(world.clock.sleep_until(comes_at));
        let began = world.now();
        world.clock.run(handle(&store, &world, message)).unwrap();
        awake += world.now().as_millisecond() - began.as_millisecond();
        invocations += 1;
    }
    assert!(awake < 10_000, "{awake} ms awake in a minute, in {invocations} invocations");
    assert_eq!(world.looked_at.borrow().len(), 6, "one sample each ten seconds");
}

#[test]
fn windows_that_nap_follow_each_other_without_gap_or_overlap() {
    for (interval, step) in [("5s", 5_000), ("10s", 10_000), ("30s", 30_000)] {
        let (store, world) = (every(interval), Fake::down(&[(0, 400_000)]));
        minutes(&store, &world, 4);
        let streak = remembered(&store).failing.unwrap();
        let samples = i64::try_from(world.looked_at.borrow().len()).unwrap();
        let places = places(&streak, step);
        assert_eq!((i64::from(streak.failures), samples), (places, places), "{interval}");
        let told: Vec<u32> = world.published.borrow().iter().map(|(_, failures)| *failures).collect();
        assert!(told.is_sorted() && told.last() == Some(&streak.failures), "{interval}: {told:?}");
    }
}

#[test]
fn an_outage_begins_where_a_window_that_napped_last_saw_the_primary() {
    let (store, world) = (every("10s"), Fake::down(&[(95_000, 400_000)]));
    minutes(&store, &world, 3);
    let watch = remembered(&store);
    assert_eq!(watch.last_seen.map(|seen| seen.at), Some(at(90_000)));
    assert_eq!(watch.failing.map(|streak| streak.since), Some(at(100_000)));
    let woken = world.woken.borrow();
    assert_eq!(woken.first().map(|(at, _)| *at), Some(at(100_001)), "the functions of a failover");
}

#[test]
fn failures_that_are_far_apart_are_told_again_as_often_as_the_alarm_looks() {
    let (store, world) = (every("30s"), Fake::down(&[(0, 400_000)]));
    minutes(&store, &world, 2);
    let told = world.published.borrow();
    let silences = told.windows(2).map(|two| TimeSpan::between(two[0].0, two[1].0));
    assert!(silences.clone().all(|silence| silence <= TimeSpan::seconds(10)), "{told:?}");
}

#[test]
fn a_message_that_comes_twice_counts_once() {
    let (store, world) = (on_and_on("10s"), Fake::down(&[(35_000, 400_000)]));
    begin(&store, &world, 0);
    while let Some((comes_at, message)) = world.message_of(at(0)) {
        world.clock.run(world.clock.sleep_until(comes_at));
        world.clock.run(handle(&store, &world, message.clone())).unwrap();
        if world.now() < at(30_000) {
            world.clock.run(handle(&store, &world, message)).unwrap();
        }
    }
    let streak = remembered(&store).failing.unwrap();
    assert_eq!(i64::from(streak.failures), places(&streak, 10_000));
}

#[test]
fn a_message_of_a_window_that_is_over_samples_nothing() {
    let (store, world) = (on_and_on("10s"), Fake::down(&[]));
    begin(&store, &world, 0);
    let (_, message) = world.message_of(at(0)).unwrap();
    minutes(&store, &world, 4);
    let (looks, watch) = (world.looked_at.borrow().len(), remembered(&store));
    world.clock.run(handle(&store, &world, message)).unwrap();
    assert_eq!(world.looked_at.borrow().len(), looks);
    assert_eq!(remembered(&store), watch);
}

#[test]
fn a_window_that_nobody_would_wake_stays_awake() {
    let mut world = Fake::down(&[(0, 400_000)]);
    world.no_queue_until = Some(at(400_000));
    let store = every("10s");
    minutes(&store, &world, 2);
    let streak = remembered(&store).failing.unwrap();
    assert!(streak.failures >= 12 && i64::from(streak.failures) == places(&streak, 10_000), "{streak:?}");
}

#[test]
fn a_message_that_is_late_dates_no_sample_back() {
    let mut world = Fake::down(&[(25_000, 400_000)]);
    world.queue_is_late = TimeSpan::seconds(3);
    let store = on_and_on("10s");
    minutes(&store, &world, 2);
    let looked: Vec<i64> = world.looked_when.borrow().iter().map(|at| at.as_millisecond() % 10_000).collect();
    assert!(looked.iter().all(|late| *late < 500), "{looked:?}");
    let streak = remembered(&store).failing.unwrap();
    assert!(streak.since >= at(30_000) && streak.failures >= 3, "and it is counted on: {streak:?}");
}

#[test]
fn a_window_whose_message_is_lost_is_told_as_a_gap_by_the_next_one() {
    let (store, world) = (on_and_on("10s"), Fake::down(&[]));
    begin(&store, &world, 0);
    world.naps.borrow_mut().clear();
    let mut gaps = [1, 2].map(|minute| {
        let Answer::Watched(step) = world.clock.run(start(&store, &world, minute)).unwrap() else {
            panic!("not a window")
        };
        serde_json::to_value(step.did.unwrap()).unwrap()["gapSeconds"].take()
    });
    assert_eq!(gaps[0].take(), json!(80.0), "all of the first window");
    assert_eq!(gaps[1].take(), json!(0.0), "it follows one that was gone on with");
}

#[test]
fn a_queue_that_hands_nothing_out_leaves_at_most_every_other_window_unwatched() {
    let (store, world) = (on_and_on("10s"), Fake::down(&[]));
    for minute in 0..6 {
        world.clock.run(world.clock.sleep_until(at(minute * 60_000 + 300)));
        begin(&store, &world, minute);
        world.naps.borrow_mut().clear();
    }
    assert!(world.looked_at.borrow().len() >= 12, "{} samples in six minutes", world.looked_at.borrow().len());
}

#[test]
fn in_an_outage_nobody_naps() {
    let (store, world) = (on_and_on("10s"), Fake::down(&[(25_000, 400_000)]));
    begin(&store, &world, 0);
    while world.now() < at(30_000) {
        let (comes_at, message) = world.message_of(at(0)).unwrap();
        world.clock.run(world.clock.sleep_until(comes_at));
        world.clock.run(handle(&store, &world, message)).unwrap();
    }
    assert!(world.naps.borrow().is_empty() && world.now() >= at(70_000), "it went on to its end by itself");
    assert!(remembered(&store).failing.is_some_and(|streak| streak.failures >= 4));
}

#[test]
fn a_message_asks_for_nothing_but_that_a_window_is_gone_on_with() {
    let (store, world) = (every("10s"), Fake::down(&[]));
    for event in [
        include_str!("../../../../events/health-probe.json"),
        include_str!("../../../../events/health-probe-look.json"),
    ] {
        let error = world.clock.run(handle(&store, &world, json!({"Records": [{"body": event}]}))).unwrap_err();
        assert!(error.to_string().contains("Records[0].body"), "{error}");
    }
}

#[test]
fn what_cannot_be_told_before_a_nap_keeps_the_window_awake() {
    let world = Fake { refuses_until: Some(at(25_000)), ..Fake::down(&[(11_000, 16_000)]) };
    let store = on_and_on("5s");
    minutes(&store, &world, 2);
    assert!(world.published.borrow().iter().any(|(_, failures)| *failures == 1), "it is told later");
    assert_eq!(blips(&store).len(), 1);
}
