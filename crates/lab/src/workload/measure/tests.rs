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
    ReadBack { disaster_at: at(50), promoted_at: Some(at(800)), old_primary: &[OLD], new, old, traced_until: at(50) }
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
    let view = measure(&slow_start, &[], &ReadBack { disaster_at: at(5_010), ..after(&[1, 2, 3], None) });
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
    let split = |new: &[i64], old: Option<&[i64]>| measure(&killed(), &[stale()], &after(new, old)).split_brain.count;
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
    let view = measure(&long, &[], &ReadBack { disaster_at: at(20_000), ..after(&[], None) });
    let (first, last) = (view.trace.acknowledged[0], *view.trace.acknowledged.last().unwrap());
    assert!((-2_000..-1_980).contains(&first) && last < 2_500, "{first} {last}");
}
