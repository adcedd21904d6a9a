//! Judging a disaster by the clients' logs and by what can be read back. Pure.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{ClientView, Entry, Log, Loss, MOST_IDS, MOST_STRAYS, MOST_TRACED, Outage, Outcome, Rows, Stray, Trace};

/// What is known in addition to the logs.
#[derive(Debug, Clone, Copy)]
pub struct ReadBack<'a> {
    /// When the disaster happened.
    pub disaster_at: Timestamp,
    /// When the replica became the primary. `None`: it did not.
    pub promoted_at: Option<Timestamp>,
    /// The old primary's addresses: its own, and those of the links to it.
    pub old_primary: &'a [IpAddr],
    /// The ids that the primary has now.
    pub new: &'a [i64],
    /// The ids that the old primary has. `None` when it cannot be read.
    pub old: Option<&'a [i64]>,
    /// Until when each attempt is kept to be drawn, however short the outage was.
    pub traced_until: Timestamp,
}

/// From this long before the disaster to this long after the outage, each attempt is kept to be drawn.
const TRACED: SignedDuration = SignedDuration::from_secs(2);

/// What the clients saw: `client` for the outage, all of them for losses and split brain.
#[must_use]
pub fn measure(client: &Log, others: &[Log], after: &ReadBack) -> ClientView {
    let known = Known::from(after);
    let mine = attempts(client);
    let outage = outage(client, &mine, after.disaster_at);
    let everybodys: Vec<Vec<Attempt>> = std::iter::once(mine).chain(others.iter().map(attempts)).collect();
    let unknown = |kept: bool| {
        let of = |a: &&Attempt| matches!(a.outcome, Outcome::Unknown(_)) && known.new.contains(&a.id) == kept;
        count(everybodys.iter().flatten().filter(of))
    };
    ClientView {
        rows_acknowledged: count(everybodys[0].iter().filter(|attempt| attempt.acknowledged())),
        attempts_failed: failed(client),
        lost: Loss {
            rows: rows(everybodys.iter().flatten().filter(|attempt| known.is_lost(attempt))),
            milliseconds: everybodys.iter().map(|attempts| turned_back(attempts, &known)).max().unwrap_or_default(),
        },
        split_brain: rows(everybodys.iter().flatten().filter(|attempt| known.is_split_brain(attempt))),
        strays: strays(everybodys.iter().flatten().filter(|attempt| known.is_split_brain(attempt))),
        unknown_kept: unknown(true),
        unknown_gone: unknown(false),
        trace: trace(client, after, outage.as_ref()),
        outage,
    }
}

/// What could be read back, to be asked about single attempts.
struct Known<'a> {
    after: &'a ReadBack<'a>,
    new: HashSet<i64>,
    old: HashSet<i64>,
}

impl<'a> From<&'a ReadBack<'a>> for Known<'a> {
    fn from(after: &'a ReadBack<'a>) -> Self {
        let set = |ids: &[i64]| ids.iter().copied().collect();
        Self { after, new: set(after.new), old: set(after.old.unwrap_or_default()) }
    }
}

impl Known<'_> {
    /// Acknowledged and gone, and not because it was written on the old primary after the promotion.
    fn is_lost(&self, attempt: &Attempt) -> bool {
        attempt.acknowledged() && !self.new.contains(&attempt.id) && !self.is_split_brain(attempt)
    }

    /// Committed by the old primary after the promotion.
    fn is_split_brain(&self, attempt: &Attempt) -> bool {
        let Some(promoted_at) = self.after.promoted_at else { return false };
        let only_there = self.old.contains(&attempt.id) && !self.new.contains(&attempt.id);
        self.after.old_primary.contains(&attempt.address)
            && match attempt.outcome {
                Outcome::Acknowledged => attempt.ended_at > promoted_at,
                // It was not acknowledged, but committed there when another primary existed.
                Outcome::Unknown(_) => attempt.began_at > promoted_at && only_there,
                Outcome::Failed(_) => false,
            }
    }
}

/// An attempt that was sent, with its end by both clocks.
struct Attempt<'a> {
    id: i64,
    address: IpAddr,
    outcome: &'a Outcome,
    began_at: Timestamp,
    ended_at: Timestamp,
    ended: Duration,
}

impl Attempt<'_> {
    fn acknowledged(&self) -> bool {
        *self.outcome == Outcome::Acknowledged
    }
}

/// The attempts in the order in which they ended.
fn attempts(log: &Log) -> Vec<Attempt<'_>> {
    let mut attempts: Vec<_> = log
        .entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Attempt { at, elapsed_microseconds, took_microseconds, id, address, outcome } => {
                let took = Duration::from_micros(*took_microseconds);
                Some(Attempt {
                    id: *id,
                    address: *address,
                    outcome,
                    began_at: *at,
                    ended_at: later(*at, took),
                    ended: Duration::from_micros(*elapsed_microseconds) + took,
                })
            }
            Entry::Began { .. } | Entry::Connected { .. } | Entry::Unreachable { .. } | Entry::Stopped { .. } => None,
        })
        .collect();
    attempts.sort_by_key(|attempt| attempt.ended);
    attempts
}

