//! What people are told.

use crate::{
    backup::BackupRun,
    cleanup::CleanupRun,
    evidence::RunOutcome,
    fencing::{Target, Way},
    guard::{Guard, Kept},
    id::{ExecutionArn, PlanName, SqlName},
    judgement::Judgement,
    restore::{Purpose, RestoreRun},
    run::{Kind, Run, Trigger},
    upkeep::UpkeepOutcome,
};

/// A notice: SNS's subject and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// At most 100 characters, as SNS wants it; ASCII, one line.
    pub subject: String,
    /// Plain text.
    pub message: String,
}

/// SNS's limit.
const SUBJECT_CHARS: usize = 100;

impl Notice {
    fn new(subject: &str, message: String) -> Self {
        let subject = subject
            .chars()
            .map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' })
            .take(SUBJECT_CHARS)
            .collect();
        Self { subject, message }
    }
}

/// An execution began.
#[must_use]
pub fn started(execution: &ExecutionArn, input: &str) -> Notice {
    let input: String = input.chars().take(2_000).collect();
    Notice::new(
        &format!("Lifeboat: a {} run has started", noun(execution)),
        format!("Execution: {execution}\nStarted by: {input}\n"),
    )
}

/// An execution was ended by the engine, not by itself.
#[must_use]
pub fn broken(execution: &ExecutionArn, status: &str, cause: &str) -> Notice {
    let cause: String = cause.chars().take(2_000).collect();
    Notice::new(
        &format!("Lifeboat: a {} run ended as {status}", noun(execution)),
        format!(
            "Execution: {execution}\nStatus: {status}\nCause: {cause}\n\nWhat is true now: read its history and the evidence bucket; RUNBOOK.md has a heading for each end.\n\
             If it held the lease, the next run takes it over.\n"
        ),
    )
}

/// What an execution is, in a sentence: its state machine's name says so.
fn noun(execution: &ExecutionArn) -> &str {
    let machine = execution.machine();
    machine.strip_prefix("lifeboat-").unwrap_or(machine)
}

/// A backup ended, and not as it should.
#[must_use]
pub fn backup(
    execution: &ExecutionArn,
    backup: Option<&BackupRun>,
    outcome: UpkeepOutcome,
    because: &str,
    manifest: Option<&str>,
) -> Notice {
    let of = backup.map_or_else(String::new, |run| format!(" of {}, schedule {}", run.plan.plan, run.schedule));
    let headline = format!("backup{of}: {}", outcome.headline());
    let summary = backup.map(|run| format!("{}\n\n", run.plan.summary)).unwrap_or_default();
    let again = backup.map(|run| {
        format!(
            "Once the reason is mended, the same backup is completed by:\n  lifeboat backup --plan {} --schedule {} --at {} --region {}\n",
            run.plan.plan,
            run.schedule,
            run.scheduled_at,
            execution.region()
        )
    });
    Notice::new(
        &format!("Lifeboat: {headline}"),
        format!(
            "{summary}Why: {because}\nExecution: {execution}\nManifest: {}\n\nRUNBOOK.md, Backup{}.\n{}",
            manifest.unwrap_or("none could be written"),
            outcome.end(),
            again.unwrap_or_default()
        ),
    )
}

/// A cleanup ended, and not as it should.
#[must_use]
pub fn cleanup(
    execution: &ExecutionArn,
    cleanup: Option<&CleanupRun>,
    outcome: UpkeepOutcome,
    because: &str,
) -> Notice {
    let of = cleanup.map_or_else(String::new, |run| format!(" of {}'s backups", run.plan.plan));
    let headline = format!("cleanup{of}: {}", outcome.headline());
    let reports = cleanup.map_or_else(String::new, |run| {
        let keys = run.regions.iter().map(|region| format!("  {}\n", run.report_key(region)));
        format!("Reports:\n{}", keys.collect::<String>())
    });
    Notice::new(
        &format!("Lifeboat: {headline}"),
        format!("Why: {because}\nExecution: {execution}\n{reports}\nRUNBOOK.md, Cleanup{}.\n", outcome.end()),
    )
}

