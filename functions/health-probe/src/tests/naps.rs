//! Windows that nap between their samples.

use super::*;

fn every(interval: &str) -> Memory {
    handover::at_pace(interval, "400ms")
}

#[test]
fn nobody_is_awake_between_two_samples_that_are_far_apart() {
    let (shelf, world) = (every("10s"), Fake::down(&[]));
    let event = json!({"watch": {"plan": "lab", "scheduledAt": at(0)}});
    world.clock.run(handle(&shelf, &world, event)).unwrap();
    let (mut awake, mut invocations) = (world.now().as_millisecond() - at(200).as_millisecond(), 1);
    while world.now() < at(60_000) {
        let (comes_at, message) = world.message_of(at(0)).expect("somebody is woken for the next sample");
        world.clock.run(world.clock.sleep_until(comes_at));
        let began = world.now();
        world.clock.run(handle(&shelf, &world, message)).unwrap();
        awake += world.now().as_millisecond() - began.as_millisecond();
        invocations += 1;
    }
    assert!(awake < 10_000, "{awake} ms awake in a minute, in {invocations} invocations");
    assert_eq!(world.looked_at.borrow().len(), 6, "one sample each ten seconds");
}

#[test]
fn windows_that_nap_follow_each_other_without_gap_or_overlap() {
    for (interval, step) in [("5s", 5_000), ("10s", 10_000), ("30s", 30_000)] {
        let (shelf, world) = (every(interval), Fake::down(&[(0, 400_000)]));
        minutes(&shelf, &world, 4);
        let streak = remembered(&shelf).failing.unwrap();
        let samples = i64::try_from(world.looked_at.borrow().len()).unwrap();
        let steps = (streak.until.as_millisecond() - streak.since.as_millisecond()) / step;
        assert_eq!((i64::from(streak.failures), samples), (steps + 1, steps + 1), "{interval}");
        let told: Vec<u32> = world.published.borrow().iter().map(|(_, failures)| *failures).collect();
        assert!(told.is_sorted() && told.last() == Some(&streak.failures), "{interval}: {told:?}");
    }
}

#[test]
fn an_outage_begins_where_a_window_that_napped_last_saw_the_primary() {
    let (shelf, world) = (every("10s"), Fake::down(&[(95_000, 400_000)]));
    minutes(&shelf, &world, 3);
    let watch = remembered(&shelf);
    assert_eq!(watch.last_seen.map(|seen| seen.at), Some(at(90_000)));
    assert_eq!(watch.failing.map(|streak| streak.since), Some(at(100_000)));
    let woken = world.woken.borrow();
    assert_eq!(woken.first().map(|(at, _)| *at), Some(at(100_001)), "the functions of a failover");
}

#[test]
fn failures_that_are_far_apart_are_told_again_as_often_as_the_alarm_looks() {
    let (shelf, world) = (every("30s"), Fake::down(&[(0, 400_000)]));
    minutes(&shelf, &world, 2);
    let told = world.published.borrow();
    let silences = told.windows(2).map(|two| Span::between(two[0].0, two[1].0));
    assert!(silences.clone().all(|silence| silence <= Span::seconds(10)), "{told:?}");
}

#[test]
fn a_message_that_comes_twice_counts_once() {
    let (shelf, world) = (every("10s"), Fake::down(&[(0, 400_000)]));
    let event = json!({"watch": {"plan": "lab", "scheduledAt": at(0)}});
    world.clock.run(handle(&shelf, &world, event)).unwrap();
    while let Some((comes_at, message)) = world.message_of(at(0)) {
        world.clock.run(world.clock.sleep_until(comes_at));
        world.clock.run(handle(&shelf, &world, message.clone())).unwrap();
        if world.now() < at(30_000) {
            world.clock.run(handle(&shelf, &world, message)).unwrap();
        }
    }
    let streak = remembered(&shelf).failing.unwrap();
    let steps = (streak.until.as_millisecond() - streak.since.as_millisecond()) / 10_000;
    assert_eq!(i64::from(streak.failures), steps + 1);
}

#[test]
fn a_message_of_a_window_that_is_over_samples_nothing() {
    let (shelf, world) = (every("10s"), Fake::down(&[]));
    let event = json!({"watch": {"plan": "lab", "scheduledAt": at(0)}});
    world.clock.run(handle(&shelf, &world, event)).unwrap();
    let (_, message) = world.message_of(at(0)).unwrap();
    minutes(&shelf, &world, 4);
    let (looks, watch) = (world.looked_at.borrow().len(), remembered(&shelf));
    world.clock.run(handle(&shelf, &world, message)).unwrap();
    assert_eq!(world.looked_at.borrow().len(), looks);
    assert_eq!(remembered(&shelf), watch);
}

#[test]
fn a_window_that_nobody_would_wake_stays_awake() {
    let mut world = Fake::down(&[(0, 400_000)]);
    world.no_queue_until = Some(at(400_000));
    let shelf = every("10s");
    minutes(&shelf, &world, 2);
    let streak = remembered(&shelf).failing.unwrap();
    let steps = (streak.until.as_millisecond() - streak.since.as_millisecond()) / 10_000;
    assert!(streak.failures >= 12 && i64::from(streak.failures) == steps + 1, "{streak:?}");
}

#[test]
fn a_message_that_is_late_dates_no_sample_back() {
    let mut world = Fake::down(&[(0, 400_000)]);
    world.queue_is_late = Span::seconds(3);
    let shelf = every("10s");
    minutes(&shelf, &world, 2);
    let streak = remembered(&shelf).failing.unwrap();
    assert!(streak.since >= at(10_000), "{streak:?}");
    assert!(streak.failures >= 3, "and it is counted on: {streak:?}");
}

#[test]
fn a_window_whose_message_is_lost_is_told_as_a_gap_by_the_next_one() {
    let (shelf, world) = (every("10s"), Fake::down(&[]));
    world.clock.run(start(&shelf, &world, 0)).unwrap();
    let from = remembered(&shelf).told_until.unwrap();
    world.clock.run(world.clock.sleep_until(at(60_300)));
    let second = json!({"watch": {"plan": "lab", "scheduledAt": at(60_000)}});
    world.clock.run(handle(&shelf, &world, second)).unwrap();
    world.naps.borrow_mut().clear();
    let Answer::Watched(third) = world.clock.run(start(&shelf, &world, 2)).unwrap() else { panic!("not a window") };
    let gap = serde_json::to_value(third.did.unwrap()).unwrap()["gapSeconds"].as_f64().unwrap();
    let began = world.looked_at.borrow().len();
    assert!(began > 0 && gap >= 60.0, "{gap} s since {from}");
}
