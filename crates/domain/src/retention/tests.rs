//! The five systems' own numbers, each rule at its limits, and what holds of any series.

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn days(count: u64) -> TimeSpan {
    TimeSpan::seconds(count * 24 * 3_600)
}

fn none() -> Retention {
    Retention {
        last: 0,
        within: None,
        on_day: None,
        hourly: None,
        daily: None,
        weekly: None,
        monthly: None,
        yearly: None,
        floor: 1,
    }
}

fn sundays(within: u64) -> Option<OnDay> {
    Some(OnDay { day: Weekday::Sun, within: days(within) })
}

fn entry(taken_at: Timestamp) -> Entry<String> {
    Entry { id: taken_at.to_string(), taken_at, state: State::Available, verified: false, held: false }
}

/// One backup each `hours`, the newest first at `newest`.
fn series(newest: &str, hours: i64, count: usize) -> Vec<Entry<String>> {
    let newest = at(newest);
    (0..count).map(|nth| entry(newest - (i64::try_from(nth).unwrap() * hours).hours())).collect()
}

fn decisions(entries: &[Entry<String>], policy: &Retention, now: Timestamp) -> Vec<Decision> {
    plan(entries, policy, now).unwrap()
}

fn kept<'e>(entries: &'e [Entry<String>], policy: &Retention) -> Vec<&'e str> {
    let decisions = decisions(entries, policy, NOW.parse().unwrap());
    let kept = |(entry, decision): (&'e Entry<String>, Decision)| {
        matches!(decision, Decision::Keep(_)).then_some(entry.id.as_str())
    };
    entries.iter().zip(decisions).filter_map(kept).collect()
}

fn reasons(entries: &[Entry<String>], policy: &Retention, index: usize) -> String {
    match decisions(entries, policy, NOW.parse().unwrap())[index] {
        Decision::Keep(reasons) => reasons.to_string(),
        Decision::Delete(because) => format!("delete: {because}"),
    }
}

/// A Saturday.
const NOW: &str = "2026-11-21T03:00:00Z";
/// The last daily backup before it.
const NEWEST: &str = "2026-11-21T02:00:00Z";

#[test]
fn the_five_systems_keep_what_their_documents_say() {
    let all = |within: u64| Retention { within: Some(days(within)), ..none() };
    let itdo = Retention {
        daily: Some(Each::Newest(30)),
        weekly: Some(Each::Newest(12)),
        monthly: Some(Each::Newest(12)),
        yearly: Some(Each::Newest(7)),
        ..none()
    };
    let progressive = Retention { on_day: sundays(90), ..all(30) };
    // Each with the cadence of its document, over more than its longest retention; how many stay, and the oldest.
    for (system, policy, hours, made, stay, oldest) in [
        // All of 30 days, which reach back to a Thursday, and before them of eight Sundays, of the first what is left of its
        // day at the limit of 90 days.
        ("progressive-framework, each hour", &progressive, 1, 3_000, 721 + 8 * 24 + 22, "2026-08-23T02:00:00Z"),
        ("progressive-framework, each day", &progressive, 24, 200, 31 + 9, "2026-08-23T02:00:00Z"),
        ("progressive-framework, agents' states", &all(7), 1, 500, 169, "2026-11-14T02:00:00Z"),
        ("ci-failure-agent", &all(30), 24, 100, 31, "2026-10-22T02:00:00Z"),
        ("leanvibe, tier 1", &all(7), 1, 500, 169, "2026-11-14T02:00:00Z"),
        ("leanvibe, tier 2", &all(30), 1, 1_000, 721, "2026-10-22T02:00:00Z"),
        ("leanvibe, tier 3", &all(90), 24, 200, 91, "2026-08-23T02:00:00Z"),
        ("leanvibe, tier 4", &all(7 * 365), 7 * 24, 500, 366, "2019-11-23T02:00:00Z"),
        ("agentaskit, full", &all(30), 24, 100, 31, "2026-10-22T02:00:00Z"),
        ("agentaskit, hourly", &all(7), 1, 500, 169, "2026-11-14T02:00:00Z"),
        ("agentaskit, WAL", &all(1), 1, 100, 25, "2026-11-20T02:00:00Z"),
        // 30 days reach back to 23 October, 12 weeks to 6 September, then the last of each month back to December,
        // and of each year back to 2020.
        ("itdo-erp", &itdo, 24, 4_000, 30 + 7 + 9 + 6, "2020-12-31T02:00:00Z"),
    ] {
        let entries = series(NEWEST, hours, made);
        let kept = kept(&entries, policy);
        assert_eq!((kept.len(), *kept.last().unwrap()), (stay, oldest), "{system}");
    }
}

