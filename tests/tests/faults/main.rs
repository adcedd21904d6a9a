//! Faults at every step: each call of AWS that a failover makes is spoiled once before it is carried out and once after,
//! each function is killed once, and what must always hold is looked at after each.
//!
//! `LIFEBOAT_FAULTS=dns-switch,close-run cargo test --test faults -- --nocapture` plays only the cases that say one of these.
//!
//! Which calls there are is learnt from a run without a fault, so that a call that is added later is spoiled too.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail as tests do")]

mod case;
mod invariants;

use std::time::Instant;

use case::Kind;
use domain::plan;
use invariants::World;
use lab::{drill::Stage, setup::Progress};

struct Shown;

impl Progress for Shown {
    fn step(&self, what: &str) {
        println!("{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_fails_no_invariant_is_broken_and_every_run_ends_with_its_record() {
    let plan = plan::read(include_str!("../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
    let stage = Stage::set(&plan, None, &Shown).await.unwrap();
    stage.system.start_by_hand_only(&stage.machine).await.unwrap();
    let world = World::new(&stage);
    let (outcome, kinds) = world.plain().await;
    assert_eq!(outcome, "done", "without a fault");
    println!("{} calls: {}", kinds.len(), kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(", "));
    let mut broken = Vec::new();
    let cases = case::all(&kinds, std::env::var("LIFEBOAT_FAULTS").ok().as_deref());
    let began = Instant::now();
    for (number, case) in cases.iter().enumerate() {
        let at = Instant::now();
        let found = world.play(case, i64::try_from(number).unwrap() + 1).await;
        println!(
            "{:>3}/{} {:>5.1} s  {case}: {}",
            number + 1,
            cases.len(),
            at.elapsed().as_secs_f64(),
            found.as_ref().map_or_else(|wrong| format!("BROKEN: {wrong}"), Clone::clone)
        );
        broken.extend(found.err().map(|wrong| format!("{case}: {wrong}")));
    }
    println!("{} cases in {:.0} s", cases.len(), began.elapsed().as_secs_f64());
    stage.strike().await;
    assert!(broken.is_empty(), "{} of {} cases:\n{}", broken.len(), cases.len(), broken.join("\n"));
}