/// A backup could not be proved, or not restored.
#[must_use]
pub fn restore(
    execution: &ExecutionArn,
    restore: Option<&RestoreRun>,
    outcome: UpkeepOutcome,
    because: &str,
    record: Option<&str>,
) -> Notice {
    let what = match restore.map(|run| run.purpose) {
        Some(Purpose::Keep) => "restore",
        Some(Purpose::Integrity) => "integrity check",
        Some(Purpose::Test) | None => "restore test",
    };
    let of = restore.map_or_else(String::new, |run| format!(" of {}'s backups", run.plan.plan));
    let headline = format!("{what}{of}: {}", outcome.headline());
    let summary = restore.map(|run| format!("{}\n\n", run.plan.summary)).unwrap_or_default();
    let next = match outcome {
        UpkeepOutcome::Refused => "Nothing was made.\n",
        UpkeepOutcome::Complete | UpkeepOutcome::Partial | UpkeepOutcome::Failed => {
            "Until it is explained, count on an older backup that is tagged as verified: `lifeboat backups` names it.\n"
        }
    };
    Notice::new(
        &format!("Lifeboat: {headline}"),
        format!(
            "{summary}Why: {because}\nExecution: {execution}\nRecord: {}\n\n{next}RUNBOOK.md, VerifyBackup{}.\n",
            record.unwrap_or("none could be written"),
            outcome.end(),
        ),
    )
}

/// A person must decide.
#[must_use]
pub fn approval(run: &Run, judgement: &Judgement, because: &str) -> Notice {
    let Run { plan, execution, generation, .. } = run;
    let signals: String =
        judgement.signals.iter().map(|s| format!("  {:?} says {:?}: {}\n", s.vantage, s.verdict, s.because)).collect();
    Notice::new(
        &format!("Lifeboat: approve the failover of {}?", plan.plan),
        format!(
            "{}\n\nPlan: {}\nGeneration: {generation}\nFailure: {} since {}\nWhy a person is asked: {because}\nMay be lost: {}\nSignals:\n{signals}\n\
             Answer within {}:\n  lifeboat approve {} --plan {} --region {} --by YOU --why REASON\n  lifeboat approve {} --plan {} --region {} --by YOU --why REASON --deny\n",
            plan.summary,
            plan.plan,
            judgement.class,
            judgement.failing_since,
            judgement.loss,
            plan.failover.approval_deadline,
            execution.name(),
            plan.plan,
            execution.region(),
            execution.name(),
            plan.plan,
            execution.region(),
        ),
    )
}

/// A run ended by itself. One that was refused its lease has a plan, but is no [`Run`].
#[must_use]
pub fn ended(
    execution: &ExecutionArn,
    run: Option<&Run>,
    plan: Option<&PlanName>,
    standing: Option<&str>,
    outcome: RunOutcome,
    because: &str,
    evidence: Option<&str>,
) -> Notice {
    let plan = run.map(|run| &run.plan.plan).or(plan);
    let plan = plan.map_or("a plan that does not exist".to_owned(), PlanName::to_string);
    let kind = Kind::of(execution);
    let (noun, title) = (kind.noun(), kind.title());
    let done = match kind {
        Kind::Failover => "has failed over",
        Kind::Switchover => "has switched over",
    };
    let (headline, next) = match outcome {
        RunOutcome::Done => {
            (format!("{plan} {done}"), "Restore its replication; until then a second failover is refused.".to_owned())
        }
        RunOutcome::Refused => (
            format!("{noun} of {plan} refused"),
            format!("Nothing was changed. If it must be done all the same, RUNBOOK.md says how ({title}Refused)."),
        ),
        RunOutcome::Undone => (
            format!("{noun} of {plan} undone"),
            format!("What was changed was changed back (RUNBOOK.md, {title}Undone)."),
        ),
        RunOutcome::NeedsAPerson => (
            format!("{noun} of {plan} NEEDS A PERSON"),
            format!("It is neither done nor undone: RUNBOOK.md, {title}NeedsAPerson."),
        ),
    };
    let goes_on = match (outcome, run) {
        (RunOutcome::NeedsAPerson, Some(run)) if kind == Kind::Failover => format!(
            "Once the reason is mended, one command goes on from here:\n  lifeboat failover --plan {} --region {} --by YOU --why REASON\n",
            run.plan.plan,
            run.execution.region()
        ),
        (RunOutcome::Done | RunOutcome::Refused | RunOutcome::Undone | RunOutcome::NeedsAPerson, _) => String::new(),
    };
    let summary = run.map(|run| format!("{}\n", run.plan.summary)).unwrap_or_default();
    let started = match run.map(|run| &run.trigger) {
        Some(Trigger::Alarm { alarm, .. }) => format!("alarm {alarm}"),
        Some(Trigger::Person { by, why }) => format!("{by}: {why}"),
        Some(Trigger::Again { attempt, reason, .. }) => format!("Lifeboat itself, start {attempt}: {reason}"),
        None => "see the execution's input".into(),
    };
    // The same key for every notice of one incident, so that pagers fold and resolve them.
    let key =
        run.map(|run| format!("{}/{}/{}", run.execution.region(), run.plan.plan, run.generation)).unwrap_or_default();
    let standing = standing.map(|standing| format!("True now: {standing}\n")).unwrap_or_default();
    Notice::new(
        &format!("Lifeboat: {headline}"),
        format!(
            "{summary}{headline}\n\nWhy: {because}\n{standing}Started by: {started}\nExecution: {execution}\nIncident: {key}\nEvidence: {}\n\n{next}\n{goes_on}",
            evidence.unwrap_or("none could be written")
        ),
    )
}