/// The longest time without an acknowledgement, of those that ended after the disaster or never did.
fn outage(log: &Log, attempts: &[Attempt], disaster_at: Timestamp) -> Option<Outage> {
    let acknowledged: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.acknowledged()).collect();
    let between = acknowledged.windows(2).filter(|pair| pair[1].ended_at > disaster_at).map(|pair| Outage {
        last_before: pair[0].ended_at,
        first_after: Some(pair[1].ended_at),
        milliseconds: milliseconds(pair[1].ended.saturating_sub(pair[0].ended)),
    });
    let at_the_end = acknowledged.last().map(|last| Outage {
        last_before: last.ended_at,
        first_after: None,
        milliseconds: milliseconds(end(log).saturating_sub(last.ended)),
    });
    between
        .chain(at_the_end)
        .reduce(|longest, next| if next.milliseconds > longest.milliseconds { next } else { longest })
}

/// When the client was stopped or, where it does not say, when it last did anything.
fn end(log: &Log) -> Duration {
    let ended = log.entries.iter().map(|entry| match entry {
        Entry::Began { .. } => 0,
        Entry::Stopped { elapsed_microseconds, .. } => *elapsed_microseconds,
        Entry::Connected { elapsed_microseconds, took_microseconds, .. }
        | Entry::Unreachable { elapsed_microseconds, took_microseconds, .. }
        | Entry::Attempt { elapsed_microseconds, took_microseconds, .. } => {
            elapsed_microseconds.saturating_add(*took_microseconds)
        }
    });
    Duration::from_micros(ended.max().unwrap_or_default())
}

/// From the last acknowledgement before the first lost row to the last lost row's: how far the clock was turned back.
fn turned_back(attempts: &[Attempt], known: &Known) -> u64 {
    let acknowledged: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.acknowledged()).collect();
    let Some(first) = acknowledged.iter().position(|attempt| known.is_lost(attempt)) else { return 0 };
    let last = acknowledged.iter().rev().find(|attempt| known.is_lost(attempt)).map(|attempt| attempt.ended);
    let survived = first.checked_sub(1).map_or(acknowledged[first].ended, |before| acknowledged[before].ended);
    milliseconds(last.unwrap_or_default().saturating_sub(survived))
}

/// Attempts that certainly wrote nothing.
fn failed(log: &Log) -> u64 {
    count(log.entries.iter().filter(|entry| match entry {
        Entry::Unreachable { .. } => true,
        Entry::Attempt { outcome, .. } => matches!(outcome, Outcome::Failed(_)),
        Entry::Began { .. } | Entry::Connected { .. } | Entry::Stopped { .. } => false,
    }))
}

fn trace(log: &Log, after: &ReadBack, outage: Option<&Outage>) -> Trace {
    let disaster_at = after.disaster_at;
    let until =
        outage.and_then(|outage| outage.first_after).unwrap_or(Timestamp::MAX).max(disaster_at).max(after.traced_until);
    let until = until.checked_add(TRACED).unwrap_or(Timestamp::MAX);
    let mut trace = Trace::default();
    for entry in &log.entries {
        let (at, took, acknowledged) = match entry {
            Entry::Attempt { at, took_microseconds, outcome, .. } => {
                (at, took_microseconds, *outcome == Outcome::Acknowledged)
            }
            Entry::Unreachable { at, took_microseconds, .. } => (at, took_microseconds, false),
            Entry::Began { .. } | Entry::Connected { .. } | Entry::Stopped { .. } => continue,
        };
        let ended_at = later(*at, Duration::from_micros(*took));
        let offset = ended_at.duration_since(disaster_at);
        let kind = if acknowledged { &mut trace.acknowledged } else { &mut trace.failed };
        if offset >= -TRACED && ended_at <= until && kind.len() < MOST_TRACED {
            kind.push(i64::try_from(offset.as_millis()).unwrap_or(i64::MAX));
        }
    }
    trace
}

fn rows<'a>(attempts: impl Iterator<Item = &'a Attempt<'a>>) -> Rows {
    let mut ids: Vec<i64> = attempts.map(|attempt| attempt.id).collect();
    ids.sort_unstable();
    Rows { count: count(ids.iter()), ids: ids.into_iter().take(MOST_IDS).collect() }
}

fn strays<'a>(attempts: impl Iterator<Item = &'a Attempt<'a>>) -> Vec<Stray> {
    let mut strays: Vec<Stray> = attempts.map(|attempt| Stray { id: attempt.id, at: attempt.ended_at }).collect();
    strays.sort_unstable_by_key(|stray| stray.at);
    strays.truncate(MOST_STRAYS);
    strays
}

fn count(of: impl Iterator) -> u64 {
    u64::try_from(of.count()).unwrap_or(u64::MAX)
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
