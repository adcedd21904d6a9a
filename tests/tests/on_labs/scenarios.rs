//! The drills, each with its expected verdict, on labs side by side: real PostgreSQL, real DNS, the real engine.

use std::{sync::Mutex, time::Instant};

use domain::{plan::Plan, plan_file, record::evidence, run::outcome::RunOutcome};
use lab::{
    Settings,
    drill::{Drills, Scenario},
    report::{DrillResult, Ending, Event},
};
use tests::{
    labs,
    listener::{Listener, tell},
};

fn lab_plan() -> Plan {
    plan_file::read(include_str!("../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
}

const LABS: u32 = 2;

/// One that leaves no time to spare has the machine to itself, as those of several plans do.
fn alone() -> Vec<Scenario> {
    [Scenario::Switchover].into_iter().chain(Scenario::OF_SEVERAL_PLANS).collect()
}

/// Those that take longest, which begin first: what they wait for is on the clock.
const LONGEST: [Scenario; 5] = [
    Scenario::Flapping,
    Scenario::RefusedThenFit,
    Scenario::ClassChanged,
    Scenario::StandbyTakesOver,
    Scenario::ApiThrottled,
];

/// Drills on a lab, and what was told of them.
struct Played {
    drills: Drills,
    told: Listener,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_drill_ends_as_it_must() {
    let _places = labs::places(LABS).await;
    let mut played = Vec::new();
    for _ in 0..LABS {
        let told = Listener::default();
        let lab = labs::start_here(&lab_plan(), Settings::default(), &told).await.unwrap();
        played.push(Played { drills: Drills::on(lab), told });
    }
    let alone = alone();
    let others = Scenario::FAILOVERS.into_iter().filter(|scenario| !alone.contains(scenario));
    let next = Mutex::new(LONGEST.into_iter().chain(others.filter(|scenario| !LONGEST.contains(scenario))));
    let side_by_side = futures::future::join_all(played.iter_mut().map(|lab| lab.play(&next))).await;
    let mut results = side_by_side.concat();
    for scenario in alone.iter().copied() {
        let _turn = labs::alone().await;
        results.push(played[0].run(scenario).await);
    }
    for lab in played {
        lab.drills.shut_down().await;
    }
    for result in &results {
        assert!(result.passed(), "{}: {:?}", result.scenario, result.shortcomings());
    }
    a_blip_moves_nothing_and_says_why(result_of(&results, Scenario::Blip));
    a_lagging_replica_is_refused_until_someone_consents(result_of(&results, Scenario::ReplicaLagging));
    a_killed_primary_is_failed_over(result_of(&results, Scenario::PrimaryKilled));
    a_person_s_word_is_kept(result_of(&results, Scenario::Approval));
    what_others_stopped_is_finished_once(result_of(&results, Scenario::OrchestratorDied));
    a_refusal_for_want_of_a_replica_is_kept_with_its_plan(result_of(&results, Scenario::SecondFailover));
    a_switchover_proves_that_nothing_is_lost(result_of(&results, Scenario::Switchover));
    for result in &results {
        evidence_fits_its_schema(result);
    }
}

impl Played {
    /// Runs those that no other lab has taken, until none is left.
    async fn play(&mut self, next: &Mutex<impl Iterator<Item = Scenario>>) -> Vec<DrillResult> {
        let mut results = Vec::new();
        loop {
            let scenario = next.lock().unwrap().next();
            let Some(scenario) = scenario else { return results };
            let _turn = labs::turn().await;
            results.push(self.run(scenario).await);
        }
    }

    async fn run(&mut self, scenario: Scenario) -> DrillResult {
        let began = Instant::now();
        let told = || format!("{:#?}", self.told.told());
        match self.drills.run(scenario, "cargo test", &self.told).await {
            Ok(result) => {
                tell(&format!("{:>5.1} s  {}: {}", began.elapsed().as_secs_f64(), scenario.name(), result.headline()));
                if !result.passed() {
                    tell(&format!("{}: {:?}\n{}", scenario.name(), result.shortcomings(), told()));
                }
                result
            }
            Err(error) => panic!("{}: {}\n{}", scenario.name(), domain::words::failure::chain(&error), told()),
        }
    }
}

fn result_of(results: &[DrillResult], scenario: Scenario) -> &DrillResult {
    results.iter().find(|result| result.scenario == scenario.name()).unwrap()
}

fn a_blip_moves_nothing_and_says_why(result: &DrillResult) {
    assert_eq!(result.runs[0].actual, Some(Ending::NotStarted));
    assert!(result.runs[0].because.contains("not failed over"), "{}", result.runs[0].because);
}

fn a_lagging_replica_is_refused_until_someone_consents(result: &DrillResult) {
    let [refused, consented] = result.runs.as_slice() else { panic!("{} runs", result.runs.len()) };
    assert!(refused.because.contains("behind, the budget is"), "{}", refused.because);
    let evidence = consented.evidence.as_ref().unwrap();
    assert!(evidence.consent.is_some(), "the consent is in the record");
    assert!(result.client.lost.rows.count > 0, "the replica lacked something, and the client noticed");
    let promotion = evidence.record.promotion.as_ref().and_then(|step| step.did.as_ref()).unwrap();
    assert!(
        promotion.loss.time().is_some_and(|time| time > result.plan.failover.data_loss_budget.time),
        "the loss is in the record: {}",
        promotion.loss
    );
}

fn a_person_s_word_is_kept(result: &DrillResult) {
    let replies = result.runs.iter().map(|run| run.evidence.as_ref().unwrap().record.approval.as_ref());
    let decisions: Vec<Option<String>> =
        replies.map(|reply| Some(serde_json::to_value(reply?).unwrap()["decision"].as_str()?.to_owned())).collect();
    assert_eq!(decisions, [Some("deny".to_owned()), None, Some("approve".to_owned())]);
}

fn what_others_stopped_is_finished_once(result: &DrillResult) {
    let endings: Vec<Option<Ending>> = result.runs.iter().map(|run| run.actual).collect();
    let broken_off = Some(Ending::BrokenOff);
    assert_eq!(endings, [broken_off, broken_off, broken_off, Some(Ending::Done)]);
    let finished = result.runs[3].evidence.as_ref().unwrap();
    assert_eq!(finished.record.promotion.as_ref().unwrap().did.as_ref().unwrap().timeline, 2, "promoted once");
    assert_eq!(result.timeline.iter().filter(|moment| moment.event == Event::PersonCalled).count(), 3);
}

fn a_refusal_for_want_of_a_replica_is_kept_with_its_plan(result: &DrillResult) {
    let refused = result.runs[1].evidence.as_ref().unwrap();
    assert_eq!(refused.plan.as_ref(), Some(&result.plan.plan));
    assert_eq!(refused.active, domain::component::ActiveSide::Replica, "it knows who takes writes");
}

fn a_killed_primary_is_failed_over(result: &DrillResult) {
    let evidence = result.runs[0].evidence.as_ref().unwrap();
    assert_eq!(evidence.outcome, RunOutcome::Done);
    assert!(
        matches!(evidence.trigger, Some(domain::failover::run::Trigger::Alarm { .. })),
        "by the alarm, not by hand"
    );
    let transitions = evidence.transitions.unwrap();
    assert!(transitions <= 60, "{transitions} transitions");
    assert_eq!(result.client.split_brain.count, 0);
    assert!(result.old_primary.as_ref().is_some_and(|old| old.fenced));
    for event in [
        Event::Detected,
        Event::Alarm,
        Event::Judged,
        Event::Fenced,
        Event::Promoted,
        Event::DnsSwitched,
        Event::FirstCommit,
    ] {
        assert!(result.timeline.iter().any(|moment| moment.event == event), "{} is missing", event.name());
    }
}

fn a_switchover_proves_that_nothing_is_lost(result: &DrillResult) {
    let evidence = result.runs[0].evidence.as_ref().unwrap();
    let drained = evidence.record.drain.as_ref().and_then(|step| step.did).unwrap();
    assert!(drained.is_replayed(), "{drained:?}");
    assert!(evidence.record.judgement.is_none(), "nothing failed, so that there was nothing to judge");
    assert_eq!(result.client.lost.rows.count, 0);
    assert_eq!(result.checks.len(), 3);
    for event in [Event::Ordered, Event::Drained, Event::Promoted, Event::DnsSwitched, Event::Fenced] {
        assert!(result.timeline.iter().any(|moment| moment.event == event), "{} is missing", event.name());
    }
}

fn evidence_fits_its_schema(result: &DrillResult) {
    let validator = jsonschema::validator_for(&evidence::schema()).unwrap();
    for evidence in result.runs.iter().filter_map(|run| run.evidence.as_ref()) {
        let evidence = serde_json::to_value(evidence).unwrap();
        let errors: Vec<String> = validator.iter_errors(&evidence).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}
