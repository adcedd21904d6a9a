//! Nobody stays unserved without a command that helps: in each state in which a run can be stopped, and at each end that
//! it can come to, the command that RUNBOOK names there is given, by the built `lifeboat`, and clients are served again.
//!
//! `LIFEBOAT_SUCCESSION=stopped,switchover cargo test --test on_labs succession -- --nocapture` plays only the cases that say one of
//! these.
//!
//! The cases share two labs, and each begins with a pair that is put back.

mod after;
mod approved;
mod command;
mod denied;
mod hanging;
mod later;
mod once;
mod roles;
mod stopped;
mod swapped;
mod switchover;
mod throttled;
mod undone;
mod world;

use std::{cell::Cell, panic::AssertUnwindSafe, time::Instant};

use futures::{FutureExt, future::LocalBoxFuture};
use lab::Lab;
use tests::{labs, listener::tell};
use world::World;

const LABS: u32 = 2;

/// What is given, and what must come of it.
pub(super) struct Case<'w> {
    claim: String,
    play: LocalBoxFuture<'w, ()>,
}

impl<'w> Case<'w> {
    pub(super) fn new(claim: impl Into<String>, play: impl Future<Output = ()> + 'w) -> Self {
        Self { claim: claim.into(), play: play.boxed_local() }
    }
}

/// Cases, in the order in which they are played.
type Cases = for<'w> fn(&'w World<'w>) -> Vec<Case<'w>>;

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_run_stops_the_command_that_runbook_names_serves_clients_again() {
    let (labs, _places) = labs::started_by_hand_only(LABS).await.unwrap();
    hold_on(labs, every, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_left_long_ago_is_finished_by_the_command_that_runbook_names() {
    let (lab, _place) = labs::waiting_by_hand_only().await.unwrap();
    hold_on(vec![lab], later::cases, false).await;
}

/// Plays the cases on the labs, and ends them. Those that wait for minutes take no turns.
async fn hold_on(labs: Vec<Lab>, cases: Cases, takes_turns: bool) {
    let (began, played) = (Instant::now(), Cell::new(0));
    let only = std::env::var("LIFEBOAT_SUCCESSION").ok();
    let playing = labs.iter().map(|lab| play_on(lab, cases, takes_turns, only.as_deref(), &played));
    let broken = futures::future::join_all(playing).await.concat();
    let all = played.get();
    tell(&format!("{all} cases in {:.0} s", began.elapsed().as_secs_f64()));
    labs::shut_down(labs).await;
    assert!(broken.is_empty(), "{} of {all} cases:\n{}", broken.len(), broken.join("\n"));
}

/// Plays those of the cases that no other lab has taken, until none is left; gives what did not hold. With `only`, those
/// that say one of its words.
async fn play_on(lab: &Lab, cases: Cases, takes_turns: bool, only: Option<&str>, taken: &Cell<usize>) -> Vec<String> {
    let world = World::new(lab);
    let wanted = |case: &Case<'_>| only.is_none_or(|only| only.split(',').any(|word| case.claim.contains(word)));
    let cases: Vec<Case<'_>> = cases(&world).into_iter().filter(wanted).collect();
    let (all, mut broken) = (cases.len(), Vec::new());
    for (index, Case { claim, play }) in cases.into_iter().enumerate() {
        if index < taken.get() {
            continue;
        }
        taken.set(index + 1);
        let _turn = if takes_turns { Some(labs::turn().await) } else { None };
        let began = Instant::now();
        let played = AssertUnwindSafe(async {
            world.begin().await;
            play.await;
        });
        let wrong = played.catch_unwind().await.err().map(|panic| said(panic.as_ref()));
        let (took, how) = (began.elapsed().as_secs_f64(), wrong.as_deref().unwrap_or("holds"));
        tell(&format!("{:>3}/{all} {took:>5.1} s  {claim}: {how}", index + 1));
        broken.extend(wrong.map(|wrong| format!("{claim}: {wrong}")));
    }
    broken
}

/// Every case that needs no time. The last one leaves a plan behind that the watch takes up late.
fn every<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    let rooms = [
        stopped::cases(world),
        switchover::cases(world),
        denied::cases(world),
        undone::cases(world),
        throttled::cases(world),
        roles::cases(world),
        approved::cases(world),
        hanging::cases(world),
        once::cases(world),
        swapped::cases(world),
    ];
    rooms.into_iter().flatten().collect()
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "a panic".to_owned())
}
