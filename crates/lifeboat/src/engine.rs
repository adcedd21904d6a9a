//! The engine of one Region: its bucket and a state machine, found by their names.

use aws_sdk_sfn::operation::{describe_execution::DescribeExecutionOutput, start_execution::StartExecutionError};
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use aws_sdk_sfn::{
    Client,
    config::{ProvideCredentials, SharedCredentialsProvider},
};
use domain::{
    failover::{
        caller::{self as callers, Caller, KEY, Ordered, Proof, bound_to},
        judgement::Rehearsal,
        request::FailoverRequest,
        run::RunKind,
        succession::Owner,
    },
    plan::{Failover, Plan},
    run::step::Step,
    state_machine::{StateMachine, StateName},
    words::{
        failure::Failure,
        id::{BadId, CallerArn, ExecutionArn, PlanName, Region},
    },
};
use edge::{
    aws::{self, SdkConfig},
    aws_failure,
    caller::{self, Callers, Sts},
    object_store::{self, Bucket},
    states::States,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::refusal::Refusal;

/// Runs that are at work at the same time: those of other plans are among them.
const MOST_RUNNING: i32 = 1_000;

/// Events that are read to find the state that an execution is in: a task's retries have some of their own.
const NEWEST_EVENTS: i32 = 100;

/// Pages of state machines that are looked through: 100 each.
const MOST_PAGES: usize = 20;

/// The engine of one Region.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    config: SdkConfig,
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
    pub(crate) async fn of(machine: StateMachine, region: Option<&str>) -> Result<Self, Refusal> {
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
        let machine = match find(&client, machine.name(), &region).await {
            Ok(machine) => machine,
            Err(refusal) => return Err(without_credentials(config.credentials_provider()).await.unwrap_or(refusal)),
        };
        // arn:PARTITION:states:REGION:ACCOUNT:stateMachine:NAME
        let account = machine.split(':').nth(4).unwrap_or_default();
        let bucket = Bucket::named(&config, format!("lifeboat-{account}-{region}"));
        Ok(Self { client, states: States::with(&config), config, machine, region, bucket })
    }

    /// The ARN of the execution of this name.
    pub(crate) fn execution(&self, name: &str) -> Result<ExecutionArn, Refusal> {
        let arn = format!("{}:{name}", self.machine.replacen(":stateMachine:", ":execution:", 1));
        arn.parse().map_err(|_| {
            Refusal::usage(format!("`{name}` is not an execution's name"), "Give the name that the notice shows.")
        })
    }

    /// An order with the proof of who gives it. Where everybody may order, it goes without one if need be: the proof is for
    /// the record then.
    pub(crate) async fn proved(
        &self,
        what: Ordered,
        (plan, failover): (&PlanName, Option<&Failover>),
        execution: &ExecutionArn,
        order: Value,
    ) -> Result<Value, Refusal> {
        let mut proved = order.clone();
        match caller::prove(&self.config, &bound_to(what, plan, execution, &order)).await {
            Ok(proof) => proved[KEY] = json!(proof),
            Err(failure) if failover.is_none_or(|failover| failover.may_order.is_some()) => return Err(failure.into()),
            Err(_) => {}
        }
        Ok(proved)
    }

    /// Who gave an order by STS's word, as the engine asks it.
    pub(crate) async fn who_gave(
        &self,
        what: Ordered,
        plan: &PlanName,
        execution: &ExecutionArn,
        given: &Value,
    ) -> Result<Caller, Failure> {
        let Some(proof) = given.get(KEY) else { return Ok(Caller::Unnamed) };
        let proof: Proof = serde_json::from_value(proof.clone())
            .map_err(|error| Failure::InvalidInput(format!("the proof cannot be read: {error}")))?;
        Sts::with(&self.config).ask(&proof, &bound_to(what, plan, execution, given)).await
    }

    /// Who we are by STS's word, for a command that starts no run and is an order all the same.
    ///
    /// # Errors
    /// Why the plan does not let us.
    pub(crate) async fn may_order<T>(&self, plan: &Plan<T>) -> Result<Option<CallerArn>, String> {
        let bound = format!("command/{}", plan.plan);
        let asked = async { Sts::with(&self.config).ask(&caller::prove(&self.config, &bound).await?, &bound).await };
        let who = asked.await.unwrap_or_else(|failure: Failure| Caller::Unproved(failure.chain()));
        callers::allow(plan, self.account(), who)
    }

    /// The number of an execution's newest event.
    pub(crate) async fn newest_event(&self, execution: &ExecutionArn) -> Result<i64, Failure> {
        let request = self.client.get_execution_history().execution_arn(execution.as_str()).max_results(1);
        let answer = request.reverse_order(true).include_execution_data(false).send().await;
        let answer = answer.map_err(|error| aws_failure!(format!("cannot read the history of {execution}"), error))?;
        Ok(answer.events().first().map_or(0, |event| event.id))
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
        edge::judge::rehearse(&self.region, "lifeboat-judge-failover", plan).await
    }

    /// Whether the execution that holds a lease still runs, as the engine itself asks it.
    pub(crate) async fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> Owner {
        self.states.owner(execution, began).await
    }

    /// A run of this kind that is at work for a plan.
    ///
    /// # Errors
    /// As AWS answers: nothing is concluded from what could not be asked.
    pub(crate) async fn running(&self, kind: RunKind, plan: &PlanName) -> Result<Option<ExecutionArn>, Failure> {
        let name = self.machine.rsplit_once(':').map_or("", |(_, name)| name);
        let machine = self.machine.replace(name, kind.machine().name());
        let request = self.client.list_executions().state_machine_arn(&machine).status_filter(ExecutionStatus::Running);
        let answer = request.max_results(MOST_RUNNING).send().await;
        let answer = answer.map_err(|error| aws_failure!(format!("cannot list what {machine} runs"), error))?;
        if answer.next_token().is_some() {
            return Err(Failure::AwsRejected {
                what: format!("{machine} runs more than can be looked through"),
                source: None,
            });
        }
        for running in answer.executions() {
            let execution: ExecutionArn =
                running.execution_arn().parse().map_err(|bad: BadId| Failure::InvalidInput(bad.to_string()))?;
            let input = self.describe(&execution).await?.input.unwrap_or_default();
            let input = serde_json::from_str(&input).unwrap_or_default();
            if FailoverRequest::plan_of(kind, &input).as_ref() == Some(plan) {
                return Ok(Some(execution));
            }
        }
        Ok(None)
    }

    /// The state that an execution is in; `None` where its history does not say.
    pub(crate) async fn state_of(&self, execution: &ExecutionArn) -> Option<StateName> {
        let request = self.client.get_execution_history().execution_arn(execution.as_str()).max_results(NEWEST_EVENTS);
        let answer = request.reverse_order(true).include_execution_data(false).send().await.ok()?;
        let entered = answer.events().iter().find_map(HistoryEvent::state_entered_event_details)?;
        Some(entered.name().into())
    }

    /// The other Regions whose buckets hold this plan: where its engine is, if it is not here. A Region that cannot be
    /// asked is left out.
    pub(crate) async fn elsewhere(&self, plan: &PlanName) -> Vec<(String, Plan)> {
        let Ok(buckets) = self.bucket.siblings(&self.prefix()).await else { return Vec::new() };
        let mut found = Vec::new();
        for region in buckets.iter().filter_map(|bucket| bucket.strip_prefix(&self.prefix())) {
            if region == self.region || region.parse::<Region>().is_err() {
                continue;
            }
            let bucket = Bucket::named(&aws::config(Some(region)).await, format!("{}{region}", self.prefix()));
            if let Ok((plan, _)) = object_store::read_plan(&bucket, plan).await {
                found.push((region.to_owned(), plan));
            }
        }
        found
    }

    /// The bucket of a Region's engine.
    pub(crate) async fn bucket_of(&self, region: &Region) -> Bucket {
        if region.as_str() == self.region {
            return self.bucket.clone();
        }
        Bucket::named(&aws::config(Some(region.as_str())).await, format!("{}{region}", self.prefix()))
    }

    /// What the name of each Region's bucket begins with.
    fn prefix(&self) -> String {
        format!("lifeboat-{}-", self.account())
    }

    /// arn:PARTITION:states:REGION:ACCOUNT:stateMachine:NAME
    fn account(&self) -> &str {
        self.machine.split(':').nth(4).unwrap_or_default()
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
    pub(crate) async fn answer(&self, token: &str, answer: &Value) -> Result<(), Refusal> {
        self.states.answer(token, answer).await.map_err(|failure| {
            let Failure::NotFound(why) = failure else { return failure.into() };
            Refusal::failed(
                why,
                "See how the run ended: `lifeboat status`. A failover can be started by hand: `lifeboat failover --help`.",
            )
        })
    }
}

/// Says that there are no credentials, if that is the cause: AWS's own error only lists each place that was searched.
async fn without_credentials(provider: Option<SharedCredentialsProvider>) -> Option<Refusal> {
    if let Some(provider) = provider
        && provider.provide_credentials().await.is_ok()
    {
        return None;
    }
    let profile =
        std::env::var("AWS_PROFILE").map_or_else(|_| String::new(), |name| format!(" (AWS_PROFILE is `{name}`)"));
    Some(Refusal::failed(
        format!("there are no AWS credentials{profile}"),
        "Give them in one of three ways: a profile of ~/.aws that has keys or a role (AWS_PROFILE=NAME); keys in the \
         environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN where they came with one); or \
         the role of the machine that this runs on.",
    ))
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

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::config::Credentials;

    use super::*;

    #[tokio::test]
    async fn without_credentials_the_ways_to_give_them_are_told_and_with_them_nothing_is() {
        let told = without_credentials(None).await.unwrap().to_string();
        for says in ["no AWS credentials", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "role of the machine"] {
            assert!(told.contains(says), "{says}: {told}");
        }
        let given = SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "test"));
        assert_eq!(without_credentials(Some(given)).await, None);
    }
}
