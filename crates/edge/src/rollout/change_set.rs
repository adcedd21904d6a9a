//! A change set of CloudFormation: what would change in a stack, and the change.

use std::time::{Duration, Instant};

use aws_sdk_cloudformation::{
    operation::describe_change_set::DescribeChangeSetOutput,
    types::{ChangeAction, ChangeSetStatus, ChangeSetType, ExecutionStatus, StackStatus},
};
use domain::words::failure::Failure;
use serde::Serialize;
use serde_json::Value;

use super::{
    Tell,
    stack::{LOOK_FIRST, LOOK_LAST, Stacks},
};
use crate::{
    aws_failure, clock,
    object_store::{Bucket, Condition, ObjectStore},
};

/// What CloudFormation would change in a stack. Nothing is changed until it is executed.
#[derive(Debug)]
pub(super) struct ChangeSet {
    stacks: Stacks,
    stack: String,
    id: String,
    /// Whether the stack is there for its sake only.
    is_first: bool,
    /// What would change, in the order of the logical ids.
    pub(super) changes: Vec<ResourceChange>,
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is made.
    Added,
    /// It is changed where it is.
    Changed,
    /// Another takes its place.
    Replaced,
    /// It is taken away.
    Removed,
}

/// What becomes of a resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceChange {
    /// What becomes of it.
    pub action: Action,
    /// Its logical id.
    pub resource: String,
    /// What it is, by CloudFormation's name.
    pub kind: String,
}

/// How long CloudFormation may take to say what would change.
const PROPOSED_WITHIN: Duration = Duration::from_secs(120);

/// The largest template that a request takes; a larger one is read from a bucket.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const LARGEST_INLINE_BYTES: usize = 51_200;

/// CloudFormation's words for a change set in which nothing changes.
const NOTHING: [&str; 2] = ["didn't contain changes", "No updates are to be performed"];

impl ChangeSet {
    /// Has CloudFormation say what would change; `None` where nothing would.
    pub(super) async fn propose(
        stacks: &Stacks,
        stack: &str,
        template: &Value,
        bucket: &Bucket,
    ) -> Result<Option<Self>, Failure> {
        let failing = || format!("cannot have CloudFormation compare the stack {stack} in {}", stacks.region);
        let is_first = stacks.is_to_be_made(stack).await?;
        let body = template.to_string();
        let request = stacks.client().create_change_set().stack_name(stack);
        let request = request.change_set_name(format!("lifeboat-{}", clock::now().as_millisecond()));
        let request = request.change_set_type(if is_first { ChangeSetType::Create } else { ChangeSetType::Update });
        let request = if body.len() <= LARGEST_INLINE_BYTES {
            request.template_body(body)
        } else {
            let key = format!("templates/{stack}.json");
            bucket.put(&key, body, Condition::Always).await?;
            request.template_url(format!("https://{}.s3.{}.amazonaws.com/{key}", bucket.name(), stacks.region))
        };
        let created = request.send().await.map_err(|error| aws_failure!(failing(), error))?;
        let id = created.id().unwrap_or_default().to_owned();
        let mut change_set = Self::of(stacks, stack, id, is_first);
        match change_set.proposed().await {
            Ok(true) => Ok(Some(change_set)),
            Ok(false) => {
                change_set.withdraw().await;
                Ok(None)
            }
            Err(failure) => {
                change_set.withdraw().await;
                Err(failure)
            }
        }
    }

    /// One whose changes are not known yet.
    pub(super) fn of(stacks: &Stacks, stack: &str, id: String, is_first: bool) -> Self {
        Self { stacks: stacks.clone(), stack: stack.to_owned(), id, is_first, changes: Vec::new() }
    }

