//! A part of the grid has one watcher, whatever becomes of an answer; and where it had none, that is told.

use super::*;

/// Writes the claim, and loses so many answers.
struct Losing {
    memory: Memory,
    answers: Cell<u32>,
}

impl edge::shelf::Shelf for Losing {
    async fn get(&self, key: &str) -> Result<Option<edge::shelf::Object>, Failure> {
        self.memory.get(key).await
    }

    async fn put(&self, key: &str, text: String, condition: edge::shelf::Condition) -> Result<(), Failure> {
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
        let (shelf, world) = (Losing { memory: lab(), answers: Cell::new(lost) }, Fake::down(&[]));
        let watched = minute(&shelf, &world, 0);
        assert_eq!(serde_json::to_value(watched).unwrap()["samples"], 143, "{lost} answers lost");
    }
}

#[test]
fn the_claim_of_another_delivery_is_not_taken_for_ours() {
    let (shelf, world) = (Losing { memory: lab(), answers: Cell::new(1) }, Fake::down(&[]));
    let both = [start(&shelf, &world, 0), start(&shelf, &world, 0)];
    let samples = world.clock.run(futures::future::join_all(both)).into_iter().map(|answer| {
        let Answer::Watched(step) = answer.unwrap() else { panic!("not a window") };
        step.did.map_or(0, |watched| watched.samples)
    });
    assert_eq!(samples.sum::<u32>(), 143);
}

/// A window that was claimed until 72 s, and the watch written down until then.
fn second_window(told_until: Option<i64>) -> serde_json::Value {
    let windows = json!({"claimedUntil": at(72_000)});
    let mut watch = json!({"instance": "orders-primary", "failing": null, "lastSeen": {"lsn": "0/10", "at": at(0)}});
    if let Some(until) = told_until {
        watch["toldUntil"] = json!(at(until));
    }
    let shelf = lab().with("probes/lab/windows.json", &windows.to_string());
    let shelf = shelf.with("probes/lab/watch.json", &watch.to_string());
    serde_json::to_value(minute(&shelf, &Fake::down(&[]), 1)).unwrap()["gapSeconds"].take()
}

#[test]
fn a_window_that_was_claimed_and_not_watched_is_told_as_a_gap() {
    assert_eq!(second_window(Some(72_000)), json!(0.0));
    assert_eq!(second_window(Some(62_000)), json!(0.0), "a heartbeat may be missing");
    assert_eq!(second_window(Some(61_500)), json!(10.5));
    assert_eq!(second_window(Some(12_000)), json!(60.0));
    assert_eq!(second_window(None), json!(null), "who knows");
}
