//! The backups that both are given, each known by its time: no two have the same.

use jiff::{Timestamp, ToSpan};

use crate::chance::Chance;

/// When the long series is judged: a Saturday, with no new year within its weekly rule.
pub const NOW: &str = "2026-11-21T03:00:00Z";

const APART_MS: u64 = 5 * 60 * 1_000;

/// An instant that is written in this program.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// One about each five minutes, newest at [`NOW`], in no order. By no whole number of seconds, so that none lies on a
/// limit, where the two differ.
pub fn long(backups: usize) -> Vec<Timestamp> {
    let mut chance = Chance::seeded(0);
    every(at(NOW), APART_MS, backups, &mut chance)
}

/// So many backups up to `newest`, each so far from the next, give or take; in no order.
pub fn every(newest: Timestamp, apart_ms: u64, backups: usize, chance: &mut Chance) -> Vec<Timestamp> {
    let older = |nth: usize, chance: &mut Chance| nth as u64 * apart_ms + chance.below(apart_ms);
    let mut times: Vec<Timestamp> =
        (0..backups).map(|nth| newest - (older(nth, chance) as i64).milliseconds()).collect();
    chance.shuffle(&mut times);
    times
}
