//! Signals in, verdict and class out.

mod documents;
mod episodes;

use serde_json::json;

use super::*;
use crate::plan::Disaster;

const AT: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(AT + second).unwrap()
}

fn health(value: serde_json::Value) -> Health {
    let mut health = json!({"every": "30s", "checks": ["all"]});
    for (key, value) in value.as_object().unwrap() {
        health[key] = value.clone();
    }
    serde_json::from_value(health).unwrap()
}

/// What a look sees.
#[derive(Clone, Copy)]
struct Signs {
    passed: usize,
    failed: usize,
    untold: usize,
    took: u64,
    database: (Endpoint, Verdict),
    api: Verdict,
    lost: usize,
    round_trip: u64,
}

const WELL: Signs = Signs {
    passed: 3,
    failed: 0,
    untold: 0,
    took: 40,
    database: (Endpoint::Open, Verdict::Up),
    api: Verdict::Up,
    lost: 0,
    round_trip: 60,
};

/// The application fails, and its database answers.
const UNUSABLE: Signs = Signs { passed: 1, failed: 2, ..WELL };
/// The host answers, the database does not.
const DATABASE: Signs = Signs { database: (Endpoint::Refused, Verdict::Down), ..GONE };
/// The host is silent, its Region answers.
const ZONE: Signs = Signs { api: Verdict::Up, ..GONE };
/// Nothing answers.
const GONE: Signs =
    Signs { passed: 0, failed: 3, database: (Endpoint::Silent, Verdict::Down), api: Verdict::Down, lost: 6, ..WELL };
/// We could not ask.
const OURS: Signs =
    Signs { passed: 0, untold: 3, database: (Endpoint::Unresolved, Verdict::Unknown), api: Verdict::Unknown, ..WELL };

fn look(second: i64, signs: Signs) -> RegionLook {
    let asked = |count: usize, went: Went| {
        std::iter::repeat_n(Asked { name: "api".into(), went, took_milliseconds: signs.took }, count)
    };
    let checks = asked(signs.passed, Went::Passed)
        .chain(asked(signs.failed, Went::Failed("status 503".into())))
        .chain(asked(signs.untold, Went::Untold("no credential".into())))
        .collect();
    let took = Duration::from_millis(signs.round_trip);
    let tried = match signs.database.0 {
        Endpoint::Open => Try::Open(took),
        Endpoint::Refused => Try::Refused(took),
        Endpoint::Silent => Try::Silent,
        Endpoint::Unresolved => Try::Unresolved,
    };
    let tries: Vec<Try> = (0..6)
        .map(|index| {
            if index < signs.lost && tried != Try::Unresolved && matches!(tried, Try::Open(_)) {
                Try::Silent
            } else {
                tried
            }
        })
        .collect();
    let answers = Answers { verdict: signs.database.1, because: "as told".into(), round_trip: None };
    let reached = Reached::of("orders".parse().unwrap(), &tries, answers);
    RegionLook { at: at(second), checks, databases: vec![reached], api: signs.api }
}

/// What is concluded right after looks of each 30 s.
fn judged(health: &Health, signs: &[Signs]) -> Judged {
    let seen = RegionHealth::new("us-east-1".parse().unwrap(), "us-west-2".parse().unwrap());
    let seconds = |index: usize| i64::try_from(index).unwrap() * 30;
    let seen = signs.iter().enumerate().fold(seen, |seen, (index, signs)| seen.with(look(seconds(index), *signs)));
    judge(&seen, health, at(seconds(signs.len() - 1)))
}

fn after(well: usize, then: Signs, times: usize) -> Vec<Signs> {
    std::iter::repeat_n(WELL, well).chain(std::iter::repeat_n(then, times)).collect()
}

/// leanvibe: health_thresholds, and a score of 0.8.
fn leanvibe() -> Health {
    health(json!({"afterError": "60s", "healthyAt": 0.8, "failuresInARow": 3,
        "limits": {"errorsPercent": 5, "response": "5s", "availabilityPercent": 95}}))
}

/// itdo-erp: check_system_health, classify_disaster.
fn itdo_erp() -> Health {
    health(json!({"afterError": "60s"}))
}

#[test]
fn a_region_of_which_a_limited_figure_is_not_known_is_not_healthy() {
    // Of 18 connections one packet would be more than 1 %, so that the loss is not known yet.
    let limits = |limits: serde_json::Value| health(json!({"limits": limits}));
    let loss = judged(&limits(json!({"lossPercent": 1})), &after(3, WELL, 0));
    assert_eq!(loss.condition, RegionCondition::Unknown, "{}", loss.because);
    assert!(loss.because.contains("`lossPercent`, which has a limit, is not known"), "{}", loss.because);
    assert_eq!(judged(&limits(json!({"lossPercent": 1})), &after(17, WELL, 0)).condition, RegionCondition::Healthy);
    assert_eq!(judged(&limits(json!({"lossPercent": 6})), &after(3, WELL, 0)).condition, RegionCondition::Healthy);
    // The checks pass, and no round trip was measured, or the database's host has no address that is known here.
    let unmeasured = Signs { database: (Endpoint::Unresolved, Verdict::Unknown), ..WELL };
    for limit in [json!({"latency": "500ms"}), json!({"connect": "30s"})] {
        assert_eq!(
            judged(&limits(limit.clone()), &after(0, unmeasured, 3)).condition,
            RegionCondition::Unknown,
            "{limit}"
        );
        assert_eq!(judged(&limits(limit.clone()), &after(0, WELL, 3)).condition, RegionCondition::Healthy, "{limit}");
    }
    // What is known to be beyond its limit is unhealthy, whatever else is not known.
    let both = limits(json!({"lossPercent": 1, "response": "1s"}));
    assert_eq!(judged(&both, &after(0, Signs { took: 1_001, ..WELL }, 3)).condition, RegionCondition::Unhealthy);
}

