//! What is counted, what is not known, and what that means for a target.

use serde_json::{Value as Json, json};

use super::*;
use crate::{
    component::ActiveSide,
    plan_file::read,
    record::evidence::{Closing, StateVisit, assemble},
    run::outcome::UpkeepOutcome,
    state_machine::StateName,
};

fn plan(targets: &Json) -> Plan {
    let mut plan =
        serde_json::to_value(read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()).unwrap();
    plan["objectives"]["targets"] = targets.clone();
    serde_json::from_value(plan).unwrap()
}

/// So many seconds after a failure.
fn at(seconds: i64) -> Timestamp {
    "2026-01-15T09:30:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
}

const DAY: i64 = 24 * 3_600;

fn span() -> Span {
    Span { since: at(-DAY * 10), until: at(DAY * 10) }
}

/// The sample of a failover, of a primary that failed at this second: found after 4 s, switched after 12, verified after 20.
fn failover(failed: i64, change: impl Fn(&mut Json)) -> Evidence {
    let mut event: Json = serde_json::from_str(include_str!("../../../../events/close-run.json")).unwrap();
    let judged = &mut event["record"]["judgement"]["did"];
    (judged["failingSince"], judged["lastSeen"]["at"]) = (json!(at(failed)), json!(at(failed)));
    (event["startedAt"], event["run"]["trigger"]["at"]) = (json!(at(failed + 4)), json!(at(failed + 3)));
    event["request"]["detail"]["state"]["timestamp"] = json!("");
    change(&mut event);
    let closing: Closing = serde_json::from_value(event).unwrap();
    let visit =
        |state, entered, left| StateVisit { state, entered_at: at(failed + entered), left_at: Some(at(failed + left)) };
    let timeline = vec![
        visit(StateName::DnsSwitch, 10, 11),
        visit(StateName::DnsSwitch, 11, 12),
        visit(StateName::Verify, 19, 20),
    ];
    assemble(closing, Ok((timeline, 3)), ActiveSide::Replica, at(failed + 30))
}

fn left(runs: Vec<Evidence>) -> Left {
    let watched_until = [("lab".parse().unwrap(), span().until)].into();
    Left { runs, watched_until, ..Left::default() }
}

fn line(plan: &Plan, left: &Left, measure: Measure) -> Line {
    let told = report(plan, left, span(), Counting::Failures);
    told.lines.into_iter().find(|line| line.measure == measure).unwrap()
}

/// How a measure stands to a bound, and its number.
fn stands(left: &Left, measure: &str, bound: (&str, Json)) -> (Standing, Option<Value>) {
    let plan = plan(&json!([{"measure": measure, bound.0: bound.1}]));
    let measure = plan.objectives.targets[0].measure;
    let line = line(&plan, left, measure);
    (line.standing, line.value)
}

#[test]
fn what_a_run_took_is_read_off_its_evidence() {
    let left = left(vec![failover(0, |_| {})]);
    for (measure, seconds) in
        [("detection", 4.0), ("notice", 3.0), ("failover", 8.0), ("dns", 2.0), ("recovery", 20.0), ("repair", 20.0)]
    {
        let (standing, value) = stands(&left, measure, ("within", json!("20s")));
        assert_eq!((standing, value), (Standing::Met, Some(Value::Seconds(seconds))), "{measure}");
        let less = format!("{}ms", seconds * 1_000.0 - 1.0);
        assert_eq!(stands(&left, measure, ("within", json!(less))).0, Standing::Missed, "{measure}");
    }
    for measure in ["rto-met", "rpo-met"] {
        let stands = stands(&left, measure, ("atLeastPercent", json!(100)));
        assert_eq!(stands, (Standing::Met, Some(Value::Percent(100.0))), "{measure}");
    }
}

#[test]
fn what_was_not_measured_is_never_met() {
    for measure in Measure::ALL {
        let bound = if measure.is_a_time() { ("within", json!("1d")) } else { ("atLeastPercent", json!(0.1)) };
        let nothing = Left::default();
        assert_eq!(stands(&nothing, &measure.to_string(), bound).0, Standing::NotMeasured, "{measure}");
    }
    // One of two whose length nobody knows: what is known may miss the target, and never meets it.
    let unknown = failover(3_600, |event| event["record"]["judgement"]["did"]["lastSeen"] = Json::Null);
    let left = left(vec![failover(0, |_| {}), unknown]);
    for measure in ["detection", "notice", "recovery", "repair"] {
        assert_eq!(stands(&left, measure, ("within", json!("1h"))).0, Standing::NotMeasured, "{measure}");
        assert_eq!(stands(&left, measure, ("within", json!("1s"))).0, Standing::Missed, "{measure}");
    }
    for (least, standing) in [(50, Standing::Met), (51, Standing::NotMeasured), (100, Standing::NotMeasured)] {
        assert_eq!(stands(&left, "rto-met", ("atLeastPercent", json!(least))).0, standing, "{least}");
    }
}

