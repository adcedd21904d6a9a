use std::cell::Cell;

use domain::{
    backup::Quota,
    failover::judgement::{Rehearsal, Would},
    readiness::{InstanceSeen, Need, State},
};
use edge::object_store::fake::Memory;
use serde_json::json;

use super::*;

/// A plan whose login fails for some looks.
struct Fake {
    fails_for: Cell<u32>,
    told: Cell<Option<usize>>,
    rested: Cell<u32>,
}

impl Fake {
    fn failing_for(looks: u32) -> Self {
        Self { fails_for: Cell::new(looks), told: Cell::default(), rested: Cell::new(0) }
    }
}

/// All as the lab has it.
fn well(run: &Run, pair: &PostgresPair, claims: Claims) -> Seen {
    let instance = |side: &domain::component::Side| {
        Ok(InstanceSeen {
            status: "available".into(),
            version: "15.4".into(),
            multi_az: false,
            certificate_until: None,
            security_groups: side.security_groups.clone(),
            retention_days: 7,
        })
    };
    let rehearsal = Rehearsal {
        fails: false,
        verdict: Would::FailOver,
        passes: false,
        because: "a failure of class zone; may lose nothing".into(),
        class: None,
        replication: "streaming".into(),
    };
    Seen {
        rehearsal: Ok(rehearsal),
        logins: vec![(pair.primary.instance.clone(), Ok(()))],
        write: Ok(()),
        primary: instance(&pair.primary),
        replica: instance(&pair.replica),
        quotas: vec![(run.plan.regions.recovery.clone(), "manual snapshots", Ok(Quota { used: 1, most: 100 }))],
        keys: vec![],
        switch: Ok(Step::settled("it could be moved", Value::Null)),
        name: Ok(pair.primary.endpoint.clone()),
        functions: vec![("lifeboat-notify".into(), Ok(()))],
        claims,
        replicated: None,
        buckets: vec![],
    }
}

impl Looks for Fake {
    async fn look(&self, run: &Run, pair: &PostgresPair, claims: Claims) -> Seen {
        let left = self.fails_for.get();
        self.fails_for.set(left.saturating_sub(1));
        let mut seen = well(run, pair, claims);
        if left > 0 {
            seen.logins[0].1 = Err("the secret is gone".into());
        }
        seen
    }

    async fn tell(&self, _: &PlanName, count: usize) -> Result<(), Failure> {
        self.told.set(Some(count));
        Ok(())
    }

    async fn rest(&self, _: Duration) {
        self.rested.set(self.rested.get() + 1);
    }
}

fn sample() -> Value {
    serde_json::from_str(include_str!("../../../events/check-readiness.json")).unwrap()
}

fn lab() -> Memory {
    Memory::default().with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"))
}

#[tokio::test]
async fn a_plan_that_is_ready_is_told_as_such() {
    let (store, world) = (lab(), Fake::failing_for(0));
    let step = handle(&store, &world, sample()).await.unwrap();
    assert!(step.did.unwrap().ready, "{}", step.because);
    assert_eq!((world.told.get(), world.rested.get()), (Some(0), 0));
}

#[tokio::test]
async fn a_moment_s_trouble_calls_nobody_and_what_lasts_does() {
    for (fails_for, count) in [(1, 0), (2, 1)] {
        let (store, world) = (lab(), Fake::failing_for(fails_for));
        let readiness = handle(&store, &world, sample()).await.unwrap().did.unwrap();
        assert_eq!((readiness.ready, world.told.get(), world.rested.get()), (count == 0, Some(count), 1));
    }
    let (store, world) = (lab(), Fake::failing_for(9));
    let step = handle(&store, &world, sample()).await.unwrap();
    assert!(step.because.contains("the secret is gone"), "{}", step.because);
    let finding = step.did.unwrap().findings.into_iter().find(|finding| finding.need == Need::Login).unwrap();
    assert_eq!(finding.state, State::NotReady);
    assert!(finding.remedy.unwrap().contains("secret"));
}

#[tokio::test]
async fn a_person_who_asks_is_answered_at_once_and_raises_no_alarm() {
    let (store, world) = (lab(), Fake::failing_for(9));
    let step = handle(&store, &world, json!({"plan": "lab", "quietly": true})).await.unwrap();
    assert!(!step.did.unwrap().ready);
    assert_eq!((world.told.get(), world.rested.get()), (None, 0));
}

#[tokio::test]
async fn while_a_run_moves_the_primary_nothing_is_looked_at_and_nobody_is_called() {
    let run: Value = serde_json::from_str(include_str!("../../../events/fence-primary.json")).unwrap();
    let store = Memory::held_by(&serde_json::from_value(run["run"].clone()).unwrap());
    let store = store.with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"));
    let world = Fake::failing_for(9);
    let step = handle(&store, &world, sample()).await.unwrap();
    assert_eq!((step.step, step.did, world.told.get()), (domain::run::step::Outcome::Refused, None, None));
    assert_eq!(world.fails_for.get(), 9, "not even a look");
}

#[tokio::test]
async fn a_plan_that_failed_over_is_not_ready_until_it_is_protected_again() {
    let lease = r#"{"plan":"lab","generation":1,"holder":null,"active":"replica","last":null}"#;
    let (store, world) = (lab().with("leases/lab.json", lease), Fake::failing_for(0));
    let step = handle(&store, &world, sample()).await.unwrap();
    assert!(!step.did.unwrap().ready && step.because.contains("failed over"), "{}", step.because);
    assert_eq!(world.told.get(), Some(1));
}

#[tokio::test]
async fn two_plans_over_one_pair_are_not_ready() {
    let other = include_str!("../../../plans/lab.yaml").replacen("plan: lab", "plan: other", 1);
    let store = lab().with("plans/other.yaml", &other);
    let store = store.with("leases/instances/us-east-1/orders-primary.json", r#"{"plan": "other"}"#);
    let step = handle(&store, &Fake::failing_for(0), sample()).await.unwrap();
    assert!(step.because.contains("`other`"), "{}", step.because);
}

#[tokio::test]
async fn a_malformed_event_or_a_plan_that_is_not_there_is_told() {
    for (event, name) in [
        (json!({}), "InvalidInput"),
        (json!({"plan": "x", "y": 1}), "InvalidInput"),
        (json!({"plan": "x"}), "NotFound"),
    ] {
        let failure = handle(&lab(), &Fake::failing_for(0), event).await.unwrap_err();
        assert_eq!(failure.name(), name);
    }
}