    /// Waits until it is known what would change, and reads it; `false` where nothing would.
    async fn proposed(&mut self) -> Result<bool, Failure> {
        let (began, mut pause) = (Instant::now(), LOOK_FIRST);
        loop {
            let page = self.page(None).await?;
            match page.status() {
                Some(ChangeSetStatus::CreateComplete) => return self.read(page).await.map(|()| true),
                Some(ChangeSetStatus::Failed) => {
                    let why = page.status_reason().unwrap_or_default();
                    if NOTHING.iter().any(|nothing| why.contains(nothing)) {
                        return Ok(false);
                    }
                    let what =
                        format!("CloudFormation refuses the stack {} in {}: {why}", self.stack, self.stacks.region);
                    return Err(Failure::AwsRejected { what, source: None });
                }
                _ if began.elapsed() > PROPOSED_WITHIN => {
                    let what =
                        format!("CloudFormation has not compared the stack {} in {}", self.stack, self.stacks.region);
                    return Err(Failure::AwsTransient { what, source: None });
                }
                _ => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LOOK_LAST);
                }
            }
        }
    }

    async fn read(&mut self, first: DescribeChangeSetOutput) -> Result<(), Failure> {
        let mut page = first;
        loop {
            let changes = page.changes().iter().filter_map(|change| resource_change(change.resource_change()?));
            self.changes.extend(changes);
            let Some(next) = page.next_token else { break };
            page = self.page(Some(next)).await?;
        }
        self.changes.sort_by(|a, b| a.resource.cmp(&b.resource));
        Ok(())
    }

    async fn page(&self, next: Option<String>) -> Result<DescribeChangeSetOutput, Failure> {
        let request = self.stacks.client().describe_change_set().stack_name(&self.stack).change_set_name(&self.id);
        let told = request.set_next_token(next).send().await;
        told.map_err(|error| {
            aws_failure!(format!("cannot read what would change in {} in {}", self.stack, self.stacks.region), error)
        })
    }

    /// Takes it back, and a stack that is there for its sake only.
    pub(super) async fn withdraw(self) {
        let Self { stacks, stack, id, is_first, .. } = self;
        // What stays behind changes nothing, and the next proposal has another name.
        drop(stacks.client().delete_change_set().stack_name(&stack).change_set_name(id).send().await);
        if is_first
            && let Ok(Some(found)) = stacks.describe(&stack).await
            && found.stack_status() == Some(&StackStatus::ReviewInProgress)
        {
            drop(stacks.delete(&stack).await);
        }
    }

    /// Carries it out, and waits for its end: its own word on that, for the stack may still be shown as an earlier change
    /// left it.
    pub(super) async fn execute(self, tell: Tell<'_>) -> Result<(), Failure> {
        let Self { stacks, stack, id, changes, .. } = &self;
        let region = &stacks.region;
        tell(&format!("{region}: changing {} resources of the stack {stack}", changes.len()));
        let begun = stacks.client().execute_change_set().stack_name(stack).change_set_name(id).send().await;
        begun.map_err(|error| aws_failure!(format!("cannot change the stack {stack} in {region}"), error))?;
        let mut execution = None;
        let is_over = async |_: &StackStatus| {
            execution = self.execution().await?;
            Ok(!matches!(execution, Some(ExecutionStatus::Available | ExecutionStatus::ExecuteInProgress)))
        };
        let status = stacks.settled(stack, tell, is_over).await?;
        let ended = match (status, execution) {
            (None, _) => "gone".to_owned(),
            (
                Some(StackStatus::CreateComplete | StackStatus::UpdateComplete),
                None | Some(ExecutionStatus::ExecuteComplete),
            ) => return Ok(()),
            // The stack is shown as it was before.
            (Some(StackStatus::CreateComplete | StackStatus::UpdateComplete), Some(execution)) => execution.to_string(),
            (Some(status), _) => status.to_string(),
        };
        Err(stacks.ended_as(stack, &ended).await)
    }

    /// How far it is carried out; `None` where CloudFormation has cleared it away, as it may once that is done.
    async fn execution(&self) -> Result<Option<ExecutionStatus>, Failure> {
        let Self { stacks, stack, id, .. } = self;
        match stacks.client().describe_change_set().stack_name(stack).change_set_name(id).send().await {
            Ok(told) => Ok(told.execution_status),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_change_set_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => {
                Err(aws_failure!(format!("cannot look at the change of the stack {stack} in {}", stacks.region), error))
            }
        }
    }
}

fn resource_change(change: &aws_sdk_cloudformation::types::ResourceChange) -> Option<ResourceChange> {
    let replaced = change.replacement().is_some_and(|replacement| replacement.as_str() == "True");
    let action = change.action()?;
    let action = if [ChangeAction::Add, ChangeAction::Import].contains(action) {
        Action::Added
    } else if *action == ChangeAction::Remove {
        Action::Removed
    } else if replaced {
        Action::Replaced
    } else {
        Action::Changed
    };
    let named = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Some(ResourceChange {
        action,
        resource: named(change.logical_resource_id()),
        kind: named(change.resource_type().map(|kind| kind.strip_prefix("AWS::").unwrap_or(kind))),
    })
}
