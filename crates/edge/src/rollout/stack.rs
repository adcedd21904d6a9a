//! A stack in CloudFormation: whether it is there, its end, and how it is waited for.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_cloudformation::{
    Client,
    types::{ResourceStatus, Stack, StackStatus},
};
use domain::words::{failure::Failure, id::Region};

use super::Tell;
use crate::aws_failure;

/// CloudFormation in a Region.
#[derive(Debug, Clone)]
pub(super) struct Stacks {
    client: Client,
    pub(super) region: Region,
}

/// How long a stack may take: most of its resources take seconds each.
const DONE_WITHIN: Duration = Duration::from_secs(1_800);

/// Between two looks, at first and at last: a stack takes some seconds, or a minute or two.
pub(super) const LOOK_FIRST: Duration = Duration::from_millis(100);
pub(super) const LOOK_LAST: Duration = Duration::from_secs(3);

/// How many failed resources an error names.
const MOST_REASONS: usize = 5;

impl Stacks {
    pub(super) fn of(config: &SdkConfig, region: Region) -> Self {
        Self { client: Client::new(config), region }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether there is no stack of this name. One that came to nothing when it was first made holds nothing, and is
    /// cleared away: CloudFormation makes nothing of it any more.
    pub(super) async fn is_to_be_made(&self, stack: &str) -> Result<bool, Failure> {
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

    pub(super) async fn describe(&self, stack: &str) -> Result<Option<Stack>, Failure> {
        match self.client.describe_stacks().stack_name(stack).send().await {
            Ok(told) => Ok(told.stacks.and_then(|stacks| stacks.into_iter().next())),
            Err(error) if crate::aws::shown(&error).contains("does not exist") => Ok(None),
            Err(error) => Err(aws_failure!(format!("cannot look at the stack {stack} in {}", self.region), error)),
        }
    }

    /// Deletes a stack and waits until it is gone.
    pub(super) async fn delete(&self, stack: &str) -> Result<(), Failure> {
        let deleted = self.client.delete_stack().stack_name(stack).send().await;
        deleted.map_err(|error| aws_failure!(format!("cannot delete the stack {stack} in {}", self.region), error))?;
        // For a moment it may still be shown as it was.
        let is_over = async |status: &StackStatus| Ok(*status == StackStatus::DeleteFailed);
        match self.settled(stack, &|_| {}, is_over).await? {
            None => Ok(()),
            Some(status) => Err(self.ended_as(stack, status.as_str()).await),
        }
    }

    /// Deletes a stack, and says so.
    pub(super) async fn remove(&self, stack: &str, tell: Tell<'_>) -> Result<(), Failure> {
        if self.describe(stack).await?.is_none() {
            return Ok(());
        }
        tell(&format!("{}: deleting the stack {stack}", self.region));
        self.delete(stack).await
    }

    /// Waits until the stack is gone, which is `None`, or nothing is under way in it and `is_over` says so of its status.
    /// CloudFormation may show for a moment what was there before it was asked.
    pub(super) async fn settled(
        &self,
        stack: &str,
        tell: Tell<'_>,
        mut is_over: impl AsyncFnMut(&StackStatus) -> Result<bool, Failure>,
    ) -> Result<Option<StackStatus>, Failure> {
        let (began, mut pause, mut told) = (Instant::now(), LOOK_FIRST, 0);
        loop {
            let Some(status) = self.describe(stack).await?.and_then(|found| found.stack_status) else {
                return Ok(None);
            };
            if status == StackStatus::DeleteComplete {
                return Ok(None);
            }
            if !status.as_str().ends_with("_IN_PROGRESS") && is_over(&status).await? {
                return Ok(Some(status));
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

    /// What is told of a stack that did not end as it was to, with the reasons of its resources.
    pub(super) async fn ended_as(&self, stack: &str, status: &str) -> Failure {
        let why = self.reasons(stack).await;
        Failure::AwsRejected {
            what: format!("the stack {stack} in {} ended as {status}: {why}", self.region),
            source: None,
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
                    Some(
                        ResourceStatus::CreateInProgress
                            | ResourceStatus::UpdateInProgress
                            | ResourceStatus::DeleteInProgress
                    )
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
