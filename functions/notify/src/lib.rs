//! `Notify`: tells people: that a run began, that one must be approved, what is late, how one ended, that one was broken off.
//!
//! - in: [`Notify`], samples in `events/notify*.json`; or Step Functions' own event of an execution's status
//! - out: [`Step<()>`]: `Done` once a topic took it; those that did not are named
//! - changes: publishes; for an approval it first keeps the task token where `lifeboat approve` finds it
//! - fails with: `InvalidInput`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::future::Future;

use domain::{
    backup::{BackupRun, whole_second},
    cleanup::{self, CleanupRun, RegionTurn},
    failover::{all, approval::ApprovalRequest, judgement::Judgement, run::Run},
    plan::Plan,
    record::{
        ending::{self, Ended},
        notice::{self, Notice},
    },
    restore::RestoreRun,
    run::{outcome::UpkeepOutcome, step::Step},
    state_machine::{LastWord, StateKind, StateName},
    words::{failure::Failure, id::ExecutionArn},
};
use edge::{
    clock,
    object_store::{self, Condition, ObjectStore},
    sns::{self, Sns},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

/// What people are told.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Notify {
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

/// A run that keeps the backups in order ended, and not as it should.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BackupEnded {
    execution: ExecutionArn,
    backup: Option<BackupRun>,
    outcome: UpkeepOutcome,
    stopped: Option<LastWord>,
    because: Option<String>,
    manifest: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CleanupEnded {
    execution: ExecutionArn,
    cleanup: Option<CleanupRun>,
    outcome: UpkeepOutcome,
    stopped: Option<LastWord>,
    because: Option<String>,
    turns: Vec<RegionTurn>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RestoreEnded {
    execution: ExecutionArn,
    restore: Option<RestoreRun>,
    outcome: UpkeepOutcome,
    stopped: Option<LastWord>,
    because: Option<String>,
    record: Option<String>,
}

/// What the step that closed it said; else why it did not come to that.
fn why(because: Option<String>, stopped: Option<&LastWord>) -> String {
    because.or(stopped.map(LastWord::because)).unwrap_or_else(|| "the run ended before its first answer".into())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Approval {
    run: Run,
    judgement: Step<Judgement>,
    task_token: String,
}

/// What a new primary or its clients still lack, and the last word of the step that sees to it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shortfall {
    run: Run,
    word: LastWord,
}

/// What is told.
struct Told {
    notice: Notice,
    /// The plan's topics, which hear of it besides ours.
    topics: Vec<String>,
    /// Why, as the state machine keeps it.
    because: String,
}

/// Step Functions' event, of which only what is needed is looked at: AWS adds fields.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusChange {
    execution_arn: ExecutionArn,
    status: String,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    cause: Option<String>,
}

/// Who carries a notice.
pub trait Carrier {
    /// Carries it to a topic.
    fn publish(&self, topic: &str, notice: &Notice) -> impl Future<Output = Result<(), Failure>>;
}

impl Carrier for Sns {
    async fn publish(&self, topic: &str, notice: &Notice) -> Result<(), Failure> {
        Sns::publish(self, topic, notice).await
    }
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    carrier: &impl Carrier,
    topic: &str,
    event: Value,
) -> Result<Step<Value>, Failure> {
    let told = match event.get("detail-type") {
        Some(_) => match status_notice(event)? {
            Some(notice) => Told { notice, topics: Vec::new(), because: String::new() },
            None => return Ok(Step::done("the run said itself how it ended", Value::Null, Value::Null)),
        },
        None => told(store, edge::parse(event, "Notify")?).await?,
    };
    let Told { notice, topics: of_the_plan, because } = told;
    let topics: Vec<&str> = std::iter::once(topic).chain(of_the_plan.iter().map(String::as_str)).collect();
    let heard = sns::to_each(topics.iter().copied(), async |topic| carrier.publish(topic, &notice).await).await?;
    info!(subject = notice.subject, topics.took = heard.took, topics.deaf = ?heard.deaf, "told");
    Ok(Step::done(heard.summary(), Value::Null, json!({ "subject": notice.subject, "because": because })))
}

/// What a state machine tells.
async fn told(store: &impl ObjectStore, notify: Notify) -> Result<Told, Failure> {
    Ok(match notify {
        Notify::Approval(approval) => {
            keep_token(store, &approval, clock::now()).await?;
            let Approval { run, judgement, .. } = *approval;
            let judged =
                judgement.did.ok_or_else(|| Failure::InvalidInput("approval.judgement.did: is null".into()))?;
            let notice = notice::approval(&run, &judged, &judgement.because);
            Told { notice, topics: run.plan.notifications.topics, because: judgement.because }
        }
        Notify::Ended(ended) => {
            let (outcome, because) = (ended.outcome(), ended.because());
            let Ended { execution, run, evidence, .. } = *ended;
            let closed = evidence.as_ref();
            let notice = notice::ended(notice::Ended {
                execution: &execution,
                run: run.as_ref(),
                plan: closed.and_then(|closed| closed.plan.as_ref()),
                trigger: closed.and_then(|closed| closed.trigger.as_ref()),
                standing: closed.and_then(|closed| closed.standing.as_deref()),
                starts_again: closed.and_then(|closed| closed.next.as_deref()),
                outcome,
                because: &because,
                evidence: closed.map(|closed| closed.evidence.as_str()),
            });
            Told { notice, topics: topics(run.map(|run| run.plan)), because }
        }
        Notify::Unhardened(lacks) => {
            let because = lacks.word.because();
            Told {
                notice: notice::unhardened(&lacks.run, &because),
                topics: lacks.run.plan.notifications.topics,
                because,
            }
        }
        Notify::HardeningLate(lacks) => {
            let because = ending::hardening_late(&lacks.word);
            Told {
                notice: notice::unhardened(&lacks.run, &because),
                topics: lacks.run.plan.notifications.topics,
                because,
            }
        }
        Notify::TrafficLate(lacks) => {
            let because = ending::traffic_late(&lacks.word);
            Told {
                notice: notice::traffic_late(&lacks.run, &because),
                topics: lacks.run.plan.notifications.topics,
                because,
            }
        }
        Notify::Backup(ended) => {
            let BackupEnded { execution, backup, outcome, stopped, because, manifest } = *ended;
            let because = why(because, stopped.as_ref());
            let notice = notice::backup(&execution, backup.as_ref(), outcome, &because, manifest.as_deref());
            Told { notice, topics: topics(backup.map(|run| run.plan)), because }
        }
        Notify::Cleanup(ended) => {
            let CleanupEnded { execution, cleanup: run, outcome, stopped, because, turns } = *ended;
            let because = because.or_else(|| stopped.is_none().then(|| cleanup::because(&turns)));
            let because = why(because, stopped.as_ref());
            let notice = notice::cleanup(&execution, run.as_ref(), outcome, &because);
            Told { notice, topics: topics(run.map(|run| run.plan)), because }
        }
        Notify::All(ended) => {
            let because = ended.because();
            let topics = ended.opened.as_ref().map(|opened| opened.topics.clone()).unwrap_or_default();
            Told { notice: notice::all(&ended, &because), topics, because }
        }
        Notify::Restore(ended) => {
            let RestoreEnded { execution, restore, outcome, stopped, because, record } = *ended;
            let because = why(because, stopped.as_ref());
            let notice = notice::restore(&execution, restore.as_ref(), outcome, &because, record.as_deref());
            Told { notice, topics: topics(restore.map(|run| run.plan)), because }
        }
    })
}

/// Those of the plan of a run that was opened.
fn topics<T>(plan: Option<Plan<T>>) -> Vec<String> {
    plan.map(|plan| plan.notifications.topics).unwrap_or_default()
}

/// The notice of an execution's status; `None` where the run has told by itself.
fn status_notice(event: Value) -> Result<Option<Notice>, Failure> {
    let detail = event.get("detail").cloned().unwrap_or_default();
    let change: StatusChange = edge::parse(detail, "Notify: detail")?;
    Ok(match change.status.as_str() {
        "RUNNING" => Some(notice::started(&change.execution_arn, change.input.as_deref())),
        // Our own ends come through CloseRun and Notify; their names are their errors.
        "FAILED" if change.error.as_deref().is_some_and(is_our_own_end) => None,
        status => Some(notice::broken(
            &change.execution_arn,
            change.input.as_deref(),
            status,
            change.cause.as_deref().or(change.error.as_deref()).unwrap_or("none given"),
        )),
    })
}

fn is_our_own_end(error: &str) -> bool {
    StateName::from(error).kind() == Some(StateKind::End)
}

/// Keeps the token that answers an approval, readable by those who may approve.
async fn keep_token(store: &impl ObjectStore, approval: &Approval, now: Timestamp) -> Result<(), Failure> {
    let key = object_store::approval_key(&approval.run.plan.plan, approval.run.execution.name());
    let asked = ApprovalRequest {
        execution: approval.run.execution.clone(),
        task_token: approval.task_token.clone(),
        because: approval.judgement.because.clone(),
        deadline: now.checked_add(approval.run.plan.failover.approval_deadline.duration()).map(whole_second).ok(),
    };
    object_store::write_json(store, &key, &asked, Condition::Always).await
}

#[cfg(test)]
mod tests;
