//! One run with one fault, and what must hold after it.

use std::time::{Duration, Instant};

use aws_sdk_sfn::types::ExecutionStatus;
use domain::{
    record::evidence::{self, Evidence},
    run::outcome::RunOutcome,
};
use edge::dns::Dns;
use lab::{
    Lab,
    gateway::ACCOUNT,
    gateway::{Caller, Fault, Faults, How, When},
    workload::Place,
};
use serde_json::json;

use super::case::{self, Case, Kind};

/// How long a run may take; the slowest waits for its SDK's tries and the state machine's.
const RUN_PATIENCE: Duration = Duration::from_secs(240);

/// How long a guard may take to make a call, and to shut an old primary that returned open.
const GUARD_PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a run.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The timeline of a database that was never promoted.
const FIRST_TIMELINE: u32 = 1;

/// How often a case is played until its call is made: a function of the case before that was still at work, as a guard
/// that got no answer, is not ended, and has at hand what a new one would ask for.
const MOST_TAKES: usize = 3;

/// The watch's function.
const WATCH: &str = "lifeboat-health-probe";

/// The lab, and what is asked of it.
pub(super) struct World<'a> {
    lab: &'a Lab,
    faults: Faults,
    states: aws_sdk_sfn::Client,
}

/// How a run ended, in the state machine's own words, and its record.
struct Ended {
    end: String,
    because: String,
    evidence: Option<Evidence>,
}

impl<'a> World<'a> {
    pub(super) fn new(lab: &'a Lab) -> Self {
        let region = lab.system.plan.regions.recovery.as_str();
        let states = aws_sdk_sfn::Client::new(&lab.aws.gateway.sdk_config(region));
        Self { lab, faults: lab.aws.gateway.faults(), states }
    }

    /// A run without a fault; gives its outcome and the kinds of calls that it made.
    pub(super) async fn plain(&self) -> (String, Vec<Kind>) {
        self.nobody_is_woken().await;
        self.faults.end_idle_environments().await.unwrap();
        self.faults.forget_calls().await.unwrap();
        self.kill().await;
        let ended = self.run("plain").await.unwrap();
        let calls = self.faults.calls().await.unwrap();
        let watch = Caller::Function(WATCH.into());
        let kinds = case::kinds(&calls, &watch, self.lab.system.plan.regions.recovery.as_str());
        let found = self.after(&ended, 0).await.unwrap_or_else(|wrong| panic!("without a fault: {wrong}"));
        (found.split(':').next().unwrap().to_owned(), kinds)
    }

    /// A run with one fault: how it ended, or what does not hold.
    pub(super) async fn play(&self, case: &Case, number: i64) -> Result<String, String> {
        let mut seen = String::new();
        for take in 1..=MOST_TAKES {
            let (ended, spoiled) = self.take(case, &format!("case-{number}-{take}")).await?;
            if spoiled > 0 {
                return self.after(&ended, number).await;
            }
            seen = format!("{}: {}", ended.end, ended.because);
        }
        Err(format!("the call was never made; {seen}"))
    }