#[test]
fn sundays_are_what_stays_of_the_weeks_before() {
    let policy = Retention { within: Some(days(30)), on_day: sundays(90), ..none() };
    let entries = series(NEWEST, 24, 200);
    let old = kept(&entries, &policy).into_iter().map(at).filter(|taken| *taken < at("2026-10-22T00:00:00Z"));
    for taken in old {
        assert_eq!(jiff::tz::TimeZone::UTC.to_datetime(taken).weekday(), jiff::civil::Weekday::Sunday, "{taken}");
    }
}

#[test]
fn a_policy_that_keeps_nothing_is_refused() {
    let nothing = Retention { daily: Some(Each::Newest(0)), within: Some(TimeSpan::seconds(0)), floor: 5, ..none() };
    for policy in [none(), nothing] {
        assert!(policy.is_empty());
        assert_eq!(plan(&series(NEWEST, 24, 10), &policy, at(NOW)), Err(KeepsNothing));
    }
}

#[test]
fn only_available_backups_count_towards_the_floor() {
    let mut entries = series(NEWEST, 24, 6);
    for (index, state) in [(0, State::Failed), (1, State::Making), (2, State::Unknown)] {
        entries[index].state = state;
    }
    let policy = Retention { last: 1, floor: 2, ..none() };
    let told: Vec<_> = (0..6).map(|index| reasons(&entries, &policy, index)).collect();
    assert_eq!(
        told,
        [
            "delete: it failed: nothing can be restored from it",
            "being made",
            "in a state that is not understood",
            "the floor, last",
            "the floor",
            "delete: no rule keeps it",
        ]
    );
}

#[test]
fn the_newest_verified_one_stays_and_newer_unverified_ones_do_not_displace_it() {
    let mut entries = series(NEWEST, 1, 100);
    entries[50].verified = true;
    entries[99].verified = true;
    let policy = Retention { last: 3, ..none() };
    assert_eq!(reasons(&entries, &policy, 50), "the newest verified");
    assert_eq!(kept(&entries, &policy).len(), 4);
}

#[test]
fn a_backup_dated_in_the_future_anchors_nothing_and_stays() {
    let mut entries = series(NEWEST, 24, 40);
    entries.push(entry(at("2030-01-01T00:00:00Z")));
    entries.push(Entry { verified: true, ..entry(at("2031-01-01T00:00:00Z")) });
    let policy = Retention { within: Some(days(7)), floor: 2, ..none() };
    assert_eq!(kept(&entries, &policy).len(), 8 + 2);
    assert_eq!(reasons(&entries, &policy, 40), "dated in the future");
    assert_eq!(reasons(&entries, &policy, 1), "the floor, within");
}

#[test]
fn where_backups_stop_being_made_none_grows_old() {
    let entries = series("2024-01-01T00:00:00Z", 24, 31);
    assert_eq!(kept(&entries, &Retention { within: Some(days(30)), ..none() }).len(), 31);
}

#[test]
fn many_backups_of_a_moment_push_none_out_that_within_keeps() {
    let mut entries = series(NEWEST, 24, 7);
    let flood = (0..1_000).map(|nth: i32| Entry { id: nth.to_string(), ..entry(at(NOW)) });
    entries.extend(flood);
    let counted = Retention { last: 7, ..none() };
    assert_eq!(reasons(&entries, &counted, 1), "delete: no rule keeps it");
    let guarded = Retention { within: Some(days(7)), ..counted };
    assert_eq!(reasons(&entries, &guarded, 6), "within");
}

#[test]
fn a_legal_hold_keeps_even_what_failed() {
    let mut entries = series(NEWEST, 24, 3);
    entries[2] = Entry { held: true, state: State::Failed, ..entries[2].clone() };
    assert_eq!(reasons(&entries, &Retention { last: 1, ..none() }, 2), "legal hold");
}

#[test]
fn within_reaches_to_its_limit_and_no_further() {
    let policy = Retention { within: Some(TimeSpan::seconds(3_600)), ..none() };
    for (older, stays) in [(3_599, true), (3_600, true), (3_601, false)] {
        let entries = [entry(at(NEWEST)), entry(at(NEWEST) - older.seconds())];
        assert_eq!(kept(&entries, &policy).len() == 2, stays, "{older} s");
    }
}

#[test]
fn a_day_s_backups_stay_to_their_limit_and_say_why() {
    // The newest is of a Saturday; 48 days before is a Sunday at the same hour.
    let policy = Retention { on_day: sundays(48), ..none() };
    let entries = series(NEWEST, 24, 60);
    for (older, told) in [
        (0, "the floor"),
        (6, "its day of the week"),
        (7, "delete: no rule keeps it"),
        (48, "its day of the week"),
        (55, "delete: no rule keeps it"),
    ] {
        assert_eq!(reasons(&entries, &policy, older), told, "{older} days");
    }
    let zero = Retention { on_day: sundays(0), ..none() };
    assert!(zero.is_empty() && !policy.is_empty());
    assert_eq!(policy.reach(days(1)), days(48));
}

