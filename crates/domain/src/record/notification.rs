//! What a state machine has people told, and the notice that is made of it.

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    ending::{self, Ended},
    notice::{self, Notice},
};
use crate::{
    backup::{BackupRun, whole_second},
    cleanup::{self, CleanupRun, RegionTurn},
    failover::{all, approval::ApprovalRequest, judgement::Judgement, run::Run},
    plan::Plan,
    restore::RestoreRun,
    run::{outcome::UpkeepOutcome, step::Step},
    state_machine::{LastWord, StateName},
    words::{failure::Failure, id::ExecutionArn},
};

/// What people are told: `Notify`'s input.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Notification {
    /// A person must decide.
    Approval(Box<Approval>),
    /// A run ended by itself.
    Ended(Box<Ended>),
    /// A new primary could not be made as safe as the old one was.
    Unhardened(Box<Shortfall>),
    /// It could not be yet, and it is asked on.
    HardeningLate(Box<Shortfall>),
    /// Clients are not sent to a new primary yet.
    TrafficLate(Box<Shortfall>),
    /// A backup lacks something.
    Backup(Box<BackupEnded>),
    /// A cleanup left something that was to go, or did not look everywhere.
    Cleanup(Box<CleanupEnded>),
    /// A backup could not be proved, or not restored.
    Restore(Box<RestoreEnded>),
    /// An order for several pairs did not move all of them.
    All(Box<all::Ended>),
}

/// A person is asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// The run that waits.
    pub run: Run,
    judgement: Step<Judgement>,
    task_token: String,
    /// What became of an answer that proved nothing, where people are asked again.
    #[serde(default)]
    unproved: Option<LastWord>,
    /// Until when silence is not an answer, in milliseconds since 1970; the plan's deadline from now on where it is absent.
    #[serde(default)]
    until_millis: Option<f64>,
}

/// What a new primary or its clients still lack, and the last word of the step that sees to it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shortfall {
    run: Run,
    word: LastWord,
}

/// A run that keeps the backups in order ended, and not as it should.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupEnded {
    execution: ExecutionArn,
    backup: Option<BackupRun>,
    outcome: UpkeepOutcome,
    stopped: Option<LastWord>,
    because: Option<String>,
    manifest: Option<String>,
}

/// The same of a cleanup.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CleanupEnded {
    execution: ExecutionArn,
    cleanup: Option<CleanupRun>,
    outcome: UpkeepOutcome,
    stopped: Option<LastWord>,
    because: Option<String>,
    turns: Vec<RegionTurn>,
}

/// The same of a restore.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreEnded {
    execution: ExecutionArn,
    restore: Option<RestoreRun>,
    outcome: UpkeepOutcome,
    stopped: Option<LastWord>,
    because: Option<String>,
    record: Option<String>,
}

/// A notice, and who hears of it.
#[derive(Debug)]
pub struct Announcement {
    /// The notice.
    pub notice: Notice,
    /// The plan's topics, which hear of it besides the engine's.
    pub topics: Vec<String>,
    /// Why, as the state machine keeps it.
    pub because: String,
}

impl Notification {
    /// Makes the notice.
    ///
    /// # Errors
    /// `InvalidInput` where an approval is asked for and nothing was judged.
    pub fn announce(self) -> Result<Announcement, Failure> {
        Ok(match self {
            Self::Approval(approval) => return approval.announce(),
            Self::Ended(ended) => announce(*ended),
            Self::Unhardened(lacks) => lacks.announce(notice::unhardened, LastWord::because),
            Self::HardeningLate(lacks) => lacks.announce(notice::unhardened, ending::hardening_late),
            Self::TrafficLate(lacks) => lacks.announce(notice::traffic_late, ending::traffic_late),
            Self::Backup(ended) => ended.announce(),
            Self::Cleanup(ended) => ended.announce(),
            Self::Restore(ended) => ended.announce(),
            Self::All(ended) => of_all(*ended),
        })
    }
}

impl Approval {
    /// What is kept for those who may answer.
    #[must_use]
    pub fn request(&self, now: Timestamp) -> ApprovalRequest {
        let whole = now.checked_add(self.run.plan.failover.approval_deadline.duration());
        let deadline = self.until().map_or(whole, Ok);
        ApprovalRequest {
            execution: self.run.execution.clone(),
            task_token: self.task_token.clone(),
            because: self.judgement.because.clone(),
            deadline: deadline.map(whole_second).ok(),
        }
    }