#[test]
fn a_share_is_reached_at_its_limit_and_what_could_not_be_asked_decides_nothing() {
    for (passed, failed, untold, healthy) in [
        (4, 1, 0, Some(true)),
        (3, 2, 0, Some(false)),
        (3, 1, 1, None),
        (4, 0, 1, Some(true)),
        (2, 2, 1, Some(false)),
        (0, 0, 5, None),
        (0, 0, 0, None),
    ] {
        let look = look(0, Signs { passed, failed, untold, ..WELL });
        assert_eq!(look.is_healthy(&health(json!({"healthyAt": 0.8}))), healthy, "{passed} {failed} {untold}");
    }
    let thirds = look(0, Signs { passed: 2, failed: 1, ..WELL });
    assert_eq!(thirds.is_healthy(&health(json!({"healthyAt": 2.0 / 3.0}))), Some(true));
}

#[test]
fn a_look_that_could_not_tell_neither_counts_nor_ends_a_row() {
    let signs = [GONE, GONE, OURS, GONE];
    assert_eq!(judged(&itdo_erp(), &signs).figures.failures_in_a_row, Some(3));
    let silent = judged(&itdo_erp(), &signs[..3]);
    assert_eq!((silent.condition, silent.figures.failures_in_a_row), (RegionCondition::Unknown, None));
    assert!(silent.because.contains("could not be asked: no credential"), "{}", silent.because);
}

#[test]
fn a_look_that_is_too_old_is_unknown() {
    let seen = RegionHealth::new("us-east-1".parse().unwrap(), "us-west-2".parse().unwrap()).with(look(0, WELL));
    let health = leanvibe();
    // Twice the 60 s after an error, and a start that is late by a minute.
    assert_eq!(believed_for(&health), TimeSpan::seconds(180));
    assert_eq!(judge(&seen, &health, at(180)).condition, RegionCondition::Healthy);
    let old = judge(&seen, &health, at(181));
    assert_eq!((old.condition, old.points_to), (RegionCondition::Unknown, None));
    let nobody = RegionHealth { looks: Vec::new(), ..seen };
    assert_eq!(judge(&nobody, &health, at(0)).condition, RegionCondition::Unknown);
}

#[test]
fn figures_are_told_of_what_was_seen_and_of_nothing_else() {
    let figures = judged(&leanvibe(), &[OURS]).figures;
    assert_eq!(figures, Figures::default(), "nothing was told");
    let figures = judged(&leanvibe(), &after(19, UNUSABLE, 1)).figures;
    assert_eq!(figures.errors_percent.map(f64::round), Some(3.0), "2 of 60");
    assert_eq!(figures.availability_percent, Some(95.0));
    assert_eq!(figures.score.map(|score| (score * 100.0).round()), Some(33.0));
    assert_eq!((figures.response_milliseconds, figures.latency_milliseconds), (Some(40.0), Some(60.0)));
    assert_eq!(figures.loss_percent, Some(0.0));
    let few = judged(&leanvibe(), &after(3, WELL, 0)).figures;
    assert_eq!(few.loss_percent, None, "of 18 connections one packet would be more than 1 %");
}

#[test]
fn a_connection_that_took_a_second_has_lost_a_packet_and_one_that_is_refused_has_not() {
    let asked = |tries: &[Try], round_trip: Option<Duration>| {
        let answers = Answers { verdict: Verdict::Up, because: String::new(), round_trip };
        Reached::of("orders".parse().unwrap(), tries, answers)
    };
    let tried = |tries: &[Try]| asked(tries, None);
    let milliseconds = Duration::from_millis;
    let reached = tried(&[Try::Open(milliseconds(10)), Try::Open(milliseconds(1_010)), Try::Refused(milliseconds(30))]);
    assert_eq!((reached.tries, reached.lost, reached.round_trip_milliseconds), (3, 1, Some(10.0)));
    let behind_a_proxy = asked(&[Try::Open(milliseconds(1)); 6], Some(milliseconds(600)));
    assert_eq!(behind_a_proxy.round_trip_milliseconds, Some(600.0), "it accepts connections by itself");
    let unresolved = tried(&[Try::Unresolved; 6]);
    assert_eq!((unresolved.tries, unresolved.lost, unresolved.endpoint), (0, 0, Endpoint::Unresolved));
}

#[test]
fn two_regions_that_are_gone_are_several() {
    let gone = judged(&itdo_erp(), &after(0, GONE, 3));
    let well = judged(&itdo_erp(), &after(3, WELL, 0));
    assert_eq!(across([&gone, &well]), None);
    assert_eq!(across([&gone, &gone]), Some(Disaster::SeveralRegions));
}

#[test]
fn looks_are_bounded_by_time_and_number_and_the_next_is_due_by_how_the_last_went() {
    let region = || RegionHealth::new("us-east-1".parse().unwrap(), "us-west-2".parse().unwrap());
    let seen = (0..100).fold(region(), |seen, index| seen.with(look(index * 5, WELL)));
    assert_eq!(seen.looks.len(), MOST_LOOKS);
    let seen = seen.with(look(495 + 600, WELL));
    assert_eq!(seen.looks.len(), 1, "what is ten minutes old is forgotten");
    let health = leanvibe();
    assert_eq!(region().due_at(&health, at(7)), at(7));
    assert_eq!(region().with(look(0, GONE)).due_at(&health, at(7)), at(30));
    assert_eq!(region().with(look(0, OURS)).due_at(&health, at(7)), at(60), "after an error");
    let ahead = region().with(look(500, WELL));
    assert_eq!(ahead.due_at(&health, at(7)), at(7), "a clock that was wrong stops nobody");
}
