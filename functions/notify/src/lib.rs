//! `Notify`: tells people: that a run began, that one must be approved, what is late, how one ended, that one was broken off.
//!
//! - in: [`Notification`], samples in `events/notify*.json`; or Step Functions' own event of an execution's status
//! - out: [`Step<()>`]: `Done` once a topic took it; those that did not are named
//! - changes: publishes; for an approval it first keeps the task token where `lifeboat approve` finds it
//! - fails with: `InvalidInput`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::future::Future;

use domain::{
    record::{
        notice::Notice,
        notification::{Announcement, Approval, Notification},
        status_change::StatusChange,
    },
    run::step::Step,
    words::{failure::Failure, time_span::TimeSpan},
};
use edge::{
    clock,
    object_store::{self, Condition, ObjectStore},
    sns::{self, Sns},
};
use serde_json::{Value, json};
use tracing::{info, warn};

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
    let announcement = match event.get("detail-type") {
        Some(_) => {
            let change = status_change(event)?;
            match change.notice(expected(store, &change).await) {
                Some(notice) => Announcement { notice, topics: Vec::new(), because: String::new() },
                None => return Ok(Step::done("the run said itself how it ended", Value::Null, Value::Null)),
            }
        }
        None => {
            let notification: Notification = edge::parse(event, "Notify")?;
            if let Notification::Approval(approval) = &notification {
                keep_token(store, approval).await?;
            }
            notification.announce()?
        }
    };
    let Announcement { notice, topics, because } = announcement;
    let topics: Vec<&str> = std::iter::once(topic).chain(topics.iter().map(String::as_str)).collect();
    let heard = sns::to_each(topics.iter().copied(), async |topic| carrier.publish(topic, &notice).await).await?;
    info!(subject = notice.subject, topics.took = heard.took, topics.deaf = ?heard.deaf, "told");
    Ok(Step::done(heard.summary(), Value::Null, json!({ "subject": notice.subject, "because": because })))
}

fn status_change(event: Value) -> Result<StatusChange, Failure> {
    edge::parse(event.get("detail").cloned().unwrap_or_default(), "Notify: detail")
}

/// How long a failover that began is expected to take. Where its plan cannot be read, people are told all the same.
async fn expected(store: &impl ObjectStore, change: &StatusChange) -> Option<TimeSpan> {
    let plan = change.begins_failover_of()?;
    match object_store::read_pair(store, &plan).await {
        Ok((pair, _)) => pair.failover.expected,
        Err(failure) => {
            warn!(plan.name = %plan, %failure, "told without what is expected: the plan cannot be read");
            None
        }
    }
}

/// Keeps the token that answers an approval, readable by those who may approve.
async fn keep_token(store: &impl ObjectStore, approval: &Approval) -> Result<(), Failure> {
    let key = object_store::approval_key(&approval.run.plan.plan, approval.run.execution.name());
    object_store::write_json(store, &key, &approval.request(clock::now()), Condition::Always).await
}

#[cfg(test)]
mod tests;
