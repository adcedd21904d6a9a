//! Backups and their proofs.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Left, Span, line::Counted};
use crate::{
    backup::Manifest,
    plan::{Backup, Plan},
    restore::Purpose,
    run::outcome::UpkeepOutcome,
    words::time_span::TimeSpan,
};

/// A backup that began then may still be at work: a large one takes a day to be copied.
const AT_WORK: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// The most times of one schedule that are looked for: each five minutes of a year.
const MOST_TIMES: usize = 110_000;

/// The share of backups that are whole. One that was due and left no manifest is not known to be.
pub(super) fn backups(plan: &Plan, left: &Left, span: Span) -> Counted {
    let made: Vec<&Manifest> = made(plan, left, span).collect();
    let whole = made.iter().filter(|manifest| manifest.outcome == UpkeepOutcome::Complete).count();
    let silent = silent(plan, left, span);
    Counted::share(whole, silent, made.len() + silent)
}

fn made<'l>(plan: &Plan, left: &'l Left, span: Span) -> impl Iterator<Item = &'l Manifest> {
    let of = plan.plan.clone();
    left.backups.iter().filter(move |manifest| manifest.plan == of && span.contains(manifest.scheduled_at))
}

/// How many were due, and left nothing: since the schedule's first one in the span, for nobody knows when it was made.
fn silent(plan: &Plan, left: &Left, span: Span) -> usize {
    plan.scheduled().map(|backup| silent_of(backup, made(plan, left, span), span)).sum()
}

fn silent_of<'l>(backup: &Backup, made: impl Iterator<Item = &'l Manifest>, span: Span) -> usize {
    let times: BTreeSet<Timestamp> =
        made.filter(|manifest| manifest.schedule == backup.name).map(|manifest| manifest.scheduled_at).collect();
    let Some(first) = times.first() else { return 0 };
    let until = span.until.checked_sub(AT_WORK.duration()).unwrap_or(span.since);
    match backup.schedule.times(*first, until, MOST_TIMES) {
        Some(due) => due.iter().filter(|due| !times.contains(due)).count(),
        None => {
            let Some(every) = backup.schedule.longest_wait().filter(|every| every.as_seconds() > 0.0) else { return 0 };
            let due = (TimeSpan::between(*first, until).as_seconds() / every.as_seconds()) as usize;
            due.saturating_sub(times.range(..until).count())
        }
    }
}

/// The share of proofs by a restore that passed.
pub(super) fn restores(left: &Left, span: Span) -> Counted {
    let proofs = left
        .restores
        .iter()
        .filter(|record| span.contains(record.opened_at) && record.purpose == Purpose::Test && record.is_a_proof());
    let passed: Vec<bool> = proofs.map(|record| record.outcome == UpkeepOutcome::Complete).collect();
    Counted::share(passed.iter().filter(|passed| **passed).count(), 0, passed.len())
}

pub(super) fn remarks(plan: &Plan, left: &Left, span: Span) -> Vec<String> {
    let silent = silent(plan, left, span);
    let told = (silent > 0).then(|| {
        format!("{silent} backups were due by the plan's schedules and left no manifest: not made, or due only since")
    });
    told.into_iter().collect()
}
