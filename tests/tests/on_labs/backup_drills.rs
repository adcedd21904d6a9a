//! The drills of backups, each with its expected verdict, on one lab: real PostgreSQL, the real engine, a client at work.

use std::time::Instant;

use domain::{
    plan_file,
    restore::RestorePart,
    run::verification::{Finding, sum_up},
};
use lab::{
    drill::{Drills, Scenario},
    report::{DrillResult, Ending, Event, Record, Subject, page},
};
use tests::{
    labs,
    listener::{Listener, tell},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_drill_of_backups_ends_as_it_must() {
    let told = Listener::default();
    let plan = plan_file::read(include_str!("../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
    let (lab, _place) = labs::start(&plan, &told).await.unwrap();
    let mut drills = Drills::on(lab);
    let mut results = Vec::new();
    for scenario in Scenario::BACKUPS {
        let _turn = labs::turn().await;
        let began = Instant::now();
        match drills.run(scenario, "cargo test", &told).await {
            Ok(result) => {
                tell(&format!("{:>5.1} s  {}: {}", began.elapsed().as_secs_f64(), scenario.name(), result.headline()));
                results.push(result);
            }
            Err(error) => {
                panic!("{}: {}\n{:#?}", scenario.name(), domain::words::failure::chain(&error), told.told())
            }
        }
    }
    drills.shut_down().await;
    for result in &results {
        assert!(result.passed(), "{}: {:?}\n{:#?}", result.scenario, result.shortcomings(), told.told());
        every_result_is_whole(result);
    }
    the_time_of_a_proof_is_told_part_by_part(result_of(&results, Scenario::RestoreTest));
    every_deleted_row_is_back(result_of(&results, Scenario::PointInTime));
    damage_is_found_by_reading(result_of(&results, Scenario::CorruptBackup));
    what_was_refused_is_completed(result_of(&results, Scenario::QuotaFull), Ending::Failed);
    what_was_refused_is_completed(result_of(&results, Scenario::PartialFailure), Ending::Partial);
    a_failed_copy_is_never_one(result_of(&results, Scenario::CopyInterrupted));
}

fn result_of(results: &[DrillResult], scenario: Scenario) -> &DrillResult {
    results.iter().find(|result| result.scenario == scenario.name()).unwrap()
}

fn endings(result: &DrillResult) -> Vec<Ending> {
    result.runs.iter().map(|run| run.actual.unwrap()).collect()
}

fn happened(result: &DrillResult, event: Event) -> usize {
    result.timeline.iter().filter(|moment| moment.event == event).count()
}

fn every_result_is_whole(result: &DrillResult) {
    let name = &result.scenario;
    assert_eq!(result.subject, Subject::Backups, "{name}");
    assert!(result.checks.len() >= 4, "{name}: {} checks", result.checks.len());
    assert!(result.runs.iter().all(|run| run.record.is_some() && run.transitions.is_some()), "{name}");
    assert!(!result.turns.is_empty() && happened(result, Event::StepAnswered) > 0, "{name}");
    let ends = happened(result, Event::RunEnded);
    assert_eq!((ends, happened(result, Event::RunStarted)), (result.runs.len(), ends), "{name}");
    assert!(result.client.rows_acknowledged > 0 && result.client.attempts_failed == 0, "{name}");
    let read: DrillResult = serde_json::from_str(&serde_json::to_string(result).unwrap()).unwrap();
    assert_eq!(&read, result, "{name}");
    assert!(page(result).contains("What was measured"), "{name}");
}

fn the_time_of_a_proof_is_told_part_by_part(result: &DrillResult) {
    assert_eq!(endings(result), [Ending::Complete; 2]);
    let reading = |name: &str| result.readings.iter().find(|reading| reading.name == name).unwrap().value;
    for (whole, parts) in [
        (
            "backup in all",
            &[
                "backup: PostgreSQL's base backup",
                "backup: the copy to the other Region",
                "backup: what the engine adds",
            ][..],
        ),
        (
            "restore test in all",
            &[
                "restore test: the base backup's files",
                "restore test: the restored server's start",
                "restore test: its answers",
                "restore test: its stop",
                "restore test: what the engine adds",
            ],
        ),
    ] {
        let sum: u64 = parts.iter().map(|part| reading(part)).sum();
        assert!(sum.abs_diff(reading(whole)) <= parts.len() as u64, "{whole}: {} and {sum}", reading(whole));
        assert!(parts.iter().all(|part| reading(part) > 0 || part.contains("copy")), "{:?}", result.readings);
    }
}

fn restored(result: &DrillResult, nth: usize) -> &RestorePart {
    match result.runs[nth].record.as_ref().unwrap() {
        Record::Restore(record) => &record.parts[0].part,
        Record::Backup(_) | Record::Cleanup(_) => panic!("run {nth} of {} is no restore", result.scenario),
    }
}

fn every_deleted_row_is_back(result: &DrillResult) {
    assert_eq!(happened(result, Event::RowsDeleted), 1);
    let compared = result.readings.iter().find(|reading| reading.name == "rows compared").unwrap().value;
    assert!(compared > 10_000, "{compared} rows: those that were loaded, and the client's");
    assert!(restored(result, 0).left, "it was restored to be kept");
}

fn damage_is_found_by_reading(result: &DrillResult) {
    let test = result.runs.iter().position(|run| run.actual == Some(Ending::Failed)).unwrap();
    let checks = &restored(result, test).verified.as_ref().unwrap().checks;
    let unread = |finding: &Finding| matches!(finding, Finding::Failed { got, .. } if got.contains("XX001"));
    assert!(checks.iter().any(|check| unread(&check.finding)), "{:?}", sum_up(checks));
    let Some(Record::Cleanup(reports)) = &result.runs.last().unwrap().record else { panic!("no cleanup") };
    assert!(reports.iter().all(|report| report.apply && !report.deleted.is_empty()), "{reports:#?}");
}

fn what_was_refused_is_completed(result: &DrillResult, before: Ending) {
    let endings = endings(result);
    assert_eq!(endings[endings.len() - 2..], [before, Ending::Complete]);
    assert_eq!(happened(result, Event::PersonCalled), 1);
}

fn a_failed_copy_is_never_one(result: &DrillResult) {
    let expected = [Ending::Partial, Ending::Partial, Ending::Complete, Ending::Complete, Ending::Complete];
    assert_eq!(endings(result), expected);
    assert_eq!(happened(result, Event::CopiesBrokenOff), 1);
}
