//! The engine of one Region: its bucket and a state machine, found by their names.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::{describe_execution::DescribeExecutionOutput, start_execution::StartExecutionError};
use aws_sdk_sfn::types::HistoryEvent;
use domain::{
    approval::Answer,
    failure::Failure,
    id::{ExecutionArn, PlanName, Region},
    judgement::Rehearsal,
    step::Step,
};
use edge::{aws, aws_failure, shelf::Bucket, states::States};

use crate::refusal::Refusal;

/// Pages of state machines that are looked through: 100 each.
const MOST_PAGES: usize = 20;

/// The engine of one Region.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    client: Client,
    states: States,
    machine: String,
    /// The Region.
    pub(crate) region: String,
    /// The Region's bucket.
    pub(crate) bucket: Bucket,
}

/// What became of an order to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// It runs under this name.
    Started(ExecutionArn),
    /// The name was used before.
    Taken(ExecutionArn),
}

impl Engine {
    /// Finds the engine and a state machine of it, in `region` or in the Region that AWS's configuration names.
    pub(crate) async fn of(machine: &str, region: Option<&str>) -> Result<Self, Refusal> {
        let config = aws::config(region).await;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(Refusal::usage(
                "no Region is named",
                "Give the plan's recovery Region: --region us-west-2, or set AWS_REGION.",
            ));
        };
        // It becomes part of a host's name.
        if let Err(bad) = region.parse::<Region>() {
            return Err(Refusal::usage(
                bad.to_string(),
                "Name the plan's recovery Region: --region us-west-2, or AWS_REGION, or that of the profile.",
            ));
        }
        let client = Client::new(&config);
        let machine = find(&client, machine, &region).await?;
        // arn:PARTITION:states:REGION:ACCOUNT:stateMachine:NAME
        let account = machine.split(':').nth(4).unwrap_or_default();
        let bucket = Bucket::named(&config, format!("lifeboat-{account}-{region}"));
        Ok(Self { client, states: States::with(&config), machine, region, bucket })
    }

    /// The ARN of the execution of this name.
    pub(crate) fn execution(&self, name: &str) -> Result<ExecutionArn, Refusal> {
        let arn = format!("{}:{name}", self.machine.replacen(":stateMachine:", ":execution:", 1));
        arn.parse().map_err(|_| {
            Refusal::usage(format!("`{name}` is not an execution's name"), "Give the name that the notice shows.")
        })
    }

    /// Starts an execution.
    pub(crate) async fn start(&self, name: &str, input: &str) -> Result<Start, Refusal> {
        let execution = self.execution(name)?;
        let request = self.client.start_execution().state_machine_arn(&self.machine).name(name).input(input);
        match request.send().await {
            Ok(_) => Ok(Start::Started(execution)),
            Err(error) if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) => {
                Ok(Start::Taken(execution))
            }
            Err(error) => Err(aws_failure!(format!("cannot start `{name}` with {}", self.machine), error).into()),
        }
    }

    /// Asks the judge what would happen if the primary of `plan` died now.
    ///
    /// # Errors
    /// Says why it could not be asked.
    pub(crate) async fn rehearse(&self, plan: &PlanName) -> Result<Step<Rehearsal>, String> {
        let request = serde_json::json!({ "rehearse": plan });
        edge::function::ask(&aws::config(Some(&self.region)).await, "lifeboat-judge-failover", &request).await
    }

    /// What is known of an execution.
    pub(crate) async fn describe(&self, execution: &ExecutionArn) -> Result<DescribeExecutionOutput, Failure> {
        let answer = self.client.describe_execution().execution_arn(execution.as_str()).send().await;
        answer.map_err(|error| aws_failure!(format!("cannot look at {execution}"), error))
    }

    /// One page of an execution's history, oldest first, and the next page's token.
    pub(crate) async fn history(
        &self,
        execution: &ExecutionArn,
        page: Option<String>,
    ) -> Result<(Vec<HistoryEvent>, Option<String>), Failure> {
        let request = self.client.get_execution_history().execution_arn(execution.as_str()).max_results(1_000);
        let answer = request.include_execution_data(true).set_next_token(page).send().await;
        let answer = answer.map_err(|error| aws_failure!(format!("cannot read the history of {execution}"), error))?;
        Ok((answer.events, answer.next_token))
    }

    /// Answers a task that waits for a person.
    pub(crate) async fn answer(&self, token: &str, answer: &Answer) -> Result<(), Refusal> {
        self.states.answer(token, answer).await.map_err(|failure| {
            let Failure::NotFound(why) = failure else { return failure.into() };
            Refusal::failed(
                why,
                "See how the run ended: `lifeboat status`. A failover can be started by hand: `lifeboat failover --help`.",
            )
        })
    }
}

async fn find(client: &Client, name: &str, region: &str) -> Result<String, Refusal> {
    let mut page = None;
    for _ in 0..MOST_PAGES {
        let answer = client.list_state_machines().max_results(100).set_next_token(page).send().await;
        let answer = answer
            .map_err(|error| Refusal::from(aws_failure!(format!("cannot look for the engine in {region}"), error)))?;
        if let Some(found) = answer.state_machines.iter().find(|machine| machine.name == name) {
            return Ok(found.state_machine_arn.clone());
        }
        page = answer.next_token;
        if page.is_none() {
            break;
        }
    }
    Err(Refusal::failed(
        format!("there is no state machine `{name}` in {region}"),
        "Name the plan's recovery Region (--region) and its account (AWS_PROFILE), or deploy the engine there: README.md.",
    ))
}
