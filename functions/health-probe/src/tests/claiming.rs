//! A part of the grid has one watcher, whatever becomes of an answer; and where it had none, that is told.

use std::collections::BTreeSet;

use super::{
    handover::{Slow, at_pace, first_sample},
    *,
};

/// Writes the claim, and loses so many answers.
struct Losing {
    memory: Memory,
    answers: Cell<u32>,
}

impl edge::object_store::ObjectStore for Losing {
    async fn get(&self, key: &str) -> Result<Option<edge::object_store::Object>, Failure> {
        self.memory.get(key).await
    }

    async fn put(&self, key: &str, text: String, condition: edge::object_store::Condition) -> Result<(), Failure> {
        self.memory.put(key, text, condition).await?;
        if key.ends_with("windows.json") && self.answers.get() > 0 {
            self.answers.set(self.answers.get() - 1);
            return Err(Failure::AwsTransient { what: "no answer".into(), source: None });
        }
        Ok(())
    }
}

#[test]
fn a_claim_whose_answer_was_lost_is_watched_all_the_same() {
    for lost in [1, 2, 3] {
        let (store, world) = (Losing { memory: lab(), answers: Cell::new(lost) }, Fake::down(&[]));
        let watched = minute(&store, &world, 0);
        assert_eq!(serde_json::to_value(watched).unwrap()["samples"], 145, "{lost} answers lost");
    }
}

#[test]
fn the_claim_of_another_delivery_is_not_taken_for_ours() {
    let (store, world) = (Losing { memory: lab(), answers: Cell::new(1) }, Fake::down(&[]));
    let both = [start(&store, &world, 0), start(&store, &world, 0)];
    let all = async { tokio::join!(futures::future::join_all(both), relieve(&store, &world, 0)).0 };
    let samples = world.clock.run(all).into_iter().map(|answer| {
        let Answer::Watched(step) = answer.unwrap() else { panic!("not a window") };
        step.did.map_or(0, |watched| watched.samples)
    });
    assert_eq!(samples.sum::<u32>(), 145);
}

/// A window that was claimed until 73 s, and the watch written down until then.
fn second_window(told_until: Option<i64>) -> serde_json::Value {
    let windows = json!({"claimedUntil": at(73_000)});
    let mut watch = json!({"instance": "orders-primary", "failing": null, "lastSeen": {"lsn": "0/10", "at": at(0)}});
    if let Some(until) = told_until {
        watch["toldUntil"] = json!(at(until));
    }
    let store = lab().with("probes/lab/windows.json", &windows.to_string());
    let store = store.with("probes/lab/watch.json", &watch.to_string());
    serde_json::to_value(minute(&store, &Fake::down(&[]), 1)).unwrap()["gapSeconds"].take()
}

#[test]
fn a_window_that_was_claimed_and_not_watched_is_told_as_a_gap() {
    assert_eq!(second_window(Some(73_000)), json!(0.0));
    assert_eq!(second_window(Some(43_500)), json!(0.0), "a healthy primary is written down each 30 s");
    assert_eq!(second_window(Some(43_000)), json!(30.0));
    assert_eq!(second_window(Some(42_500)), json!(30.5));
    assert_eq!(second_window(Some(13_000)), json!(60.0));
    assert_eq!(second_window(None), json!(null), "who knows");
}

/// A start so many milliseconds after its schedule.
async fn late(store: &impl edge::object_store::ObjectStore, world: &Fake, minute: i64, by: i64) -> Watched {
    let Answer::Watched(step) = start_at(store, world, minute, by).await.unwrap() else { panic!("not a window") };
    step.did.unwrap()
}

#[test]
fn a_start_anywhere_within_its_minute_leaves_nothing_unwatched() {
    for (interval, written) in [(500, "500ms"), (1_000, "1s"), (5_000, "5s"), (10_000, "10s")] {
        for by in [300, 11_000, 12_500, 27_000, 35_000, 59_900] {
            for takes in [0, 450] {
                let world = Fake { silence: TimeSpan::milliseconds(380), ..Fake::down(&[(0, 10_000_000)]) };
                let store = Slow::with(&world, at_pace(written, "400ms"), takes);
                let place = format!("{written}, {by} ms late, a store of {takes} ms");
                let all = async {
                    tokio::join!(late(&store, &world, 0, 300), late(&store, &world, 1, by), relieve(&store, &world, 1))
                };
                let (first, second, ()) = world.clock.run(all);
                let sampled: BTreeSet<Timestamp> = world
                    .published
                    .borrow()
                    .iter()
                    .map(|(sampled, _)| *sampled)
                    .filter(|sampled| sampled.as_millisecond() % interval == 0)
                    .collect();
                let (begins, last) = (*sampled.first().unwrap(), *sampled.last().unwrap());
                assert!(begins <= at(first_sample(interval, 3_000)), "{place}: the first one is {begins}");
                let step = TimeSpan::milliseconds(interval.unsigned_abs());
                let every: BTreeSet<Timestamp> =
                    (0..).map(|n| later(begins, step.times(n))).take_while(|place| *place <= last).collect();
                assert!(sampled == every, "{place}: {} of {}", sampled.len(), every.len());
                assert!(last >= at(120_000), "{place}: the last one is {last}");
                assert_eq!(serde_json::to_value(&second).unwrap()["gapSeconds"], json!(0.0), "{place}");
                assert_eq!(first.samples + second.samples, u32::try_from(every.len()).unwrap(), "{place}: each once");
            }
        }
    }
}

#[test]
fn a_window_that_nobody_relieves_ends_once_the_next_start_is_more_than_late() {
    for answers in [0, 1, 3] {
        let (store, world) = (Losing { memory: lab(), answers: Cell::new(0) }, Fake::down(&[]));
        let losing = async {
            world.clock.sleep_until(at(60_000)).await;
            store.answers.set(answers);
        };
        let (watched, ()) = world.clock.run(async { tokio::join!(late(&store, &world, 0, 300), losing) });
        assert_eq!(watched.samples, 249, "until 125 s; {answers} answers lost");
        assert!(world.now() < at(131_000), "{}", world.now());
    }
}

#[test]
fn what_a_window_claims_it_watches_however_long_the_claim_takes() {
    for takes in [900, 1_050, 1_900, 2_100, 3_000] {
        let world = Fake::down(&[(0, 10_000_000)]);
        let store = Slow::with(&world, lab(), 0);
        let slow = async {
            world.clock.sleep_until(at(60_000)).await;
            store.takes.set(TimeSpan::milliseconds(takes));
        };
        world.clock.run(async { tokio::join!(late(&store, &world, 0, 300), slow) });
        let windows: domain::watch::probe::Windows =
            serde_json::from_str(&store.memory.text("probes/lab/windows.json").unwrap()).unwrap();
        let last = world.published.borrow().iter().map(|(sampled, _)| *sampled).max().unwrap();
        assert!(later(last, TimeSpan::milliseconds(500)) >= windows.claimed_until, "{takes} ms: {last} of {windows:?}");
    }
}
