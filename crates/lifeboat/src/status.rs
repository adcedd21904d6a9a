//! `lifeboat status`: who is primary, replication, lease, last run and watch, and what a death now would lead to.

mod armed;
mod health;
mod lines;
mod points;
mod resolvers;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::Args;
use domain::{
    component::ActiveSide,
    failover::{
        approval::ApprovalRequest,
        guard::{self, Kept},
        judgement::Rehearsal,
        lease::Lease,
        run::RunKind,
        starter::{Arming, Starts},
        succession::Owner,
        traffic::Told as Leads,
    },
    plan::{MovedName, PairPlan},
    record::evidence::{self, Evidence},
    state_machine::StateName,
    watch::probe::Watch,
    words::{
        failure::Failure,
        id::{Generation, InstanceId, PlanName},
    },
};
use edge::{
    clock,
    dns::Dns,
    object_store::{self, Bucket},
};
use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use resolvers::Resolved;

use crate::{engine::Engine, output::Output, refusal::Refusal};

/// Shows who is primary, replication, lease, last run, watch, and what a death now would lead to.
#[derive(Debug, Args)]
#[command(after_help = "\
It only looks: nothing is changed. The record is asked as a client would, with this machine's resolver (or the one in
LIFEBOAT_RESOLVER, as 192.0.2.1:53). `armed` says whether a failover would start by itself.

Examples:
  lifeboat status lab --region us-west-2
  lifeboat status lab --region us-west-2 --json

Exit codes: 0 everything could be looked at; 1 something could not, and it says what; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(value_name = "PLAN")]
    plan: PlanName,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// How many generations back the guard's record is looked for.
const MOST_GENERATIONS: u64 = 20;

/// What is true of a plan now, as far as it could be seen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    plan: PlanName,
    summary: String,
    /// Where it was asked.
    region: String,
    /// Where the plan is recovered, and has its lease.
    recovery_region: String,
    /// When.
    looked_at: Timestamp,
    lease: Option<Lease>,
    /// Whether the lease's holder still runs, where it has one.
    #[serde(serialize_with = "as_its_status")]
    owner: Option<Owner>,
    /// What the holder asks a person, where it waits for one.
    waits_for: Option<Waiting>,
    record: Record,
    /// The application's names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<Record>,
    /// What the plan's public resolvers answer for each of these names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resolvers: Vec<Resolved>,
    last_run: Option<Evidence>,
    watch: Option<Watch>,
    /// What takes writes by the plan and the lease: it is what should be watched.
    active: Option<InstanceId>,
    /// What the judge says of a death now, or why it could not be asked.
    rehearsal: Result<Rehearsal, String>,
    /// The health of each Region, as last seen from the other one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    health: Vec<health::Seen>,
    /// What the recovery Region has of the primary's automated backups, where the plan has them replicated there.
    #[serde(skip_serializing_if = "Option::is_none")]
    points_in_time: Option<points::Seen>,
    /// What the guard of the last promotion left behind.
    kept: Option<Kept>,
    /// What the starter remembers, and whether the run that it started last still runs.
    #[serde(skip)]
    starts: Option<Starts>,
    #[serde(skip)]
    started: Option<Owner>,
    #[serde(skip)]
    whole_plan: PairPlan,
    /// What could not be read, and why.
    unreadable: Unreadable,
}

/// A status, and whether a failover would start by itself.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    status: &'a Status,
    armed: Arming,
}

/// What could not be read, and why.
#[derive(Debug, Default, Serialize)]
struct Unreadable {
    lease: Option<String>,
    others: Vec<String>,
}

/// A run that waits for a person.
#[derive(Debug, Clone, Serialize)]
struct Waiting {
    because: String,
    /// Until when, where that was kept.
    deadline: Option<Timestamp>,
}

/// Where the traffic's record points.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    name: String,
    target: Option<String>,
    side: Option<ActiveSide>,
    because: Option<String>,
}

/// What is true of a plan now, as `--json` prints it: of each pair, where it has several.
pub(crate) async fn told(plan: &PlanName, region: &str) -> Result<serde_json::Value, Refusal> {
    let engine = Engine::of(RunKind::Failover.machine(), Some(region)).await?;
    let (plan, _) = object_store::read_plan(&engine.bucket, plan).await?;
    let pairs: Vec<Status> = try_join_all(plan.pairs().map(|pair| look(&engine, pair))).await?;
    Ok(json(&pairs))
}

/// One status as it is, several as a list.
fn json(pairs: &[Status]) -> serde_json::Value {
    let told = pairs.iter().map(|status| Told { armed: status.standing(), status });
    let mut told: Vec<_> = told.map(|told| serde_json::to_value(told).unwrap_or_default()).collect();
    if told.len() == 1 { told.remove(0) } else { told.into() }
}

