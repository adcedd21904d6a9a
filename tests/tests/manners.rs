//! Drills with AWS's own manners: statuses that lag, groups on their way, promotions with a restart, far Regions, schedules
//! that start late. Two labs side by side, for a drill mostly waits.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail as tests do")]

use std::time::Instant;

use domain::plan::{self, Plan};
use lab::{
    drill::{Scenario, Stage},
    manners::{Manners, Scale},
};
use tests::{
    listener::{Listener, tell},
    repository,
};

/// What a restart of the replica takes of an outage beyond the lab's usual RTO: AWS's minutes as seconds.
const RTO: &str = "45s";

/// What each lab plays.
const LABS: [&[Scenario]; 2] = [
    &[Scenario::PrimaryKilled, Scenario::HostLost, Scenario::Switchover],
    &[Scenario::RestoreTest, Scenario::ReplicaStillStreaming, Scenario::OrchestratorDied],
];

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_in_the_lab_holds_with_aws_s_manners() {
    let played = futures::future::join_all(LABS.map(play)).await;
    let broken: Vec<String> = played.into_iter().flatten().collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Plays scenarios one after another; gives what was not as it must be.
async fn play(scenarios: &[Scenario]) -> Vec<String> {
    let told = Listener::default();
    let mut stage = Stage::set(&plan(), None, &told).await.unwrap();
    stage.mind(Manners::Aws(Scale::USUAL)).await.unwrap();
    let mut broken = Vec::new();
    for scenario in scenarios {
        let (began, name) = (Instant::now(), scenario.name());
        match stage.play(*scenario, &format!("cargo drill {name} --manners aws"), &told).await {
            Ok(result) => {
                tell(&format!("{:>5.1} s  {name}: {}", began.elapsed().as_secs_f64(), result.headline()));
                let wrong = result.shortcomings();
                broken.extend((!wrong.is_empty()).then(|| format!("{name}: {wrong:?}\n{:#?}", told.told())));
            }
            Err(error) => broken.push(format!("{name}: {}\n{:#?}", domain::failure::chain(&error), told.told())),
        }
    }
    stage.strike().await;
    broken
}

fn plan() -> Plan {
    let text = repository::text("plans/lab.yaml").replace("rto: 30s", &format!("rto: {RTO}"));
    plan::read(&text, "plans/lab.yaml").unwrap()
}
