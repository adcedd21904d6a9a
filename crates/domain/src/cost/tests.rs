//! Arithmetic held against calculations by hand, and what must hold for any plan.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    component::{Component, Credential},
    plan_file,
    words::time_span::TimeSpan,
};

fn lab() -> Plan {
    plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
}

fn sampled_each(milliseconds: u64) -> Plan {
    let mut plan = lab();
    plan.probe.interval = TimeSpan::milliseconds(milliseconds);
    plan
}

fn priced(plan: &Plan, given: &Given) -> Cost {
    reckon(plan, given, &Prices::list().unwrap())
}

fn idle(plan: &Plan) -> Cost {
    priced(plan, &Given::default())
}

fn of(part: Part, cost: &Cost) -> f64 {
    cost.parts.iter().find(|subtotal| subtotal.part == part).unwrap().dollars
}

fn line<'c>(cost: &'c Cost, what: &str) -> &'c Line {
    let mut lines = cost.parts.iter().flat_map(|part| &part.lines);
    lines.find(|line| line.what == what).unwrap_or_else(|| panic!("no line `{what}`: {cost:#?}"))
}

fn sized(gb: f64, changed_percent: f64) -> Given {
    Given { sizes: Sizes { all: Some(gb), changed_percent, ..Sizes::default() }, ..Given::default() }
}

/// A month has 43,800 minutes and 1,460 half hours; a day's schedule fires 365 / 12 times in it, a Sunday's 52 / 12.
const MINUTES: f64 = 43_800.0;
const HALF_HOURS: f64 = 1_460.0;
const DAYS: f64 = 365.0 / 12.0;
const SUNDAYS: f64 = 52.0 / 12.0;

#[test]
fn an_alarm_of_a_plan_s_own_costs_what_it_watches_and_what_it_has_measured() {
    let alarms = |alarms: &serde_json::Value| {
        let mut plan = serde_json::to_value(lab()).unwrap();
        plan["alarms"] = alarms.clone();
        idle(&serde_json::from_value(plan).unwrap())
    };
    let without = alarms(&json!([]));
    let more = |cost: &Cost, what: &str| line(cost, what).quantity - line(&without, what).quantity;
    let down = json!({"name": "down", "watch": "primary-down"});
    let down = alarms(&json!([down]));
    assert_eq!((more(&down, "alarms"), more(&down, "metrics")), (1.0, 0.0));
    let metric = json!({"namespace": "Shop", "name": "Errors"});
    let both =
        json!({"name": "both", "watch": "metric", "metric": metric, "above": 1, "and": {"metric": metric, "below": 1}});
    assert_eq!(more(&alarms(&json!([both])), "alarms"), 2.0, "two metrics are priced as two alarms");
    let lag = alarms(&json!([{"name": "lag", "watch": "replication-lag-bytes", "above": 1_000}]));
    assert!((more(&lag, "metrics") - 1.0).abs() < 1e-9 && (more(&lag, "PutMetricData") - MINUTES).abs() < 1e-3);
}

