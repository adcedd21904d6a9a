use std::cell::RefCell;

use domain::{
    failover::{
        guard::Guard,
        lease::{Lease, RequestedPromotion},
        run::Run,
    },
    run::step::Outcome,
    words::wal::{Lsn, ReplicaPosition},
};
use edge::object_store::{self, Condition, fake::Memory};
use serde_json::json;

use super::*;

/// An old primary that stays silent for some looks, and a clock that only waits move.
struct Old {
    silent_for: RefCell<u32>,
    /// How many looks at its database, and how many at its network, never come to an end.
    hangs: RefCell<(u32, u32)>,
    network: bool,
    resists: Option<&'static str>,
    met: RefCell<Vec<(String, Timestamp)>>,
    now: RefCell<Timestamp>,
    told: RefCell<Vec<String>>,
}

impl Old {
    fn silent_for(looks: u32) -> Self {
        Self {
            silent_for: RefCell::new(looks),
            hangs: RefCell::default(),
            network: true,
            resists: None,
            met: RefCell::default(),
            now: RefCell::new(Timestamp::UNIX_EPOCH),
            told: RefCell::default(),
        }
    }
}

/// Never comes to an end if any of these is left to hang.
async fn hang(left: impl FnOnce(&mut (u32, u32)) -> &mut u32, hangs: &RefCell<(u32, u32)>) {
    let hangs = {
        let mut hangs = hangs.borrow_mut();
        let left = left(&mut hangs);
        let hung = *left > 0;
        *left = left.saturating_sub(1);
        hung
    };
    if hangs {
        std::future::pending::<()>().await;
    }
}

impl World for Old {
    async fn meet(&self, target: &Target) -> Met {
        hang(|(database, _)| database, &self.hangs).await;
        let left = *self.silent_for.borrow();
        self.silent_for.replace(left.saturating_sub(1));
        self.met.borrow_mut().push((target.side.instance.to_string(), self.now()));
        if let Some(why) = self.resists {
            return Met::Resists(why.into());
        }
        if left > 0 { Met::Silent("no answer".into()) } else { Met::ShutOut(Lsn(164)) }
    }

    async fn shut_network(&self, _: &Target) -> Way {
        hang(|(_, network)| network, &self.hangs).await;
        if self.network { Way::Holds } else { Way::Unreachable("the Region is silent".into()) }
    }

    async fn tell(&self, _: Option<&PairPlan>, notice: &Notice) {
        self.told.borrow_mut().push(format!("{}\n{}", notice.subject, notice.message));
    }

    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.now.replace(at);
    }
}

fn sample() -> Value {
    serde_json::from_str(include_str!("../../../events/guard-primary.json")).unwrap()
}

/// A store on which a run has passed its point of no return.
async fn guarded() -> Memory {
    let event: Value = serde_json::from_str(include_str!("../../../events/fence-primary.json")).unwrap();
    let run: Run = serde_json::from_value(event["run"].clone()).unwrap();
    let store = Memory::held_by(&run).with("plans/lab.yaml", include_str!("../../../plans/lab.yaml"));
    let position = ReplicaPosition { received: Lsn(100), replayed: Lsn(100), replayed_commit_at: None };
    let (since, position) = (Timestamp::UNIX_EPOCH, Some(position));
    let asked =
        RequestedPromotion { at: since, position, loss: domain::failover::loss::Loss::Promoted, unserved_since: None };
    let target = Target::primary(&run.plan, run.pair().unwrap());
    let guard = Guard { generation: run.generation, since, position, target, settles_at: None };
    let lease = lease(&store).await.promoting(asked, Some(guard));
    object_store::write_json(&store, "leases/lab.json", &lease, Condition::Always).await.unwrap();
    store
}

async fn lease(store: &Memory) -> Lease {
    object_store::read_json(store, "leases/lab.json").await.unwrap().unwrap().0
}

#[tokio::test]
async fn a_plan_that_never_failed_over_has_nothing_to_guard() {
    let step = handle(&Memory::default(), &Old::silent_for(0), sample()).await.unwrap();
    assert_eq!((step.step, step.did), (Outcome::Done, None));
}

#[tokio::test]
async fn an_old_primary_that_returns_is_shut_out_recorded_and_told_of() {
    let (store, old) = (guarded().await, Old::silent_for(5));
    let kept = handle(&store, &old, sample()).await.unwrap().did.unwrap();
    assert_eq!(kept.divergence.unwrap().wal_bytes, 64);
    assert_eq!(lease(&store).await.guard, None);
    assert!(lease(&store).await.holder.is_some(), "the run goes on");
    let generation = kept.generation;
    assert!(store.text(&format!("evidence/lab/guard/generation-{generation}.json")).is_some());
    assert_eq!(old.told.borrow().len(), 1);
    let again = handle(&store, &Old::silent_for(0), sample()).await.unwrap();
    assert_eq!((again.step, again.did), (Outcome::Done, None), "done once");
}

#[tokio::test]
async fn one_that_stays_silent_is_guarded_on() {
    let (store, old) = (guarded().await, Old { network: false, ..Old::silent_for(u32::MAX) });
    let step = handle(&store, &old, sample()).await.unwrap();
    assert_eq!(step.step, Outcome::Pending);
    assert!(lease(&store).await.guard.is_some());
    assert!(old.now().as_second() > 60, "until after the next start");
    assert!(old.told.borrow().is_empty());
}