    async fn take(&self, case: &Case, name: &str) -> Result<(Ended, u32), String> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        system
            .rewind(aws)
            .await
            .map_err(|error| format!("before it began: {}", domain::words::failure::chain(&error)))?;
        if case.needs_cold_functions() {
            self.faults.end_idle_environments().await.unwrap();
        }
        self.faults.forget_calls().await.unwrap();
        self.nobody_is_woken().await;
        let fault = self.faults.set(&case.fault()).await.unwrap();
        self.kill().await;
        let ended = self.run(name).await;
        let spoiled = self.spoiled(fault).await;
        self.faults.heal().await.unwrap();
        Ok((ended?, spoiled))
    }

    /// Keeps the watch from waking functions, which it does once in a window: what they read then is none of a run's calls.
    async fn nobody_is_woken(&self) {
        let watch = Fault::new(When::Before, How::Denied).by(Caller::Function(WATCH.into()));
        self.faults.set(&watch.of("lambda").operation("Invoke")).await.unwrap();
    }

    /// How many calls the fault spoiled. A guard works beside the run and may be later than its end.
    async fn spoiled(&self, fault: u64) -> u32 {
        let began = Instant::now();
        loop {
            let faults = self.faults.in_force().await.unwrap();
            let spoiled = faults.iter().find(|found| found.id == fault).map_or(0, |found| found.spoiled);
            if spoiled > 0 || began.elapsed() > GUARD_PATIENCE {
                return spoiled;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn kill(&self) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        aws.rds.kill(&system.primary()).await.unwrap();
        system.noticed(aws).await.unwrap();
    }

    /// Starts a run by hand and waits for its end.
    async fn run(&self, name: &str) -> Result<Ended, String> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let region = system.plan.regions.recovery.as_str();
        let input = json!({ "plan": system.plan.plan, "by": "the test", "why": "the primary was killed" });
        let started = self.states.start_execution().name(name).input(input.to_string());
        let arn = format!("arn:aws:states:{region}:{ACCOUNT}:stateMachine:lifeboat-failover");
        let started = started.state_machine_arn(arn).send().await.unwrap();
        let began = Instant::now();
        let described = loop {
            let described =
                self.states.describe_execution().execution_arn(started.execution_arn()).send().await.unwrap();
            if *described.status() != ExecutionStatus::Running {
                break described;
            }
            if began.elapsed() > RUN_PATIENCE {
                return Err(format!("the run has not ended after {RUN_PATIENCE:?}"));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        let run = started.execution_arn().parse().unwrap();
        let text = system.object(aws, &evidence::key(Some(&system.plan.plan), &run)).await.unwrap();
        let evidence = text.map(|text| serde_json::from_str(&text).unwrap());
        let end = described.error().unwrap_or(described.status().as_str()).to_owned();
        Ok(Ended { end, because: described.cause().unwrap_or_default().to_owned(), evidence })
    }

    /// What must hold after any run; gives its end in a line.
    async fn after(&self, ended: &Ended, number: i64) -> Result<String, String> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let evidence = ended.evidence.as_ref().ok_or_else(|| format!("{} left no evidence", ended.end))?;
        aws.rds.restart_after_kill(&system.primary()).await.map_err(|error| domain::words::failure::chain(&error))?;
        let at = |name| {
            let view = aws.rds.instance(&name).unwrap();
            Place::Host { address: view.address.into(), host: view.host_name }
        };
        let name = system.plan.traffic.record.name.to_string();
        let through = Place::Name { name, resolver: aws.resolver() };
        let id = |side: i64| 1_000_000 + number * 10_000 + side;
        let (old_place, new_place) = (at(system.primary()), at(system.replica()));
        let (old, new, client) = tokio::join!(
            system.write_as_the_application(aws, &old_place, id(0)),
            system.write_as_the_application(aws, &new_place, id(1)),
            system.write_as_the_application(aws, &through, id(2)),
        );
        let (old, new, client) = (old.unwrap(), new.unwrap(), client.unwrap());
        let done = evidence.outcome == RunOutcome::Done;
        if (ended.end == "SUCCEEDED") != done {
            return Err(format!("it ended as {} and its evidence says {:?}", ended.end, evidence.outcome));
        }
        if done && old.is_ok() {
            if fenced(evidence) {
                return Err("Done, fenced, and the old primary takes writes".into());
            }
            self.shut_by_its_guard(&old_place, id(3)).await?;
        }
        if done && client.as_ref().map(|server| server.address) != new.as_ref().map(|server| server.address) {
            return Err(format!(
                "Done, and a client cannot write through the name: {client:?}, at the new side {new:?}"
            ));
        }
        if let Ok(server) = &new
            && server.timeline != FIRST_TIMELINE + 1
        {
            return Err(format!("promoted {} times", server.timeline - FIRST_TIMELINE));
        }
        self.traffic_follows_the_write(evidence).await?;
        Ok(format!(
            "{}: {}{}",
            if done { "done" } else { ended.end.as_str() },
            evidence.because,
            if old.is_ok() { " (the old primary is open)" } else { "" }
        ))
    }

    /// An old primary that could not be fenced, and returned open, is shut by its guard.
    async fn shut_by_its_guard(&self, place: &Place, first_id: i64) -> Result<(), String> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let began = Instant::now();
        for id in first_id.. {
            match system.write_as_the_application(aws, place, id).await.unwrap() {
                Err(_) => return Ok(()),
                Ok(_) if began.elapsed() < GUARD_PATIENCE => tokio::time::sleep(LOOK_AGAIN).await,
                Ok(_) => break,
            }
        }
        Err(format!("Done, unfenced, and its guard lets the old primary take writes after {GUARD_PATIENCE:?}"))
    }

    /// Where traffic points at the new side, it has shown a write that was committed in this generation.
    async fn traffic_follows_the_write(&self, evidence: &Evidence) -> Result<(), String> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let dns = Dns::asking(&[aws.resolver()], false).map_err(|failure| failure.chain())?;
        if dns.alias(&system.plan.traffic.record.name).await? != system.pair.replica.endpoint {
            return Ok(());
        }
        let generation = evidence.generation.ok_or("traffic was moved by a run without a generation")?;
        let query = "select generation from lifeboat.promotion";
        let rows = aws.rds.ask(&system.replica(), system.pair.database.as_str(), query).await;
        let rows = rows.map_err(|error| format!("traffic points at a side without a write: {error}"))?;
        let written: Vec<i64> = rows.iter().map(|row| row.get::<_, i64>(0)).collect();
        if written.iter().any(|found| u64::try_from(*found) == Ok(generation.0)) {
            return Ok(());
        }
        Err(format!("traffic points at a side with writes of generations {written:?}, not of {generation}"))
    }
}

/// Whether the record says that the old primary is fenced.
fn fenced(evidence: &Evidence) -> bool {
    let did = evidence.record.fencing.as_ref().and_then(|step| step.did.as_ref());
    did.is_some_and(|did| did.fenced)
}