#[test]
fn every_line_of_the_lab_s_plan_is_what_a_person_reckons() {
    let cost = idle(&lab());
    // A snapshot of an hour is asked for once and 34 times more, a restore as well; a teardown of ten minutes 18 times more.
    let (backup_steps, proof_steps) = (1.0 + 35.0 + 1.0, 1.0 + 1.0 + 35.0 + 19.0 + 1.0);
    let reading = 21.0;
    for (what, quantity, dollars_each) in [
        // Awake for 73 s, with an eighth of a GB; the others have a quarter.
        ("Lambda, the watch", MINUTES * 73.0 * 0.125, 0.0000133334),
        ("Lambda, the guard", MINUTES * 0.2 * 0.25, 0.0000133334),
        ("Lambda, the starter", MINUTES * 0.2 * 0.25, 0.0000133334),
        ("Lambda, readiness", HALF_HOURS * ((5.0 + 2.0 + 2.0 + 17.0) * 0.25 + 2.0 * 0.125), 0.0000133334),
        ("Lambda, backups", DAYS * backup_steps * 0.25, 0.0000133334),
        ("Lambda, proofs", SUNDAYS * (3.0 + proof_steps + reading) * 0.25, 0.0000133334),
        ("Lambda, cleanups", DAYS * 3.0 * 0.25, 0.0000133334),
        (
            "Lambda's requests",
            3.0 * MINUTES + HALF_HOURS * 22.0 + DAYS * backup_steps + SUNDAYS * (3.0 + proof_steps + 1.0) + DAYS * 3.0,
            0.000_000_2,
        ),
        // 2 of the engine in each of two Regions; 9 of the plan's stack in its recovery Region, 1 in its primary.
        ("alarms", 14.0, 0.10),
        ("alarms of high resolution", 1.0, 0.30),
        ("dashboards", 1.0, 3.00),
        // Two in each hour, two in the hour of each backup, and one in that of each proof.
        ("metrics", 2.0 + 2.0 * DAYS / 730.0 + 2.0 * SUNDAYS / 730.0, 0.30),
        ("PutMetricData", MINUTES + HALF_HOURS + DAYS + 2.0 * SUNDAYS, 0.00001),
        ("S3's writes", MINUTES * 3.0 + DAYS * 2.0 + 2.0 * SUNDAYS * 2.0 + DAYS * 2.0 * 2.0, 0.000005),
        (
            "S3's reads",
            MINUTES * (8.0 + 2.0 + 3.0)
                + HALF_HOURS * (4.0 + 3.0 + 1.0 + 5.0 + 9.0)
                + DAYS * (3.0 + 35.0 + 1.0)
                + SUNDAYS * (2.0 * (3.0 + 1.0 + 1.0) + 1.0)
                + DAYS * (1.0 + 2.0),
            0.000_000_4,
        ),
        ("SQS's requests", 2.0 * MINUTES * 3.0, 0.000_000_4),
        ("secrets", 3.0, 0.40),
        // Each third turn of either environment; nine logins of a look; one of a backup, one of a restore test.
        ("Secrets Manager's reads", MINUTES / 3.0 + HALF_HOURS * 9.0 + DAYS + SUNDAYS, 0.000005),
        (
            "state transitions",
            DAYS * (1.0 + 4.0 + 4.0 + 34.0 * 3.0 + 4.0)
                + SUNDAYS * (1.0 + 3.0 + 4.0 + 4.0)
                + SUNDAYS * (1.0 + 3.0 + 11.0 + 34.0 * 3.0 + 18.0 * 3.0 + 4.0)
                + DAYS * (1.0 + 3.0 + 2.0 * 4.0 + 4.0),
            0.000025,
        ),
        ("EventBridge Scheduler", 2.0 * DAYS + 2.0 * SUNDAYS, 0.000001),
        ("Route 53's queries", HALF_HOURS * 11.0, 0.000_000_4),
    ] {
        let line = line(&cost, what);
        assert!((line.quantity - quantity).abs() < 1e-5, "{what}: {quantity} by hand, {line:?}");
        assert!((line.dollars - quantity * dollars_each).abs() < 1e-5, "{what}: {line:?}");
    }
    let engine = cost.parts.iter().find(|part| part.part == Part::Engine).unwrap();
    assert_eq!(engine.lines.len(), 22, "the logs, and each line above: {:#?}", engine.lines);
    let sum: f64 = engine.lines.iter().map(|line| line.dollars).sum();
    assert!((engine.dollars - sum).abs() < 1e-5 && engine.dollars > 5.0);
    let all: f64 = cost.parts.iter().map(|part| part.dollars).sum();
    assert!((cost.dollars - all).abs() < 1e-5);
}

#[test]
fn a_line_says_where_its_quantity_comes_from() {
    let cost = idle(&lab());
    assert_eq!(line(&cost, "Lambda, the watch").because, "43,800 × 73 s × 128 MB");
    assert_eq!(
        line(&cost, "alarms").because,
        "engine, recovery 2; plan, recovery 9; engine, primary 2; plan, primary 1"
    );
    assert_eq!(line(&cost, "secrets").because, "the pairs' logins 1 × 3 Regions");
    let first = |part: &Subtotal| part.lines.windows(2).all(|two| two[0].dollars >= two[1].dollars);
    assert!(cost.parts.iter().all(first), "the dearest first");
}

