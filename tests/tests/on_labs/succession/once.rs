//! What a run left is written once.

use aws_sdk_sfn::types::HistoryEvent;
use domain::{failover::run::RunKind, record::evidence, state_machine::StateName, words::id::ExecutionArn};
use edge::object_store;
use serde_json::{Value, json};

use super::{Case, world::World};

pub(super) fn cases<'w>(world: &'w World<'w>) -> Vec<Case<'w>> {
    vec![Case::new(
        "a run that is closed again with another end keeps its record and its lease",
        keeps_its_record(world),
    )]
}

async fn keeps_its_record(world: &World<'_>) {
    world.kill().await;
    let ended = world.ended(&world.start(RunKind::Failover).await).await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.because);
    world.served_by_the_replica(&ended).await;
    world.until("the end of the guard", async || world.lease().await.guard.is_none().then_some(())).await;
    let plan = &world.plan().plan;
    let (evidence, lease) = (evidence::key(Some(plan), &ended.execution), object_store::lease_key(plan));
    let left = async || (world.object(&evidence).await, world.object(&lease).await);
    let before = left().await;
    let request = ended.record().request.clone();
    let again = json!({
        "execution": ended.execution, "startedAt": ended.record().started_at, "request": request, "run": world.opened(&ended.execution).await,
        "outcome": "refused", "stopped": { "state": "Verify", "answer": { "because": "closed once more" } }, "record": {},
    });
    let answer = world.invoke("lifeboat-close-run", &again).await;
    assert_eq!(answer["step"], "Done", "{answer}");
    assert_eq!(left().await, before, "{answer}");
}

impl World<'_> {
    async fn object(&self, key: &str) -> Option<String> {
        self.lab.system.object(&self.lab.aws, key).await.unwrap()
    }

    /// What `OpenRun` gave to a run, by its history.
    async fn opened(&self, run: &ExecutionArn) -> Value {
        let request = self.states.get_execution_history().execution_arn(run.as_str()).max_results(1_000);
        let history = request.send().await.unwrap();
        let output = |event: &HistoryEvent| {
            let exit = event.state_exited_event_details()?;
            (exit.name() == StateName::OpenRun.as_str()).then(|| exit.output().map(str::to_owned))?
        };
        let output: Value = serde_json::from_str(&history.events().iter().find_map(output).unwrap()).unwrap();
        output["did"].clone()
    }
}
