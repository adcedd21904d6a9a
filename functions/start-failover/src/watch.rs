//! Looking, for two minutes, for a failover that is to be started again.

use std::future::Future;

use domain::{
    failover::{
        judgement::Rehearsal,
        lease::Lease,
        starter::{self, Decision, Judge, Seen, Start, Starts},
        succession::Owner,
    },
    run::step::Step,
    watch::probe::{Watch, later},
    words::{
        failure::Failure,
        id::{ExecutionArn, PlanName},
        time_span::TimeSpan,
    },
};
use edge::object_store::{self, Condition, ObjectStore};
use jiff::Timestamp;
use serde_json::Value;
use tracing::{info, warn};

/// The world as the starter meets it.
pub trait World {
    /// Asks the judge what a run would come to now, or says why it could not be asked.
    fn judge(&self, plan: &PlanName) -> impl Future<Output = Result<Rehearsal, String>>;
    /// What is known of an execution.
    fn owner(&self, execution: &ExecutionArn, began: Timestamp) -> impl Future<Output = Owner>;
    /// The ARN that a failover of this name has.
    fn execution(&self, name: &str) -> Result<ExecutionArn, Failure>;
    /// Starts a failover; the same name twice is one.
    fn start(&self, name: &str, input: &str) -> impl Future<Output = Result<(), Failure>>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()>;
}

/// From one look to the next at least, however soon a start is due.
const SHORTEST: TimeSpan = TimeSpan::seconds(1);

/// How often a start is tried that AWS was not ready for: its name makes one run of them.
const TRIES: usize = 3;

/// Looks until `until` where something is wrong, and once where all is well.
pub(crate) async fn watch(
    store: &impl ObjectStore,
    world: &impl World,
    region: &str,
    plan: &PlanName,
    until: Timestamp,
) -> Result<Step<Vec<Start>>, Failure> {
    let starter = Starter { store, world, region, plan };
    let mut started = Vec::new();
    loop {
        let mut next = later(world.now(), starter::EVERY);
        let because = match starter.look().await {
            Ok((Decision::Idle(because), _)) => return Ok(over(because, started)),
            Ok((Decision::NotByItself(because), _)) => {
                info!(plan.name = %plan, because, "starts nothing by itself");
                return Ok(Step::refused(because, Value::Null));
            }
            Ok((Decision::Start(start), memory)) => match starter.start(&start, memory).await? {
                Some(name) => {
                    let because = format!("started `{name}`: {}", start.reason);
                    started.push(start);
                    because
                }
                None => "another starter was faster".to_owned(),
            },
            Ok((Decision::Wait { until: at, because }, _)) => {
                next = at.min(next);
                because
            }
            Ok((Decision::Ask, _)) => "the judge is to be asked".to_owned(),
            // One look that could not be taken is not the end of the minute; the last one is.
            Err(failure @ Failure::AwsTransient { .. }) if next < until => failure.chain(),
            Err(failure) => return Err(failure),
        };
        info!(plan.name = %plan, because, "looked for a failover that is to be started");
        next = next.max(later(world.now(), SHORTEST));
        if next >= until {
            return Ok(if started.is_empty() { Step::pending(because, Value::Null) } else { over(because, started) });
        }
        world.sleep_until(next).await;
    }
}

fn over(because: String, started: Vec<Start>) -> Step<Vec<Start>> {
    if started.is_empty() { Step::idle(because) } else { Step::done(because, Value::Null, started) }
}

struct Starter<'a, S, W> {
    store: &'a S,
    world: &'a W,
    region: &'a str,
    plan: &'a PlanName,
}

/// What the starter remembers, and on what condition it may write that again.
struct Memory {
    starts: Option<Starts>,
    condition: Condition,
}

