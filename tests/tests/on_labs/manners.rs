//! Drills with AWS's own manners: statuses that lag, groups on their way, promotions with a restart, far Regions, schedules
//! that start late, a name server that still has the old record.

use std::{sync::Arc, time::Instant};

use domain::{plan::Plan, plan_file};
use lab::{
    Lab,
    dns::{Conduct, NameServer},
    drill::{Drills, Scenario},
    manners::{Manners, Scale},
    report::Event,
};
use tests::{
    labs,
    listener::{Listener, tell},
    repository,
};

/// What a restart of the replica takes of an outage beyond the lab's usual RTO: AWS's minutes as seconds.
const RTO: &str = "45s";

/// What each lab plays.
const LABS: [&[Scenario]; 2] = [
    &[
        Scenario::PrimaryKilled,
        Scenario::HostLost,
        Scenario::Switchover,
        Scenario::ReplicaBackingUp,
        Scenario::StandbyTakesOver,
    ],
    &[Scenario::RestoreTest, Scenario::ReplicaStillStreaming, Scenario::OrchestratorDied, Scenario::ClassChanged],
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
    let (lab, _place) = labs::start(&plan(), &told).await.unwrap();
    let mut drills = Drills::on(lab);
    drills.lab.set_manners(Manners::Aws(Scale::USUAL)).await.unwrap();
    let mut broken = Vec::new();
    let [.., late] = drills.lab.aws.dns().name_servers() else { panic!("no name servers") };
    let late = Arc::clone(late);
    late.behave(Conduct::Behind { answers: 2 });
    for scenario in scenarios {
        let _turn = labs::turn().await;
        let (began, name) = (Instant::now(), scenario.name());
        let before = questions(&drills.lab);
        match drills.run(*scenario, &format!("cargo drill {name} --manners aws"), &told).await {
            Ok(result) => {
                tell(&format!("{:>5.1} s  {name}: {}", began.elapsed().as_secs_f64(), result.headline()));
                let mut wrong = result.shortcomings();
                if result.timeline.iter().any(|entry| entry.event == Event::DnsSwitched) {
                    wrong.extend(left_out(&drills.lab, &before));
                }
                broken.extend((!wrong.is_empty()).then(|| format!("{name}: {wrong:?}\n{:#?}", told.told())));
            }
            Err(error) => broken.push(format!("{name}: {}\n{:#?}", domain::words::failure::chain(&error), told.told())),
        }
    }
    if late.conduct() != Conduct::Answers {
        broken.push(format!("{} was not asked while it was behind: {:?}", late.name(), late.conduct()));
    }
    drills.shut_down().await;
    broken
}

/// How often each name server was looked for by its name, and asked.
fn questions(lab: &Lab) -> Vec<(u64, u64)> {
    lab.aws.dns().name_servers().iter().map(|server| (server.found(), server.asked())).collect()
}

/// The name servers that a switch of the record should have found and asked since, and did not: on AWS it knows no other
/// way. Where the lab may not have their port it is told their addresses, and that is all that can be seen.
fn left_out(lab: &Lab, before: &[(u64, u64)]) -> Vec<String> {
    let by_name = lab.aws.dns().hidden().is_none();
    let missed = |(server, (found, asked)): (&Arc<NameServer>, &(u64, u64))| {
        let missed = server.asked() == *asked || (by_name && server.found() == *found);
        missed.then(|| format!("{} was not found by its name and asked", server.name()))
    };
    lab.aws.dns().name_servers().iter().zip(before).filter_map(missed).collect()
}

fn plan() -> Plan {
    let text = repository::text("plans/lab.yaml").replace("rto: 30s", &format!("rto: {RTO}"));
    plan_file::read(&text, "plans/lab.yaml").unwrap()
}
