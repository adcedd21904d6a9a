//! Step Functions, as a run sees its own engine.

use aws_sdk_sfn::{
    Client,
    operation::start_execution::StartExecutionError,
    types::{ExecutionStatus, HistoryEvent},
};
use domain::{
    failover::{run::Run, succession::Owner},
    record::evidence::StateVisit,
    state_machine::StateName,
    words::{failure::Failure, id::ExecutionArn, time_span::TimeSpan},
};
use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::{aws, aws_failure, clock};

/// Step Functions.
#[derive(Debug, Clone)]
pub struct States {
    client: Client,
}

/// Who can say whether an execution still runs.
pub trait Owners {
    /// What is known of it. `began` is when it had begun at the latest.
    fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> impl Future<Output = Owner>;
}

/// The ARN of an execution, by its state machine's and its own name.
///
/// # Errors
/// `InvalidInput` where they make none.
pub fn execution(machine_arn: &str, name: &str) -> Result<ExecutionArn, Failure> {
    let arn = format!("{}:{name}", machine_arn.replacen(":stateMachine:", ":execution:", 1));
    arn.parse().map_err(|error: domain::words::id::BadId| Failure::InvalidInput(format!("{machine_arn}: {error}")))
}

impl Owners for States {
    async fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> Owner {
        States::owner(self, execution, began).await
    }
}

/// Makes sure, right before a step acts, that its run was not stopped meanwhile: a function outlives the execution that
/// called it, and a run that somebody stopped may change nothing any more.
///
/// # Errors
/// `Superseded` where the execution has ended, `AwsTransient` where that cannot be told.
pub async fn still_runs(owners: &impl Owners, run: &Run) -> Result<(), Failure> {
    match owners.owner(&run.execution, run.opened_at).await {
        Owner::Running => Ok(()),
        Owner::Gone { status, .. } => Err(Failure::Superseded(format!(
            "execution `{}` ended as {status}: it may change nothing any more",
            run.execution.name()
        ))),
        Owner::Unknown(why) => Err(Failure::AwsTransient {
            what: format!("whether execution `{}` still runs could not be told", run.execution.name()),
            source: Some(why.into()),
        }),
    }
}

/// Everybody's owner as a test says.
#[cfg(feature = "fake")]
pub mod fake {
    use domain::{failover::succession::Owner, words::id::ExecutionArn};
    use jiff::Timestamp;

    use super::Owners;

    /// What is reported about every execution.
    #[derive(Debug, Clone)]
    pub struct Says(pub Owner);

    impl Owners for Says {
        async fn owner(&self, _: &ExecutionArn, _: Timestamp) -> Owner {
            self.0.clone()
        }
    }
}

/// An execution's states so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// State by state.
    pub visits: Vec<StateVisit>,
    /// How many states were entered.
    pub transitions: u64,
}

/// History pages that are read at most: 25,000 events are the engine's own limit.
const MOST_PAGES: usize = 25;

impl States {
    /// Step Functions as the environment says.
    pub async fn from_env() -> Self {
        Self { client: Client::new(&aws::config(None).await) }
    }

    /// Step Functions as a configuration says.
    #[must_use]
    pub fn with(config: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Whether an execution still runs that had begun by this instant.
    pub async fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> Owner {
        match self.client.describe_execution().execution_arn(execution.as_str()).send().await {
            Ok(answer) if *answer.status() == ExecutionStatus::Running => Owner::Running,
            Ok(answer) => Owner::Gone {
                status: answer.status().as_str().to_owned(),
                at: answer.stop_date().and_then(|at| Timestamp::from_nanosecond(at.as_nanos()).ok()),
            },
            Err(error) if aws::code(&error).as_deref() == Some("ExecutionDoesNotExist") => {
                Owner::not_known(TimeSpan::between(began, clock::now()))
            }
            Err(error) => Owner::Unknown(aws::shown(&error)),
        }
    }

    /// Starts an execution, of which there is one by this name, however often it is started. One that was started before with
    /// the same input is our own, whose answer was lost.
    ///
    /// # Errors
    /// `Conflict` where the name was used for something else; else as AWS answers.
    pub async fn start(&self, machine_arn: &str, name: &str, input: &str) -> Result<(), Failure> {
        let request = self.client.start_execution().state_machine_arn(machine_arn).name(name).input(input);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) => {
                self.is_ours(&execution(machine_arn, name)?, input).await
            }
            Err(error) => Err(aws_failure!(format!("cannot start `{name}` with {machine_arn}"), error)),
        }
    }

    async fn is_ours(&self, execution: &ExecutionArn, input: &str) -> Result<(), Failure> {
        let answer = self.client.describe_execution().execution_arn(execution.as_str()).send().await;
        let answer = answer.map_err(|error| aws_failure!(format!("cannot look at {execution}"), error))?;
        if is_same(answer.input().unwrap_or_default(), input) {
            return Ok(());
        }
        Err(Failure::Conflict(format!("{execution} exists, and was started with another input")))
    }

    /// Answers a task that waits for a person.
    ///
    /// # Errors
    /// `NotFound` where nobody waits for this answer any more; else as AWS answers.
    pub async fn answer(&self, token: &str, answer: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(answer)
            .map_err(|error| Failure::InvalidInput(format!("the answer cannot be written: {error}")))?;
        let sent = self.client.send_task_success().task_token(token).output(text).send().await;
        sent.map(drop).map_err(|error| match aws::code(&error).as_deref() {
            Some("TaskTimedOut" | "TaskDoesNotExist" | "InvalidToken") => Failure::NotFound(
                "nobody waits for this answer any more: it was given, its deadline passed, or the run ended".into(),
            ),
            _ => aws_failure!("cannot give the answer".to_owned(), error),
        })
    }

    /// An execution's history, as state by state.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn history(&self, execution: &ExecutionArn) -> Result<History, Failure> {
        let mut history = History::default();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let request = self
                .client
                .get_execution_history()
                .execution_arn(execution.as_str())
                .max_results(1_000)
                .include_execution_data(false);
            let answer = request.set_next_token(next).send().await;
            let answer =
                answer.map_err(|error| aws_failure!(format!("cannot read the history of {execution}"), error))?;
            for event in answer.events() {
                history.take(event);
            }
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        Ok(history)
    }
}

/// Whether two inputs say the same, however they are written.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || read(one).is_some_and(|one| Some(one) == read(other))
}

impl History {
    fn take(&mut self, event: &HistoryEvent) {
        // Step Functions tells milliseconds, as a fraction that does not come out even.
        let at = Timestamp::from_nanosecond(event.timestamp().as_nanos())
            .and_then(|at| at.round(Unit::Millisecond))
            .unwrap_or_default();
        if let Some(entered) = event.state_entered_event_details() {
            self.transitions += 1;
            self.visits.push(StateVisit { state: entered.name().into(), entered_at: at, left_at: None });
        }
        if let Some(left) = event.state_exited_event_details() {
            let state = StateName::from(left.name());
            let open = self.visits.iter_mut().rev().find(|moment| moment.left_at.is_none() && moment.state == state);
            if let Some(moment) = open {
                moment.left_at = Some(at);
            }
        }
    }
}
