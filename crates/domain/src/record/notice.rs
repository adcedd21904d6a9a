//! What people are told. Every notice ends with the heading of RUNBOOK.md that says what to do.

mod asked;
mod begun;
mod health;

#[cfg(test)]
mod tests;

pub use asked::approval;
pub use begun::{broken, started};
pub use health::{healthy_again, unhealthy};

use crate::{
    backup::BackupRun,
    cleanup::CleanupRun,
    failover::{
        all,
        approval::Answer,
        fencing::{Target, Way},
        guard::{Guard, Kept},
        run::{Run, RunKind, Trigger},
        traffic::Unmoved,
    },
    restore::{Purpose, RestoreRun},
    run::outcome::{RunOutcome, UpkeepOutcome},
    state_machine::Upkeep,
    words::id::{CallerArn, ExecutionArn, PlanName, SqlName},
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
    /// A notice, and the heading of RUNBOOK.md that it sends its reader to.
    fn new(subject: &str, message: &str, heading: &str) -> Self {
        let message = format!("{}\n\nRUNBOOK.md, \"{heading}\".\n", message.trim_end());
        let subject = subject
            .chars()
            .map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' })
            .take(SUBJECT_CHARS)
            .collect();
        Self { subject, message }
    }
}

/// An order for several pairs ended, and not with all of them moved.
#[must_use]
pub fn all(ended: &all::Ended, because: &str) -> Notice {
    let all::Ended { execution, opened, outcome, .. } = ended;
    let of = opened.as_ref().map_or_else(String::new, |opened| format!(" of {}", opened.plan));
    let headline = outcome.headline();
    let summary = opened.as_ref().map(|opened| format!("{}\n\n", opened.summary)).unwrap_or_default();
    let look = opened.as_ref().map_or_else(String::new, |opened| {
        format!("What is true now: lifeboat status {} --region {}\n", opened.plan, execution.region())
    });
    Notice::new(
        &format!("Lifeboat: failover of several pairs{of}: {headline}"),
        &format!("{summary}Why: {because}\nExecution: {execution}\n\n{look}"),
        all::end(*outcome).as_str(),
    )
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
    if let (UpkeepOutcome::Refused, Some(run)) = (outcome, backup) {
        return skipped(execution, run, because);
    }
    let of = backup.map_or_else(String::new, |run| format!(" of {}, schedule {}", run.plan.plan, run.schedule));
    let headline = format!("backup{of}: {}", outcome.headline());
    let summary = backup.map(|run| format!("{}\n\n", run.plan.summary)).unwrap_or_default();
    let again = backup.map(|run| {
        format!(
            "\nOnce the reason is fixed, the same backup is completed by:\n  lifeboat backup --plan {} --schedule {} --at {} --region {}\n",
            run.plan.plan,
            run.schedule,
            run.scheduled_at,
            execution.region()
        )
    });
    Notice::new(
        &format!("Lifeboat: {headline}"),
        &format!(
            "{summary}Why: {because}\nExecution: {execution}\nManifest: {}\n{}",
            manifest.unwrap_or("none could be written"),
            again.unwrap_or_default()
        ),
        Upkeep::Backup.end(outcome).as_str(),
    )
}

/// A backup was due, and the one before was still at work.
fn skipped(execution: &ExecutionArn, run: &BackupRun, because: &str) -> Notice {
    let BackupRun { plan, schedule, scheduled_at, .. } = run;
    Notice::new(
        &format!("Lifeboat: backup of {}, schedule {schedule}: SKIPPED", plan.plan),
        &format!(
            "{}\n\nThe backup of {scheduled_at} was not begun.\nWhy: {because}\nExecution: {execution}\n\n\
             What is written from now on is in no backup until the next one is taken: where only backups hold it, more than \
             the plan promises may be lost.\n",
            plan.summary
        ),
        "A backup was skipped",
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
        &format!("Why: {because}\nExecution: {execution}\n{reports}"),
        Upkeep::Cleanup.end(outcome).as_str(),
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
        &format!(
            "{summary}Why: {because}\nExecution: {execution}\nRecord: {}\n\n{next}",
            record.unwrap_or("none could be written"),
        ),
        Upkeep::VerifyBackup.end(outcome).as_str(),
    )
}