    /// Step Functions reckons in numbers of JSON.
    fn until(&self) -> Option<Timestamp> {
        self.until_millis.and_then(|millis| Timestamp::from_millisecond(millis as i64).ok())
    }

    fn announce(self) -> Result<Announcement, Failure> {
        let again = self.unproved.as_ref().map(why_not_taken).zip(self.until());
        let Self { run, judgement, .. } = self;
        let judged = judgement.did.ok_or_else(|| Failure::InvalidInput("approval.judgement.did: is null".into()))?;
        let again = again.as_ref().map(|(why, until)| (why.as_str(), *until));
        let notice = notice::approval(&run, &judged, &judgement.because, again);
        Ok(Announcement { notice, topics: run.plan.notifications.topics, because: judgement.because })
    }
}

/// What the step said of an answer that it did not take.
fn why_not_taken(word: &LastWord) -> String {
    word.answer.as_ref().map_or_else(|| word.because(), |answered| answered.because.clone())
}

fn announce(ended: Ended) -> Announcement {
    let (outcome, because) = (ended.outcome(), ended.because());
    let (approved, unmoved) = (ended.approved(), ended.unmoved());
    let Ended { execution, run, evidence, .. } = ended;
    let closed = evidence.as_ref();
    let notice = notice::ended(notice::Ended {
        execution: &execution,
        run: run.as_ref(),
        plan: closed.and_then(|closed| closed.plan.as_ref()),
        trigger: closed.and_then(|closed| closed.trigger.as_ref()),
        approved: approved.as_ref(),
        unmoved: &unmoved,
        standing: closed.and_then(|closed| closed.standing.as_deref()),
        starts_again: closed.and_then(|closed| closed.next.as_deref()),
        outcome,
        because: &because,
        evidence: closed.map(|closed| closed.evidence.as_str()),
    });
    Announcement { notice, topics: topics(run.map(|run| run.plan)), because }
}

fn of_all(ended: all::Ended) -> Announcement {
    let because = ended.because();
    let notice = notice::all(&ended, &because);
    Announcement { notice, topics: ended.opened.map(|opened| opened.topics).unwrap_or_default(), because }
}

/// Those of the plan of a run that was opened.
fn topics<T>(plan: Option<Plan<T>>) -> Vec<String> {
    plan.map(|plan| plan.notifications.topics).unwrap_or_default()
}

impl Shortfall {
    fn announce(self, notice: impl Fn(&Run, &str) -> Notice, because: impl Fn(&LastWord) -> String) -> Announcement {
        let because = because(&self.word);
        Announcement { notice: notice(&self.run, &because), topics: self.run.plan.notifications.topics, because }
    }
}

impl BackupEnded {
    fn announce(self) -> Announcement {
        let Self { execution, backup, outcome, stopped, because, manifest } = self;
        let because = match stopped.as_ref().filter(|word| word.state == StateName::ProveBackup) {
            Some(word) => {
                format!("all of it is there, and the look at it did not end as complete: {}", word.of_a_run())
            }
            None => why(because, stopped.as_ref()),
        };
        let notice = notice::backup(&execution, backup.as_ref(), outcome, &because, manifest.as_deref());
        Announcement { notice, topics: topics(backup.map(|run| run.plan)), because }
    }
}

impl CleanupEnded {
    fn announce(self) -> Announcement {
        let Self { execution, cleanup: run, outcome, stopped, because, turns } = self;
        let because = because.or_else(|| stopped.is_none().then(|| cleanup::because(&turns)));
        let because = why(because, stopped.as_ref());
        let notice = notice::cleanup(&execution, run.as_ref(), outcome, &because);
        Announcement { notice, topics: topics(run.map(|run| run.plan)), because }
    }
}

impl RestoreEnded {
    fn announce(self) -> Announcement {
        let Self { execution, restore, outcome, stopped, because, record } = self;
        let because = why(because, stopped.as_ref());
        let notice = notice::restore(&execution, restore.as_ref(), outcome, &because, record.as_deref());
        Announcement { notice, topics: topics(restore.map(|run| run.plan)), because }
    }
}

/// What the step that closed it said; else why it did not come to that.
fn why(because: Option<String>, stopped: Option<&LastWord>) -> String {
    because.or(stopped.map(LastWord::because)).unwrap_or_else(|| "the run ended before its first answer".into())
}
