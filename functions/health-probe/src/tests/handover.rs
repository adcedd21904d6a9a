//! Where one window ends and the next begins: an outage is one outage all the same.

use super::*;

/// A store that takes its time.
pub(super) struct Slow<'a> {
    pub(super) memory: Memory,
    world: &'a Fake,
    pub(super) takes: Cell<TimeSpan>,
    /// Each watch that was written down.
    written: RefCell<Vec<Watch>>,
}

impl<'a> Slow<'a> {
    pub(super) fn with(world: &'a Fake, memory: Memory, takes_milliseconds: u64) -> Self {
        Self {
            memory,
            world,
            takes: Cell::new(TimeSpan::milliseconds(takes_milliseconds)),
            written: RefCell::default(),
        }
    }

    fn of(world: &'a Fake, interval: &str, takes_milliseconds: u64) -> Self {
        Self::with(world, at_pace(interval, "400ms"), takes_milliseconds)
    }
}

impl edge::object_store::ObjectStore for Slow<'_> {
    async fn get(&self, key: &str) -> Result<Option<edge::object_store::Object>, Failure> {
        self.world.clock.sleep(self.takes.get()).await;
        self.memory.get(key).await
    }

    async fn put(&self, key: &str, text: String, condition: edge::object_store::Condition) -> Result<(), Failure> {
        self.world.clock.sleep(self.takes.get()).await;
        self.memory.put(key, text.clone(), condition).await?;
        if key == "probes/lab/watch.json" {
            self.written.borrow_mut().push(serde_json::from_str(&text).unwrap());
        }
        Ok(())
    }
}

/// The lab's plan at another pace.
pub(super) fn at_pace(interval: &str, timeout: &str) -> Memory {
    let plan = include_str!("../../../../plans/lab.yaml");
    let paced = plan.replace("interval: 500ms", &format!("interval: {interval}"));
    let paced = paced.replace("timeout: 400ms", &format!("timeout: {timeout}"));
    let promises = paced.replace("rto: 30s", "rto: 10m").replace("rpo: 5s", "rpo: 1m");
    Memory::default().with("plans/lab.yaml", &promises)
}

/// Interval, in milliseconds and as it is written, and where the second window begins.
pub(super) const PACES: [(i64, &str, i64); 5] = [
    (500, "500ms", 73_000),
    (1_000, "1s", 73_000),
    (5_000, "5s", 75_000),
    (10_000, "10s", 80_000),
    (30_000, "30s", 90_000),
];

/// The first sample that is not before this instant.
pub(super) fn first_sample(interval: i64, milliseconds: i64) -> i64 {
    (milliseconds + interval - 1) / interval * interval
}

#[test]
fn the_first_sign_of_life_ever_is_written_down_at_once() {
    for (interval, written, _) in PACES {
        let world = Fake::down(&[]);
        let store = Slow::of(&world, written, 0);
        minute(&store, &world, 0);
        let seen = store.written.borrow().iter().find_map(|watch| watch.last_seen);
        assert_eq!(seen.map(|seen| seen.at), Some(at(first_sample(interval, 300))), "{written}");
    }
}

#[test]
fn an_outage_has_one_beginning_and_one_count_over_all_windows_that_it_lasts() {
    for (interval, written, handover) in PACES {
        // Just before, at and just after the handover; and the last sample before it.
        for dies in [handover - interval - 1, handover - interval, handover, handover + 1, 5_000] {
            for takes in [0, 350] {
                let silence = TimeSpan::milliseconds(380);
                let world = Fake { silence, ..Fake::down(&[(dies, i64::MAX / 2_000_000)]) };
                let store = Slow::of(&world, written, takes);
                minutes(&store, &world, 4);
                let since = first_sample(interval, dies);
                let place = format!("{written}, dies at {dies}, a store of {takes} ms");
                let streak = remembered(&store.memory).failing.expect("it fails");
                assert_eq!(streak.since, at(since), "{place}");
                assert!(streak.until >= at(240_000), "{place}: {streak:?}");
                for (sampled, failures) in world.published.borrow().iter() {
                    let place = format!("{place}: {failures} at {sampled}");
                    let steps = sampled.duration_since(at(since)).as_millis() / i128::from(interval);
                    let counted = if *sampled < at(since) { 0 } else { u32::try_from(steps + 1).unwrap() };
                    // What the window before has not written down yet is counted as soon as it has.
                    let begins = (sampled.as_millisecond() - at(handover).as_millisecond()).rem_euclid(60_000) < 2_000;
                    assert!(
                        *failures == counted || begins && takes > 30 && *failures < counted,
                        "{place}, not {counted}"
                    );
                }
                assert_eq!(blips(&store.memory), []);
            }
        }
    }
}

#[test]
fn a_hold_down_over_several_windows_is_reckoned_from_the_first_failure() {
    for (interval, written, handover) in PACES {
        let world = Fake::down(&[(handover - interval, 10_000_000)]);
        let store = Slow::of(&world, written, 20);
        minutes(&store, &world, 5);
        for watch in store.written.borrow().iter() {
            let began = watch.failing.as_ref().map(|streak| streak.since);
            assert!(began.is_none_or(|since| since == at(handover - interval)), "{written}: {watch:?}");
        }
        let streak = remembered(&store.memory).failing.unwrap();
        assert!(TimeSpan::between(streak.since, streak.until) > TimeSpan::seconds(180), "{written}: {streak:?}");
    }
}

