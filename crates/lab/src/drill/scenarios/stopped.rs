//! Runs that are stopped half way, and what they would still have done.

use domain::{
    failover::{
        lease::Phase,
        run::Run,
        traffic::{self, Move, RecordSet},
    },
    state_machine::StateName,
    words::{failure::Failure, id::ExecutionArn},
};
use edge::{dns::Dns, route53::Route53};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Drill, order, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    gateway::{Caller, Fault, How, When},
    pager::Notice,
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::SystemError,
};

/// How a Lambda answered: with an error, or not.
struct Answered {
    failed: bool,
    payload: Value,
}

impl Drill<'_> {
    pub(super) async fn orchestrator_died(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        self.hang("fence-primary").await?;
        let disaster_at = self.kill().await?;
        let first = runs.next().await?;
        let name = "stopped before its point of no return";
        let mut results = vec![self.stop_in(StateName::FencePrimary, &runs, &first, name).await?];
        let phase = self.phase_of(&first).await?;
        self.check(
            "the first run was stopped before its point of no return",
            phase == Some(Phase::Opened),
            shown(phase),
        );

        self.hang("dns-switch").await?;
        let second = runs.start(&order(plan, "anna", "the run that the alarm started was stopped")).await?;
        results.push(self.stop_in(StateName::DnsSwitch, &runs, &second, "stopped past its point of no return").await?);

        self.hang("dns-switch").await?;
        let third = runs.start(&order(plan, "ben", "the run that anna started was stopped")).await?;
        results.push(self.stop_in(StateName::DnsSwitch, &runs, &third, "stopped while it finished the second").await?);

        let fourth = runs.start(&order(plan, "cora", "the run that ben started was stopped")).await?;
        let fourth = runs.follow(self.lab, &fourth, self.observer).await?;
        // The third had nothing of its own to finish: what the fourth goes on with is the second's promotion.
        for (which, run, died) in
            [("second", &second, &first), ("third", &third, &second), ("fourth", &fourth.execution, &second)]
        {
            self.goes_on(which, run, died, &runs).await?;
        }
        for (which, run) in [("first", &first), ("second", &second), ("third", &third)] {
            let claim = format!("a person is told that the {which} run was broken off");
            self.called(&claim, |told| is_broken_off(told, run)).await?;
        }
        let moved = promoted_at(&fourth);
        self.promoted_once().await?;
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        results.push(RunResult::of("takes over and finishes", Ending::Done, fourth));
        // It waits for people, who have no recovery time.
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: false, rpo: true }).await
    }

    pub(super) async fn stale_writer(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        self.hang("dns-switch").await?;
        let disaster_at = self.kill().await?;
        let older = runs.next().await?;
        let stopped = self.stop_in(StateName::DnsSwitch, &runs, &older, "stopped before it moved traffic").await?;
        let older = self.opened(&runs, &older).await?;
        // Two ways to be late: before the step looks, and between its look and its write.
        let late_batch = self.batch_of(&older).await?;
        let newer = runs.start(&order(plan, "anna", "the run that the alarm started was stopped")).await?;
        let newer = runs.follow(self.lab, &newer, self.observer).await?;
        let before = self.traffic().await?;
        let judgement = newer.record.judgement.as_ref().and_then(|step| step.did.as_ref());
        for (step, event) in [
            ("dns-switch", json!({ "run": older, "change": null })),
            ("promote-replica", json!({ "run": older, "judgement": judgement })),
            ("fence-primary", json!({ "run": older, "undo": true })),
        ] {
            self.late(step, &event).await?;
        }
        let written = self.write(&late_batch).await;
        let (conflict, found) = match &written {
            Ok(change) => (false, format!("it was written: {change}")),
            Err(failure) => (failure.name() == "Conflict", format!("{}: {}", failure.name(), failure.chain())),
        };
        self.happened(Timestamp::now(), Event::Refused, format!("the late batch: {found}"), Actor::Dns);
        self.check("its batch, planned before the newer run's, ends as Conflict", conflict, found);
        let after = self.traffic().await?;
        let same = before == after && after.contains(self.lab.system.pair.replica.endpoint.as_str());
        self.check("record, generation and answer stay as the newer run left them", same, after);
        let moved = promoted_at(&newer);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        let results = vec![stopped, RunResult::of("the newer run", Ending::Done, newer)];
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: false, rpo: true }).await
    }

    /// Checks that a step of the older run changes nothing when it is delivered now.
    async fn late(&mut self, step: &str, event: &Value) -> Result<(), DrillError> {
        let answered = self.invoke(&format!("lifeboat-{step}"), event).await?;
        let text = |key: &str| answered.payload[key].as_str().unwrap_or("nothing").to_owned();
        let found = format!("{}: {}", text("errorType"), text("errorMessage"));
        self.happened(Timestamp::now(), Event::Refused, format!("the late {step}: {found}"), Actor::Run);
        let superseded = answered.failed && text("errorType") == "Superseded";
        self.check(format!("the late {step} ends as Superseded"), superseded, found);
        Ok(())
    }

    /// How far the holder of the lease is, if it is this run.
    async fn phase_of(&self, run: &ExecutionArn) -> Result<Option<Phase>, DrillError> {
        let holder = self.lease().await?.holder;
        Ok(holder.filter(|holder| holder.execution == *run).map(|holder| holder.phase))
    }

    /// Leaves the next call of a function by a run without an answer. Otherwise, on a fast computer, the run would have
    /// left the state in which it must be stopped.
    async fn hang(&self, function: &str) -> Result<(), DrillError> {
        let silent = Fault::new(When::Before, How::Silent).by(Caller::States);
        let silent = silent.target(&format!("lifeboat-{function}")).first(1);
        self.lab.aws.gateway.faults().set(&silent).await?;
        Ok(())
    }

    /// Stops a run in the state whose call hangs, and lets calls be answered again.
    async fn stop_in(
        &mut self,
        state: StateName,
        runs: &Runs,
        run: &ExecutionArn,
        name: &str,
    ) -> Result<RunResult, DrillError> {
        runs.entered(self.lab, run, &state).await?;
        let stopped = self.stop(runs, run, name).await?;
        self.lab.aws.gateway.faults().heal().await?;
        Ok(stopped)
    }

    /// What `OpenRun` gave to a run, by the run's history.
    async fn opened(&self, runs: &Runs, run: &ExecutionArn) -> Result<Run, DrillError> {
        let step = runs.output(run, &StateName::OpenRun).await?.unwrap_or_default();
        let opened = serde_json::from_value(step["did"].clone());
        opened.map_err(|source| DrillError::Evidence { key: format!("the history of {run}"), source })
    }

    /// Checks that a run's record names the run that it continues.
    async fn goes_on(
        &mut self,
        which: &str,
        run: &ExecutionArn,
        died: &ExecutionArn,
        runs: &Runs,
    ) -> Result<(), DrillError> {
        let opened = runs.output(run, &StateName::OpenRun).await?.unwrap_or_default();
        let because = opened["because"].as_str().unwrap_or("nothing").to_owned();
        self.check(format!("the {which} run says whom it took over"), because.contains(died.name()), because);
        Ok(())
    }

    /// Checks that the new primary was promoted once, and that each generation wrote this down at most once.
    async fn promoted_once(&mut self) -> Result<(), DrillError> {
        const TIMELINE: &str = "select timeline_id::bigint from pg_control_checkpoint()";
        const ROWS: &str =
            "select generation, count(*) from lifeboat.promotion group by generation order by generation";
        let system = &self.lab.system;
        let rds = &self.lab.aws.rds;
        let database = system.pair.database.as_str();
        rds.ask(&system.replica(), database, "checkpoint").await.map_err(|error| self.unread(&error))?;
        let timelines = rds.ask(&system.replica(), database, TIMELINE).await.map_err(|error| self.unread(&error))?;
        let timeline: i64 = timelines.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
        self.check("the replica was promoted once", timeline == 2, format!("it is on timeline {timeline}"));
        let rows = rds.ask(&system.replica(), database, ROWS).await.map_err(|error| self.unread(&error))?;
        let rows: Vec<(i64, i64)> =
            rows.iter().filter_map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))).collect();
        let once = !rows.is_empty() && rows.iter().all(|(_, count)| *count == 1);
        self.check("each generation wrote its promotion down once", once, format!("(generation, rows): {rows:?}"));
        Ok(())
    }

    fn unread(&self, error: &dyn std::error::Error) -> DrillError {
        SystemError::Aws {
            doing: format!("ask `{}`", self.lab.system.replica().id),
            why: domain::words::failure::chain(error),
        }
        .into()
    }

    /// The batch that a run's `DnsSwitch` would write if it looked now.
    async fn batch_of(&self, run: &Run) -> Result<(Vec<RecordSet>, Vec<RecordSet>), DrillError> {
        let record = &run.plan.traffic.record;
        let seen = self.route53().look(&record.zone, &record.name).await?;
        let name = run.plan.moved_names().into_iter().find(|name| name.is_the_database_s);
        match name.map(|name| traffic::plan(&name, &seen, run)) {
            Some(Move::Swap { delete, create }) => Ok((delete, create)),
            Some(Move::Keep(_) | Move::Refuse(_)) | None => Err(SystemError::Plan {
                plan: run.plan.plan.to_string(),
                why: format!("`{}` is not as it was before the failover", record.name),
            }
            .into()),
        }
    }

    async fn write(&self, (delete, create): &(Vec<RecordSet>, Vec<RecordSet>)) -> Result<String, Failure> {
        self.route53().change(&self.plan().traffic.record.zone, delete, create, "late".into()).await
    }

    fn route53(&self) -> Route53 {
        Route53::with(&self.lab.aws.gateway.sdk_config(self.plan().regions.recovery.as_str()))
    }

    /// The record, its generation, and what the name server answers, in a sentence.
    async fn traffic(&self) -> Result<String, DrillError> {
        let record = &self.plan().traffic.record;
        let seen = self.route53().look(&record.zone, &record.name).await?;
        let values = |sets: &[RecordSet]| sets.iter().flat_map(|set| set.values.clone()).collect::<Vec<_>>().join(", ");
        let answer = Dns::asking(&[self.lab.aws.resolver()], false)?.alias(&record.name).await;
        let answer = answer.map_or_else(|why| why, |name| name.to_string());
        Ok(format!("record {}; {}; answered {answer}", values(&seen.records), values(&seen.generation)))
    }

    /// Invokes a function of the recovery Region, as the state machine would.
    async fn invoke(&self, function: &str, event: &Value) -> Result<Answered, DrillError> {
        let config = self.lab.aws.gateway.sdk_config(self.plan().regions.recovery.as_str());
        let lambda = aws_sdk_lambda::Client::new(&config);
        let answer =
            lambda.invoke().function_name(function).payload(event.to_string().into_bytes().into()).send().await;
        let answer = answer.map_err(|error| SystemError::Aws {
            doing: format!("invoke `{function}`"),
            why: edge::aws::shown(&error),
        })?;
        let payload = answer.payload().map(|blob| serde_json::from_slice(blob.as_ref()).unwrap_or_default());
        Ok(Answered { failed: answer.function_error().is_some(), payload: payload.unwrap_or_default() })
    }
}

fn is_broken_off(told: &Notice, run: &ExecutionArn) -> bool {
    told.subject.contains("ABORTED") && told.message.contains(run.name())
}

fn shown(phase: Option<Phase>) -> String {
    phase.map_or("the lease has another holder".into(), |phase| format!("the lease says {phase:?}"))
}