#[test]
fn samples_that_are_far_apart_are_invocations_of_their_own() {
    let (awake, apart) = (idle(&sampled_each(4_999)), idle(&sampled_each(10_000)));
    assert_eq!(line(&awake, "Lambda, the watch").quantity, MINUTES * 73.0 * 0.125);
    let seconds = MINUTES * (1.5 + 6.0 * 1.4);
    assert!((line(&apart, "Lambda, the watch").quantity - seconds * 0.125).abs() < 1e-5);
    let queue = MINUTES * 6.0 * 3.0 + 2.0 * MINUTES * 3.0;
    assert_eq!(line(&apart, "SQS's requests").quantity, queue, "messages, and pollers each 20 s");
    assert_eq!(line(&awake, "SQS's requests").quantity, 2.0 * MINUTES * 3.0, "the pollers");
}

#[test]
fn a_sample_that_a_session_answers_costs_less_between_regions_than_a_login() {
    let second = MINUTES * 60.0;
    for (milliseconds, bytes) in
        [(1_000, 450.0 + 6_500.0 / 5.0), (8_000, (450.0 + 6_500.0) / 8.0), (4_000, (450.0 + 6_500.0 * 4.0 / 5.0) / 4.0)]
    {
        let told = line(&idle(&sampled_each(milliseconds)), "bytes, the watch").quantity;
        let gb = second * bytes / 1e9;
        assert!((told - gb).abs() < 1e-6, "{milliseconds} ms: {told}, by hand {gb}");
    }
}

#[test]
fn a_plan_without_a_secret_a_witness_or_backups_pays_for_none() {
    let mut plan = lab();
    plan.regions.witness = None;
    plan.backups.clear();
    plan.cleanup = None;
    let Component::PostgresPair(pair) = &mut plan.components[0] else { panic!() };
    pair.login.from = Credential::IamToken { user: "lifeboat".parse().unwrap() };
    let cost = idle(&plan);
    let told: Vec<&str> = cost.parts[0].lines.iter().map(|line| line.what.as_str()).collect();
    for what in ["secrets", "Secrets Manager's reads", "state transitions", "Lambda, backups", "EventBridge Scheduler"]
    {
        assert!(!told.contains(&what), "{what} in {told:?}");
    }
    assert!(of(Part::Engine, &cost) < of(Part::Engine, &idle(&lab())) - 1.2);
}

#[test]
fn a_key_of_a_copy_is_paid_for_once_and_one_of_aws_s_own_is_not() {
    let keyed = |keys: [&str; 2]| {
        let mut plan = lab();
        for (copy, key) in plan.backups[0].copies.iter_mut().zip(keys) {
            copy.kms_key = Some(key.parse().unwrap());
        }
        idle(&plan)
    };
    let cost = keyed(["alias/backups", "alias/aws/rds"]);
    assert_eq!((line(&cost, "keys of copies").dollars, of(Part::Storage, &cost)), (1.0, 1.0));
    assert_eq!(line(&cost, "KMS's requests").quantity, HALF_HOURS * 2.0, "both are looked at");
}

#[test]
fn snapshots_weigh_what_changed_and_only_where_a_size_is_given() {
    let plain = idle(&lab());
    assert_eq!(of(Part::Storage, &plain), 0.0);
    assert!(plain.not_included.iter().any(|text| text.contains("no database's size was given")));
    let mut plan = lab();
    plan.backups[0].retention = serde_json::from_value(json!({ "last": 3 })).unwrap();
    let cost = priced(&plan, &sized(100.0, 10.0));
    // The newest whole, and two of which a tenth changed; in two Regions.
    let storage = of(Part::Storage, &cost);
    assert!((storage - 2.0 * 120.0 * 0.095).abs() < 1e-5, "{storage}");
    let sent = line(&cost, "bytes, copies of orders, daily");
    assert!((sent.quantity - DAYS * 10.0).abs() < 1e-5, "{sent:?}");
    assert!(!cost.not_included.iter().any(|text| text.contains("no database's size")));
    // Nothing changes: each but the newest is free. All of it changes: each is whole.
    assert!((of(Part::Storage, &priced(&plan, &sized(100.0, 0.0))) - 2.0 * 100.0 * 0.095).abs() < 1e-5);
    assert!((of(Part::Storage, &priced(&plan, &sized(100.0, 100.0))) - 2.0 * 300.0 * 0.095).abs() < 1e-5);
}

