//! Checks: asked side by side, timed, and summed up to a step's answer.

use std::{future::Future, iter, time::Instant};

use domain::run::{
    step::Step,
    verification::{self, Checked, Finding, Verification},
};
use edge::clock;
use futures::future::join_all;

/// A step's answer by its checks.
pub(crate) fn answer<D>(checks: &[Checked], did: D) -> Step<D> {
    match verification::sum_up(checks) {
        Verification::Passed => Step::done(format!("all {} checks passed", checks.len()), checks, did),
        Verification::Unanswered(why) => Step::pending(why, checks),
        Verification::Failed(why) => Step::refused(why, checks),
    }
}

pub(crate) async fn timed(name: &str, check: impl Future<Output = Finding>) -> Checked {
    let (at, began) = (clock::now(), Instant::now());
    let finding = check.await;
    Checked {
        name: name.to_owned(),
        finding,
        took_milliseconds: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        at,
        resolver: None,
    }
}

/// Asks side by side: as many checks as a plan may name, each with the longest time that it may take, fit into one
/// invocation.
pub(crate) async fn together(
    first: impl Future<Output = Checked>,
    others: impl Iterator<Item = impl Future<Output = Checked>>,
) -> Vec<Checked> {
    let (first, others) = tokio::join!(first, join_all(others));
    iter::once(first).chain(others).collect()
}
