use std::cell::{Cell, RefCell};

use domain::{
    failover::{
        succession::Owner,
        traffic::{Answers, Asked, RecordSet, Seen, ServerAnswer, Told, generation_name},
    },
    plan::{MovedName, Target},
    run::step::Outcome,
    words::id::{HostName, ZoneId},
};
use edge::{object_store::fake::Memory, states::fake::Says};
use serde_json::json;

use super::*;

/// When a zone refuses us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Looked,
    Changed,
    Asked,
}

/// Zones, whose servers may be behind.
struct Fake {
    records: RefCell<Vec<RecordSet>>,
    insync: Cell<bool>,
    is_private: Cell<bool>,
    changes: Cell<u32>,
    /// The zones of the batches, in their order.
    changed: RefCell<Vec<String>>,
    /// The zone that cannot be looked at, or takes no batch, and what it answers.
    refuses: RefCell<Option<(&'static str, When, fn() -> Failure)>>,
    /// What is answered for the database's name.
    answer: RefCell<Result<HostName, String>>,
    /// Of another server, where there is one.
    other: RefCell<Option<Result<HostName, String>>>,
}

const OLD: &str = "orders-primary.us-east-1.rds.lifeboat.test";
const NEW: &str = "orders-replica.us-west-2.rds.lifeboat.test";

impl Fake {
    fn leading_to(target: &str) -> Self {
        let record = RecordSet {
            name: "db.orders.lifeboat.test".into(),
            kind: "CNAME".into(),
            ttl_seconds: Some(0),
            values: vec![target.into()],
            routed: false,
            alias: None,
        };
        Self {
            records: RefCell::new(vec![record]),
            insync: Cell::new(true),
            is_private: Cell::new(false),
            changes: Cell::new(0),
            changed: RefCell::default(),
            refuses: RefCell::default(),
            answer: RefCell::new(Ok(NEW.parse().unwrap())),
            other: RefCell::default(),
        }
    }

    fn hears(&self, zone: &ZoneId, when: When) -> Result<(), Failure> {
        match *self.refuses.borrow() {
            Some((refusing, then, failure)) if refusing == zone.as_str() && then == when => Err(failure()),
            Some(_) | None => Ok(()),
        }
    }

    /// The values of a name.
    fn values(&self, name: &str) -> Vec<String> {
        self.records.borrow().iter().filter(|set| set.name == name).flat_map(|set| set.values.clone()).collect()
    }

    /// What a server answers for a name of the application: what its record says, or what its target does.
    fn told(&self, name: &HostName) -> Result<Told, String> {
        if self.records.borrow().iter().any(|set| set.name == name.as_str() && set.alias.is_some()) {
            return Ok(Told::Addresses(vec![[192, 0, 2, 9].into()]));
        }
        let addresses: Vec<_> = self.values(name.as_str()).iter().filter_map(|value| value.parse().ok()).collect();
        if addresses.is_empty() { Err("no address".to_owned()) } else { Ok(Told::Addresses(addresses)) }
    }
}

impl Zone for Fake {
    async fn look(&self, zone: &ZoneId, name: &HostName) -> Result<Seen, Failure> {
        self.hears(zone, When::Looked)?;
        let all = self.records.borrow();
        let of = |name: &str| all.iter().filter(|set| set.name == name).cloned().collect();
        Ok(Seen { records: of(name.as_str()), generation: of(&generation_name(name)) })
    }

    async fn change(
        &self,
        zone: &ZoneId,
        delete: &[RecordSet],
        create: &[RecordSet],
        comment: String,
    ) -> Result<String, Failure> {
        assert!(comment.contains("generation="), "{comment}");
        self.hears(zone, When::Changed)?;
        let mut records = self.records.borrow_mut();
        if delete.iter().any(|set| !records.contains(set)) {
            return Err(Failure::Conflict("changed".into()));
        }
        records.retain(|set| !delete.contains(set));
        records.extend(create.iter().cloned());
        self.changes.set(self.changes.get() + 1);
        self.changed.borrow_mut().push(zone.to_string());
        Ok(format!("C{}", self.changes.get()))
    }

    async fn is_insync(&self, _: &str) -> Result<bool, Failure> {
        Ok(self.insync.get())
    }

    async fn answers(&self, zone: &ZoneId, names: &[&MovedName]) -> Result<Vec<Answers>, Failure> {
        self.hears(zone, When::Asked)?;
        if self.is_private.get() {
            return Ok(vec![Answers::Private; names.len()]);
        }
        let each = names.iter().map(|name| {
            let said = |server: &str, told| ServerAnswer { server: server.to_owned(), told };
            if name.recovery.asked() == Asked::Addresses {
                return Answers::Each(vec![said("ns-1.example", self.told(&name.name))]);
            }
            let of = |alias: Result<HostName, String>| alias.map(Told::Host);
            let other = self.other.borrow().clone().map(|alias| said("ns-2.example", of(alias)));
            Answers::Each([said("ns-1.example", of(self.answer.borrow().clone()))].into_iter().chain(other).collect())
        });
        Ok(each.collect())
    }

