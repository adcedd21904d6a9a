//! Following the engine's runs, live and to their end.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aws_sdk_sfn::{
    Client,
    primitives::DateTime,
    types::{ExecutionStatus, HistoryEvent},
};
use domain::{
    failover::{request::FailoverRequest, run::RunKind},
    record::evidence::{self, Evidence},
    state_machine::{StateMachine, StateName},
    words::id::{ExecutionArn, PlanName},
};
use edge::states::{History, States};
use jiff::Timestamp;
use serde_json::Value;

use super::{DrillError, Observer, patience};
use crate::{
    lab::Lab,
    report::{Actor, Event, TimelineEntry},
    system::{SystemError, bucket},
};

/// The plan's runs in its recovery Region.
pub(super) struct Runs {
    client: Client,
    machine_arn: String,
    plan: PlanName,
    known: BTreeSet<String>,
    /// How long a run may take to begin, and to come to its end.
    patience: Duration,
}

/// A state that was left.
pub(super) struct Left {
    /// Its name.
    pub(super) state: StateName,
    /// When.
    pub(super) at: Timestamp,
    /// What it gave.
    pub(super) output: Value,
}

/// The end of a run.
pub(super) struct End {
    /// When it had begun.
    pub(super) began_at: Timestamp,
    /// When it ended.
    pub(super) at: Timestamp,
    /// The end's name, as `BackupPartial`; `SUCCEEDED` where it has none.
    pub(super) error: String,
    /// Why, where it says.
    pub(super) cause: String,
}

impl End {
    /// As it is told.
    pub(super) fn entry(&self) -> TimelineEntry {
        let detail = format!("{}: {}", self.error, self.cause);
        TimelineEntry { at: self.at, event: Event::RunEnded, detail, source: Actor::Run }
    }
}

/// How long between two looks: short enough to follow live, long enough not to slow the run down.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long between two looks when a run must be caught in a state that lasts some ten milliseconds.
const LOOK_CLOSELY: Duration = Duration::from_millis(10);

fn refused<E: aws_sdk_sfn::error::ProvideErrorMetadata + std::error::Error>(doing: &str, error: &E) -> DrillError {
    SystemError::Aws { doing: doing.to_owned(), why: edge::aws::shown(error) }.into()
}

impl Runs {
    /// Remembers the failovers that exist now.
    pub(super) async fn so_far(lab: &Lab) -> Result<Self, DrillError> {
        Self::of(lab, RunKind::Failover).await
    }

    /// Remembers the runs of a kind that exist now.
    pub(super) async fn of(lab: &Lab, kind: RunKind) -> Result<Self, DrillError> {
        Self::of_machine(lab, kind.machine()).await
    }

    /// Remembers the runs of a state machine that exist now.
    pub(super) async fn of_machine(lab: &Lab, machine: StateMachine) -> Result<Self, DrillError> {
        let region = lab.system.plan.regions.recovery.as_str();
        let client = Client::new(&lab.aws.gateway.sdk_config(region));
        let machine = machine.name();
        let machine_arn = format!("arn:aws:states:{region}:{}:stateMachine:{machine}", crate::gateway::ACCOUNT);
        let (plan, patience) = (lab.system.plan.plan.clone(), patience(&lab.system.plan));
        let mut runs = Self { client, machine_arn, plan, known: BTreeSet::new(), patience };
        runs.known = runs.all().await?.into_iter().collect();
        Ok(runs)
    }

    async fn all(&self) -> Result<Vec<String>, DrillError> {
        let listed = self.client.list_executions().state_machine_arn(&self.machine_arn).send().await;
        let listed = listed.map_err(|error| refused("list the runs", &error))?;
        // They are listed newest first.
        Ok(listed.executions().iter().rev().map(|run| run.execution_arn().to_owned()).collect())
    }

    /// The runs that have not ended.
    pub(super) async fn running(&self) -> Result<Vec<String>, DrillError> {
        let listed = self.client.list_executions().state_machine_arn(&self.machine_arn);
        let listed = listed.status_filter(ExecutionStatus::Running).send().await;
        let listed = listed.map_err(|error| refused("list the runs that have not ended", &error))?;
        Ok(listed.executions().iter().map(|run| run.name().to_owned()).collect())
    }