impl Command {
    /// That of a plan in its recovery Region, for a person.
    pub(crate) fn of(plan: PlanName, region: &str) -> Self {
        Self { plan, region: Some(region.to_owned()), json: false }
    }

    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let engine = Engine::of(RunKind::Failover.machine(), self.region.as_deref()).await?;
        let pairs = match self.pairs(&engine).await {
            Ok(pairs) => pairs,
            Err(failure @ Failure::NotFound(_)) => return Err(self.not_here(&engine, failure).await),
            Err(failure) => return Err(failure.into()),
        };
        let pairs: Vec<Status> = try_join_all(pairs.into_iter().map(|pair| look(&engine, pair))).await?;
        if self.json {
            output.json(&json(&pairs))?;
        } else {
            for (index, status) in pairs.iter().enumerate() {
                if index > 0 {
                    output.line("");
                }
                status.lines().iter().for_each(|line| output.line(line));
            }
        }
        Ok(if pairs.iter().all(Status::is_whole) { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    /// The pair that is named; of a plan all of them.
    async fn pairs(&self, engine: &Engine) -> Result<Vec<PairPlan>, Failure> {
        if self.plan.is_of_a_pair() {
            return Ok(vec![object_store::read_pair(&engine.bucket, &self.plan).await?.0]);
        }
        Ok(object_store::read_plan(&engine.bucket, &self.plan).await?.0.pairs().collect())
    }

    /// The plan is not in this Region: where it is.
    async fn not_here(&self, engine: &Engine, failure: Failure) -> Refusal {
        let found = engine.elsewhere(&self.plan).await;
        let Some((_, plan)) = found.first() else { return failure.into() };
        let recovery = &plan.regions.recovery;
        Refusal::failed(
            format!(
                "plan `{}` is recovered from {recovery}, not from {}: the engine here starts no failover of it",
                self.plan, engine.region
            ),
            format!("Ask there: lifeboat status {} --region {recovery}", self.plan),
        )
    }
}

async fn look(engine: &Engine, plan: PairPlan) -> Result<Status, Refusal> {
    let (bucket, name) = (&engine.bucket, &plan.plan);
    let mut unreadable = Unreadable::default();
    let lease = match read::<Lease>(bucket, &object_store::lease_key(name)).await {
        Ok(lease) => lease,
        Err(Failure::InvalidInput(why)) => {
            unreadable.lease = Some(why);
            None
        }
        Err(failure) => return Err(failure.into()),
    };
    let holder = lease.as_ref().and_then(|lease| lease.holder.as_ref());
    let (owner, waits_for) = match holder {
        Some(holder) => {
            let owner = engine.owner(&holder.execution, holder.since).await;
            let key = object_store::approval_key(name, holder.execution.name());
            let asked = unreadable.or_none(read::<ApprovalRequest>(bucket, &key).await);
            let asked = asked.filter(|asked| owner == Owner::Running && asked.execution == holder.execution);
            (Some(owner), waiting(engine, asked).await)
        }
        None => (None, None),
    };
    let last_run = match lease.as_ref().and_then(|lease| lease.last.as_ref()) {
        Some(last) => unreadable.or_none(read(bucket, &evidence::key(Some(name), &last.execution)).await),
        None => None,
    };
    let watch = unreadable.or_none(read(bucket, &object_store::watch_key(name)).await);
    let starts: Option<Starts> = unreadable.or_none(read(bucket, &object_store::starts_key(name)).await);
    let started = match &starts {
        Some(starts) => Some(engine.owner(&starts.execution, starts.last_at).await),
        None => None,
    };
    let (record, resolvers, rehearsal, health, points_in_time) = tokio::join!(
        look_up(&plan),
        resolvers::ask(&plan),
        engine.rehearse(name),
        health::look(engine, &plan, clock::now()),
        points::look(&plan)
    );
    let rehearsal = rehearsal.and_then(|step| step.did.ok_or_else(|| format!("the judge answered: {}", step.because)));
    let kept = match lease.as_ref() {
        Some(lease) if lease.active == ActiveSide::Replica => kept(bucket, name, lease, &mut unreadable).await,
        Some(_) | None => None,
    };
    let ((record, records), resolvers) = (record?, resolvers?);
    let side = lease.as_ref().map(|lease| lease.active).unwrap_or_default();
    let active = plan.pair().filter(|_| unreadable.lease.is_none()).map(|pair| side.of(pair).instance.clone());
    Ok(Status {
        summary: plan.summary.clone(),
        region: engine.region.clone(),
        recovery_region: plan.regions.recovery.to_string(),
        looked_at: clock::now(),
        plan: plan.plan.clone(),
        lease,
        owner,
        waits_for,
        record,
        records,
        resolvers,
        last_run,
        watch,
        active,
        rehearsal,
        health,
        points_in_time,
        kept,
        starts,
        started,
        whole_plan: plan,
        unreadable,
    })
}

/// What a run asks a person, if it still waits for the answer.
async fn waiting(engine: &Engine, asked: Option<ApprovalRequest>) -> Option<Waiting> {
    let ApprovalRequest { execution, because, deadline, .. } = asked?;
    // Where its history does not say, it is told: a person who is asked for nothing finds out soon.
    let state = engine.state_of(&execution).await;
    state.is_none_or(|state| state == StateName::Approve).then_some(Waiting { because, deadline })
}

impl Unreadable {
    /// What was read; nothing, where it could not be, which is told.
    fn or_none<T>(&mut self, read: Result<Option<T>, Failure>) -> Option<T> {
        read.unwrap_or_else(|failure| {
            self.others.push(failure.chain());
            None
        })
    }
}

async fn read<T: serde::de::DeserializeOwned>(bucket: &Bucket, key: &str) -> Result<Option<T>, Failure> {
    Ok(object_store::read_json(bucket, key).await?.map(|(value, _)| value))
}

/// What the guard of the newest promotion left behind: runs that changed nothing may have had generations since.
async fn kept(bucket: &Bucket, plan: &PlanName, lease: &Lease, unreadable: &mut Unreadable) -> Option<Kept> {
    for back in 0..MOST_GENERATIONS.min(lease.generation.0) {
        let generation = Generation(lease.generation.0 - back);
        if let Some(kept) = unreadable.or_none(read(bucket, &guard::key(plan, generation)).await) {
            return Some(kept);
        }
    }
    None
}

/// Where the traffic's name leads, and where the application's do.
async fn look_up(plan: &PairPlan) -> Result<(Record, Vec<Record>), Refusal> {
    let dns = Dns::from_env()?;
    let names = plan.moved_names();
    let mut looked = join_all(names.iter().map(|name| look_at(&dns, &dns, name))).await.into_iter();
    let missing = || Record { name: plan.traffic.record.name.to_string(), target: None, side: None, because: None };
    Ok((looked.next().unwrap_or_else(missing), looked.collect()))
}

/// Whose answer this is, of what each side's would be.
fn side_of(told: &Leads, primary: Result<&Leads, &String>, recovery: Result<&Leads, &String>) -> Option<ActiveSide> {
    let leads_to = |wanted: Result<&Leads, &String>| wanted.is_ok_and(|wanted| told.leads_to(wanted));
    match (leads_to(primary), leads_to(recovery)) {
        (true, _) => Some(ActiveSide::Primary),
        (false, true) => Some(ActiveSide::Replica),
        (false, false) => None,
    }
}

/// Where a name leads by a resolver, and which side that is: an alias shows its target's addresses and not its name.
async fn look_at(asked: &Dns, dns: &Dns, name: &MovedName) -> Record {
    let told = match asked.told(&name.name, name.primary.asked()).await {
        Ok(told) => told,
        Err(why) => return Record { name: name.name.to_string(), target: None, side: None, because: Some(why) },
    };
    let (primary, recovery) = tokio::join!(dns.wanted(&name.primary), dns.wanted(&name.recovery));
    let side = side_of(&told, primary.as_ref(), recovery.as_ref());
    Record { name: name.name.to_string(), target: Some(told.to_string().replace('`', "")), side, because: None }
}

/// What is known of the lease's holder, in a word or two.
pub(crate) fn as_its_status<S: Serializer>(owner: &Option<Owner>, to: S) -> Result<S::Ok, S::Error> {
    match owner {
        None => to.serialize_none(),
        Some(Owner::Running) => to.serialize_str("RUNNING"),
        Some(Owner::Gone { status: how, .. }) => to.serialize_str(how),
        Some(Owner::Unknown(why)) => to.serialize_str(&format!("unknown: {why}")),
    }
}

impl Status {
    /// Whether everything could be looked at, where it is decided.
    fn is_whole(&self) -> bool {
        self.is_asked_where_it_is_decided()
            && self.unreadable.lease.is_none()
            && self.unreadable.others.is_empty()
            && self.rehearsal.is_ok()
            && !matches!(self.owner, Some(Owner::Unknown(_)))
    }

    fn is_asked_where_it_is_decided(&self) -> bool {
        self.region == self.recovery_region
    }
}