/// A run that ended by itself. One that was refused its lease has a plan and a trigger, but is not a [`Run`].
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The execution.
    pub execution: &'a ExecutionArn,
    /// The run, if it opened.
    pub run: Option<&'a Run>,
    /// The plan, where the evidence knows it.
    pub plan: Option<&'a PlanName>,
    /// Why it ran, where the evidence knows it.
    pub trigger: Option<&'a Trigger>,
    /// Who approved it, where somebody was asked.
    pub approved: Option<&'a Answer>,
    /// The application's names that were not moved.
    pub unmoved: &'a [Unmoved],
    /// What is true now.
    pub standing: Option<&'a str>,
    /// What starts the next run.
    pub starts_again: Option<&'a str>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Why.
    pub because: &'a str,
    /// Where its evidence is, if it could be written.
    pub evidence: Option<&'a str>,
}

/// A run ended by itself.
#[must_use]
pub fn ended(ended: Ended<'_>) -> Notice {
    let Ended { execution, run, plan, trigger, approved, unmoved, standing, starts_again, outcome, because, evidence } =
        ended;
    let plan = run.map(|run| &run.plan.plan).or(plan);
    let plan = plan.map_or("a plan that does not exist".to_owned(), PlanName::to_string);
    let kind = RunKind::of(execution);
    let noun = kind.noun();
    let done = match kind {
        RunKind::Failover => "has failed over",
        RunKind::Switchover => "has switched over",
    };
    let (headline, next) = match outcome {
        RunOutcome::Done => {
            (format!("{plan} {done}"), "Restore its replication; until then a second failover is refused.")
        }
        RunOutcome::Degraded => (
            format!("{noun} of {plan} DEGRADED: names of the application were not moved"),
            "The database is served by the new side. Move these names by hand; then restore its replication: until then a second \
             failover is refused.",
        ),
        RunOutcome::Refused => (
            format!("{noun} of {plan} refused"),
            "Nothing was changed. If it must be done all the same, read on there:",
        ),
        RunOutcome::Undone => (format!("{noun} of {plan} undone"), "What was changed was changed back."),
        RunOutcome::NeedsAPerson => (format!("{noun} of {plan} NEEDS A PERSON"), "It is neither done nor undone."),
    };
    let goes_on = match (outcome, run) {
        // Of a switchover too: once it asked for its promotion, only a failover goes on.
        (RunOutcome::NeedsAPerson, Some(run)) => format!(
            "Once the reason is fixed, one command goes on from here:\n  lifeboat failover --plan {} --region {} --by YOU --why REASON\n",
            run.plan.plan,
            run.execution.region()
        ),
        (
            RunOutcome::Done
            | RunOutcome::Degraded
            | RunOutcome::Refused
            | RunOutcome::Undone
            | RunOutcome::NeedsAPerson,
            _,
        ) => String::new(),
    };
    let summary = run.map(|run| format!("{}\n", run.plan.summary)).unwrap_or_default();
    let started = match run.map(|run| &run.trigger).or(trigger) {
        Some(Trigger::Alarm { alarm, .. }) => format!("alarm {alarm}"),
        Some(Trigger::Person { by, why, proved }) => format!("{by}{}: {why}", proved_as(proved.as_ref())),
        Some(Trigger::Again { attempt, reason, .. }) => format!("Lifeboat itself, start {attempt}: {reason}"),
        None => "a request that cannot be read".into(),
    };
    let approved =
        approved.map(|answer| format!("Approved by: {}: {}\n", answer.named(), answer.why)).unwrap_or_default();
    // The same key for every notice of one incident, so that pagers fold and resolve them.
    let key = run.map_or_else(String::new, |run| {
        format!("Incident: {}/{}/{}\n", run.execution.region(), run.plan.plan, run.generation)
    });
    let standing = standing.map(|standing| format!("True now: {standing}\n")).unwrap_or_default();
    let unmoved: String = unmoved.iter().map(|left| format!("  {left}\n")).collect();
    let unmoved =
        if unmoved.is_empty() { unmoved } else { format!("Names of the application that were not moved:\n{unmoved}") };
    let starts_again = starts_again.map(|again| format!("{again}\n\n")).unwrap_or_default();
    Notice::new(
        &format!("Lifeboat: {headline}"),
        &format!(
            "{summary}{headline}\n\nWhy: {because}\n{standing}{unmoved}Started by: {started}\n{approved}Execution: {execution}\n{key}Evidence: {}\n\n{starts_again}{next}\n{goes_on}",
            evidence.unwrap_or("none could be written")
        ),
        kind.end(outcome).as_str(),
    )
}

