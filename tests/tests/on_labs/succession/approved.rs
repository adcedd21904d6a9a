//! What changes while a person is asked.

use std::time::{Duration, Instant};

use domain::{
    failover::{loss::Loss, run::RunKind},
    plan::{PairPlan, Policy},
    state_machine::StateName,
    words::id::ExecutionArn,
};
use edge::object_store;
use jiff::Timestamp;
use lab::{
    gateway::{Caller, Fault, How, When},
    network::Vantage,
};
use tests::{listener::tell, repository};

use super::{
    Case,
    stopped::BROKEN_OFF,
    world::{MOST_KILLS, World},
};

/// How long clients go on where nobody sees them: longer than the plan's data-loss budget.
const UNSEEN: Duration = Duration::from_secs(5);

/// Between two rows of a client.
const PACE: Duration = Duration::from_millis(50);

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    vec![
        Case::new("a failover stopped while a person is asked is finished by an order", is_ordered(world)),
        Case::new(
            "a replica that somebody promotes while a person is asked is taken over by an order that consents",
            is_taken_over(world),
        ),
        Case::new("an approval of a primary that serves again moves nothing and loses no row", serves_again(world)),
        Case::new("an approval without a consent loses nothing that nobody has seen", nobody_saw(world)),
    ]
}

async fn is_ordered(world: &World<'_>) {
    world.replan(&asking(world.plan())).await;
    let run = world.killed_and_asked().await;
    world.stop(&run).await;
    let ended = world.order(BROKEN_OFF, "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
}

async fn is_taken_over(world: &World<'_>) {
    let replica = world.lab.system.replica();
    world.replan(&asking(world.plan())).await;
    let run = world.killed_and_asked().await;
    world.promote_by_hand().await;
    world.until_done("the replica's first write", async || world.write_at(&replica).await).await;
    world.approve(&run).await;
    let refused = world.ended(&run).await;
    assert_eq!(refused.end, StateName::FailoverRefused.as_str(), "{}", refused.because);
    assert!(refused.because.contains("takes writes already"), "{}", refused.because);
    assert!(world.write_by_name().await.1.is_err(), "clients are unserved");
    let ended = world.order("Consenting to data loss", "lifeboat failover").await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    let guarded = world.lease().await.guard.is_some();
    assert!(guarded || super::after::fenced(ended.record()), "nobody keeps the old primary out");
    world.served_by_the_replica(&ended).await;
    let record = ended.record();
    let promotion = record.record.promotion.as_ref().and_then(|step| step.did.as_ref()).unwrap();
    assert!(matches!(promotion.loss, Loss::Unknown { .. }), "{:?}", promotion.loss);
    let objective = record.objective.as_ref().unwrap();
    assert_eq!((objective.rpo_measured_seconds, objective.met), (None, None), "nobody knows what is lost");
    assert!(record.consent.is_some(), "who consented stays in the record");
}

async fn serves_again(world: &World<'_>) {
    world.replan(&asking(world.plan())).await;
    let run = world.killed_and_asked().await;
    world.bring_back().await;
    let rows = world.commit_for(Duration::from_millis(500)).await;
    world.approve(&run).await;
    let refused = world.ended(&run).await;
    assert_eq!(refused.end, StateName::FailoverRefused.as_str(), "{}", refused.because);
    assert!(refused.because.contains("answers again"), "{}", refused.because);
    assert_eq!(world.rows_at(&world.lab.system.primary(), &rows).await, rows.len());
    world.served_by_the_primary(&refused).await;
}

async fn nobody_saw(world: &World<'_>) {
    let (aws, system) = (&world.lab.aws, &world.lab.system);
    let host = aws.rds.instance(&system.primary()).unwrap().address;
    let judge = Caller::Function("lifeboat-judge-failover".into());
    let witness = Fault::new(When::Before, How::Silent).of("lambda").operation("Invoke").by(judge);
    world.faults.set(&witness).await.unwrap();
    for vantage in [Vantage::Recovery, Vantage::Replication] {
        aws.network.cut(vantage, host).unwrap();
    }
    system.noticed(aws).await.unwrap();
    let run = world.start_as_alarmed().await;
    world.asked(&run).await.unwrap();
    let rows = world.commit_for(UNSEEN).await;
    world.approve(&run).await;
    let refused = world.ended(&run).await;
    assert_eq!(refused.end, StateName::FailoverRefused.as_str(), "{}", refused.because);
    assert!(refused.because.contains("--accept-data-loss"), "{}", refused.because);
    world.faults.heal().await.unwrap();
    aws.network.heal_all();
    assert_eq!(world.rows_at(&system.primary(), &rows).await, rows.len());
    world.served_by_the_primary(&refused).await;
}

/// The plan, but a person is asked about a dead database.
fn asking(plan: &PairPlan) -> PairPlan {
    let mut plan = plan.clone();
    plan.failover.policy.database = Policy::Approval;
    plan
}

impl World<'_> {
    /// Kills the primary and starts a run as the alarm does, until one asks a person. On a busy machine the watch may miss
    /// ten seconds in the middle of an outage; then nobody knows what the primary wrote, and a run is rightly refused.
    async fn killed_and_asked(&self) -> ExecutionArn {
        for _ in 0..MOST_KILLS {
            self.kill().await;
            let run = self.start_as_alarmed().await;
            match self.asked(&run).await {
                Ok(()) => return run,
                Err(why) if why.contains("what would be lost is unknown") => tell(&format!("once more: {why}")),
                Err(why) => panic!("{why}"),
            }
            self.bring_back().await;
            self.until_it_is_followed().await;
        }
        panic!("the machine is too busy: the watch missed the primary {MOST_KILLS} times");
    }

    /// Starts a run as the alarm does.
    async fn start_as_alarmed(&self) -> ExecutionArn {
        let mut event = repository::json("events/open-run.json")["request"].clone();
        event["detail"]["state"]["timestamp"] =
            Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string().into();
        self.start_with(RunKind::Failover, &event).await
    }

    /// Waits until a run asks a person; says how it ended, where it did not.
    async fn asked(&self, run: &ExecutionArn) -> Result<(), String> {
        let key = object_store::approval_key(&self.plan().plan, run.name());
        self.until("the question to a person", async || {
            let asked = self.lab.system.object(&self.lab.aws, &key).await.unwrap();
            if asked.is_some() { Some(Ok(())) } else { self.runs_still(run).await.err().map(Err) }
        })
        .await
    }

    /// Approves a run as RUNBOOK says to.
    async fn approve(&self, run: &ExecutionArn) {
        let command = super::command::first("Approving or denying a failover", "lifeboat approve");
        assert_eq!(self.run(&command.replace("NAME", run.name())).await, 0);
    }

    /// Promotes the replica by RDS's API, as somebody in the console would.
    async fn promote_by_hand(&self) {
        let (region, side) = (&self.plan().regions.recovery, &self.lab.system.pair.replica);
        let rds = aws_sdk_rds::Client::new(&self.lab.aws.gateway.sdk_config(region.as_str()));
        rds.promote_read_replica().db_instance_identifier(side.instance.as_str()).send().await.unwrap();
    }

    /// Writes rows through the name; gives those that were acknowledged.
    async fn commit_for(&self, length: Duration) -> Vec<i64> {
        let (began, mut rows) = (Instant::now(), Vec::new());
        while began.elapsed() < length {
            let (row, written) = self.write_by_name().await;
            written.unwrap_or_else(|why| panic!("clients are served, and one is not: {why}"));
            rows.push(row);
            tokio::time::sleep(PACE).await;
        }
        rows
    }
}
