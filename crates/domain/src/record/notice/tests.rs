use serde_json::Value;

use super::*;
use crate::{
    run::step::Step,
    state_machine::StateMachine,
    words::{id::Generation, wal::Lsn},
};

const RUNBOOK: &str = include_str!("../../../../../RUNBOOK.md");

fn sample(text: &str, path: &str) -> Value {
    let event: Value = serde_json::from_str(text).unwrap();
    event.pointer(path).unwrap().clone()
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn execution(machine: &str) -> ExecutionArn {
    format!("arn:aws:states:us-west-2:000000000000:execution:{machine}:a").parse().unwrap()
}

/// The request of an alarm, as EventBridge hands it over.
fn alarm() -> String {
    read(sample(include_str!("../../../../../events/notify-started.json"), "/detail/input"))
}

const AGAIN: &str =
    r#"{"plan": "lab", "again": {"since": "2026-11-28T10:00:00Z", "attempt": 2, "reason": "it fails still"}}"#;

const BY_HAND: &str = r#"{"plan": "lab", "by": "anna", "why": "the Region is flooded"}"#;

fn asked() -> (Run, Judgement, String) {
    let event = include_str!("../../../../../events/notify-approval.json");
    let judged: Step<Judgement> = read(sample(event, "/approval/judgement"));
    (read(sample(event, "/approval/run")), judged.did.unwrap(), judged.because)
}

fn kept() -> Kept {
    Kept {
        plan: "lab".parse().unwrap(),
        generation: Generation(1),
        instance: "orders-primary".parse().unwrap(),
        since: jiff::Timestamp::UNIX_EPOCH,
        ended_at: jiff::Timestamp::UNIX_EPOCH,
        network: Way::Holds,
        divergence: Some(crate::failover::guard::Divergence {
            promoted_at: Lsn(1),
            old_primary_ends_at: Lsn(2),
            wal_bytes: 1,
        }),
        taken_over: None,
        because: "it refuses the application".into(),
    }
}

fn guard(run: &Run) -> Guard {
    Guard {
        generation: Generation(1),
        since: jiff::Timestamp::UNIX_EPOCH,
        position: None,
        target: Target::primary(&run.plan, run.pair().unwrap()),
        settles_at: None,
    }
}

fn end(execution: &ExecutionArn, outcome: RunOutcome) -> Ended<'_> {
    let (run, plan, trigger, standing, starts_again, evidence) = (None, None, None, None, None, None);
    Ended { execution, run, plan, trigger, standing, starts_again, outcome, because: "no", evidence }
}

