//! The lab, and what is done to it.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use aws_sdk_lambda::types::InvocationType;
use aws_sdk_sfn::types::ExecutionStatus;
use domain::{
    failover::{
        lease::{Lease, Phase},
        loss::{self, Loss},
        run::RunKind,
    },
    plan::PairPlan,
    record::evidence::{self, Evidence},
    run::outcome::RunOutcome,
    watch::probe::Watch,
    words::{
        id::ExecutionArn,
        wal::{Lsn, ReplicaPosition},
    },
};
use edge::object_store;
use jiff::Timestamp;
use lab::{
    Lab,
    gateway::ACCOUNT,
    gateway::{Call, Caller, Fault, Faults, How, When},
    pager::Notice,
};
use rds_on_postgres::RdsError;
use serde_json::{Value, json};

/// How long anything may take that is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(240);

/// How often the primary is killed until the watch has seen it right before.
pub(super) const MOST_KILLS: usize = 5;

/// Between two looks. Each costs ten milliseconds of a core, and several labs look at once.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(super) struct World<'a> {
    pub(super) lab: &'a Lab,
    pub(super) faults: Faults,
    pub(super) states: aws_sdk_sfn::Client,
    /// The next row that is written, and the next order's number.
    rows: Cell<i64>,
    runs: Cell<u32>,
}

/// How a run ended, in the state machine's own words, and its record.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) execution: ExecutionArn,
    pub(super) end: String,
    pub(super) because: String,
    pub(super) evidence: Option<Evidence>,
}

impl Ended {
    /// How it ended, where the end is its own.
    pub(super) fn outcome(&self) -> Option<RunOutcome> {
        match self.end.as_str() {
            "SUCCEEDED" => Some(RunOutcome::Done),
            end => RunKind::of(&self.execution).outcome_of(&end.into()),
        }
    }

    /// Its record, which every run that the engine did not end leaves.
    pub(super) fn record(&self) -> &Evidence {
        self.evidence.as_ref().unwrap_or_else(|| panic!("{} left no evidence", self.end))
    }
}

/// Which call of a function a run stops in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) function: &'static str,
    /// How often it was called before.
    pub(super) earlier: u32,
    /// Before the function began, or after it did what it was asked for.
    pub(super) when: When,
}

impl Place {
    pub(super) fn before(function: &'static str) -> Self {
        Self { function, earlier: 0, when: When::Before }
    }

    pub(super) fn after(function: &'static str) -> Self {
        Self { function, earlier: 0, when: When::After }
    }

    /// The same in the second call: the first one is a rehearsal's.
    pub(super) fn in_earnest(self) -> Self {
        Self { earlier: 1, ..self }
    }
}

impl<'a> World<'a> {
    pub(super) fn new(lab: &'a Lab) -> Self {
        let region = lab.system.plan.regions.recovery.as_str();
        let states = aws_sdk_sfn::Client::new(&lab.aws.gateway.sdk_config(region));
        let (rows, runs) = (Cell::new(1_000_000), Cell::new(0));
        Self { lab, faults: lab.aws.gateway.faults(), states, rows, runs }
    }

    pub(super) fn plan(&self) -> &PairPlan {
        &self.lab.system.plan
    }