/// Who somebody is by AWS's word, beside what they say.
fn proved_as(proved: Option<&CallerArn>) -> String {
    proved.map(|who| format!(" ({who})")).unwrap_or_default()
}

/// A new primary could not be made as safe as the old one was.
#[must_use]
pub fn unhardened(run: &Run, because: &str) -> Notice {
    let plan = &run.plan;
    let instance = run.pair().map(|pair| pair.replica.instance.to_string()).unwrap_or_default();
    Notice::new(
        &format!("Lifeboat: the new primary of {} is not hardened", plan.plan),
        &format!(
            "{}\n\n`{instance}` is the primary and serves, but may lack automated backups, deletion protection or a fresh snapshot.\n\
             Why: {because}\nExecution: {}\n\nSet what is missing by hand.\n",
            plan.summary, run.execution
        ),
        "The new primary is not hardened",
    )
}

/// The new primary serves, and the traffic's record does not name it yet.
#[must_use]
pub fn traffic_late(run: &Run, because: &str) -> Notice {
    let plan = &run.plan;
    let names: Vec<String> = plan.traffic.names().map(|(_, name)| name.to_string()).collect();
    let endpoint = run.pair().map(|pair| pair.replica.endpoint.to_string()).unwrap_or_default();
    Notice::new(
        &format!("Lifeboat: traffic of {} is not switched yet", plan.plan),
        &format!(
            "{}\n\nThe new primary takes writes, and clients that follow {} are not sent there yet.\n\
             Why: {because}\nExecution: {}\n\nThe run keeps trying. You are told again every 15 minutes. Clients that can be told another \
             name find the new primary at {endpoint}.\n",
            plan.summary,
            names.join(", "),
            run.execution
        ),
        "Traffic is not switched yet",
    )
}

/// An old primary refuses writes now, or needs no fence any more.
#[must_use]
pub fn kept_out(kept: &Kept, record: &str) -> Notice {
    let network = match &kept.network {
        Way::Holds => "its security group lets nobody else in".to_owned(),
        Way::NoServer(why) | Way::Unreachable(why) | Way::Unproved(why) | Way::Resists(why) => {
            format!("its security group was NOT seen to be set: {why}")
        }
    };
    Notice::new(
        &format!("Lifeboat: the old primary of {} is fenced", kept.plan),
        &format!(
            "{}\n\nNetwork: {network}\nRecord: {record}\n\nWhat it holds and the new primary lacks is in its own log only: copy what must be saved \
             before it is rebuilt as a replica.\n",
            kept.because
        ),
        "The old primary is back",
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
        &format!(
            "`{instance}` in {region} answers since its replica was promoted at {}, and could not be shut: {why}\n\n\
             Whoever still reaches it may write to it, and the new primary gets none of it. It is tried again each second.\n\
             Take the login of {} yourself, or stop it: aws rds stop-db-instance --region {region} --db-instance-identifier {instance}\n",
            guard.since,
            roles.join(", "),
        ),
        "The old primary is back",
    )
}
