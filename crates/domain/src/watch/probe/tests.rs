use proptest::prelude::*;

use super::*;
use crate::{
    component::ActiveSide,
    words::{
        id::InstanceId,
        wal::{LastSeen, Lsn},
    },
};

fn probe() -> Probe {
    Probe {
        interval: TimeSpan::milliseconds(500),
        timeout: TimeSpan::milliseconds(400),
        failures_in_a_row: 3,
        hold_down: TimeSpan::seconds(1),
    }
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

fn windows(claimed_until: i64) -> Windows {
    Windows { claimed_until: at(claimed_until), claimant: None }
}

fn down(watch: &mut Watch, milliseconds: i64) -> Change {
    watch.take(at(milliseconds), Sample::Down("refused".into()), probe().interval)
}

fn up(watch: &mut Watch, milliseconds: i64) -> Change {
    watch.take(at(milliseconds), seen(milliseconds), probe().interval)
}

fn seen(milliseconds: i64) -> Sample {
    Sample::Up(Some(LastSeen::new(Lsn(1), at(milliseconds))))
}

#[test]
fn the_first_window_begins_now_and_reaches_past_its_minute() {
    let claim = claim(None, &probe(), at(0), at(130));
    assert_eq!(claim, Claim::Take { from: at(500), until: at(73_000), after: None, gap: TimeSpan::seconds(0) });
}

#[test]
fn a_window_begins_where_the_last_one_ends() {
    let windows = windows(73_000);
    let claim = claim(Some(&windows), &probe(), at(60_000), at(60_400));
    assert_eq!(
        claim,
        Claim::Take { from: at(73_000), until: at(133_000), after: Some(at(73_000)), gap: TimeSpan::seconds(0) }
    );
}

#[test]
fn a_second_delivery_finds_nothing_to_do() {
    let windows = windows(133_000);
    assert_eq!(claim(Some(&windows), &probe(), at(60_000), at(61_000)), Claim::Covered);
}

#[test]
fn a_window_that_starts_too_late_says_how_long_nobody_watched() {
    let windows = windows(73_000);
    let claim = claim(Some(&windows), &probe(), at(60_000), at(80_000));
    assert_eq!(
        claim,
        Claim::Take { from: at(80_000), until: at(133_000), after: Some(at(73_000)), gap: TimeSpan::seconds(7) }
    );
}

#[test]
fn a_window_that_nobody_relieves_goes_on_until_the_next_start_is_more_than_late() {
    let ours = |until| Windows { claimed_until: at(until), claimant: Some("ours".into()) };
    for (interval, ends) in [(500, &[83_000, 93_000, 103_000, 113_000, 123_000, 125_000][..]), (30_000, &[120_000])] {
        let probe = Probe { interval: TimeSpan::milliseconds(interval), ..probe() };
        let mut until = if interval == 500 { 73_000 } else { 90_000 };
        for end in ends {
            assert_eq!(prolong(&ours(until), &ours(until), &probe, at(0)), Some(at(*end)));
            until = *end;
        }
        assert_eq!(prolong(&ours(until), &ours(until), &probe, at(0)), None, "nobody is coming");
    }
    let relieved = Windows { claimed_until: at(133_000), claimant: Some("theirs".into()) };
    assert_eq!(prolong(&relieved, &ours(73_000), &probe(), at(0)), None);
    assert_eq!(prolong(&windows(73_000), &ours(73_000), &probe(), at(0)), None, "another's claim");
}

#[test]
fn failures_are_counted_across_windows_by_their_place_on_the_grid() {
    let mut first = Watch::default();
    assert_eq!(down(&mut first, 0), Change::Failing(1));
    assert_eq!(down(&mut first, 500), Change::Failing(2));
    let mut second: Watch = serde_json::from_value(serde_json::to_value(&first).unwrap()).unwrap();
    assert_eq!(
        down(&mut second, 1_500),
        Change::Failing(4),
        "the sample at 1,000 was under way when the state was read"
    );
}

#[test]
fn what_nobody_watched_is_not_counted_as_failed() {
    let mut watch = Watch::default();
    down(&mut watch, 0);
    assert_eq!(down(&mut watch, 1_500), Change::Failing(1));
}

#[test]
fn one_success_ends_the_streak_and_hands_it_to_the_record() {
    let mut watch = Watch::default();
    down(&mut watch, 0);
    down(&mut watch, 500);
    let Change::Recovered(streak) = up(&mut watch, 1_000) else { panic!("not recovered") };
    assert_eq!(streak.failures, 2);
    assert_eq!(down(&mut watch, 1_500), Change::Failing(1));
    let blip = Blip::new("lab".parse().unwrap(), &probe(), streak, at(1_000));
    assert!(!blip.alarmed);
    assert_eq!(
        blip.because,
        "2 samples failed in a row within 1s; 3 in a row raise the alarm and the hold-down is 1s: not failed over"
    );
}

#[test]
fn what_was_seen_of_one_instance_says_nothing_of_another() {
    let [first, second]: [InstanceId; 2] = ["orders-1", "orders-2"].map(|name| name.parse().unwrap());
    let mut watch = Watch::default().of(ActiveSide::Primary, &first);
    up(&mut watch, 0);
    down(&mut watch, 500);
    assert_eq!(watch.clone().of(ActiveSide::Primary, &first), watch);
    for side in [ActiveSide::Primary, ActiveSide::Replica] {
        let other = watch.clone().of(side, &second);
        assert_eq!((other.side, other.failing, other.last_seen), (side, None, None));
    }
}

/// Far apart, the window before has long written down what there was; close together, it may still do so.
#[test]
fn the_last_word_of_a_window_is_awaited_no_longer_than_it_may_take() {
    let with = |interval: u64, timeout: u64| {
        let probe =
            Probe { interval: TimeSpan::milliseconds(interval), timeout: TimeSpan::milliseconds(timeout), ..probe() };
        last_word_by(at(72_000), &probe)
    };
    assert_eq!(with(500, 400), at(72_000 - 500 + 900 + 4_000));
    assert_eq!(with(30_000, 10_000), at(72_000 - 30_000 + 22_000 + 4_000));
}

#[test]
fn what_refuses_us_lives_but_was_not_seen() {
    let mut watch = Watch::default();
    assert_eq!(watch.take(at(0), Sample::Up(None), probe().interval), Change::Untold);
    up(&mut watch, 500);
    down(&mut watch, 1_000);
    let Change::Recovered(streak) = watch.take(at(1_500), Sample::Up(None), probe().interval) else {
        panic!("not recovered")
    };
    assert_eq!((streak.since, watch.last_seen.map(|seen| seen.at)), (at(1_000), Some(at(500))));
}

#[test]
fn a_streak_that_nobody_has_gone_on_with_is_not_believed() {
    let mut watch = Watch::default();
    up(&mut watch, 0);
    down(&mut watch, 500);
    down(&mut watch, 1_000);
    // Two intervals, a sample that takes its time, the handover and the telling.
    let longest = 1_000 + 2 * 500 + 900 + 4_000 + 2_000;
    assert_eq!(watch.clone().believed(at(longest), &probe()), watch);
    let old = watch.clone().believed(at(longest + 1), &probe());
    assert_eq!((old.failing, old.last_seen), (None, watch.last_seen), "where its log stood stays true");
    assert_eq!(watch.clone().believed(at(0), &probe()), watch, "a reader whose clock is behind");
}

#[test]
fn the_watch_knows_since_when_the_primary_is_back() {
    let mut watch = Watch::default();
    up(&mut watch, 0);
    assert_eq!(watch.recovered_at, None, "it never failed");
    down(&mut watch, 500);
    up(&mut watch, 1_000);
    up(&mut watch, 1_500);
    assert_eq!(watch.recovered_at, Some(at(1_000)));
    down(&mut watch, 2_000);
    up(&mut watch, 2_500);
    assert_eq!(watch.recovered_at, Some(at(2_500)));
    let other: InstanceId = "orders-2".parse().unwrap();
    assert_eq!(watch.of(ActiveSide::Replica, &other).recovered_at, None, "another instance never failed");
}

#[test]
fn what_an_earlier_version_wrote_down_is_read() {
    let text = r#"{"side":"primary","instance":"orders-1","failing":null,"lastSeen":null}"#;
    let watch: Watch = serde_json::from_str(text).unwrap();
    assert_eq!((watch.recovered_at, watch.told_until), (None, None));
}

/// Whether a sample was up, down or could not be told.
fn samples() -> impl Strategy<Value = Vec<Option<bool>>> {
    // Long streaks of either: most samples are as the one before.
    proptest::collection::vec(
        (prop_oneof![6 => Just(Some(true)), 6 => Just(Some(false)), 1 => Just(None)], 1usize..8),
        1..30,
    )
    .prop_map(|runs| runs.into_iter().flat_map(|(sample, count)| vec![sample; count]).collect())
}

fn sample(up: Option<bool>, milliseconds: i64) -> Sample {
    match up {
        Some(true) => seen(milliseconds),
        Some(false) => Sample::Down("refused".into()),
        None => Sample::Unknown,
    }
}

proptest! {
    /// Each window begins with what was written down when it started, and at each of its first samples reads as much of
    /// the window before as that one has written down by then: late, but in time before its own end.
    #[test]
    fn an_outage_is_one_outage_however_it_is_divided_into_windows(
        samples in samples(),
        interval in prop_oneof![Just(100i64), Just(200), Just(500), Just(1_000), Just(5_000), Just(10_000), Just(30_000), 100i64..30_000],
        lengths in proptest::collection::vec(1usize..20, 1..60),
        stale in proptest::collection::vec(0usize..200, 60),
        lags in proptest::collection::vec(proptest::collection::vec(0usize..5, 0..5), 60),
    ) {
        let step = TimeSpan::milliseconds(interval.unsigned_abs());
        let place = |n: usize| i64::try_from(n).unwrap() * interval;
        let (mut whole, mut expected, mut counts) = (Watch::default(), Vec::new(), Vec::new());
        for (n, up) in samples.iter().enumerate() {
            let change = whole.take(at(place(n)), sample(*up, place(n)), step);
            counts.push(whole.failing.as_ref().map_or(0, |streak| streak.failures));
            if let Change::Recovered(streak) = change {
                expected.push(Recovery { streak, at: at(place(n)) });
            }
        }

        let (mut written, mut recovered, mut from) = (vec![Watch::default()], Vec::new(), 0);
        for ((length, stale), mut lags) in lengths.into_iter().chain([samples.len()]).zip(stale).zip(lags) {
            let until = (from + length).min(samples.len());
            if from == until { break }
            let before = written.clone();
            let read = |late: usize| before[before.len().saturating_sub(1 + late)].clone();
            let mut account = Account::new(read(stale), step);
            lags.sort_unstable();
            for n in from..until {
                if account.is_open() {
                    let before = read(lags.pop().unwrap_or(0));
                    let last_word = before.told_until >= Some(at(place(from))) || from == 0;
                    account.join(before);
                    if last_word { account.settle(); }
                }
                let change = account.take(at(place(n)), sample(samples[n], place(n)));
                if let Change::Failing(failures) = change {
                    prop_assert!(failures <= counts[n], "never more than were seen");
                }
                let failures = account.watch().failing.as_ref().map_or(0, |streak| streak.failures);
                prop_assert!(account.is_open() || failures == counts[n], "{failures} of {} at sample {n}", counts[n]);
                recovered.extend(account.recoveries());
                if !account.is_open() { written.push(account.watch().clone()); }
            }
            if account.is_open() {
                account.join(read(0));
                account.settle();
            }
            recovered.extend(account.recoveries());
            account.end(at(place(until)));
            written.push(account.watch().clone());
            from = until;
        }
        prop_assume!(from == samples.len());
        prop_assert_eq!(written.last(), Some(&whole));
        prop_assert_eq!(recovered, expected);
    }

    #[test]
    fn windows_meet_without_gap_or_overlap_however_late_they_start(
        delays in proptest::collection::vec(prop_oneof![0i64..2_000, 0i64..60_000], 1..30),
        interval in prop_oneof![Just(500i64), Just(1_000), Just(5_000), Just(10_000), Just(30_000), 100i64..=30_000],
        second in 0i64..60,
    ) {
        let probe = Probe { interval: TimeSpan::milliseconds(interval.unsigned_abs()), ..probe() };
        let mut windows: Option<Windows> = None;
        let mut expected = None;
        for (minute, delay) in (0i64..).zip(delays) {
            let scheduled = at(minute * 60_000 + second * 1_000);
            let started = scheduled.checked_add(TimeSpan::milliseconds(delay.unsigned_abs()).duration()).unwrap();
            // The window before looks whether it was relieved, again and again, until this one starts.
            while let Some(ours) = windows.clone().filter(|ours| later(started, RELIEF) > ours.claimed_until) {
                let before = at((minute - 1) * 60_000 + second * 1_000);
                let Some(until) = prolong(&ours, &ours, &probe, before) else { break };
                prop_assert!(TimeSpan::between(before, until) <= EVERY + LATEST_START + LONGEST_INTERVAL);
                windows = Some(Windows { claimed_until: until, ..ours });
                expected = Some(until);
            }
            if let Claim::Take { from, until, after, gap } = claim(windows.as_ref(), &probe, scheduled, started) {
                prop_assert_eq!(after, expected);
                if let Some(expected) = expected {
                    // Samples that are far apart leave the next window its own, and one may be missed.
                    let missed = on_grid(started, probe.interval).max(expected);
                    prop_assert!(from == expected || interval > 13_000 && from == missed, "{} after {}", from, expected);
                    prop_assert_eq!(gap, TimeSpan::between(expected, from));
                }
                prop_assert!(from < until);
                prop_assert!(TimeSpan::between(scheduled, until) < EVERY + EVERY + LONGEST_INTERVAL + LONGEST_INTERVAL);
                prop_assert!(TimeSpan::between(started, until) < EVERY + LEAD + LONGEST_INTERVAL);
                windows = Some(Windows { claimed_until: until, claimant: None });
                expected = Some(until);
            } else {
                prop_assert!(false, "minute {} got nothing", minute);
            }
        }
    }
}