#[test]
fn a_share_is_missed_where_no_unknown_could_save_it() {
    let slow = |failed| failover(failed, |event| event["run"]["plan"]["objectives"]["rto"] = json!("19s"));
    let left = left(vec![failover(0, |_| {}), slow(3_600)]);
    assert_eq!(stands(&left, "rto-met", ("atLeastPercent", json!(95))), (Standing::Missed, Some(Value::Percent(50.0))));
    assert_eq!(stands(&left, "rto-met", ("atMostPercent", json!(50))).0, Standing::Met);
    assert_eq!(stands(&left, "rto-met", ("atMostPercent", json!(49))).0, Standing::Missed);
}

#[test]
fn runs_that_answer_one_failure_are_one_incident_and_one_without_a_failure_is_none() {
    let began = |failed: i64| {
        move |event: &mut Json| {
            event["record"]["judgement"]["did"]["failingSince"] = json!(at(failed));
            event["record"]["judgement"]["did"]["lastSeen"]["at"] = json!(at(failed));
        }
    };
    let given_up = failover(0, |event| event["outcome"] = json!("needs-a-person"));
    let finished = failover(20, began(0));
    let refused = failover(7_200, |event| {
        event["record"]["judgement"] = json!({"step": "Refused", "because": "it answers", "seen": {}, "did": null});
        event["outcome"] = json!("refused");
    });
    let declined = failover(9_000, |event| {
        event["outcome"] = json!("refused");
        event["record"]["approval"] = json!({"decision": "deny", "by": "anna", "why": "a drill"});
    });
    let told = |runs: Vec<Evidence>| line(&plan(&json!([])), &left(runs), Measure::Recovery);
    let both = told(vec![finished.clone(), given_up.clone(), refused, declined]);
    assert_eq!((both.of, both.unknown, both.value), (1, 0, Some(Value::Seconds(40.0))), "from the failure to the end");
    let alone = told(vec![given_up]);
    assert_eq!((alone.of, alone.unknown, alone.value), (1, 1, None), "nobody knows when it was over");
    assert_eq!(told(vec![failover(0, |_| {}), failover(60, |_| {})]).of, 2, "two failures");
}

#[test]
fn what_is_outside_the_span_or_handed_over_on_purpose_is_left_out() {
    let switchover = failover(0, |event| {
        let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-switchover:1";
        (event["execution"], event["run"]["execution"]) = (json!(execution), json!(execution));
    });
    let left = left(vec![failover(DAY * 11, |_| {}), failover(-DAY * 11, |_| {}), switchover]);
    let of = |counting| report(&plan(&json!([])), &left, span(), counting);
    let count = |told: &Report| told.lines.iter().find(|line| line.measure == Measure::RtoMet).unwrap().of;
    let (without, with) = (of(Counting::Failures), of(Counting::Drills));
    assert_eq!((count(&without), count(&with)), (0, 1));
    assert!(without.remarks.iter().any(|remark| remark.contains("--drills")), "{:?}", without.remarks);
    assert!(!with.remarks.iter().any(|remark| remark.contains("--drills")), "{:?}", with.remarks);
}

#[test]
fn availability_is_the_time_without_the_outages_that_were_measured() {
    let short = Span { since: at(-1_000), until: at(1_000) };
    let availability = |left: &Left| {
        let told =
            report(&plan(&json!([{"measure": "availability", "atLeastPercent": 98}])), left, short, Counting::Failures);
        let line = told.lines.into_iter().find(|line| line.measure == Measure::Availability).unwrap();
        (line.value, line.of, line.unknown, line.standing)
    };
    let watched = |runs| Left { watched_until: [("lab".parse().unwrap(), short.until)].into(), ..left(runs) };
    assert_eq!(availability(&watched(vec![])), (Some(Value::Percent(100.0)), 0, 0, Standing::Met));
    // 20 s of 2,000.
    let (value, of, unknown, standing) = availability(&watched(vec![failover(0, |_| {})]));
    assert!(matches!(value, Some(Value::Percent(percent)) if (percent - 99.0).abs() < 1e-9), "{value:?}");
    assert_eq!((of, unknown, standing), (1, 0, Standing::Met));
    // One that ended by itself, half of it within the other.
    let mut with_a_blip = watched(vec![failover(0, |_| {})]);
    let blip = json!({
        "plan": "lab", "streak": {"since": at(10), "until": at(29), "failures": 20, "because": "no answer"},
        "recoveredAt": at(30), "failuresInARow": 3, "alarmed": true, "because": "it recovered",
    });
    with_a_blip.blips.push(serde_json::from_value(blip).unwrap());
    let (value, of, ..) = availability(&with_a_blip);
    assert_eq!(of, 1, "what both saw is one outage");
    assert!(matches!(value, Some(Value::Percent(percent)) if (percent - 98.5).abs() < 1e-9), "{value:?}");
    // Nobody watched at the end: it may have been less.
    let (value, _, unknown, standing) = availability(&Left { watched_until: BTreeMap::new(), ..with_a_blip });
    assert!(value.is_some() && unknown == 1, "{value:?}");
    assert_eq!(standing, Standing::NotMeasured);
    // An outage whose length nobody knows.
    let given_up = failover(0, |event| event["outcome"] = json!("needs-a-person"));
    assert_eq!(availability(&watched(vec![given_up])).3, Standing::NotMeasured);
}