#[test]
fn an_outage_across_a_handover_is_recorded_with_its_true_length() {
    for (interval, written, handover) in PACES {
        // It ends right at the handover, right after it, and in the midst of the next window; and a minute long.
        let minute = first_sample(interval, handover - 20_000);
        for (from, until) in [
            (minute, minute + 60_000),
            (handover - 2 * interval, handover),
            (handover - interval, handover),
            (handover - interval, handover + interval),
            (handover, handover + interval),
        ] {
            for takes in [0, 350] {
                let silence = TimeSpan::milliseconds(380);
                let world = Fake { silence, ..Fake::down(&[(from, until)]) };
                let store = Slow::of(&world, written, takes);
                minutes(&store, &world, 3);
                let place = format!("{written}, {from} to {until}, a store of {takes} ms");
                let blips = blips(&store.memory);
                let [blip] = &blips[..] else { panic!("{place}: {blips:?}") };
                let failures = u32::try_from((until - from) / interval).unwrap();
                assert_eq!((blip.streak.since, blip.streak.failures), (at(from), failures), "{place}");
                assert_eq!((blip.streak.until, blip.recovered_at), (at(until - interval), at(until)), "{place}");
                assert_eq!(blip.alarmed, failures >= 3, "{place}");
                assert_eq!(remembered(&store.memory).failing, None, "{place}");
            }
        }
    }
}

#[test]
fn a_failure_at_the_handover_knows_where_the_window_before_last_saw_the_primary() {
    let world = Fake::down(&[(73_000, 10_000_000)]);
    let store = Slow::of(&world, "500ms", 20);
    minutes(&store, &world, 2);
    let written = store.written.borrow();
    let first = written.iter().find(|watch| watch.failing.is_some()).unwrap();
    assert_eq!(first.failing.as_ref().map(|streak| streak.failures), Some(1));
    assert_eq!(first.last_seen.map(|seen| seen.at), Some(at(72_500)), "what the judge will reckon the loss from");
}

#[test]
fn what_a_window_wrote_down_is_not_taken_back_by_the_one_before() {
    for (_, written, handover) in PACES {
        let world = Fake::down(&[(handover - 1, handover + 40_000)]);
        let store = Slow::of(&world, written, 400);
        minutes(&store, &world, 3);
        let written = store.written.borrow();
        assert!(written.is_sorted_by_key(|watch| watch.told_until), "{written:?}");
    }
}

#[test]
fn a_window_that_died_without_its_last_word_is_waited_for_and_not_made_up() {
    // The window before has written nothing down since this one started.
    let before = json!({
        "instance": "orders-primary", "toldUntil": at(60_500), "lastSeen": null,
        "failing": {"since": at(50_000), "until": at(60_000), "failures": 21, "because": "refused"},
    });
    let windows = json!({"claimedUntil": at(73_000)});
    let world = Fake::down(&[(0, 10_000_000)]);
    let memory = lab().with("probes/lab/windows.json", &windows.to_string());
    let store = Slow::with(&world, memory.with("probes/lab/watch.json", &before.to_string()), 20);
    minute(&store, &world, 1);
    let streak = remembered(&store.memory).failing.unwrap();
    assert_eq!(streak.since, at(73_000), "nobody saw it fail between");
    let first = store.written.borrow()[0].clone();
    assert!(first.told_until < Some(at(78_500)), "it waits for a last word no longer than one may take: {first:?}");
}

#[test]
fn a_window_that_cannot_read_what_was_seen_before_it_does_not_have_it_forgotten() {
    /// From shortly before the handover until long after it, nobody reads the watch.
    struct Deaf<'a>(Memory, &'a Fake);
    impl edge::object_store::ObjectStore for Deaf<'_> {
        async fn get(&self, key: &str) -> Result<Option<edge::object_store::Object>, Failure> {
            if key == "probes/lab/watch.json" && (at(60_000)..at(90_000)).contains(&self.1.now()) {
                return std::future::pending().await;
            }
            self.0.get(key).await
        }

        async fn put(&self, key: &str, text: String, condition: edge::object_store::Condition) -> Result<(), Failure> {
            self.0.put(key, text, condition).await
        }
    }
    let world = Fake::down(&[(73_000, 10_000_000)]);
    let deaf = Deaf(lab(), &world);
    minutes(&deaf, &world, 2);
    let watch = remembered(&deaf.0);
    assert!(watch.failing.is_some(), "{watch:?}");
    assert!(watch.last_seen.is_some(), "what the judge will reckon the loss from: {watch:?}");
}

#[test]
fn a_store_that_answers_nothing_at_the_handover_changes_nothing() {
    /// Reads of the watch hang.
    struct Deaf(Memory);
    impl edge::object_store::ObjectStore for Deaf {
        async fn get(&self, key: &str) -> Result<Option<edge::object_store::Object>, Failure> {
            if key == "probes/lab/watch.json" { std::future::pending().await } else { self.0.get(key).await }
        }

        async fn put(&self, key: &str, text: String, condition: edge::object_store::Condition) -> Result<(), Failure> {
            self.0.put(key, text, condition).await
        }
    }
    let world = Fake::down(&[(10_000, 10_000_000)]);
    minutes(&Deaf(lab()), &world, 2);
    let published = world.published.borrow();
    let places: Vec<Timestamp> = published.iter().map(|(at, _)| *at).filter(|sampled| *sampled >= at(10_000)).collect();
    let every: Vec<Timestamp> = (20..266).map(|n| at(n * 500)).collect();
    assert_eq!(places, every, "every sample is taken and told of");
    assert_eq!(world.most_failures(), 126, "the first window's");
}