impl<S: ObjectStore, W: World> Starter<'_, S, W> {
    /// Looks and decides. Where nothing is wrong or owed, the plan, the lease and the watch are all that is read.
    async fn look(&self) -> Result<(Decision, Memory), Failure> {
        let (plan, _) = object_store::read_pair_here(self.store, self.plan, self.region, "failover").await?;
        let lease = object_store::read_json::<Lease>(self.store, &object_store::lease_key(self.plan))
            .await?
            .map(|(lease, _)| lease);
        let watch = object_store::read_json::<Watch>(self.store, &object_store::watch_key(self.plan)).await?;
        let watch = watch.map(|(watch, _)| watch).unwrap_or_default();
        let (starts, started, judge) = (None, None, &Judge::NotAsked);
        let seen = Seen {
            plan: &plan,
            lease: lease.as_ref(),
            owner: None,
            watch: &watch,
            judge,
            starts,
            started,
            now: self.world.now(),
        };
        let nothing = Memory { starts: None, condition: Condition::Absent };
        if let idle @ Decision::Idle(_) = starter::decide(&seen) {
            return Ok((idle, nothing));
        }
        let memory = self.memory().await?;
        let holder =
            lease.as_ref().and_then(|lease| lease.holder.as_ref()).map(|holder| (&holder.execution, holder.since));
        let own = memory.starts.as_ref().map(|starts| (&starts.execution, starts.last_at));
        let (owner, started) = tokio::join!(self.owner(holder), self.owner(own));
        let starts = memory.starts.as_ref();
        let now = self.world.now();
        let seen = Seen { owner: owner.as_ref(), starts, started: started.as_ref(), now, ..seen };
        let decision = match starter::decide(&seen) {
            Decision::Ask => {
                let judge = self.world.judge(self.plan).await.map_or_else(Judge::Silent, Judge::Says);
                if let Judge::Silent(why) = &judge {
                    warn!(plan.name = %self.plan, why, "the judge could not be asked");
                }
                starter::decide(&Seen { judge: &judge, now: self.world.now(), ..seen })
            }
            decision @ (Decision::Idle(_) | Decision::Wait { .. } | Decision::Start(_) | Decision::NotByItself(_)) => {
                decision
            }
        };
        Ok((decision, memory))
    }

    async fn owner(&self, execution: Option<(&ExecutionArn, Timestamp)>) -> Option<Owner> {
        match execution {
            Some((execution, began)) => Some(self.world.owner(execution, began).await),
            None => None,
        }
    }

    /// What is remembered. What cannot be read was lost, which must not keep a failover from starting.
    async fn memory(&self) -> Result<Memory, Failure> {
        let key = object_store::starts_key(self.plan);
        let Some(object) = self.store.get(&key).await? else {
            return Ok(Memory { starts: None, condition: Condition::Absent });
        };
        let starts = serde_json::from_str(&object.text);
        let starts = starts.inspect_err(|error| warn!(key, why = %error, "what was remembered is lost")).ok();
        Ok(Memory { starts, condition: Condition::Unchanged(object.etag) })
    }

    /// Writes down that it starts, and then starts: of two starters one does. `None` where that was another.
    async fn start(&self, start: &Start, memory: Memory) -> Result<Option<String>, Failure> {
        let name = start.name(self.plan);
        let execution = self.world.execution(&name)?;
        let starts = Starts::with(memory.starts.as_ref(), start, execution, self.world.now());
        match object_store::write_json(self.store, &object_store::starts_key(self.plan), &starts, memory.condition)
            .await
        {
            Ok(()) => {}
            Err(Failure::Conflict(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        }
        let input = serde_json::to_string(&start.request(self.plan))
            .map_err(|error| Failure::InvalidInput(format!("the request cannot be written: {error}")))?;
        for _ in 1..TRIES {
            match self.world.start(&name, &input).await {
                Ok(()) => return Ok(Some(name)),
                Err(failure @ Failure::AwsTransient { .. }) => {
                    warn!(plan.name = %self.plan, execution.name = name, why = failure.chain(), "could not start it yet");
                }
                Err(failure) => return Err(failure),
            }
            self.world.sleep_until(later(self.world.now(), SHORTEST)).await;
        }
        self.world.start(&name, &input).await.map(|()| Some(name))
    }
}