    /// Puts back what a case may have left, one that broke off too.
    pub(super) async fn begin(&self) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        self.faults.heal().await.unwrap();
        aws.network.heal_all();
        // One that runs is not paused, and one that was killed is restarted.
        drop(aws.rds.resume(&system.primary()).await);
        self.replan(self.plan()).await;
        system.rewind(aws).await.unwrap_or_else(|error| panic!("{}", domain::words::failure::chain(&error)));
        // A replica that has replayed no commit yet cannot say how far behind it is.
        let (row, written) = self.write_by_name().await;
        written.unwrap_or_else(|why| panic!("clients are served, and one is not: {why}"));
        let replayed = async || (self.rows_at(&system.replica(), &[row]).await == 1).then_some(());
        self.until("a first row on the replica", replayed).await;
        self.faults.forget_calls().await.unwrap();
    }

    /// Puts another version of the plan where runs read it, where it is another one.
    pub(super) async fn replan(&self, plan: &PairPlan) {
        let (key, text) = (object_store::plan_key(&plan.plan), serde_json::to_string(&plan.alone()).unwrap());
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        if system.object(aws, &key).await.unwrap().as_ref() != Some(&text) {
            system.put_object(aws, &key, &text).await.unwrap();
        }
    }

    /// Kills the primary right after the watch has seen it: on a busy machine a sample may come late, and what the primary
    /// wrote meanwhile would be unknown.
    pub(super) async fn kill(&self) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        for _ in 0..MOST_KILLS {
            aws.rds.kill(&system.primary()).await.unwrap();
            system.noticed(aws).await.unwrap();
            if self.was_seen_to_the_last().await {
                return;
            }
            self.bring_back().await;
            self.until_it_is_followed().await;
        }
        panic!("the machine is too busy: the watch missed the primary's last second {MOST_KILLS} times");
    }

    /// Waits until the replica follows the primary again, and the watch has seen it well.
    pub(super) async fn until_it_is_followed(&self) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let follows = "select 1 from pg_stat_replication";
        self.until("the replica and the watch", async || {
            let rows = aws.rds.ask(&system.primary(), system.pair.database.as_str(), follows).await;
            let follows = rows.is_ok_and(|rows| !rows.is_empty());
            (follows && self.watch().await.failing.is_none()).then_some(())
        })
        .await;
    }

    /// Whether what the primary may have written unseen is within what a judgement takes for seen.
    async fn was_seen_to_the_last(&self) -> bool {
        let watch = self.watch().await;
        let Some(streak) = &watch.failing else { return false };
        let position = ReplicaPosition { received: Lsn(u64::MAX), replayed: Lsn(u64::MAX), replayed_commit_at: None };
        let loss = loss::lag(watch.last_seen, streak.since, streak.since, &position, &self.plan().probe);
        !matches!(loss, Loss::Unknown { .. })
    }

    async fn watch(&self) -> Watch {
        let text = self.lab.system.object(&self.lab.aws, &object_store::watch_key(&self.plan().plan)).await.unwrap();
        serde_json::from_str(&text.unwrap_or_default()).unwrap()
    }

    /// Brings the old primary's host back, where it is dead.
    pub(super) async fn bring_back(&self) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        match aws.rds.restart_after_kill(&system.primary()).await {
            Ok(()) | Err(RdsError::Running { .. }) => {}
            Err(error) => panic!("{}", domain::words::failure::chain(&error)),
        }
    }

    /// The plan's lease.
    pub(super) async fn lease(&self) -> Lease {
        let key = object_store::lease_key(&self.plan().plan);
        let text = self.lab.system.object(&self.lab.aws, &key).await.unwrap();
        serde_json::from_str(&text.unwrap_or_else(|| panic!("there is no lease"))).unwrap()
    }

    /// How far the holder of the lease is.
    pub(super) async fn phase(&self) -> Option<Phase> {
        self.lease().await.holder.map(|holder| holder.phase)
    }

    /// Lets a minute pass since the primary was shut: most orders come later than a step of the run that was stopped can
    /// take. What the undo waits for before that is tried by the cases that do without this.
    pub(super) async fn a_minute_passes(&self) {
        let mut lease = self.lease().await;
        let shut = lease.shut.as_mut().unwrap_or_else(|| panic!("nothing is shut, by the lease"));
        shut.since = shut.since.checked_sub(Duration::from_secs(60)).unwrap();
        let (key, text) = (object_store::lease_key(&self.plan().plan), serde_json::to_string(&lease).unwrap());
        self.lab.system.put_object(&self.lab.aws, &key, &text).await.unwrap();
    }

    /// An id that no row has yet.
    pub(super) fn row(&self) -> i64 {
        self.rows.replace(self.rows.get() + 1)
    }

    /// Starts a run as a person does without the command.
    pub(super) async fn start(&self, kind: RunKind) -> ExecutionArn {
        self.start_with(kind, &json!({ "plan": self.plan().plan, "by": "the test", "why": "a run to be stopped" }))
            .await
    }

    /// Starts a run with this request, of a name that none had before.
    pub(super) async fn start_with(&self, kind: RunKind, request: &Value) -> ExecutionArn {
        let name = format!("succession-{}", self.runs.replace(self.runs.get() + 1));
        let arn = self.machine_arn(kind);
        let start = self.states.start_execution().name(name).input(request.to_string()).state_machine_arn(arn);
        start.send().await.unwrap().execution_arn().parse().unwrap()
    }

    pub(super) fn machine_arn(&self, kind: RunKind) -> String {
        let region = &self.plan().regions.recovery;
        format!("arn:aws:states:{region}:{ACCOUNT}:stateMachine:{}", kind.machine().name())
    }

    /// Starts a run and ends it from outside in one call of a function, as a person or the engine's own death would.
    pub(super) async fn stopped(&self, kind: RunKind, place: Place) -> ExecutionArn {
        let fault = self.hang(place).await;
        let run = self.start(kind).await;
        self.until_it_hangs(&run, fault, place.when == When::After).await;
        self.stop(&run).await;
        self.faults.heal().await.unwrap();
        run
    }

    /// Lets a run get no answer from a call of a function; gives the fault's number.
    pub(super) async fn hang(&self, place: Place) -> u64 {
        let function = format!("lifeboat-{}", place.function);
        let fault = Fault::new(place.when, How::Silent).by(Caller::States).target(&function);
        self.faults.set(&fault.after_the_first(place.earlier).first(1)).await.unwrap()
    }

    /// Waits until a fault has spoiled a call of a run; with `carried_out`, until that call took effect.
    pub(super) async fn until_it_hangs(&self, run: &ExecutionArn, fault: u64, carried_out: bool) {
        self.until(&format!("the call in which {run} hangs"), async || {
            let faults = self.faults.in_force().await.unwrap();
            let found = faults.iter().find(|found| found.id == fault).unwrap();
            if found.spoiled > 0 && (found.carried_out > 0 || !carried_out) {
                return Some(());
            }
            self.runs_still(run).await.unwrap();
            None
        })
        .await;
    }

    /// Says how a run ended, where it does not run any more.
    pub(super) async fn runs_still(&self, run: &ExecutionArn) -> Result<(), String> {
        let described = self.states.describe_execution().execution_arn(run.as_str()).send().await.unwrap();
        let (end, why) = (described.error().unwrap_or_default(), described.cause().unwrap_or_default());
        let running = *described.status() == ExecutionStatus::Running;
        if running { Ok(()) } else { Err(format!("it ended too early: {end}: {why}")) }
    }

    pub(super) async fn stop(&self, run: &ExecutionArn) {
        let stop = self.states.stop_execution().execution_arn(run.as_str()).cause("stopped by hand");
        stop.send().await.unwrap();
    }

    /// Waits for a run's end, and reads its record.
    pub(super) async fn ended(&self, run: &ExecutionArn) -> Ended {
        let described = self
            .until(&format!("the end of {run}"), async || {
                let described = self.states.describe_execution().execution_arn(run.as_str()).send().await.unwrap();
                (*described.status() != ExecutionStatus::Running).then_some(described)
            })
            .await;
        let key = evidence::key(Some(&self.plan().plan), run);
        let text = self.lab.system.object(&self.lab.aws, &key).await.unwrap();
        let evidence = text.map(|text| serde_json::from_str(&text).unwrap());
        let end = described.error().unwrap_or(described.status().as_str()).to_owned();
        let because = described.cause().unwrap_or_default().to_owned();
        Ended { execution: run.clone(), end, because, evidence }
    }

    /// Waits until so many calls were made of those that are meant.
    pub(super) async fn called(&self, meant: impl Fn(&Call) -> bool, calls: usize) {
        self.until(&format!("{calls} calls"), async || {
            let made = self.faults.calls().await.unwrap();
            (made.iter().filter(|call| meant(call)).count() >= calls).then_some(())
        })
        .await;
    }

    /// Starts the guard, as its schedule does each minute, and does not wait for it.
    pub(super) async fn guard(&self) {
        let payload = json!({ "plan": self.plan().plan }).to_string().into_bytes();
        let event = self.lambda().invoke().invocation_type(InvocationType::Event).payload(payload.into());
        event.function_name("lifeboat-guard-primary").send().await.unwrap();
    }

    /// Invokes a function of the recovery Region, as a state machine would.
    pub(super) async fn invoke(&self, function: &str, event: &Value) -> Value {
        let invoke = self.lambda().invoke().function_name(function).payload(event.to_string().into_bytes().into());
        let answer = invoke.send().await.unwrap();
        serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap()
    }

    fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.lab.aws.gateway.sdk_config(self.plan().regions.recovery.as_str()))
    }

    /// What people were told about a run's end.
    pub(super) async fn told(&self, ended: &Ended) -> String {
        let (run, end) = (ended.execution.as_str(), "NEEDS A PERSON");
        let of_its_end = |told: &Notice| told.message.contains(run) && told.subject.contains(end);
        self.lab.pager.notice(Timestamp::UNIX_EPOCH, end, of_its_end).await.unwrap().message
    }

    /// Tries until it succeeds; says what the last try said where none does.
    pub(super) async fn until_done<T>(&self, what: &str, act: impl AsyncFn() -> Result<T, String>) -> T {
        let began = Instant::now();
        loop {
            match act().await {
                Ok(done) => return done,
                Err(why) => assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}: {why}"),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Looks until there is something.
    pub(super) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