/// A new primary could not be made as safe as the old one was.
#[must_use]
pub fn unhardened(run: &Run, because: &str) -> Notice {
    let plan = &run.plan;
    let instance = run.pair().map(|pair| pair.replica.instance.to_string()).unwrap_or_default();
    Notice::new(
        &format!("Lifeboat: the new primary of {} is not hardened", plan.plan),
        format!(
            "{}\n\n`{instance}` is the primary and serves, but may lack automated backups, deletion protection or a fresh snapshot.\n\
             Why: {because}\nExecution: {}\n\nSet what is missing by hand (RUNBOOK.md, The new primary is not hardened).\n",
            plan.summary, run.execution
        ),
    )
}

/// An old primary refuses writes now, or needs no fence any more.
#[must_use]
pub fn kept_out(kept: &Kept, record: &str) -> Notice {
    let network = match &kept.network {
        Way::Holds => "its security group lets nobody else in".to_owned(),
        Way::Unreachable(why) | Way::Unproved(why) | Way::Resists(why) => {
            format!("its security group was NOT seen to be set: {why}")
        }
    };
    Notice::new(
        &format!("Lifeboat: the old primary of {} is fenced", kept.plan),
        format!(
            "{}\n\nNetwork: {network}\nRecord: {record}\n\nWhat it holds and the new primary lacks is in its own log only: copy what must be saved \
             before it is rebuilt as a replica (RUNBOOK.md, The old primary is back).\n",
            kept.because
        ),
    )
}

/// An old primary answers, and does not let itself be shut.
#[must_use]
pub fn resists(guard: &Guard, why: &str) -> Notice {
    let Target { region, side, application_roles, .. } = &guard.target;
    let roles: Vec<&str> = application_roles.iter().map(SqlName::as_str).collect();
    let instance = &side.instance;
    Notice::new(
        &format!("Lifeboat: the old primary {instance} is back and TAKES WRITES"),
        format!(
            "`{instance}` in {region} answers since its replica was promoted at {}, and could not be shut: {why}\n\n\
             Whoever still reaches it may write to it, and the new primary gets none of it. It is tried again each second.\n\
             Take the login of {} yourself, or stop it: aws rds stop-db-instance --region {region} --db-instance-identifier {instance}\n\
             RUNBOOK.md, The old primary is back.\n",
            guard.since,
            roles.join(", "),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_fits_sns() {
        let notice = Notice::new(&format!("a\nü{}", "x".repeat(300)), String::new());
        assert_eq!(notice.subject.len(), 100);
        assert!(notice.subject.starts_with("a??x"), "{}", notice.subject);
    }

    #[test]
    fn a_notice_names_what_was_run_and_its_own_heading() {
        for (machine, noun, heading) in [
            ("lifeboat-failover", "failover", "FailoverUndone"),
            ("lifeboat-switchover", "switchover", "SwitchoverUndone"),
        ] {
            let execution = format!("arn:aws:states:us-west-2:000000000000:execution:{machine}:a").parse().unwrap();
            let notice = ended(&execution, None, None, None, RunOutcome::Undone, "no", None);
            assert!(notice.subject.contains(noun), "{}", notice.subject);
            assert!(notice.message.contains(heading), "{}", notice.message);
        }
    }
}
