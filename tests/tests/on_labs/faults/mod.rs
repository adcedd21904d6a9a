//! Faults at every step: each call of AWS that a failover makes is spoiled once before it is carried out and once after,
//! each function is killed once, and what must always hold is looked at after each.
//!
//! `LIFEBOAT_FAULTS=dns-switch,close-run cargo test --test on_labs faults -- --nocapture` plays only the cases that say one of these.
//! With `LIFEBOAT_FAULTS_SILENT=1` a call is not answered instead of being refused; that takes the functions' time-outs, and longer.
//!
//! Which calls there are is learnt from a run without a fault, so that a call that is added later is spoiled too.

mod case;
mod invariants;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use case::{Case, Kind};
use invariants::World;
use lab::Lab;
use tests::{labs, listener::tell};

const LABS: u32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_fails_no_invariant_is_broken_and_every_run_ends_with_its_record() {
    let (labs, _places) = labs::started_by_hand_only(LABS).await.unwrap();
    let began = Instant::now();
    let (outcome, kinds) = World::new(&labs[0]).plain().await;
    assert_eq!(outcome, "done", "without a fault");
    tell(&format!("{} calls: {}", kinds.len(), kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(", ")));
    let (only, silent) = (std::env::var("LIFEBOAT_FAULTS").ok(), std::env::var_os("LIFEBOAT_FAULTS_SILENT").is_some());
    let cases = Cases::of(case::all(&kinds, only.as_deref(), silent));
    let mut broken = Vec::new();
    for found in futures::future::join_all(labs.iter().map(|lab| cases.play_on(lab))).await {
        broken.extend(found);
    }
    tell(&format!("{} cases in {:.0} s", cases.all.len(), began.elapsed().as_secs_f64()));
    labs::shut_down(labs).await;
    assert!(broken.is_empty(), "{} of {} cases:\n{}", broken.len(), cases.all.len(), broken.join("\n"));
}

/// The cases, of which each lab takes the next one.
struct Cases {
    all: Vec<Case>,
    next: AtomicUsize,
}

impl Cases {
    fn of(all: Vec<Case>) -> Self {
        Self { all, next: AtomicUsize::new(0) }
    }

    /// Plays cases until none is left; gives what was broken.
    async fn play_on(&self, lab: &Lab) -> Vec<String> {
        let world = World::new(lab);
        let mut broken = Vec::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = self.all.get(index) else { return broken };
            let _turn = labs::turn().await;
            let (began, number) = (Instant::now(), index + 1);
            let found = world.play(case, i64::try_from(number).unwrap()).await;
            let ended = found.as_ref().map_or_else(|wrong| format!("BROKEN: {wrong}"), Clone::clone);
            let (all, took) = (self.all.len(), began.elapsed().as_secs_f64());
            tell(&format!("{number:>3}/{all} {took:>5.1} s  {case}: {ended}"));
            broken.extend(found.err().map(|wrong| format!("{case}: {wrong}")));
        }
    }
}