/// Each notice that there is, made by each of its constructors.
fn every_notice() -> Vec<Notice> {
    let mut notices = Vec::new();
    for kind in RunKind::ALL {
        let execution = execution(kind.machine().name());
        for input in [
            Some(alarm()),
            Some(AGAIN.to_owned()),
            Some(BY_HAND.to_owned()),
            Some("{}".to_owned()),
            Some("not JSON".into()),
            None,
        ] {
            notices.push(started(&execution, input.as_deref()));
            notices.push(broken(&execution, input.as_deref(), "ABORTED", "none given"));
        }
        notices.extend(RunOutcome::ALL.map(|outcome| ended(end(&execution, outcome))));
    }
    for machine in StateMachine::ALL {
        notices.push(broken(&execution(machine.name()), Some(r#"{"plan": "lab"}"#), "TIMED_OUT", "none given"));
    }
    let (run, judgement, because) = asked();
    notices.push(approval(&run, &judgement, &because));
    notices.push(unhardened(&run, "backing-up"));
    notices.push(traffic_late(&run, "Route 53 does not answer"));
    notices.push(kept_out(&kept(), "evidence/lab/guard/generation-1.json"));
    notices.push(resists(&guard(&run), "permission denied"));
    let of = execution("lifeboat-backup");
    let run: BackupRun = read(sample(include_str!("../../../../../events/notify-backup.json"), "/backup/backup"));
    let cleaned: CleanupRun =
        read(sample(include_str!("../../../../../events/notify-cleanup.json"), "/cleanup/cleanup"));
    let proved: RestoreRun =
        read(sample(include_str!("../../../../../events/notify-restore.json"), "/restore/restore"));
    let of_purpose =
        [Purpose::Test, Purpose::Integrity, Purpose::Keep].map(|purpose| RestoreRun { purpose, ..proved.clone() });
    let ordered: all::Ended = read(sample(include_str!("../../../../../events/notify-all.json"), "/all"));
    for outcome in [RunOutcome::Refused, RunOutcome::NeedsAPerson] {
        for opened in [ordered.opened.clone(), None] {
            let mut ended = ordered.clone();
            (ended.outcome, ended.opened) = (outcome, opened);
            notices.push(all(&ended, &ordered.because()));
        }
    }
    for outcome in UpkeepOutcome::ALL {
        notices.push(backup(&of, Some(&run), outcome, "no", None));
        notices.push(backup(&of, None, outcome, "no", None));
        notices.push(cleanup(&of, Some(&cleaned), outcome, "no"));
        notices.extend(of_purpose.iter().map(|proved| restore(&of, Some(proved), outcome, "no", None)));
    }
    notices
}

/// The heading that a notice ends with.
fn heading(notice: &Notice) -> &str {
    let last = notice.message.trim_end().lines().last().unwrap_or_default();
    let heading = last.strip_prefix("RUNBOOK.md, \"").and_then(|rest| rest.strip_suffix("\"."));
    heading.unwrap_or_else(|| panic!("{}: no heading in `{last}`", notice.subject))
}

#[test]
fn every_notice_ends_with_a_heading_that_the_runbook_has() {
    let headings: Vec<&str> =
        RUNBOOK.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim()).collect();
    for notice in every_notice() {
        let heading = heading(&notice);
        assert!(headings.contains(&heading), "{}: RUNBOOK.md has no heading `{heading}`", notice.subject);
    }
}

/// The rows of RUNBOOK's index by notice: each subject of a row beside each heading that the row links to.
fn index() -> Vec<(&'static str, &'static str)> {
    let (_, index) = RUNBOOK.split_once("### By notice\n").expect("RUNBOOK.md has no index by notice");
    let index = index.split("\n#").next().unwrap_or_default();
    let rows = index.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    rows.flat_map(|(subjects, links)| {
        let headings = links.split('[').skip(1).filter_map(|link| Some(link.split_once("](#")?.0));
        let subjects = subjects.split('`').step_by(2).filter(|subject| !subject.is_empty());
        subjects.flat_map(move |subject| headings.clone().map(move |heading| (subject, heading)))
    })
    .collect()
}

/// Whether a subject is one that the index writes so: `…` is anything, and nothing.
fn is_written(subject: &str, row: &str) -> bool {
    let Some(mut rest) = subject.strip_prefix("Lifeboat: ") else { return false };
    let parts: Vec<&str> = row.split('…').map(|part| part.trim_end_matches(" of ").trim()).collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    parts.iter().all(|part| rest.find(part).inspect(|at| rest = &rest[at + part.len()..]).is_some())
        && subject["Lifeboat: ".len()..].starts_with(first)
        && subject.ends_with(last)
}

#[test]
fn the_index_of_the_runbook_has_every_notice_and_nothing_else() {
    let index = index();
    // Nobody is told of what is complete.
    let notices: Vec<Notice> =
        every_notice().into_iter().filter(|notice| !notice.subject.ends_with(": complete")).collect();
    let is_of = |notice: &Notice, row: &(&str, &str)| heading(notice) == row.1 && is_written(&notice.subject, row.0);
    for notice in &notices {
        let found = index.iter().any(|row| is_of(notice, row));
        assert!(found, "RUNBOOK.md's index does not lead from `{}` to `{}`", notice.subject, heading(notice));
    }
    for row in &index {
        assert!(notices.iter().any(|notice| is_of(notice, row)), "no notice is `{}` with \"{}\"", row.0, row.1);
    }
    assert!(index.len() > 25, "{} rows: are they still found?", index.len());
}

#[test]
fn no_notice_holds_what_only_a_program_reads() {
    for Notice { subject, message } in every_notice() {
        for raw in ["{\"", "\\\"", "Some(", "None"] {
            assert!(!message.contains(raw), "{subject}: `{raw}` in {message}");
        }
    }
}

#[test]
fn people_hear_once_at_each_end_what_starts_the_next_run() {
    let execution = execution("lifeboat-failover");
    let told = ended(Ended { starts_again: Some("it goes on looking"), ..end(&execution, RunOutcome::Refused) });
    assert_eq!(told.message.matches("it goes on looking").count(), 1, "{}", told.message);
    let told = broken(&execution, None, "ABORTED", "none given").message;
    assert_eq!(told.matches("starts the next one by itself").count(), 1, "{told}");
    let backup = broken(&self::execution("lifeboat-backup"), None, "ABORTED", "none given").message;
    assert!(!backup.contains("by itself"), "{backup}");
}

#[test]
fn a_subject_fits_sns() {
    let notice = Notice::new(&format!("a\nü{}", "x".repeat(300)), "", "An alarm");
    assert_eq!(notice.subject.len(), 100);
    assert!(notice.subject.starts_with("a??x"), "{}", notice.subject);
}

#[test]
fn a_notice_names_what_was_run_and_its_own_heading() {
    for (machine, noun, heading) in
        [("lifeboat-failover", "failover", "FailoverUndone"), ("lifeboat-switchover", "switchover", "SwitchoverUndone")]
    {
        let notice = ended(end(&execution(machine), RunOutcome::Undone));
        assert!(notice.subject.contains(noun), "{}", notice.subject);
        assert!(notice.message.contains(heading), "{}", notice.message);
    }
}

#[test]
fn a_start_is_told_with_its_plan_who_or_what_began_it_and_what_comes_next() {
    let failover = execution("lifeboat-failover");
    let Notice { subject, message } = started(&failover, Some(&alarm()));
    assert_eq!(subject, "Lifeboat: a failover of lab has started");
    for says in
        ["lifeboat-lab-primary-down was raised", "Threshold Crossed: 1 out of", "Next: ", "status lab", "An alarm"]
    {
        assert!(message.contains(says), "{says}: {message}");
    }
    let Notice { message, .. } = started(&failover, Some(BY_HAND));
    assert!(message.contains("anna ordered it: the Region is flooded"), "{message}");
    assert!(message.contains("Starting a failover by hand"), "{message}");
    let Notice { message, .. } = started(&execution("lifeboat-switchover"), Some(BY_HAND));
    assert!(message.contains("rehearses") && message.contains("Handing over on purpose"), "{message}");
}

#[test]
fn a_start_by_a_request_that_cannot_be_read_says_what_is_wrong_with_it() {
    let Notice { subject, message } = started(&execution("lifeboat-failover"), Some(r#"{"plan": "lab"}"#));
    assert_eq!(subject, "Lifeboat: a failover has started");
    assert!(message.contains("`by` is missing") && message.contains("will be refused"), "{message}");
    let Notice { message, .. } = started(&execution("lifeboat-failover"), None);
    assert!(!message.contains("refused"), "what nobody read is not said to be wrong: {message}");
}

#[test]
fn a_run_that_was_broken_off_is_told_with_its_plan_and_a_backup_has_no_lease() {
    let Notice { subject, message } = broken(&execution("lifeboat-failover"), Some(&alarm()), "ABORTED", "none given");
    assert_eq!(subject, "Lifeboat: a failover of lab was broken off (ABORTED)");
    assert!(message.contains("ABORTED") && message.contains("lease"), "{message}");
    let Notice { subject, message } = broken(
        &execution("lifeboat-backup"),
        Some(r#"{"plan": "lab", "schedule": "daily"}"#),
        "TIMED_OUT",
        "none given",
    );
    assert_eq!(subject, "Lifeboat: a backup of lab was broken off (TIMED_OUT)");
    assert!(!message.contains("lease"), "{message}");
}

#[test]
fn a_run_that_got_no_lease_is_told_with_who_ordered_it() {
    let execution = execution("lifeboat-failover");
    let (plan, trigger) = ("lab".parse().unwrap(), Trigger::Person { by: "anna".parse().unwrap(), why: "test".into() });
    let refused = end(&execution, RunOutcome::Refused);
    let notice = ended(Ended { plan: Some(&plan), trigger: Some(&trigger), ..refused });
    assert_eq!(notice.subject, "Lifeboat: failover of lab refused");
    assert!(notice.message.contains("Started by: anna: test"), "{}", notice.message);
}