    /// The plan's runs that began since, in that order.
    pub(super) async fn new_ones(&self) -> Result<Vec<String>, DrillError> {
        let mut ours = Vec::new();
        for arn in self.all().await?.into_iter().filter(|arn| !self.known.contains(arn)) {
            if self.of_plan(&arn).await?.is_none_or(|plan| plan == self.plan) {
                ours.push(arn);
            }
        }
        Ok(ours)
    }

    /// The plan that a run's input names, if it names one.
    async fn of_plan(&self, arn: &str) -> Result<Option<PlanName>, DrillError> {
        let described = self.client.describe_execution().execution_arn(arn).send().await;
        let described = described.map_err(|error| refused("look at a run", &error))?;
        let input = described.input().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Ok(FailoverRequest::plan_of(RunKind::Failover, &input))
    }

    /// Waits for a run that begins by itself.
    pub(super) async fn next(&mut self) -> Result<ExecutionArn, DrillError> {
        let began = Instant::now();
        loop {
            if let Some(arn) = self.new_ones().await?.into_iter().next() {
                return self.take(arn);
            }
            if began.elapsed() > self.patience {
                return Err(
                    SystemError::Late { what: "a run of the state machine".into(), limit: self.patience }.into()
                );
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Starts a run by hand.
    pub(super) async fn start(&mut self, input: &Value) -> Result<ExecutionArn, DrillError> {
        let started =
            self.client.start_execution().state_machine_arn(&self.machine_arn).input(input.to_string()).send().await;
        let started = started.map_err(|error| refused("start a run", &error))?;
        self.take(started.execution_arn().to_owned())
    }

    /// The state machine's runs of these inputs, all started at once.
    pub(super) async fn start_at_once(&mut self, inputs: &[Value]) -> Result<Vec<ExecutionArn>, DrillError> {
        let starts = inputs.iter().map(|input| {
            self.client.start_execution().state_machine_arn(&self.machine_arn).input(input.to_string()).send()
        });
        let mut begun = Vec::new();
        for started in futures::future::join_all(starts).await {
            let started = started.map_err(|error| refused("start a run", &error))?;
            begun.push(self.take(started.execution_arn().to_owned())?);
        }
        Ok(begun)
    }

    /// Waits until a run has entered a state.
    pub(super) async fn entered(&self, lab: &Lab, run: &ExecutionArn, state: &StateName) -> Result<(), DrillError> {
        let states = self.states(lab);
        let began = Instant::now();
        while !states.history(run).await?.visits.iter().any(|moment| moment.state == *state) {
            if began.elapsed() > self.patience {
                let what = format!("state {state} of run {run}");
                return Err(SystemError::Late { what, limit: self.patience }.into());
            }
            tokio::time::sleep(LOOK_CLOSELY).await;
        }
        Ok(())
    }

    /// Stops a run from outside, as a person could, and returns its history.
    pub(super) async fn stop(&self, lab: &Lab, run: &ExecutionArn, why: &str) -> Result<History, DrillError> {
        let stopped = self.client.stop_execution().execution_arn(run.as_str()).cause(why).send().await;
        stopped.map_err(|error| refused("stop the run", &error))?;
        Ok(self.states(lab).history(run).await?)
    }

    /// The output of a run's state, from its history.
    pub(super) async fn output(&self, run: &ExecutionArn, state: &StateName) -> Result<Option<Value>, DrillError> {
        let request = self.client.get_execution_history().execution_arn(run.as_str()).max_results(1_000);
        let history = request.send().await.map_err(|error| refused("read the run's history", &error))?;
        let exits = history.events().iter().filter_map(|event| event.state_exited_event_details());
        let output =
            exits.filter(|exit| exit.name() == state.as_str()).find_map(|exit| exit.output().map(str::to_owned));
        Ok(output.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// The outputs of a run's states, in the order in which they ended.
    pub(super) async fn outputs(&self, run: &ExecutionArn) -> Result<Vec<Left>, DrillError> {
        let request = self.client.get_execution_history().execution_arn(run.as_str()).max_results(1_000);
        let history = request.send().await.map_err(|error| refused("read the run's history", &error))?;
        let left = |event: &HistoryEvent| {
            let exit = event.state_exited_event_details()?;
            let at = Timestamp::from_nanosecond(event.timestamp().as_nanos()).ok()?;
            let output = exit.output().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            Some(Left { state: exit.name().into(), at, output })
        };
        Ok(history.events().iter().filter_map(left).collect())
    }

    /// How a run ended; `None` while it goes on.
    pub(super) async fn end(&self, run: &ExecutionArn) -> Result<Option<End>, DrillError> {
        let described = self.client.describe_execution().execution_arn(run.as_str()).send().await;
        let described = described.map_err(|error| refused("look at the run", &error))?;
        if *described.status() == ExecutionStatus::Running {
            return Ok(None);
        }
        let instant = |at: Option<&DateTime>| at.and_then(|at| Timestamp::from_nanosecond(at.as_nanos()).ok());
        Ok(Some(End {
            began_at: instant(Some(described.start_date())).unwrap_or_else(Timestamp::now),
            at: instant(described.stop_date()).unwrap_or_else(Timestamp::now),
            error: described.error().unwrap_or(described.status().as_str()).to_owned(),
            cause: described.cause().unwrap_or("done").to_owned(),
        }))
    }

    pub(super) fn states(&self, lab: &Lab) -> States {
        States::with(&lab.aws.gateway.sdk_config(lab.system.plan.regions.recovery.as_str()))
    }

    fn take(&mut self, arn: String) -> Result<ExecutionArn, DrillError> {
        self.known.insert(arn.clone());
        arn.parse().map_err(|error: domain::words::id::BadId| {
            SystemError::Aws { doing: "read a run's ARN".into(), why: error.to_string() }.into()
        })
    }

    /// Follows a run to its end, telling of each step as it becomes known, and reads its evidence.
    pub(super) async fn follow(
        &self,
        lab: &Lab,
        run: &ExecutionArn,
        observer: &dyn Observer,
    ) -> Result<Evidence, DrillError> {
        let states = self.states(lab);
        let mut told = BTreeSet::new();
        let began = Instant::now();
        loop {
            let end = self.end(run).await?;
            let visits = states.history(run).await?.visits;
            for entry in live(run, &visits) {
                if told.insert(entry.event) {
                    observer.happened(&entry);
                }
            }
            if let Some(end) = end {
                observer.happened(&end.entry());
                break;
            }
            if began.elapsed() > self.patience {
                let last = visits.last().map_or("no state", |visit| visit.state.as_str());
                let what = format!("the end of run {run}, which is in {last}");
                return Err(SystemError::Late { what, limit: self.patience }.into());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.evidence(lab, run).await
    }

    async fn evidence(&self, lab: &Lab, run: &ExecutionArn) -> Result<Evidence, DrillError> {
        let key = evidence::key(Some(&lab.system.plan.plan), run);
        let text = lab.system.object(&lab.aws, &key).await?;
        let missing = || SystemError::Late {
            what: format!("s3://{}/{key}", bucket(&lab.system.plan.regions.recovery)),
            limit: self.patience,
        };
        serde_json::from_str(&text.ok_or_else(missing)?).map_err(|source| DrillError::Evidence { key, source })
    }
}

/// What a history tells so far: a step was done when the state after it was entered.
pub(super) fn live(run: &ExecutionArn, history: &[evidence::StateVisit]) -> Vec<TimelineEntry> {
    let entered =
        |state: &StateName| history.iter().find(|moment| moment.state == *state).map(|moment| moment.entered_at);
    let own: &[(StateName, Event, &str)] = match RunKind::of(run) {
        RunKind::Failover => &[
            (StateName::FencePrimary, Event::Judged, "a failure; fail over"),
            (StateName::PromoteReplica, Event::Fenced, "the old primary is shut, as far as it was reached"),
            (StateName::Verify, Event::DnsSwitched, "the authoritative servers answer the new primary"),
        ],
        RunKind::Switchover => &[
            (
                StateName::PromoteReplica,
                Event::Drained,
                "the old primary refuses writes, the replica has all of its log",
            ),
            (StateName::FencePrimary, Event::DnsSwitched, "the authoritative servers answer the new primary"),
            (StateName::Verify, Event::Fenced, "the old primary is shut in"),
        ],
    };
    let started = format!("`{}`", run.name());
    let every = [
        (StateName::BeginRecord, Event::RunStarted, started.as_str()),
        (StateName::DnsSwitch, Event::Promoted, "the replica is the primary, a write has committed"),
    ];
    let told = every.iter().chain(own).filter_map(|(state, event, detail)| {
        Some(TimelineEntry { at: entered(state)?, event: *event, detail: (*detail).to_owned(), source: Actor::Run })
    });
    let mut told: Vec<TimelineEntry> = told.collect();
    told.sort_by_key(|entry| entry.at);
    told
}
