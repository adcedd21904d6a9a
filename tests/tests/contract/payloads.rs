//! What a state may be given and may give, at its largest. Step Functions ends an execution that has more, and no `Catch` for
//! `States.ALL` is asked. <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>

use domain::{
    backup::{self, LONGEST_REASON_CHARS, Missing, PartTurn, Taken},
    component::{SeenDatabase, SnapshotKind},
    plan::Plan,
    plan_file::{LARGEST_PLAN_BYTES, MOST_COMPONENTS, MOST_SNAPSHOTS},
    run::step::Outcome,
    state_machine::{Answered, LastWord, StateName},
};
use serde_json::{Value, json};
use tests::repository;

/// A state's largest input, result and variable. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const LARGEST_PAYLOAD_BYTES: usize = 262_144;

/// A plan as JSON: what its text leaves out is written, so that it may be half as large again.
const LARGEST_PLAN_AS_JSON: usize = LARGEST_PLAN_BYTES * 3 / 2;

/// A run's input but for its plan: names, times and an ARN, each of them short.
const REST_OF_A_RUN: usize = 4_096;

#[test]
#[expect(clippy::print_stdout, reason = "the figure is to be read, not only kept below its limit")]
fn a_backup_of_all_that_a_plan_may_have_is_told_to_its_close() {
    let regions = MOST_SNAPSHOTS / MOST_COMPONENTS;
    // No part is larger than one of a component that each Region lacks, for a reason that is cut short.
    let part = json!(part(regions));
    let parts: Value = (0..MOST_COMPONENTS).map(|_| part.clone()).collect();
    let bytes = LARGEST_PLAN_AS_JSON + REST_OF_A_RUN + parts.to_string().len();
    println!("backup: {bytes} bytes of {MOST_COMPONENTS} components in {regions} Regions in the worst case");
    assert!(bytes < LARGEST_PAYLOAD_BYTES, "{bytes} bytes");
}

/// A component's turn, with every name and every reason at its longest.
fn part(regions: u64) -> PartTurn {
    let name = |longest: usize| "x".repeat(longest);
    let component = name(40).parse().unwrap_or_else(|error| panic!("{error}"));
    let reason = name(LONGEST_REASON_CHARS * 2);
    let region = |_| "ap-southeast-2".parse().unwrap_or_else(|error| panic!("{error}"));
    let missing: Vec<Missing> = (0..regions).map(|n| Missing::new(region(n), &reason)).collect();
    let answer = Some(Answered { step: Some(Outcome::Pending), because: missing[0].because.clone() });
    let not_done = Some("not finished".to_owned());
    let word = LastWord { state: StateName::Snapshot, not_done, asks: 51, answer, error: None };
    let database = SeenDatabase {
        lsn: Some("FFFFFFFF/FFFFFFFF".parse().unwrap_or_else(|error| panic!("{error}"))),
        database_time: jiff::Timestamp::now(),
        size_bytes: Some(u64::MAX),
        version: Some("15.18".into()),
    };
    let taken = Taken {
        component,
        of: SnapshotKind::Instance.of(name(63)),
        snapshot: format!("lifeboat-{}-{}-{}-20261121t020000", name(40), name(40), name(20)),
        database,
        places: Vec::new(),
        missing,
    };
    PartTurn { component: taken.component.clone(), taken: Some(taken), word }
}

#[test]
fn a_place_is_no_larger_than_a_reason_why_there_is_none() {
    let stored = backup::Stored {
        region: "ap-southeast-2".parse().unwrap_or_else(|error| panic!("{error}")),
        arn: format!("arn:aws-us-gov:rds:ap-southeast-2:000000000000:snapshot:{}", "x".repeat(126)),
        allocated_gib: Some(65_536),
        encrypted: false,
    };
    let place = json!(stored).to_string().len();
    let reason = json!(Missing::new(stored.region, &"x".repeat(LONGEST_REASON_CHARS))).to_string().len();
    assert!(place < reason, "{place} and {reason} bytes");
}

#[test]
fn a_plan_is_no_larger_as_json_than_is_reckoned_with() {
    let text = repository::text("plans/lab.yaml");
    let comments: usize = text.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment.len()).sum();
    let plan: Plan = crate::lab_plan();
    let json = json!(plan).to_string().len();
    assert!(json * 2 <= (text.len() - comments) * 3, "{json} bytes as JSON, {} as text", text.len() - comments);
}
