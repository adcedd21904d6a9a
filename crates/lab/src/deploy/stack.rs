//! Creates or updates one stack, and waits for it.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{Capability, Parameter, Stack};

use super::{DeployError, Outputs, Target, said};

/// How long a stack may take. The engine's takes about a second in the lab.
const LIMIT: Duration = Duration::from_secs(120);

/// Between two looks at a stack under way.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What `sam deploy` is told to allow: roles, named ones too, and the SAM transform.
const CAPABILITIES: [Capability; 3] =
    [Capability::CapabilityIam, Capability::CapabilityNamedIam, Capability::CapabilityAutoExpand];

/// How many failed resources an error names.
const REASONS: usize = 5;

pub(super) async fn put(config: &SdkConfig, target: &Target, template: &str) -> Result<Outputs, DeployError> {
    let client = Client::new(config);
    let refused = |cause| DeployError::Refused { stack: target.stack.clone(), region: target.region.clone(), cause };
    if describe(&client, target).await.is_some() {
        let update = client
            .update_stack()
            .stack_name(&target.stack)
            .template_url(template)
            .set_parameters(Some(parameters(target)))
            .set_capabilities(Some(CAPABILITIES.to_vec()));
        match update.send().await {
            Ok(_) => {}
            // AWS calls it an error that there is nothing to do.
            Err(error) if error.message().is_some_and(|text| text.contains("No updates")) => {}
            Err(error) => return Err(refused(said(&error))),
        }
    } else {
        let create = client
            .create_stack()
            .stack_name(&target.stack)
            .template_url(template)
            .set_parameters(Some(parameters(target)))
            .set_capabilities(Some(CAPABILITIES.to_vec()));
        create.send().await.map_err(|error| refused(said(&error)))?;
    }
    wait(&client, target).await
}

fn parameters(target: &Target) -> Vec<Parameter> {
    let pair = |(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build();
    target.parameters.iter().map(pair).collect()
}

async fn describe(client: &Client, target: &Target) -> Option<Stack> {
    let told = client.describe_stacks().stack_name(&target.stack).send().await.ok()?;
    told.stacks.and_then(|stacks| stacks.into_iter().next())
}

async fn wait(client: &Client, target: &Target) -> Result<Outputs, DeployError> {
    let started = Instant::now();
    loop {
        let stack = describe(client, target).await;
        let status = stack.as_ref().and_then(|stack| stack.stack_status.as_ref());
        let status = status.map_or("gone", |status| status.as_str()).to_owned();
        match (stack, status.as_str()) {
            (Some(stack), "CREATE_COMPLETE" | "UPDATE_COMPLETE") => return Ok(outputs(&stack)),
            (Some(_), going) if going.ends_with("_IN_PROGRESS") => {}
            _ => return Err(failed(client, target, status).await),
        }
        if started.elapsed() > LIMIT {
            return Err(DeployError::Late {
                stack: target.stack.clone(),
                region: target.region.clone(),
                status,
                limit_seconds: LIMIT.as_secs(),
            });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn outputs(stack: &Stack) -> Outputs {
    let pairs = stack.outputs().iter();
    pairs.filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))).collect()
}

/// The failure with the reasons that the stack's events give, oldest first: the first is the cause.
async fn failed(client: &Client, target: &Target, status: String) -> DeployError {
    let events = client.describe_stack_events().stack_name(&target.stack).send().await;
    let events = events.ok().and_then(|told| told.stack_events).unwrap_or_default();
    let reasons = events.iter().rev().filter_map(|event| {
        let ended = event.resource_status.as_ref().is_some_and(|status| status.as_str().ends_with("FAILED"));
        let reason = event.resource_status_reason().filter(|_| ended)?;
        Some(format!("{}: {reason}", event.logical_resource_id().unwrap_or("(unnamed)")))
    });
    DeployError::Failed {
        stack: target.stack.clone(),
        region: target.region.clone(),
        status,
        reasons: reasons.take(REASONS).collect(),
    }
}