    async fn wanted(&self, target: &Target) -> Result<Told, String> {
        target.told().map_err(|balancer| format!("`{balancer}` has no address"))
    }
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/dns-switch.json")).unwrap()
}

fn held() -> Memory {
    Memory::held_by(&serde_json::from_value(event()["run"].clone()).unwrap())
}

#[tokio::test]
async fn the_record_is_moved_once_however_often_it_is_asked_for() {
    let zone = Fake::leading_to(OLD);
    for _ in 0..3 {
        assert_eq!(handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap().step, Outcome::Done);
    }
    assert_eq!(zone.changes.get(), 1);
}

#[tokio::test]
async fn it_is_not_done_before_route_53_says_insync() {
    let zone = Fake::leading_to(OLD);
    zone.insync.set(false);
    let step = handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap();
    assert_eq!(step.step, Outcome::Pending);
    assert_eq!(step.did.unwrap().change.as_deref(), Some("C1"));
}

#[tokio::test]
async fn it_is_not_done_before_the_authoritative_servers_answer_it() {
    let zone = Fake::leading_to(OLD);
    for answer in [Ok(OLD.parse().unwrap()), Err("timed out".to_owned())] {
        *zone.answer.borrow_mut() = answer;
        assert_eq!(handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap().step, Outcome::Pending);
    }
}

#[tokio::test]
async fn a_private_zone_has_no_servers_to_ask_and_is_done_once_route_53_says_insync() {
    let zone = Fake::leading_to(OLD);
    zone.is_private.set(true);
    zone.insync.set(false);
    assert_eq!(handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap().step, Outcome::Pending);
    zone.insync.set(true);
    // Another run asks, which knows of no change: it makes one of the same record, and waits for that.
    let step = handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap();
    assert_eq!((step.step, zone.changes.get()), (Outcome::Pending, 2));
    let mut again = event();
    again["change"] = step.did.unwrap().change.unwrap().into();
    let step = handle(&held(), &Says(Owner::Running), &zone, again).await.unwrap();
    assert_eq!((step.step, zone.changes.get()), (Outcome::Done, 2), "{}", step.because);
    assert!(step.because.contains("private"), "{}", step.because);
    assert_eq!(zone.values("db.orders.lifeboat.test"), [NEW]);
}

#[tokio::test]
async fn one_server_that_does_not_answer_is_named_and_waited_for() {
    for answer in [Ok(OLD.parse().unwrap()), Err("`ns-2.example` cannot be resolved".to_owned())] {
        let zone = Fake::leading_to(OLD);
        *zone.other.borrow_mut() = Some(answer);
        let step = handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap();
        assert_eq!(step.step, Outcome::Pending);
        assert!(step.because.starts_with("`ns-2.example`, an authoritative server"), "{}", step.because);
    }
}

#[tokio::test]
async fn a_lease_that_nobody_can_read_moves_nothing() {
    for text in ["", "null", "[]", "{\"plan\": \"lab\"}"] {
        let zone = Fake::leading_to(OLD);
        let failure = handle(&Memory::default().with("leases/lab.json", text), &Says(Owner::Running), &zone, event())
            .await
            .unwrap_err();
        assert!(failure.name() == "InvalidInput" && failure.chain().contains("leases/lab.json"), "{}", failure.chain());
        assert_eq!(zone.changes.get(), 0);
    }
}

#[tokio::test]
async fn a_record_that_someone_moved_is_left_alone() {
    let zone = Fake::leading_to("elsewhere.example.com");
    assert_eq!(handle(&held(), &Says(Owner::Running), &zone, event()).await.unwrap().step, Outcome::Refused);
    assert_eq!(zone.changes.get(), 0);
}

#[tokio::test]
async fn a_run_without_the_lease_moves_nothing() {
    let zone = Fake::leading_to(OLD);
    assert_eq!(
        handle(&Memory::default(), &Says(Owner::Running), &zone, event()).await.unwrap_err().name(),
        "Superseded"
    );
    assert_eq!(zone.changes.get(), 0);
}

#[tokio::test]
async fn a_rehearsal_moves_nothing_and_says_what_would_stop_the_switch() {
    let rehearsal: Value = serde_json::from_str(include_str!("../../../events/dns-switch-rehearsal.json")).unwrap();
    let store = Memory::held_by(&serde_json::from_value(rehearsal["run"].clone()).unwrap());
    for (target, answers, outcome) in
        [(OLD, true, Outcome::Done), ("elsewhere.example.com", true, Outcome::Refused), (OLD, false, Outcome::Refused)]
    {
        let zone = Fake::leading_to(target);
        *zone.answer.borrow_mut() = if answers { Ok(OLD.parse().unwrap()) } else { Err("timed out".into()) };
        let step = handle(&store, &Says(Owner::Running), &zone, rehearsal.clone()).await.unwrap();
        assert_eq!(step.step, outcome, "{}", step.because);
        assert_eq!(zone.changes.get(), 0, "{target}");
    }
    let zone = Fake::leading_to(OLD);
    zone.is_private.set(true);
    let step = handle(&Memory::default(), &Says(Owner::Running), &zone, rehearsal).await.unwrap();
    assert_eq!((step.step, zone.changes.get()), (Outcome::Done, 0), "who looks at readiness has no lease");
}

#[tokio::test]
async fn a_run_that_was_stopped_moves_no_traffic() {
    let zone = Fake::leading_to(OLD);
    let gone = Says(Owner::gone("ABORTED"));
    assert_eq!(handle(&held(), &gone, &zone, event()).await.unwrap_err().name(), "Superseded");
    assert_eq!(zone.changes.get(), 0);
}

const SHOP: &str = "shop.lifeboat.test";

/// A run whose application has names: one in the database's zone, and one in another.
fn with_an_application() -> (Fake, Memory, Value) {
    let zone = Fake::leading_to(OLD);
    let mut event = event();
    let own = event["run"]["plan"]["traffic"]["record"]["zone"].clone();
    let a = |zone: Value, name: &str| json!({"type": "a", "zone": zone, "name": name, "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s"});
    event["run"]["plan"]["traffic"]["records"] = json!([a(own, "www.lifeboat.test"), a(json!("Z2"), SHOP)]);
    let like = zone.records.borrow()[0].clone();
    for name in ["www.lifeboat.test", SHOP] {
        let values = vec!["192.0.2.1".to_owned()];
        let set = RecordSet { name: name.into(), kind: "A".into(), ttl_seconds: Some(60), values, ..like.clone() };
        zone.records.borrow_mut().push(set);
    }
    let held = Memory::held_by(&serde_json::from_value(event["run"].clone()).unwrap());
    (zone, held, event)
}

#[tokio::test]
async fn the_application_s_names_are_moved_after_the_database_s_a_batch_for_each_zone() {
    let (zone, held, event) = with_an_application();
    for _ in 0..3 {
        let step = handle(&held, &Says(Owner::Running), &zone, event.clone()).await.unwrap();
        assert_eq!(step.step, Outcome::Done, "{}", step.because);
        let did = step.did.unwrap();
        assert!(did.names.len() == 2 && did.names.iter().all(|name| name.seen_at.is_some()), "{did:?}");
    }
    assert_eq!(*zone.changed.borrow(), ["Z00000000000LAB", "Z00000000000LAB", "Z2"]);
    for name in ["www.lifeboat.test", SHOP] {
        assert_eq!(zone.values(name), ["192.0.2.2"]);
        assert_eq!(zone.values(&format!("_lifeboat.{name}")).len(), 1);
    }
}

#[tokio::test]
async fn what_died_between_two_zones_is_finished_by_the_next_ask() {
    let (zone, held, mut event) = with_an_application();
    *zone.refuses.borrow_mut() = Some(("Z2", When::Changed, no_answer));
    let step = handle(&held, &Says(Owner::Running), &zone, event.clone()).await.unwrap();
    assert_eq!((step.step, zone.values(SHOP)), (Outcome::Pending, vec!["192.0.2.1".to_owned()]), "{}", step.because);
    assert_eq!(zone.values("db.orders.lifeboat.test"), [NEW]);
    *zone.refuses.borrow_mut() = None;
    zone.insync.set(false);
    let step = handle(&held, &Says(Owner::Running), &zone, event.clone()).await.unwrap();
    // The first batches are nobody's to ask for any more; the servers tell.
    assert_eq!((step.step, step.did.as_ref().unwrap().change.as_deref()), (Outcome::Pending, Some("- - C3")));
    zone.insync.set(true);
    event["change"] = json!("- - C3");
    let step = handle(&held, &Says(Owner::Running), &zone, event).await.unwrap();
    assert_eq!((step.step, step.did.unwrap().change.as_deref()), (Outcome::Done, Some("- - C3")));
    assert_eq!((zone.changes.get(), zone.values(SHOP)), (3, vec!["192.0.2.2".to_owned()]));
}

fn no_answer() -> Failure {
    Failure::AwsTransient { what: "no answer".into(), source: None }
}

fn no_zone() -> Failure {
    Failure::AwsRejected { what: "no such zone".into(), source: None }
}

fn denied() -> Failure {
    Failure::AwsDenied { what: "denied".into(), source: None }
}

fn gone_target() -> Failure {
    Failure::Conflict("the load balancer is gone".into())
}

#[tokio::test]
async fn trouble_with_a_name_of_the_application_is_told_and_the_database_s_and_every_other_are_moved() {
    for when in [When::Looked, When::Changed, When::Asked] {
        for (failure, says, may_pass) in [
            (no_zone as fn() -> Failure, "no such zone", false),
            (denied, "denied", false),
            (gone_target, "the load balancer is gone", true),
            (no_answer, "no answer", true),
        ] {
            let (zone, held, event) = with_an_application();
            *zone.refuses.borrow_mut() = Some(("Z2", when, failure));
            let step = handle(&held, &Says(Owner::Running), &zone, event).await.unwrap();
            let outcome = if may_pass { Outcome::Pending } else { Outcome::Refused };
            assert_eq!(step.step, outcome, "{when:?}: {}", step.because);
            let did = step.did.unwrap();
            assert!(did.seen_at.is_some(), "{when:?} {says}");
            assert!(
                matches!(did.left.as_slice(), [left] if left.name.as_str() == SHOP && left.because == says),
                "{did:?}"
            );
            assert!(
                did.names.iter().any(|moved| moved.name.as_str() == "www.lifeboat.test" && moved.seen_at.is_some())
            );
            assert_eq!(zone.values("db.orders.lifeboat.test"), [NEW]);
        }
    }
}

#[tokio::test]
async fn trouble_with_the_database_s_name_is_an_error_as_it_was() {
    for (failure, name) in [
        (no_zone as fn() -> Failure, "AwsRejected"),
        (denied, "AwsDenied"),
        (gone_target, "Conflict"),
        (no_answer, "AwsTransient"),
    ] {
        let (zone, held, event) = with_an_application();
        *zone.refuses.borrow_mut() = Some(("Z00000000000LAB", When::Looked, failure));
        let failed = handle(&held, &Says(Owner::Running), &zone, event).await.unwrap_err();
        assert_eq!((failed.name(), zone.changes.get()), (name, 0));
    }
}

#[tokio::test]
async fn a_name_of_the_application_that_someone_moved_is_left_alone_and_told_once_all_else_is_moved() {
    let (zone, held, event) = with_an_application();
    for set in zone.records.borrow_mut().iter_mut().filter(|set| set.name == SHOP) {
        set.values = vec!["198.51.100.7".to_owned()];
    }
    let mut rehearsal = event.clone();
    rehearsal["rehearse"] = json!(true);
    let step = handle(&held, &Says(Owner::Running), &zone, rehearsal).await.unwrap();
    assert_eq!((step.step, zone.changes.get()), (Outcome::Refused, 0), "{}", step.because);
    let step = handle(&held, &Says(Owner::Running), &zone, event).await.unwrap();
    assert_eq!((step.step, zone.values(SHOP)), (Outcome::Refused, vec!["198.51.100.7".to_owned()]));
    assert!(step.because.starts_with("`shop.lifeboat.test` leads to `198.51.100.7`"), "{}", step.because);
    assert_eq!(
        (zone.values("db.orders.lifeboat.test"), zone.values("www.lifeboat.test")),
        (vec![NEW.to_owned()], vec!["192.0.2.2".to_owned()])
    );
    assert_eq!(step.did.unwrap().names.len(), 1);
}

#[tokio::test]
async fn nothing_of_the_application_is_moved_where_the_database_s_name_may_not() {
    let (zone, held, event) = with_an_application();
    zone.records.borrow_mut()[0].values = vec!["elsewhere.example.com".to_owned()];
    let step = handle(&held, &Says(Owner::Running), &zone, event).await.unwrap();
    assert_eq!((step.step, zone.changes.get()), (Outcome::Refused, 0));
}

#[tokio::test]
async fn a_rehearsal_asks_whether_a_load_balancer_is_there() {
    let (zone, held, mut event) = with_an_application();
    let side = |region: &str| json!({"host": format!("shop-1.{region}.elb.amazonaws.com"), "zone": "ZELB"});
    let alias = json!({"type": "alias", "zone": "Z2", "name": SHOP, "primary": side("us-east-1"), "recovery": side("us-west-2")});
    event["run"]["plan"]["traffic"]["records"] = json!([alias]);
    event["rehearse"] = json!(true);
    for set in zone.records.borrow_mut().iter_mut().filter(|set| set.name == SHOP) {
        let alias = json!({"zone": "ZELB", "host": "shop-1.us-east-1.elb.amazonaws.com.", "evaluatesHealth": true});
        (set.values, set.alias) = (Vec::new(), serde_json::from_value(alias).unwrap());
    }
    let step = handle(&held, &Says(Owner::Running), &zone, event).await.unwrap();
    assert_eq!(step.step, Outcome::Refused);
    assert!(step.because.contains("`shop.lifeboat.test` would lead to nothing"), "{}", step.because);
}
