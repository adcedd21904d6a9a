use serde_json::Value;

use super::*;
use crate::{
    failover::{approval::Answer, judgement::Judgement, traffic},
    plan::Disaster,
    run::step::Step,
    state_machine::StateMachine,
    watch::region::{Episode, Pointed, Recorded},
    words::{id::Generation, time_span::TimeSpan, wal::Lsn},
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
    let (run, plan, trigger, approved, standing, starts_again, evidence) = (None, None, None, None, None, None, None);
    let unmoved = &[];
    Ended { execution, run, plan, trigger, approved, unmoved, standing, starts_again, outcome, because: "no", evidence }
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
            notices.push(started(&execution, input.as_deref(), Some(TimeSpan::seconds(600))));
            notices.push(broken(&execution, input.as_deref(), "ABORTED", "none given"));
        }
        notices.extend(RunOutcome::ALL.map(|outcome| ended(end(&execution, outcome))));
    }
    for machine in StateMachine::ALL {
        notices.push(broken(&execution(machine.name()), Some(r#"{"plan": "lab"}"#), "TIMED_OUT", "none given"));
    }
    let (run, judgement, because) = asked();
    notices.push(approval(&run, &judgement, &because, None));
    notices.push(approval(&run, &judgement, &because, Some(("STS is silent", jiff::Timestamp::UNIX_EPOCH))));
    notices.push(unhardened(&run, "backing-up"));
    notices.push(traffic_late(&run, "Route 53 does not answer"));
    notices.push(kept_out(&kept(), "evidence/lab/guard/generation-1.json"));
    notices.push(resists(&guard(&run), "permission denied"));
    notices.extend(of_health());
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

/// What is told of each Region's health, whatever it points to.
fn of_health() -> Vec<Notice> {
    let plan = crate::plan_file::lab();
    let at = jiff::Timestamp::UNIX_EPOCH;
    let regions = [&plan.regions.primary, &plan.regions.recovery];
    let mut notices = Vec::new();
    for (region, seen_from) in regions.into_iter().zip(regions.into_iter().rev()) {
        let classes = Disaster::ALL.into_iter().map(Some).chain([None]);
        let pointed = |class| Pointed { class, at, because: "3 looks in a row were not healthy".into() };
        let pointed_to: Vec<Pointed> = classes.map(pointed).collect();
        let episode = Episode { since: at, pointed_to, healthy_in_a_row: 3, ended_at: Some(at) };
        let (plan_name, region, seen_from) = (plan.plan.clone(), region.clone(), seen_from.clone());
        let recorded = Recorded { plan: plan_name, region, seen_from, episode };
        let told = recorded
            .episode
            .pointed_to
            .iter()
            .map(|pointed| unhealthy(&plan, &recorded, pointed, "evidence/lab/x.json"));
        notices.extend(told.chain([healthy_again(&plan, &recorded, "evidence/lab/x.json")]));
    }
    notices
}

#[test]
fn whoever_is_told_of_a_broken_application_is_told_that_nothing_is_moved_and_what_may_be() {
    let of = |class: &str| {
        let subject = format!("Lifeboat: us-east-1 of lab is unhealthy: {class}");
        of_health().into_iter().find(|notice| notice.subject == subject).unwrap_or_else(|| panic!("{subject}")).message
    };
    for class in ["application", "network"] {
        assert!(of(class).contains("Nothing is moved: the database answers."), "{}", of(class));
    }
    assert!(of("application").contains("lifeboat switchover --plan lab --region us-west-2"), "{}", of("application"));
    assert!(of("database").contains("it is failed over by itself (failover.policy.database)"), "{}", of("database"));
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
fn a_backup_that_was_not_begun_names_the_run_that_is_still_at_work() {
    let run: BackupRun = read(sample(include_str!("../../../../../events/notify-backup.json"), "/backup/backup"));
    let execution = execution("lifeboat-backup");
    let because = "run `x`, for 2026-11-21T01:00:00Z, is still at work, since 2026-11-21T01:00:03Z (1h)";
    let told = backup(&execution, Some(&run), UpkeepOutcome::Refused, because, None);
    assert_eq!(told.subject, "Lifeboat: backup of lab, schedule daily: SKIPPED");
    assert!(
        told.message.contains(because) && told.message.contains("of 2026-11-21T02:00:00Z was not begun"),
        "{told:?}"
    );
    let wrong = backup(&execution, None, UpkeepOutcome::Refused, "no schedule `hourly`", None);
    assert!(wrong.subject.ends_with("refused") && wrong.message.contains("BackupRefused"), "{wrong:?}");
}

#[test]
fn a_backup_that_a_look_found_fault_with_says_which() {
    let mut event = sample(include_str!("../../../../../events/notify-backup.json"), "");
    let cause = r#"{"Error":"VerifyBackupFailed","Cause":"orders: `it is encrypted` expected an encrypted snapshot"}"#;
    event["backup"]["because"] = Value::Null;
    event["backup"]["stopped"] =
        serde_json::json!({"state": "ProveBackup", "error": {"Error": "States.TaskFailed", "Cause": cause}});
    let notification: crate::record::notification::Notification = read(event);
    let told = notification.announce().unwrap();
    assert!(told.notice.subject.ends_with("INCOMPLETE"), "{}", told.notice.subject);
    assert_eq!(
        told.because,
        "all of it is there, and the look at it did not end as complete: VerifyBackupFailed: orders: `it is encrypted` \
         expected an encrypted snapshot"
    );
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
    let Notice { subject, message } = started(&failover, Some(&alarm()), None);
    assert_eq!(subject, "Lifeboat: a failover of lab has started");
    for says in
        ["lifeboat-lab-primary-down was raised", "Threshold Crossed: 1 out of", "Next: ", "status lab", "An alarm"]
    {
        assert!(message.contains(says), "{says}: {message}");
    }
    let Notice { message, .. } = started(&failover, Some(BY_HAND), Some(TimeSpan::seconds(600)));
    assert!(message.contains("anna ordered it: the Region is flooded"), "{message}");
    assert!(message.contains("Starting a failover by hand"), "{message}");
    assert!(message.contains("It is expected to take 10m until traffic is switched"), "{message}");
    let Notice { message, .. } =
        started(&execution("lifeboat-switchover"), Some(BY_HAND), Some(TimeSpan::seconds(600)));
    assert!(!message.contains("expected"), "the plan expects it of a failover: {message}");
    assert!(message.contains("rehearses") && message.contains("Handing over on purpose"), "{message}");
}

#[test]
fn a_start_by_a_request_that_cannot_be_read_says_what_is_wrong_with_it() {
    let refused = r#"{"plan": "lab"}"#;
    let ten_minutes = Some(TimeSpan::seconds(600));
    let Notice { subject, message } = started(&execution("lifeboat-failover"), Some(refused), ten_minutes);
    assert_eq!(subject, "Lifeboat: a failover has started");
    assert!(message.contains("`by` is missing") && message.contains("will be refused"), "{message}");
    assert!(!message.contains("expected"), "{message}");
    let Notice { message, .. } = started(&execution("lifeboat-failover"), None, None);
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
    let (plan, trigger) =
        ("lab".parse().unwrap(), Trigger::Person { by: "anna".parse().unwrap(), why: "test".into(), proved: None });
    let refused = end(&execution, RunOutcome::Refused);
    let notice = ended(Ended { plan: Some(&plan), trigger: Some(&trigger), ..refused });
    assert_eq!(notice.subject, "Lifeboat: failover of lab refused");
    assert!(notice.message.contains("Started by: anna: test"), "{}", notice.message);
    let who = "arn:aws:sts::000000000000:assumed-role/on-call/anna";
    let trigger = trigger.proved(Some(who.parse().unwrap()));
    let approved: Answer = serde_json::from_value(serde_json::json!({
        "decision": "approve", "by": "ben", "why": "confirmed", "proved": "arn:aws:sts::000000000000:assumed-role/on-call/ben",
    }))
    .unwrap();
    let (trigger, approved) = (Some(&trigger), Some(&approved));
    let told = ended(Ended { plan: Some(&plan), trigger, approved, ..end(&execution, RunOutcome::Done) }).message;
    assert!(told.contains(&format!("Started by: anna ({who}): test")), "{told}");
    assert!(
        told.contains("Approved by: ben (arn:aws:sts::000000000000:assumed-role/on-call/ben): confirmed"),
        "{told}"
    );
}

#[test]
fn names_of_the_application_that_were_not_moved_are_told_each_with_what_to_do() {
    let (mut run, ..) = asked();
    run.plan.traffic.records = read(serde_json::json!(["www.shop.test", "api.shop.test"].map(|name| {
        serde_json::json!({ "type": "a", "zone": "Z2", "name": name, "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s" })
    })));
    let moved = serde_json::json!({ "name": "api.shop.test", "from": { "address": "192.0.2.1" }, "to": { "address": "192.0.2.2" },
        "seenAt": "2026-01-15T09:30:07Z" });
    let did = serde_json::json!({ "change": null, "target": "db.shop.test", "seenAt": "2026-01-15T09:30:07Z", "names": [moved],
        "left": [{ "name": "www.shop.test", "because": "no such zone" }] });
    let step: Step<traffic::Switch> =
        read(serde_json::json!({ "step": "Refused", "because": "no such zone", "seen": null, "did": did }));
    let unmoved = traffic::unmoved(&run.plan, &step);
    let degraded = end(&run.execution, RunOutcome::Degraded);
    let told = ended(Ended { run: Some(&run), unmoved: &unmoved, ..degraded });
    assert_eq!(told.subject, "Lifeboat: failover of lab DEGRADED: names of the application were not moved");
    let says = "  `www.shop.test`, A in zone Z2: it may still lead to `192.0.2.1`; set it to lead to `192.0.2.2`. Why it was not \
                moved: no such zone\n";
    assert!(told.message.contains(says) && !told.message.contains("api.shop.test"), "{}", told.message);
    assert!(told.message.contains("RUNBOOK.md, \"FailoverDegraded\""), "{}", told.message);
}

#[test]
fn people_who_are_asked_again_are_told_why_and_until_when() {
    let (run, judgement, because) = asked();
    let until = "2026-01-15T09:45:04.31Z".parse().unwrap();
    let told = approval(&run, &judgement, &because, Some(("STS did not answer", until))).message;
    assert!(told.contains("An answer was NOT taken, and you are asked again: STS did not answer"), "{told}");
    assert!(told.contains("Answer until 2026-01-15T09:45:04Z:"), "{told}");
    assert!(approval(&run, &judgement, &because, None).message.contains("Answer within 15m:"));
}