fn manifest(day: i64, outcome: UpkeepOutcome) -> Manifest {
    // The lab's is daily at 02:00.
    let scheduled_at: Timestamp = "2026-01-15T02:00:00Z".parse().unwrap();
    let scheduled_at = scheduled_at + jiff::SignedDuration::from_secs(day * DAY);
    let manifest = json!({
        "version": 1, "plan": "lab", "planVersion": "1", "schedule": "daily", "scheduledAt": scheduled_at,
        "execution": "arn:aws:states:us-west-2:000000000000:execution:lifeboat-backup:1", "endedAt": scheduled_at,
        "outcome": outcome, "retention": null, "parts": [],
    });
    serde_json::from_value(manifest).unwrap()
}

#[test]
fn a_backup_that_was_due_and_left_nothing_is_not_known_to_be_whole() {
    use UpkeepOutcome::{Complete, Partial};
    let of = |outcomes: &[(i64, UpkeepOutcome)]| {
        let backups = outcomes.iter().map(|(day, outcome)| manifest(*day, *outcome)).collect();
        let left = Left { backups, ..left(vec![]) };
        let plan = plan(&json!([{"measure": "backups-complete", "atLeastPercent": 90}]));
        let line = line(&plan, &left, Measure::BackupsComplete);
        (line.of, line.unknown, line.standing)
    };
    // Due on days 6 to 9; the tenth may still be at work.
    let all: Vec<_> = (6..=9).map(|day| (day, Complete)).collect();
    assert_eq!(of(&all), (4, 0, Standing::Met));
    assert_eq!(of(&[(6, Complete), (7, Complete), (9, Complete)]), (4, 1, Standing::NotMeasured));
    assert_eq!(of(&[(6, Complete), (7, Partial), (8, Complete), (9, Complete)]), (4, 0, Standing::Missed));
    assert_eq!(of(&[]), (0, 0, Standing::NotMeasured));
    // Before the first one nobody knows whether the schedule was there.
    assert_eq!(of(&[(9, Complete)]), (1, 0, Standing::Met));
}

#[test]
fn a_proof_is_a_restore_to_prove_a_backup_and_no_other() {
    let record = |purpose: &str, outcome: &str| -> RestoreRecord {
        let record = json!({
            "version": 1, "plan": "lab", "planVersion": "1", "schedule": "daily", "purpose": purpose, "wanted": "latest",
            "region": "us-west-2", "by": null, "openedAt": at(0), "endedAt": at(1), "outcome": outcome, "parts": [],
            "execution": "arn:aws:states:us-west-2:000000000000:execution:lifeboat-verify-backup:1",
        });
        serde_json::from_value(record).unwrap()
    };
    let of = |restores: Vec<RestoreRecord>| {
        let left = Left { restores, ..left(vec![]) };
        let plan = plan(&json!([{"measure": "restores-verified", "atLeastPercent": 100}]));
        let line = line(&plan, &left, Measure::RestoresVerified);
        (line.of, line.standing)
    };
    let passed = || record("test", "complete");
    let others = || vec![record("integrity", "failed"), record("keep", "failed"), record("test", "refused")];
    assert_eq!(of(others()), (0, Standing::NotMeasured));
    assert_eq!(of([others(), vec![passed(), passed()]].concat()), (2, Standing::Met));
    assert_eq!(of(vec![passed(), record("test", "partial")]), (2, Standing::Missed));
}

#[test]
fn a_number_for_people_is_cut_off_and_never_rounded_to_what_it_is_not() {
    for (percent, told) in [(99.999_99, "99.999 %"), (100.0, "100 %"), (0.0, "0 %"), (66.666_66, "66.666 %")] {
        assert_eq!(Value::Percent(percent).to_string(), told);
    }
    assert_eq!(Value::Seconds(150.2).to_string(), "2m 31s");
}

#[test]
fn the_worst_target_is_how_a_report_stands() {
    let left = left(vec![failover(0, |_| {})]);
    let of = |targets: Json| report(&plan(&targets), &left, span(), Counting::Failures).standing();
    let (met, unknown) =
        (json!({"measure": "dns", "within": "1m"}), json!({"measure": "backups-complete", "atLeastPercent": 1}));
    let missed = json!({"measure": "detection", "within": "2s"});
    assert_eq!(of(json!([])), Standing::NoTarget);
    assert_eq!(of(json!([met])), Standing::Met);
    assert_eq!(of(json!([met, unknown])), Standing::NotMeasured);
    assert_eq!(of(json!([met, unknown, missed])), Standing::Missed);
}
