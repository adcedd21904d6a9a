//! Telling takes its time: no sample waits for it, none is lost by it, and the window ends all the same.

use std::collections::{BTreeMap, BTreeSet};

use domain::watch::probe::believed_for;

use super::{
    handover::{Slow, at_pace, first_sample},
    *,
};

/// A primary that dies after 20 s, watched at this pace for three windows, with telling that takes this long: all in
/// milliseconds.
fn watched(interval: u64, timeout: u64, telling: u64) -> (Fake, Watch) {
    let world = Fake {
        publishing: TimeSpan::milliseconds(telling),
        silence: TimeSpan::milliseconds(timeout),
        ..Fake::down(&[(20_000, 10_000_000)])
    };
    let memory = at_pace(&format!("{interval}ms"), &format!("{timeout}ms"));
    // It is read, and then written.
    let store = Slow::with(&world, memory, telling / 2);
    minutes(&store, &world, 3);
    let watch = remembered(&store.memory);
    (world, watch)
}

const PACES: [(u64, u64, u64); 5] =
    [(250, 200, 400), (200, 150, 600), (160, 150, 1_900), (500, 400, 1_500), (1_000, 500, 1_900)];

#[test]
fn telling_that_takes_longer_than_an_interval_still_raises_the_alarm() {
    for (interval, timeout, telling) in PACES {
        let (world, _) = watched(interval, timeout, telling);
        let told = world.told.borrow();
        let (at_last, _) = told.iter().find(|(_, failures)| *failures >= 3).expect("the count is reached");
        // Three samples, the last one's time-out, the telling that was under way, and this one.
        let longest = 2 * interval + timeout + 2 * telling;
        let took = TimeSpan::between(at(20_000), *at_last).as_milliseconds();
        assert!(took <= longest, "{interval}/{timeout} ms, {telling} ms of telling: {took} ms");
    }
}

#[test]
fn every_sample_is_taken_and_told_however_long_telling_takes() {
    for (interval, timeout, telling) in PACES {
        let place = format!("{interval}/{timeout} ms, {telling} ms of telling");
        let (world, watch) = watched(interval, timeout, telling);
        let published = world.published.borrow();
        let step = i64::try_from(interval).unwrap();
        let is_sample = |sampled: &Timestamp| *sampled >= at(20_000) && sampled.as_millisecond() % step == 0;
        // The window before tells its last samples while the next one tells its first.
        let failed: BTreeSet<Timestamp> = published.iter().map(|(sampled, _)| *sampled).filter(is_sample).collect();
        let places = (0..).map(|n| at(20_000 + n * step)).take_while(|place| *place < at(193_000));
        assert!(failed.into_iter().eq(places), "{place}");
        assert_eq!(watch.failing.map(|streak| streak.since), Some(at(20_000)), "{place}");
        assert!(world.told.borrow().len() < published.len(), "{place}: several are told in one call");
    }
}

#[test]
fn a_window_ends_after_its_last_telling() {
    let world = Fake { publishing: TimeSpan::milliseconds(1_500), ..Fake::down(&[(0, 10_000_000)]) };
    minute(&Slow::with(&world, lab(), 900), &world, 0);
    assert_eq!(world.published.borrow().last().map(|(sampled, _)| *sampled), Some(at(72_500)));
    let end = world.now();
    assert!(at(73_000) <= end && end <= at(77_000), "ended at {end}");
}

#[test]
fn a_cloudwatch_that_does_not_answer_holds_up_no_window() {
    let world = Fake { publishing: TimeSpan::seconds(1_000), ..Fake::down(&[(0, 10_000_000)]) };
    let store = lab();
    minute(&store, &world, 0);
    assert_eq!(remembered(&store).failing.map(|streak| streak.failures), Some(145));
    assert!(world.now() <= at(77_000), "ended at {}", world.now());
}

#[test]
fn a_metric_that_could_not_be_told_is_told_later_with_its_own_time() {
    let world = Fake { refuses_until: Some(at(23_000)), ..Fake::down(&[(20_000, 10_000_000)]) };
    minute(&lab(), &world, 0);
    let published = world.published.borrow();
    let counts: Vec<_> = published.iter().filter(|(sampled, _)| *sampled >= at(20_000)).take(4).copied().collect();
    assert_eq!(counts, [(at(20_000), 1), (at(20_500), 2), (at(21_000), 3), (at(21_500), 4)]);
}

/// The highest count of each of the alarm's periods of ten seconds, from the first datum on.
fn periods(world: &Fake) -> BTreeMap<i64, u32> {
    let mut periods = BTreeMap::new();
    for (sampled, failures) in world.published.borrow().iter() {
        let highest = periods.entry(sampled.as_millisecond() / 10_000).or_insert(0);
        *highest = (*highest).max(*failures);
    }
    periods
}

#[test]
fn the_alarm_hears_of_failures_in_each_of_its_periods_and_of_a_healthy_primary_each_minute_at_every_pace() {
    for (interval, written, handover) in handover::PACES {
        let dies = handover + 60_000;
        let world = Fake::down(&[(dies, 10_000_000)]);
        let store = Slow::with(&world, at_pace(written, "400ms"), 30);
        minutes(&store, &world, 6);
        let periods = periods(&world);
        let (first, last) = (*periods.keys().next().unwrap(), *periods.keys().next_back().unwrap());
        for period in first..=last {
            let begins = period * 10_000 - at(0).as_millisecond();
            let fails = first_sample(interval, dies);
            let highest = periods.get(&period).copied();
            assert!(highest.is_some() || begins < fails, "{written}: nothing at {begins} ms");
            let is_raised = begins + 10_000 > fails + 2 * interval;
            assert_eq!(highest.unwrap_or(0) >= 3, is_raised, "{written}: {highest:?} at {begins} ms");
        }
        let told: Vec<Timestamp> = world.published.borrow().iter().map(|(sampled, _)| *sampled).collect();
        let longest = told.windows(2).map(|two| TimeSpan::between(two[0], two[1])).max().unwrap();
        // Of two minutes in a row none is without a word: then it would be taken for silent.
        assert!(
            longest <= TimeSpan::seconds(60) + TimeSpan::milliseconds(interval.unsigned_abs()),
            "{written}: {longest}"
        );
    }
}

