//! The plans of real systems, all on one lab: each backs up, proves the backup, and is failed over by its own numbers after
//! its primary was killed. Nothing is scaled; where a plan asks a person, one says yes.

use std::time::Instant;

use domain::{plan::Plan, plan_file};
use jiff::Timestamp;
use lab::{
    Settings,
    drill::{Drills, Scenario},
    pager::Notice,
};
use tests::{
    labs,
    listener::{Listener, tell},
    repository,
};

/// The one whose own checks need more than the lab's orders. It comes first.
const FIRST: &str = "progressive-framework";

const BESIDE: [&str; 4] = ["agentaskit", "ci-failure-agent", "itdo-erp", "leanvibe"];

/// What each must come through.
const SCENARIOS: [Scenario; 2] = [Scenario::RestoreTest, Scenario::PrimaryKilled];

#[tokio::test(flavor = "multi_thread")]
async fn each_plan_of_the_tree_is_backed_up_proved_and_failed_over_beside_all_others() {
    let told = Listener::default();
    let data = repository::text(&format!("plans/data/{FIRST}.sql"));
    let settings = Settings { data: Some(&data), ..Settings::default() };
    let (lab, _place) = labs::start_waiting(&plan(FIRST), settings, &told).await.unwrap();
    let beside = lab.beside(&BESIDE.map(plan), &told).await.unwrap_or_else(|error| {
        panic!("{}\n{:#?}", domain::words::failure::chain(&error), told.told());
    });
    let mut all = vec![Drills::on(lab)];
    all.extend(beside.into_iter().map(Drills::on));
    let broken = futures::future::join_all(all.iter_mut().map(play)).await.concat();
    // The first has the lab that the others are on.
    while let Some(drills) = all.pop() {
        drills.shut_down().await;
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn plan(name: &str) -> Plan {
    let file = format!("plans/{name}.yaml");
    plan_file::read(&repository::text(&file), &file).unwrap()
}

/// Plays all on a plan; gives what was not as it must be. What the engine adds to a proof is measured, so that nothing else is
/// played meanwhile; a plan that waits for minutes takes no turn.
async fn play(drills: &mut Drills) -> Vec<String> {
    let told = Listener::default();
    let mut broken = Vec::new();
    for scenario in SCENARIOS {
        let _turn = if scenario == Scenario::RestoreTest { Some(labs::alone().await) } else { None };
        let (began, plan, name) = (Instant::now(), drills.lab.system.plan.plan.clone(), scenario.name());
        match drills.run(scenario, &format!("cargo drill {name} --plan plans/{plan}.yaml"), &told).await {
            Ok(result) => {
                tell(&format!("{:>5.1} s  {plan}, {name}: {}", began.elapsed().as_secs_f64(), result.headline()));
                let wrong = result.shortcomings();
                broken.extend((!wrong.is_empty()).then(|| format!("{plan}, {name}: {wrong:?}\n{:#?}", told.told())));
            }
            Err(error) => {
                let notices = drills.lab.aws.folder.join(format!("{plan}-notices.txt"));
                let notices = std::fs::read_to_string(notices).unwrap_or_default();
                let why = domain::words::failure::chain(&error);
                broken.push(format!("{plan}, {name}: {why}\n{:#?}\n{notices}", told.told()));
            }
        }
    }
    broken.extend(untold(drills).await);
    broken
}

/// What a failover is expected to take is told where one begins; gives what was not.
async fn untold(drills: &Drills) -> Option<String> {
    let expected = drills.lab.system.plan.failover.expected?;
    let says = format!("It is expected to take {expected}");
    let is_it = |told: &Notice| told.message.contains(&says);
    drills.lab.pager.notice(Timestamp::UNIX_EPOCH, &says, is_it).await.err().map(|error| error.to_string())
}