#[test]
fn what_is_kept_is_what_the_retention_keeps() {
    // 30 days, of which two are within 2 days; 12 weeks, 12 months and 7 years, some of them the same backups.
    let cost = priced(&lab(), &sized(1.0, 0.0));
    let because = &line(&cost, "snapshots of instances").because;
    let kept: u32 = because.split(": ").nth(2).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((45..=61).contains(&kept), "{because}");
}

#[test]
fn a_size_of_its_own_goes_before_that_of_all() {
    let mut given = sized(100.0, 0.0);
    given.sizes.of.insert("orders".parse().unwrap(), 10.0);
    assert!((of(Part::Storage, &priced(&lab(), &given)) - 2.0 * 10.0 * 0.095).abs() < 1e-5);
}

#[test]
fn a_cluster_s_snapshots_are_whole_volumes_at_their_engine_s_price() {
    let mut plan = lab();
    let cluster = json!({ "kind": "cluster", "name": "reports", "engine": "docdb", "primary": "reports" });
    plan.components.push(serde_json::from_value(cluster).unwrap());
    plan.backups[0].components = vec!["reports".parse().unwrap()];
    plan.backups[0].retention = serde_json::from_value(json!({ "last": 3 })).unwrap();
    let cost = priced(&plan, &sized(100.0, 0.0));
    // Each of the three is the whole volume, also where nothing changes; in two Regions.
    assert!((line(&cost, "snapshots of DocumentDB").dollars - 2.0 * 300.0 * 0.021).abs() < 1e-5);
}

#[test]
fn a_network_costs_by_its_regions_and_zones() {
    let with = |network| of(Part::Networks, &priced(&lab(), &Given { network, ..Given::default() }));
    assert_eq!(with(Network::None), 0.0);
    // A gateway is 32.85 a month; what goes through it is little.
    let (nat, two) = (with(Network::Nat { zones: 1 }), with(Network::Nat { zones: 2 }));
    assert!((nat - 3.0 * 32.85) > 0.0 && (nat - 3.0 * 32.85) < 1.0 && (two - nat - 3.0 * 32.85).abs() < 1e-5, "{nat}");
    // Six services in either Region of the pair, and one in the witness's, at 7.30.
    let endpoints = with(Network::Endpoints { zones: 1 });
    assert!((endpoints - 13.0 * 7.30) > 0.0 && (endpoints - 13.0 * 7.30) < 0.1, "{endpoints}");
}

#[test]
fn x86_costs_more_of_lambda_s_time_and_the_same_of_all_else() {
    let (arm, x86) = (idle(&lab()), priced(&lab(), &Given { processors: Processors::X86, ..Given::default() }));
    let share = line(&x86, "Lambda, the watch").dollars / line(&arm, "Lambda, the watch").dollars;
    assert!((share - 1.25).abs() < 1e-4, "{share}");
    assert_eq!(line(&arm, "S3's writes"), line(&x86, "S3's writes"));
}

#[test]
fn more_backups_and_more_regions_cost_more() {
    let given = sized(100.0, 5.0);
    let mut more = lab();
    let before = priced(&more, &given);
    more.backups[0].copies.push(serde_json::from_value(json!({ "region": "eu-west-1" })).unwrap());
    let copied = priced(&more, &given);
    for part in [Part::Engine, Part::Storage, Part::BetweenRegions] {
        assert!(of(part, &copied) > of(part, &before), "{part:?}");
    }
    let mut second = more.backups[0].clone();
    second.name = "hourly".parse().unwrap();
    second.schedule = "rate(1 hour)".parse().unwrap();
    more.backups.push(second);
    let hourly = priced(&more, &given);
    for part in [Part::Engine, Part::Storage, Part::BetweenRegions] {
        assert!(of(part, &hourly) > of(part, &copied), "{part:?}");
    }
}

#[test]
fn a_schedule_that_fires_no_more_costs_no_execution_and_keeps_nothing() {
    let mut plan = lab();
    plan.backups[0].schedule = "cron(0 2 * * ? 2020)".parse().unwrap();
    let cost = priced(&plan, &sized(100.0, 5.0));
    assert!(cost.parts[0].lines.iter().all(|line| line.what != "Lambda, backups"));
    assert_eq!(of(Part::Storage, &cost), 0.0);
}