#[test]
fn what_is_unknown_is_not_told_again_as_what_was_known() {
    let world = Fake { verdict: Verdict::Unknown, ..Fake::down(&[(60_000, 10_000_000)]) };
    minute(&at_pace("30s", "400ms"), &world, 0);
    let last = world.published.borrow().last().map(|(sampled, _)| *sampled).unwrap();
    assert!(last < at(60_000), "{last}");
}

#[test]
fn a_streak_that_is_gone_on_with_is_believed_at_every_instant_however_long_telling_takes() {
    for (interval, timeout, telling) in
        [(200, 150, 600), (500, 400, 1_900), (5_000, 4_000, 1_900), (30_000, 10_000, 1_900)]
    {
        let place = format!("{interval}/{timeout} ms, {telling} ms of telling");
        let silence = TimeSpan::milliseconds(timeout);
        let world = Fake { silence, ..Fake::down(&[(30_000, 10_000_000)]) };
        let memory = at_pace(&format!("{interval}ms"), &format!("{timeout}ms"));
        let (plan, _) = world.clock.run(edge::object_store::read_pair(&memory, &"lab".parse().unwrap())).unwrap();
        let store = Slow::with(&world, memory, telling / 2);
        let reader = async {
            world.clock.sleep_until(at(30_000 + 2 * 30_000)).await;
            while world.now() < at(240_000) {
                let believed = remembered(&store.memory).believed(world.now(), &plan.probe);
                assert!(believed.failing.is_some(), "{place}: {} at {}", believed_for(&plan.probe), world.now());
                world.clock.sleep(TimeSpan::milliseconds(100)).await;
            }
        };
        let starts = (0..4).map(|minute| start(&store, &world, minute));
        world.clock.run(async { tokio::join!(futures::future::join_all(starts), reader) });
    }
}

#[test]
fn the_functions_of_a_failover_are_woken_at_the_first_failed_sample_and_once() {
    let world = Fake::down(&[(20_000, 10_000_000)]);
    minutes(&lab(), &world, 3);
    assert_eq!(*world.woken.borrow(), [(at(20_001), ActiveSide::Primary)]);

    let flapping: Vec<(i64, i64)> = (10..30).map(|n| (n * 1_000, n * 1_000 + 400)).collect();
    let world = Fake::down(&flapping);
    minute(&lab(), &world, 0);
    assert_eq!(world.woken.borrow().len(), 1, "they stay awake");

    let world = Fake::down(&[]);
    minutes(&lab(), &world, 2);
    assert_eq!(*world.woken.borrow(), [], "a healthy primary wakes nobody");
}

#[test]
fn waking_holds_up_no_sample_and_no_window() {
    let world = Fake { waking: TimeSpan::seconds(1_000), ..Fake::down(&[(70_000, 10_000_000)]) };
    let store = lab();
    minute(&store, &world, 0);
    assert_eq!(remembered(&store).failing.map(|streak| streak.failures), Some(6));
    assert!(world.now() <= at(75_000), "ended at {}", world.now());
}

#[test]
fn what_came_back_is_told_of_until_the_alarm_has_come_to_rest_at_every_pace_and_across_windows() {
    for (interval, written, handover) in handover::PACES {
        for back in [handover - interval, handover, handover + 1, handover + interval, handover + 20_000] {
            let world = Fake::down(&[(handover - 4 * interval - 30_000, back)]);
            let store = Slow::with(&world, at_pace(written, "400ms"), 30);
            minutes(&store, &world, 4);
            let periods = periods(&world);
            let back = at(first_sample(interval, back)).as_millisecond() / 10_000;
            let rests = (back..).find(|period| periods.get(period) == Some(&0)).unwrap();
            let within = 2 + interval / 10_000;
            assert!(rests - back <= within, "{written}: back in period {back}, at rest in {rests}: {periods:?}");
        }
    }
}

#[test]
fn an_alarm_that_rose_for_one_side_comes_to_rest_by_the_other() {
    // The run has moved the primary just before the next window begins.
    for moved in [60_000, 71_000, 72_900, 73_100, 80_000] {
        let world = Fake::down(&[(30_000, moved)]);
        let store = lab();
        let moving = async {
            world.clock.sleep_until(at(moved - 1)).await;
            let lease = r#"{"plan":"lab","generation":1,"holder":null,"active":"replica","last":null}"#;
            drop(
                edge::object_store::ObjectStore::put(
                    &store,
                    "leases/lab.json",
                    lease.into(),
                    edge::object_store::Condition::Always,
                )
                .await,
            );
        };
        let starts = futures::future::join_all((0..3).map(|minute| start(&store, &world, minute)));
        world.clock.run(async { tokio::join!(starts, relieve(&store, &world, 2), moving) });
        let periods = periods(&world);
        let back = at(moved).as_millisecond() / 10_000;
        let rests = (back..).find(|period| periods.get(period) == Some(&0)).unwrap();
        assert!(rests - back <= 2, "{moved}: {periods:?}");
    }
}
