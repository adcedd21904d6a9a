//! A stack in CloudFormation: what would change, and the change.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_cloudformation::{
    Client,
    operation::describe_change_set::DescribeChangeSetOutput,
    types::{ChangeAction, ChangeSetStatus, ChangeSetType, ResourceStatus, Stack, StackStatus},
};
use domain::words::{failure::Failure, id::Region};
use serde::Serialize;
use serde_json::Value;

use super::Tell;
use crate::{
    aws_failure, clock,
    object_store::{Bucket, Condition, ObjectStore},
};

/// CloudFormation in a Region.
#[derive(Debug, Clone)]
pub(super) struct Stacks {
    client: Client,
    region: Region,
}

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

/// How long a stack may take: most of its resources take seconds each.
const DONE_WITHIN: Duration = Duration::from_secs(1_800);

/// Between two looks, at first and at last: a stack takes some seconds, or a minute or two.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_LAST: Duration = Duration::from_secs(3);

/// The largest template that a request takes; a larger one is read from a bucket.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const LARGEST_INLINE_BYTES: usize = 51_200;

/// How many failed resources an error names.
const MOST_REASONS: usize = 5;

impl Stacks {
    pub(super) fn of(config: &SdkConfig, region: Region) -> Self {
        Self { client: Client::new(config), region }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Has CloudFormation say what would change; `None` where nothing would.
    pub(super) async fn propose(
        &self,
        stack: &str,
        template: &Value,
        bucket: &Bucket,
    ) -> Result<Option<ChangeSet>, Failure> {
        let failing = || format!("cannot have CloudFormation compare the stack {stack} in {}", self.region);
        let is_first = self.is_to_be_made(stack).await?;
        let body = template.to_string();
        let request = self.client.create_change_set().stack_name(stack);
        let request = request.change_set_name(format!("lifeboat-{}", clock::now().as_millisecond()));
        let request = request.change_set_type(if is_first { ChangeSetType::Create } else { ChangeSetType::Update });
        let request = if body.len() <= LARGEST_INLINE_BYTES {
            request.template_body(body)
        } else {
            let key = format!("templates/{stack}.json");
            bucket.put(&key, body, Condition::Always).await?;
            request.template_url(format!("https://{}.s3.{}.amazonaws.com/{key}", bucket.name(), self.region))
        };
        let created = request.send().await.map_err(|error| aws_failure!(failing(), error))?;
        let id = created.id().unwrap_or_default().to_owned();
        let mut change_set =
            ChangeSet { stacks: self.clone(), stack: stack.to_owned(), id, is_first, changes: Vec::new() };
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

    /// Whether there is no stack of this name. One that came to nothing when it was first made holds nothing, and is
    /// cleared away: CloudFormation makes nothing of it any more.
    async fn is_to_be_made(&self, stack: &str) -> Result<bool, Failure> {
        let Some(found) = self.describe(stack).await? else { return Ok(true) };
        match found.stack_status() {
            Some(StackStatus::ReviewInProgress) => Ok(true),
            Some(StackStatus::RollbackComplete) => {
                self.delete(stack).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Whether there is such a stack.
    pub(super) async fn has(&self, stack: &str) -> Result<bool, Failure> {
        Ok(self.describe(stack).await?.is_some())
    }

    async fn describe(&self, stack: &str) -> Result<Option<Stack>, Failure> {
        match self.client.describe_stacks().stack_name(stack).send().await {
            Ok(told) => Ok(told.stacks.and_then(|stacks| stacks.into_iter().next())),
            Err(error) if crate::aws::shown(&error).contains("does not exist") => Ok(None),
            Err(error) => Err(aws_failure!(format!("cannot look at the stack {stack} in {}", self.region), error)),
        }
    }

    /// Deletes a stack and waits until it is gone.
    async fn delete(&self, stack: &str) -> Result<(), Failure> {
        let deleted = self.client.delete_stack().stack_name(stack).send().await;
        deleted.map_err(|error| aws_failure!(format!("cannot delete the stack {stack} in {}", self.region), error))?;
        self.settled(stack, &|_| {}).await.map(drop)
    }

    /// Deletes a stack, and says so.
    pub(super) async fn remove(&self, stack: &str, tell: Tell<'_>) -> Result<(), Failure> {
        if self.describe(stack).await?.is_none() {
            return Ok(());
        }
        tell(&format!("{}: deleting the stack {stack}", self.region));
        self.delete(stack).await
    }

    /// Waits until nothing is under way, and gives the status; `None` where the stack is gone.
    async fn settled(&self, stack: &str, tell: Tell<'_>) -> Result<Option<String>, Failure> {
        let (began, mut pause, mut told) = (Instant::now(), LOOK_FIRST, 0);
        loop {
            let Some(found) = self.describe(stack).await? else { return Ok(None) };
            let status = found.stack_status().map_or("", StackStatus::as_str).to_owned();
            if !status.ends_with("_IN_PROGRESS") {
                return Ok((status != "DELETE_COMPLETE").then_some(status));
            }
            if began.elapsed() > DONE_WITHIN {
                let what = format!(
                    "the stack {stack} in {} is still {status} after {} min",
                    self.region,
                    DONE_WITHIN.as_secs() / 60
                );
                return Err(Failure::AwsTransient { what, source: None });
            }
            let (done, all) = self.progress(stack).await;
            if done > told {
                told = done;
                tell(&format!("{}: {done} of {all} resources are there", self.region));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_LAST);
        }
    }

    /// How many of a stack's resources are as they are to be, and how many there are. It is only told.
    async fn progress(&self, stack: &str) -> (usize, usize) {
        let Ok(told) = self.client.describe_stack_resources().stack_name(stack).send().await else { return (0, 0) };
        let resources = told.stack_resources();
        let done = resources.iter().filter_map(|resource| resource.resource_status());
        (done.filter(|status| status.as_str().ends_with("COMPLETE")).count(), resources.len())
    }

    /// Why resources failed, the first one first.
    async fn reasons(&self, stack: &str) -> String {
        let events = self.client.describe_stack_events().stack_name(stack).send().await;
        let events = events.ok().and_then(|told| told.stack_events).unwrap_or_default();
        // Newest first: up to where this change began.
        let began = events.iter().position(|event| {
            event.physical_resource_id() == event.stack_id()
                && matches!(
                    event.resource_status(),
                    Some(ResourceStatus::CreateInProgress | ResourceStatus::UpdateInProgress)
                )
        });
        let ours = &events[..began.unwrap_or(events.len())];
        let failed = ours.iter().rev().filter_map(|event| {
            let failed = event.resource_status().is_some_and(|status| status.as_str().ends_with("FAILED"));
            let reason = event.resource_status_reason().filter(|_| failed)?;
            Some(format!("{}: {reason}", event.logical_resource_id().unwrap_or_default()))
        });
        failed.take(MOST_REASONS).collect::<Vec<_>>().join("; ")
    }
}

/// CloudFormation's words for a change set in which nothing changes.
const NOTHING: [&str; 2] = ["didn't contain changes", "No updates are to be performed"];

impl ChangeSet {
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
        let request = self.stacks.client.describe_change_set().stack_name(&self.stack).change_set_name(&self.id);
        let told = request.set_next_token(next).send().await;
        told.map_err(|error| {
            aws_failure!(format!("cannot read what would change in {} in {}", self.stack, self.stacks.region), error)
        })
    }

    /// Takes it back, and a stack that is there for its sake only.
    pub(super) async fn withdraw(self) {
        let Self { stacks, stack, id, is_first, .. } = self;
        // What stays behind changes nothing, and the next proposal has another name.
        drop(stacks.client.delete_change_set().stack_name(&stack).change_set_name(id).send().await);
        if is_first
            && let Ok(Some(found)) = stacks.describe(&stack).await
            && found.stack_status() == Some(&StackStatus::ReviewInProgress)
        {
            drop(stacks.delete(&stack).await);
        }
    }

    /// Carries it out, and waits for its end.
    pub(super) async fn execute(self, tell: Tell<'_>) -> Result<(), Failure> {
        let Self { stacks, stack, id, changes, .. } = self;
        let region = &stacks.region;
        tell(&format!("{region}: changing {} resources of the stack {stack}", changes.len()));
        let begun = stacks.client.execute_change_set().stack_name(&stack).change_set_name(id).send().await;
        begun.map_err(|error| aws_failure!(format!("cannot change the stack {stack} in {region}"), error))?;
        match stacks.settled(&stack, tell).await? {
            Some(status) if ["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(&&*status) => Ok(()),
            ended => {
                let (status, why) = (ended.unwrap_or_else(|| "gone".into()), stacks.reasons(&stack).await);
                let what = format!("the stack {stack} in {region} ended as {status}: {why}");
                Err(Failure::AwsRejected { what, source: None })
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