fn any_state() -> impl Strategy<Value = State> {
    prop_oneof![6 => Just(State::Available), 1 => Just(State::Making), 1 => Just(State::Failed), 1 => Just(State::Unknown)]
}

/// Up to 60 backups around now, a few of them in the future, some at the same moment.
fn any_series() -> impl Strategy<Value = Vec<Entry<String>>> {
    let one = (-60_i64..1_200, any_state(), prop::bool::weighted(0.1), prop::bool::weighted(0.05));
    prop::collection::vec(one, 0..60).prop_map(|made| {
        let numbered = made.into_iter().enumerate();
        let entry = |(nth, (hours, state, verified, held)): (usize, (i64, State, bool, bool))| Entry {
            id: format!("{nth:03}"),
            taken_at: at(NOW) - (hours * 7).hours(),
            state,
            verified,
            held,
        };
        numbered.map(entry).collect()
    })
}

fn any_each() -> impl Strategy<Value = Option<Each>> {
    prop_oneof![
        2 => Just(None),
        1 => (1_u32..8).prop_map(|count| Some(Each::Newest(count))),
        1 => (1_u64..400).prop_map(|count| Some(Each::Within(days(count)))),
    ]
}

prop_compose! {
    fn any_policy()(
        last in 0_u32..4, within in prop::option::of(1_u64..60), on_day in prop::option::of(1_u64..400), hourly in any_each(), daily in any_each(),
        weekly in any_each(), monthly in any_each(), yearly in any_each(), floor in 1_u32..6,
    ) -> Retention {
        let within = within.map(days);
        let on_day = on_day.and_then(sundays);
        let policy = Retention { last, within, on_day, hourly, daily, weekly, monthly, yearly, floor };
        if policy.is_empty() { Retention { last: 1, ..policy } } else { policy }
    }
}

fn stay(entries: &[Entry<String>], policy: &Retention, now: Timestamp) -> Vec<Entry<String>> {
    let decided = entries.iter().zip(decisions(entries, policy, now));
    decided.filter(|(_, decision)| matches!(decision, Decision::Keep(_))).map(|(entry, _)| entry.clone()).collect()
}

proptest! {
    #[test]
    fn never_fewer_than_the_floor(entries in any_series(), policy in any_policy()) {
        let sound = |entries: &[Entry<String>]| {
            entries.iter().filter(|entry| entry.state == State::Available && entry.taken_at <= at(NOW)).count()
        };
        let floor = usize::try_from(policy.floor).unwrap();
        prop_assert!(sound(&stay(&entries, &policy, at(NOW))) >= sound(&entries).min(floor));
    }

    #[test]
    fn planned_again_after_its_deletes_it_deletes_nothing(entries in any_series(), policy in any_policy()) {
        let once = stay(&entries, &policy, at(NOW));
        prop_assert_eq!(stay(&once, &policy, at(NOW)), once);
    }

    #[test]
    fn deletes_that_were_carried_out_in_part_change_nothing(
        entries in any_series(), policy in any_policy(), done in prop::collection::vec(any::<bool>(), 60),
    ) {
        let once = stay(&entries, &policy, at(NOW));
        let left: Vec<_> = entries.iter().zip(done).filter(|(entry, done)| !done || once.contains(entry)).map(|(entry, _)| entry.clone()).collect();
        prop_assert_eq!(stay(&left, &policy, at(NOW)), once);
    }

    #[test]
    fn their_order_changes_nothing(entries in any_series(), policy in any_policy()) {
        let mut turned = entries.clone();
        turned.reverse();
        let mut other = stay(&turned, &policy, at(NOW));
        other.reverse();
        prop_assert_eq!(stay(&entries, &policy, at(NOW)), other);
    }

    #[test]
    fn what_went_once_never_stays_later(entries in any_series(), policy in any_policy(), hours in 0_i64..10_000) {
        let (now, later) = (stay(&entries, &policy, at(NOW)), stay(&entries, &policy, at(NOW) + hours.hours()));
        prop_assert!(later.iter().all(|entry| now.contains(entry)));
    }

    #[test]
    fn the_newest_verified_and_the_held_stay(entries in any_series(), policy in any_policy()) {
        let stay = stay(&entries, &policy, at(NOW));
        prop_assert!(entries.iter().filter(|entry| entry.held).all(|entry| stay.contains(entry)));
        let sound = entries.iter().filter(|entry| entry.state == State::Available && entry.taken_at <= at(NOW));
        let newest = sound.filter(|entry| entry.verified).map(|entry| entry.taken_at).max();
        if let Some(newest) = newest {
            prop_assert!(stay.iter().any(|entry| entry.verified && entry.taken_at == newest));
        }
    }
}