#[test]
fn a_poll_is_asked_until_it_has_waited_long_enough() {
    let poll = |growth, seconds| upkeep::Poll { states: &[], growth, takes: TimeSpan::seconds(seconds) }.asks();
    assert_eq!((poll(1.0, 5), poll(2.0, 7), poll(2.0, 8), poll(1.5, 0)), (5, 3, 4, 0));
}

#[test]
fn a_number_is_told_as_people_write_it() {
    for (number, told) in [
        (0.0, "0"),
        (7.0, "7"),
        (999.0, "999"),
        (1_000.0, "1,000"),
        (43_800.0, "43,800"),
        (1_234_567.891, "1,234,567.89"),
        (30.41666, "30.42"),
        (0.5, "0.5"),
        (0.0218, "0.0218"),
        (0.00004, "0"),
        (99_999.999, "100,000"),
    ] {
        assert_eq!(counted(number), told);
    }
}

proptest! {
    // Each case judges the backups of ten years.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_plan_costs_anything_but_a_number(
        interval in 100_u64..=30_000,
        minutes in 1_u32..=100_000,
        last in 1_u32..=200,
        gb in 0.001_f64..=LARGEST_GB,
        percent in 0.0_f64..=100.0,
        zones in 1_u32..=MOST_ZONES,
    ) {
        let mut plan = sampled_each(interval);
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        plan.backups[0].schedule = format!("rate({minutes} {unit})").parse().unwrap();
        plan.backups[0].retention = serde_json::from_value(json!({ "last": last, "yearly": { "newest": 3 } })).unwrap();
        let network = Network::Nat { zones };
        let cost = priced(&plan, &Given { network, ..sized(gb, percent) });
        let lines = cost.parts.iter().flat_map(|part| &part.lines);
        for line in lines {
            prop_assert!(line.dollars.is_finite() && line.dollars >= 0.0 && line.quantity > 0.0, "{line:?}");
            prop_assert!(!line.because.is_empty() && !line.because.contains("NaN"), "{line:?}");
        }
        prop_assert!(cost.dollars.is_finite() && cost.dollars > 0.0);
    }

    #[test]
    fn a_watch_that_is_awake_costs_no_less_at_shorter_intervals(one in 100_u64..5_000, other in 100_u64..5_000) {
        let (shorter, longer) = (one.min(other), one.max(other));
        let (short, long) = (idle(&sampled_each(shorter)), idle(&sampled_each(longer)));
        prop_assert!(short.dollars >= long.dollars, "{shorter} ms: {}, {longer} ms: {}", short.dollars, long.dollars);
        prop_assert!(short.dollars > long.dollars || longer - shorter < 100);
    }
}

#[test]
fn looking_at_each_other_costs_both_regions() {
    let with = |every: &str| {
        let mut plan = serde_json::to_value(lab()).unwrap();
        plan["health"] = json!({"every": every, "checks": ["all"]});
        idle(&serde_json::from_value(plan).unwrap())
    };
    let (without, each_half_minute) = (idle(&lab()), with("30s"));
    let more = |what: &str| line(&each_half_minute, what).quantity - line(&without, what).quantity;
    // Two looks in a minute, a second each at most, with an eighth of a GB.
    assert!((line(&each_half_minute, "Lambda, health").quantity - 2.0 * MINUTES * 31.0 * 0.125).abs() < 1e-3);
    assert!((more("metrics") - 16.0).abs() < 1e-6, "eight of each Region");
    assert!((more("PutMetricData") - 4.0 * MINUTES).abs() < 1e-3);
    assert!((more("S3's writes") - 4.0 * MINUTES).abs() < 1e-3);
    // That it is unhealthy and that nobody knows, in each Region; a limit has one more.
    assert!((more("alarms") - 4.0).abs() < 1e-6);
    // It is awake for no wait where it looks once in a minute or less often.
    assert!((line(&with("2m"), "Lambda, health").quantity - 2.0 * MINUTES * 0.125).abs() < 1e-3);
}