#[tokio::test]
async fn it_is_looked_for_each_second_whatever_the_probe_does() {
    let store = guarded().await;
    let slow = include_str!("../../../plans/lab.yaml").replace("interval: 500ms", "interval: 10s");
    let (store, old) = (store.with("plans/lab.yaml", &slow), Old::silent_for(u32::MAX));
    handle(&store, &old, sample()).await.unwrap();
    let met = old.met.borrow();
    let longest = met.windows(2).map(|pair| TimeSpan::between(pair[0].1, pair[1].1)).max().unwrap();
    assert!(longest <= TimeSpan::seconds(1) && met.len() > 60, "{longest}, {} looks", met.len());
}

#[tokio::test]
async fn a_look_that_never_ends_delays_no_other() {
    let (store, old) = (guarded().await, Old { hangs: RefCell::new((3, 1)), ..Old::silent_for(0) });
    let kept = handle(&store, &old, sample()).await.unwrap().did.unwrap();
    assert_eq!(kept.ended_at.as_second(), 3, "by the fourth look, which began three seconds after the first");
    assert_eq!(kept.network, Way::Holds, "asked once more when it was met");
}

#[tokio::test]
async fn a_lease_that_cannot_be_read_for_a_moment_ends_no_watch_and_nothing_is_touched_without_it() {
    /// Cannot be read for some looks.
    struct Away(Memory, RefCell<u32>);
    impl ObjectStore for Away {
        async fn get(&self, key: &str) -> Result<Option<object_store::Object>, Failure> {
            let left = *self.1.borrow();
            self.1.replace(left.saturating_sub(1));
            if left > 0 {
                Err(Failure::AwsTransient { what: "slow down".into(), source: None })
            } else {
                self.0.get(key).await
            }
        }

        async fn put(&self, key: &str, text: String, condition: Condition) -> Result<(), Failure> {
            self.0.put(key, text, condition).await
        }
    }
    let (store, old) = (Away(guarded().await, RefCell::new(6)), Old::silent_for(0));
    handle(&store, &old, sample()).await.unwrap().did.unwrap();
    assert_eq!(old.met.borrow()[0].1.as_second(), 3, "three looks of two reads each");
    let away = Away(guarded().await, RefCell::new(u32::MAX));
    let failure = handle(&away, &Old::silent_for(0), sample()).await.unwrap_err();
    assert_eq!(failure.name(), "AwsTransient");
}

#[tokio::test]
async fn whom_the_plan_names_by_now_is_left_alone() {
    let turned = include_str!("../../../plans/lab.yaml")
        .replace("orders-primary", "orders-x")
        .replace("orders-replica", "orders-primary")
        .replace("orders-x", "orders-replica");
    for plan in [turned.as_str(), "no plan at all"] {
        let (store, old) = (guarded().await.with("plans/lab.yaml", plan), Old::silent_for(0));
        let kept = handle(&store, &old, sample()).await.unwrap().did.unwrap();
        assert_eq!(kept.instance.as_str(), "orders-primary");
        assert!(old.met.borrow().iter().all(|(instance, _)| instance == "orders-primary"));
    }
}

#[tokio::test]
async fn a_guard_that_was_ended_touches_nothing_any_more() {
    /// The lease, of which the guard goes after some looks.
    struct Ending(Memory, RefCell<u32>);
    impl ObjectStore for Ending {
        async fn get(&self, key: &str) -> Result<Option<object_store::Object>, Failure> {
            let left = *self.1.borrow();
            self.1.replace(left.saturating_sub(1));
            let object = self.0.get(key).await?;
            if left > 0 {
                return Ok(object);
            }
            let mut lease = lease(&self.0).await;
            lease.guard = None;
            Ok(object.map(|object| object_store::Object { text: serde_json::to_string(&lease).unwrap(), ..object }))
        }

        async fn put(&self, key: &str, text: String, condition: Condition) -> Result<(), Failure> {
            self.0.put(key, text, condition).await
        }
    }
    // One of the reads is the network's.
    let (store, old) = (Ending(guarded().await, RefCell::new(4)), Old::silent_for(u32::MAX));
    let step = handle(&store, &old, sample()).await.unwrap();
    assert_eq!((step.step, step.did), (Outcome::Done, None));
    assert_eq!(old.met.borrow().len(), 3);
}

#[tokio::test]
async fn one_that_answers_and_cannot_be_shut_is_told_of_once_and_guarded_on() {
    let (store, old) = (guarded().await, Old { resists: Some("no such role"), ..Old::silent_for(0) });
    let step = handle(&store, &old, sample()).await.unwrap();
    assert_eq!(step.step, Outcome::Pending);
    assert!(lease(&store).await.guard.is_some());
    let told = old.told.borrow();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("TAKES WRITES") && told[0].contains("no such role"), "{}", told[0]);
}

#[tokio::test]
async fn a_silent_region_keeps_no_database_from_being_fenced() {
    let old = Old { network: false, ..Old::silent_for(0) };
    let kept = handle(&guarded().await, &old, sample()).await.unwrap().did.unwrap();
    assert!(matches!(kept.network, Way::Unreachable(_)));
}

#[tokio::test]
async fn a_malformed_event_is_invalid_input() {
    for event in [json!(null), json!({}), json!({ "plan": "../x" }), json!({ "plan": "lab", "x": 1 })] {
        let failure = handle(&Memory::default(), &Old::silent_for(0), event).await.unwrap_err();
        assert_eq!(failure.name(), "InvalidInput");
    }
}
