//! Judging a disaster by the clients' logs and by what can be read back. Pure.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{ClientView, Entry, Log, Loss, MOST_IDS, MOST_TRACED, Outage, Outcome, Rows, Trace};

/// What is known besides the logs.
#[derive(Debug, Clone, Copy)]
pub struct ReadBack<'a> {
    /// When the disaster struck.
    pub struck_at: Timestamp,
    /// When the replica became the primary. `None`: it did not.
    pub promoted_at: Option<Timestamp>,
    /// The old primary's address.
    pub old_primary: IpAddr,
    /// The ids that the primary has now.
    pub new: &'a [i64],
    /// The ids that the old primary has. `None` when it cannot be read.
    pub old: Option<&'a [i64]>,
}

/// From this long before the disaster to this long after the outage, each attempt is kept to be drawn.
const TRACED: SignedDuration = SignedDuration::from_secs(2);

/// What the clients saw: `client` for the outage, all of them for losses and split brain.
#[must_use]
pub fn measure(client: &Log, others: &[Log], after: &ReadBack) -> ClientView {
    let known = Known::from(after);
    let mine = attempts(client);
    let outage = outage(client, &mine, after.struck_at);
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
        unknown_kept: unknown(true),
        unknown_gone: unknown(false),
        trace: trace(client, after.struck_at, outage.as_ref()),
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
    /// Promised, gone, and not because it was written where nothing may be written any more.
    fn is_lost(&self, attempt: &Attempt) -> bool {
        attempt.acknowledged() && !self.new.contains(&attempt.id) && !self.is_split_brain(attempt)
    }

    /// Committed by the old primary after the promotion.
    fn is_split_brain(&self, attempt: &Attempt) -> bool {
        let Some(promoted_at) = self.after.promoted_at else { return false };
        let only_there = self.old.contains(&attempt.id) && !self.new.contains(&attempt.id);
        attempt.address == self.after.old_primary
            && match attempt.outcome {
                Outcome::Acknowledged => attempt.ended_at > promoted_at,
                // Nobody was told, and still it was committed there when another primary existed.
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
fn outage(log: &Log, attempts: &[Attempt], struck_at: Timestamp) -> Option<Outage> {
    let acknowledged: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.acknowledged()).collect();
    let between = acknowledged.windows(2).filter(|pair| pair[1].ended_at > struck_at).map(|pair| Outage {
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

/// Attempts that surely wrote nothing.
fn failed(log: &Log) -> u64 {
    count(log.entries.iter().filter(|entry| match entry {
        Entry::Unreachable { .. } => true,
        Entry::Attempt { outcome, .. } => matches!(outcome, Outcome::Failed(_)),
        Entry::Began { .. } | Entry::Connected { .. } | Entry::Stopped { .. } => false,
    }))
}

fn trace(log: &Log, struck_at: Timestamp, outage: Option<&Outage>) -> Trace {
    let until = outage.and_then(|outage| outage.first_after).unwrap_or(Timestamp::MAX).max(struck_at);
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
        let offset = ended_at.duration_since(struck_at);
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
mod tests {
    use super::*;

    const OLD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 77, 1, 100));
    const NEW: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 77, 1, 101));

    fn at(ms: u64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, Duration::from_millis(ms))
    }

    /// An attempt that was sent at `ms` and took 2 ms.
    fn tried(ms: u64, id: i64, address: IpAddr, outcome: Outcome) -> Entry {
        Entry::Attempt { at: at(ms), elapsed_microseconds: ms * 1_000, took_microseconds: 2_000, id, address, outcome }
    }

    fn ack(ms: u64, id: i64, address: IpAddr) -> Entry {
        tried(ms, id, address, Outcome::Acknowledged)
    }

    fn unreachable(ms: u64) -> Entry {
        Entry::Unreachable {
            at: at(ms),
            elapsed_microseconds: ms * 1_000,
            took_microseconds: 1_000,
            answers: Vec::new(),
            address: Some(OLD),
            because: "refused".to_owned(),
        }
    }

    fn log(mut entries: Vec<Entry>, stopped: u64) -> Log {
        entries.insert(0, Entry::Began { at: at(0) });
        entries.push(Entry::Stopped { at: at(stopped), elapsed_microseconds: stopped * 1_000 });
        Log { entries }
    }

    fn unknown() -> Outcome {
        Outcome::Unknown("connection closed".to_owned())
    }

    /// Commits 1 to 3 on the old primary, killed at 50, promoted at 800, commits 5 and 6 on the new one.
    fn killed() -> Log {
        log(
            vec![
                ack(0, 1, OLD),
                ack(20, 2, OLD),
                ack(40, 3, OLD),
                tried(49, 4, OLD, unknown()),
                unreachable(100),
                unreachable(500),
                ack(1_000, 5, NEW),
                ack(1_020, 6, NEW),
            ],
            1_040,
        )
    }

    fn after<'a>(new: &'a [i64], old: Option<&'a [i64]>) -> ReadBack<'a> {
        ReadBack { struck_at: at(50), promoted_at: Some(at(800)), old_primary: OLD, new, old }
    }

    #[test]
    fn an_outage_is_from_the_last_acknowledgement_before_to_the_first_after() {
        let view = measure(&killed(), &[], &after(&[1, 2, 3, 5, 6], None));
        let outage = view.outage.unwrap();
        assert_eq!((outage.last_before, outage.first_after, outage.milliseconds), (at(42), Some(at(1_002)), 960));
        assert_eq!((view.rows_acknowledged, view.attempts_failed), (5, 2));
    }

    #[test]
    fn a_longer_pause_before_the_disaster_is_not_the_outage() {
        let slow_start = log(vec![ack(0, 1, OLD), ack(5_000, 2, OLD), ack(5_900, 3, NEW)], 5_920);
        let view = measure(&slow_start, &[], &ReadBack { struck_at: at(5_010), ..after(&[1, 2, 3], None) });
        assert_eq!(view.outage.unwrap().milliseconds, 900);
    }

    #[test]
    fn an_outage_that_did_not_end_says_so() {
        let view = measure(&log(vec![ack(0, 1, OLD), unreachable(100)], 9_000), &[], &after(&[1], None));
        assert_eq!(view.outage.unwrap(), Outage { last_before: at(2), first_after: None, milliseconds: 8_998 });
    }

    #[test]
    fn a_client_that_was_never_served_has_no_known_outage() {
        assert_eq!(measure(&log(vec![unreachable(0)], 100), &[], &after(&[], None)).outage, None);
    }

    #[test]
    fn a_stall_without_an_error_is_an_outage_too() {
        let stalled = log(vec![ack(0, 1, OLD), ack(48, 2, OLD), ack(700, 3, OLD)], 710);
        let view = measure(&stalled, &[], &ReadBack { promoted_at: None, ..after(&[1, 2, 3], None) });
        assert_eq!((view.outage.unwrap().milliseconds, view.attempts_failed), (652, 0));
    }

    #[test]
    fn what_was_acknowledged_and_cannot_be_read_back_is_lost() {
        for (new, lost, milliseconds) in [
            (&[1, 2, 3, 5, 6][..], &[][..], 0),
            (&[1, 2, 5, 6], &[3], 20),
            (&[1, 5, 6], &[2, 3], 40),
            (&[5, 6], &[1, 2, 3], 40),
            (&[1, 3, 5, 6], &[2], 20),
        ] {
            let view = measure(&killed(), &[], &after(new, None));
            assert_eq!(view.lost.rows.ids, lost, "{new:?}");
            assert_eq!(view.lost.milliseconds, milliseconds, "{new:?}");
            assert_eq!(view.lost.rows.count, lost.len() as u64);
        }
    }

    #[test]
    fn an_unknown_outcome_is_settled_by_reading_back_and_is_never_a_loss() {
        for (new, kept, gone) in [(&[1, 2, 3, 4, 5, 6][..], 1, 0), (&[1, 2, 3, 5, 6], 0, 1)] {
            let view = measure(&killed(), &[], &after(new, None));
            assert_eq!((view.unknown_kept, view.unknown_gone, view.lost.rows.count), (kept, gone, 0), "{new:?}");
        }
    }

    #[test]
    fn a_commit_on_the_old_primary_is_split_brain_from_the_promotion_on() {
        for (ms, split, lost) in [(700, 0, 1), (798, 0, 1), (799, 1, 0), (900, 1, 0)] {
            let stale = log(vec![ack(ms, 1_000, OLD)], 1_100);
            let view = measure(&killed(), &[stale], &after(&[1, 2, 3, 5, 6], None));
            assert_eq!(view.split_brain.count, split, "acknowledged at {}", ms + 2);
            assert_eq!(view.lost.rows.count, lost, "one or the other, never both");
        }
    }

    #[test]
    fn a_commit_nobody_was_told_of_is_split_brain_when_only_the_old_primary_has_it() {
        let stale = || log(vec![tried(900, 1_000, OLD, unknown())], 1_100);
        let split =
            |new: &[i64], old: Option<&[i64]>| measure(&killed(), &[stale()], &after(new, old)).split_brain.count;
        assert_eq!(split(&[1, 2, 3, 5, 6], Some(&[1, 2, 3, 1_000])), 1);
        assert_eq!(split(&[1, 2, 3, 5, 6], Some(&[1, 2, 3])), 0);
        assert_eq!(split(&[1, 2, 3, 5, 6, 1_000], Some(&[1_000])), 0);
        assert_eq!(split(&[1, 2, 3, 5, 6], None), 0);
    }

    #[test]
    fn without_a_promotion_there_is_one_primary() {
        let view = measure(&killed(), &[], &ReadBack { promoted_at: None, ..after(&[1, 2, 3, 5, 6], None) });
        assert_eq!(view.split_brain.count, 0);
    }

    #[test]
    fn a_result_names_only_the_first_of_many_lost_rows() {
        let many = log((0..500).map(|n| ack(n, n as i64, OLD)).collect(), 600);
        let lost = measure(&many, &[], &after(&[], None)).lost.rows;
        assert_eq!((lost.count, lost.ids.len(), lost.ids[0]), (500, MOST_IDS, 0));
    }

    #[test]
    fn only_what_is_near_the_disaster_is_drawn() {
        let long = log((0..2_000).map(|n| ack(n * 20, n as i64, OLD)).collect(), 40_000);
        let view = measure(&long, &[], &ReadBack { struck_at: at(20_000), ..after(&[], None) });
        let (first, last) = (view.trace.acknowledged[0], *view.trace.acknowledged.last().unwrap());
        assert!((-2_000..-1_980).contains(&first) && last < 2_500, "{first} {last}");
    }
}
