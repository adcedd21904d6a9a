//! Random small series and policies, of which both must keep the same: what a long series has only once is in thousands
//! of these. What the two are known to differ in stays out of them, and is tried by itself.

use domain::retention::{Each, Retention};
use jiff::Timestamp;

use crate::{
    chance::Chance,
    series::{at, every},
    tool::{NO_RULE, Tool, days},
};

const TRIALS: u64 = 20_000;
const MOST_BACKUPS: u64 = 80;

const MINUTE_MS: u64 = 60 * 1_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// From the newest backup of a series within one year back to the first of February.
const REACH_DAYS: u64 = 300;

/// Tries each.
pub fn run() -> Result<String, String> {
    for seed in 0..TRIALS {
        let mut chance = Chance::seeded(seed);
        let (times, policy) = if chance.below(2) == 0 { within_a_year(&mut chance) } else { over_years(&mut chance) };
        let now = at("2026-12-01T00:00:00Z");
        let mut ours = Tool::Lifeboat.judge(times.clone(), &policy, now)?.kept;
        let mut theirs = Tool::Rustic.judge(times.clone(), &policy, now)?.kept;
        // A known difference: see `differences`. It is the last that either decides of, so that no other depends on it.
        if let Some(oldest) = times.iter().min() {
            ours.remove(oldest);
            theirs.remove(oldest);
        }
        if ours != theirs {
            let (more, fewer) = (ours.difference(&theirs), theirs.difference(&ours));
            return Err(format!(
                "trial {seed}: of {times:?}\nby {policy:?}\nonly Lifeboat keeps {:?}\nonly rustic keeps {:?}",
                more.collect::<Vec<_>>(),
                fewer.collect::<Vec<_>>()
            ));
        }
    }
    Ok(format!(
        "Both keep the same of {TRIALS} random series of up to {MOST_BACKUPS} backups by random policies, but for what follows.\n"
    ))
}

/// No week of a new year: every rule.
fn within_a_year(chance: &mut Chance) -> (Vec<Timestamp>, Retention) {
    let backups = 1 + chance.below(MOST_BACKUPS);
    let most_apart_ms = REACH_DAYS * DAY_MS / backups;
    let times = series(MINUTE_MS, most_apart_ms, backups, chance);
    let policy = Retention { weekly: each(chance), ..without_weeks(chance) };
    (times, policy)
}

/// Over up to 80 years: every rule but the weekly one.
fn over_years(chance: &mut Chance) -> (Vec<Timestamp>, Retention) {
    let backups = 1 + chance.below(MOST_BACKUPS);
    (series(DAY_MS, 366 * DAY_MS, backups, chance), without_weeks(chance))
}

fn series(least_apart_ms: u64, most_apart_ms: u64, backups: u64, chance: &mut Chance) -> Vec<Timestamp> {
    // Short distances as often as long ones.
    let times = most_apart_ms / least_apart_ms;
    let apart_ms = least_apart_ms * (times >> chance.below(u64::from(times.ilog2()) + 1));
    every(at("2026-11-28T22:13:00Z"), apart_ms, backups as usize, chance)
}

fn without_weeks(chance: &mut Chance) -> Retention {
    Retention {
        // At least the newest: neither plans with a policy that keeps nothing.
        last: 1 + chance.below(4) as u32,
        within: (chance.below(3) == 0).then(|| days(1 + chance.below(60))),
        hourly: each(chance),
        daily: each(chance),
        monthly: each(chance),
        yearly: each(chance),
        ..NO_RULE
    }
}

fn each(chance: &mut Chance) -> Option<Each> {
    match chance.below(3) {
        0 => None,
        1 => Some(Each::Newest(1 + chance.below(12) as u32)),
        _ => Some(Each::Within(days(1 + chance.below(800)))),
    }
}
