//! How far the replica is behind: asked each minute, beside the sampling, where the plan has an alarm of it.

use super::{handover::at_pace, *};

/// The lab's plan at this pace, with an alarm of the lag.
fn watching(interval: &str, timeout: &str) -> Memory {
    let plan = at_pace(interval, timeout).text("plans/lab.yaml").unwrap();
    let alarm = "alarms:\n  - {name: lag, watch: replication-lag-bytes, above: 1000}\n";
    Memory::default().with("plans/lab.yaml", &format!("{plan}\n{alarm}"))
}

#[test]
fn it_is_asked_each_minute_and_only_where_an_alarm_watches_it() {
    for (interval, timeout) in [("500ms", "400ms"), ("10s", "2s")] {
        for (store, asked) in [(watching(interval, timeout), 2..=4), (at_pace(interval, timeout), 0..=0)] {
            let world = Fake::down(&[]);
            minutes(&store, &world, 2);
            let lags = world.lags.borrow().clone();
            assert!(asked.contains(&lags.len()), "{interval}: {lags:?}");
            assert!(lags.iter().all(|side| *side == ActiveSide::Primary), "{lags:?}");
        }
    }
}

#[test]
fn of_a_primary_that_does_not_answer_nothing_is_measured() {
    let world = Fake::down(&[(0, 10_000_000)]);
    minutes(&watching("500ms", "400ms"), &world, 1);
    assert!(world.lags.borrow().is_empty());
}

#[test]
fn a_replica_that_is_silent_holds_no_sample_up() {
    let samples = |replica| {
        let world = Fake { replica: TimeSpan::seconds(replica), ..Fake::down(&[]) };
        minutes(&watching("500ms", "400ms"), &world, 2);
        let when = world.looked_when.borrow().clone();
        (when, world.lags.borrow().len())
    };
    let ((with, told), (without, untold)) = (samples(0), samples(600));
    assert_eq!(with, without, "every sample at its time");
    assert!(told > 0 && untold == 0, "{told} and {untold}");
}
