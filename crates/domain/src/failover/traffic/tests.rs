use jiff::Timestamp;

use super::{record::generation_text, *};
use crate::{failover::run::Trigger, plan::ApplicationRecord};

const OLD: &str = "orders-primary.us-east-1.rds.lifeboat.test";
const NEW: &str = "orders-replica.us-west-2.rds.lifeboat.test";

fn run(generation: u64) -> Run {
    Run {
        execution: "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a".parse().unwrap(),
        plan: crate::plan_file::lab_pair(),
        plan_version: "1".into(),
        generation: Generation(generation),
        trigger: Trigger::Person { by: "anna".parse().unwrap(), why: "a test".into(), proved: None },
        taken_over: None,
        owes: None,
        consent: None,
        opened_at: Timestamp::UNIX_EPOCH,
    }
}

fn cname(value: &str) -> RecordSet {
    RecordSet {
        name: "db.orders.lifeboat.test".into(),
        kind: "CNAME".into(),
        ttl_seconds: Some(5),
        values: vec![value.into()],
        routed: false,
        alias: None,
    }
}

fn txt(generation: u64) -> RecordSet {
    let values = vec![generation_text(Generation(generation))];
    RecordSet {
        name: "_lifeboat.db.orders.lifeboat.test".into(),
        kind: "TXT".into(),
        ttl_seconds: Some(60),
        values,
        routed: false,
        alias: None,
    }
}

/// The move of the database's name.
fn moved(seen: &Seen, run: &Run) -> Move {
    plan(&run.plan.moved_names()[0], seen, run)
}

#[test]
fn the_old_record_is_deleted_to_the_letter_and_the_generation_with_it() {
    let seen = Seen { records: vec![cname(&format!("{OLD}."))], generation: vec![txt(1)] };
    let Move::Swap { delete, create } = moved(&seen, &run(2)) else { panic!("not moved") };
    assert_eq!(delete, vec![cname(&format!("{OLD}.")), txt(1)]);
    assert_eq!((create[0].values[0].as_str(), &create[1]), (NEW, &txt(2)));
}

#[test]
fn the_first_generation_has_none_to_delete() {
    let Move::Swap { delete, .. } = moved(&Seen { records: vec![cname(OLD)], generation: vec![] }, &run(1)) else {
        panic!("not moved")
    };
    assert_eq!(delete, vec![cname(OLD)]);
}

#[test]
fn moving_twice_moves_once() {
    let seen = Seen { records: vec![cname(NEW)], generation: vec![txt(2)] };
    assert_eq!(moved(&seen, &run(2)), Move::Keep(cname(NEW)));
}

#[test]
fn an_older_generation_may_not() {
    let seen = Seen { records: vec![cname(OLD)], generation: vec![txt(3)] };
    assert!(matches!(moved(&seen, &run(2)), Move::Refuse(why) if why.contains("generation 3")));
}

#[test]
fn what_a_dead_run_moved_is_taken_into_this_generation() {
    assert!(matches!(moved(&Seen { records: vec![cname(NEW)], generation: vec![txt(1)] }, &run(2)), Move::Swap { .. }));
}

#[test]
fn a_record_that_is_not_the_plan_s_is_left_alone() {
    let a = RecordSet { kind: "A".into(), ..cname("192.0.2.1") };
    let routed = RecordSet { routed: true, ..cname(OLD) };
    for records in [vec![], vec![cname("other.example.com")], vec![a.clone()], vec![routed], vec![cname(OLD), a]] {
        let seen = Seen { records, generation: vec![] };
        assert!(matches!(moved(&seen, &run(1)), Move::Refuse(_)), "{seen:?}");
    }
}

#[test]
fn a_generation_that_cannot_be_read_is_not_zero() {
    let garbled = RecordSet { values: vec!["\"x\"".into()], ..txt(1) };
    assert!(matches!(moved(&Seen { records: vec![cname(OLD)], generation: vec![garbled] }, &run(2)), Move::Refuse(_)));
}

/// A run whose application has these names.
fn with(records: serde_json::Value) -> Run {
    let mut run = run(2);
    run.plan.traffic.records = serde_json::from_value(records).unwrap();
    run
}

fn an_address() -> serde_json::Value {
    serde_json::json!({"type": "a", "zone": "Z2", "name": "shop.lifeboat.test", "primary": "192.0.2.1", "recovery": "192.0.2.2",
        "ttl": "60s", "ttlOnFailover": "30s"})
}

fn an_alias() -> serde_json::Value {
    let side = |region: &str| serde_json::json!({"host": format!("shop-1.{region}.elb.amazonaws.com"), "zone": "ZELB"});
    serde_json::json!({"type": "alias", "zone": "Z2", "name": "lifeboat.test", "primary": side("us-east-1"), "recovery": side("us-west-2")})
}

/// A name's record of this type, with this value and TTL.
fn set(name: &str, kind: &str, value: &str, ttl: i64) -> RecordSet {
    RecordSet { name: name.into(), kind: kind.into(), ttl_seconds: Some(ttl), values: vec![value.into()], ..cname("") }
}

fn alias(host: &str) -> RecordSet {
    let alias = AliasOf { zone: "ZELB".into(), host: host.into(), evaluates_health: true };
    let record = set("lifeboat.test", "A", "", 0);
    RecordSet { ttl_seconds: None, values: vec![], alias: Some(alias), ..record }
}

fn no_generation(records: Vec<RecordSet>) -> Seen {
    Seen { records, generation: vec![] }
}

#[test]
fn a_name_of_the_application_is_moved_as_the_record_is_with_the_ttl_of_a_failover() {
    let run = with(serde_json::json!([an_address()]));
    let seen = no_generation(vec![set("shop.lifeboat.test", "A", "192.0.2.1", 60)]);
    let Move::Swap { delete, create } = plan(&run.plan.moved_names()[1], &seen, &run) else { panic!("not moved") };
    assert_eq!(delete, seen.records);
    assert_eq!(create[0], set("shop.lifeboat.test", "A", "192.0.2.2", 30));
    assert_eq!(
        (create[1].name.as_str(), create[1].values[0].as_str()),
        ("_lifeboat.shop.lifeboat.test", "\"generation=2\"")
    );
    let again = Seen { records: vec![create[0].clone()], generation: vec![create[1].clone()] };
    assert_eq!(plan(&run.plan.moved_names()[1], &again, &run), Move::Keep(create[0].clone()));
}

#[test]
fn an_alias_keeps_how_its_target_s_health_is_looked_at_and_is_known_by_either_of_its_names() {
    let run = with(serde_json::json!([an_alias()]));
    let name = &run.plan.moved_names()[1];
    // What an apex has beside it stays.
    let beside = [set("lifeboat.test", "NS", "ns-1.", 60), set("lifeboat.test", "MX", "10 mail.", 60)];
    for host in ["shop-1.us-east-1.elb.amazonaws.com.", "dualstack.shop-1.us-east-1.elb.amazonaws.com."] {
        let seen = no_generation(beside.iter().cloned().chain([alias(host)]).collect());
        let Move::Swap { delete, create } = plan(name, &seen, &run) else { panic!("not moved") };
        assert_eq!(delete, [alias(host)]);
        assert_eq!(create[0], alias("shop-1.us-west-2.elb.amazonaws.com"));
    }
    for records in [
        vec![set("lifeboat.test", "A", "192.0.2.1", 60)],
        vec![alias("shop-1.us-east-1.elb.amazonaws.com"), set("lifeboat.test", "AAAA", "2001:db8::1", 60)],
        vec![alias("other.us-east-1.elb.amazonaws.com")],
        vec![RecordSet { routed: true, ..alias("shop-1.us-east-1.elb.amazonaws.com") }],
    ] {
        assert!(matches!(plan(name, &no_generation(records.clone()), &run), Move::Refuse(_)), "{records:?}");
    }
}

#[test]
fn the_database_s_name_is_a_batch_of_its_own_and_the_names_of_a_zone_are_one_after_it() {
    let mut beside = an_address();
    beside["zone"] = serde_json::json!("Z00000000000LAB");
    let run = with(serde_json::json!([an_alias(), beside]));
    let zones = by_zone(run.plan.moved_names());
    let names: Vec<Vec<&str>> =
        zones.iter().map(|(_, names)| names.iter().map(|name| name.name.as_str()).collect()).collect();
    assert_eq!(names, [["db.orders.lifeboat.test"], ["lifeboat.test"], ["shop.lifeboat.test"]]);
    let seen = [no_generation(vec![set("shop.lifeboat.test", "A", "192.0.2.1", 60)])];
    let batch = batch(zones[2].1.iter().zip(&seen), &run).unwrap();
    assert_eq!((batch.delete.len(), batch.create.len(), batch.left.len()), (1, 2, 0));
}

#[test]
fn a_name_that_somebody_moved_stays_and_keeps_no_other_waiting_but_the_database_s_own_stops_all() {
    let run = with(serde_json::json!([an_address()]));
    let names = run.plan.moved_names();
    let elsewhere = no_generation(vec![set("shop.lifeboat.test", "A", "198.51.100.7", 60)]);
    let seen = [no_generation(vec![cname(OLD)]), elsewhere];
    let moved = batch(names.iter().zip(&seen), &run).unwrap();
    assert_eq!((moved.delete, moved.left.len()), (vec![cname(OLD)], 1));
    assert!(moved.left[0].1.contains("`198.51.100.7`"), "{:?}", moved.left);
    let seen = [no_generation(vec![cname("other.example.com")]), seen[1].clone()];
    assert!(batch(names.iter().zip(&seen), &run).unwrap_err().contains("someone moved it"));
}

#[test]
fn a_load_balancer_s_name_has_spread_once_each_server_answers_one_of_its_addresses() {
    let run = with(serde_json::json!([an_alias()]));
    let name = &run.plan.moved_names()[1];
    let told = |last: &[u8]| Told::Addresses(last.iter().map(|last| [192, 0, 2, *last].into()).collect());
    let spread = |last: &[u8], wanted: &Result<Told, String>| {
        let answer = ServerAnswer { server: "ns-1".into(), told: Ok(told(last)) };
        Answers::Each(vec![answer]).spread(&name.name, &name.recovery, wanted, true)
    };
    let wanted = Ok(told(&[1, 2, 3]));
    assert!(matches!(spread(&[3, 4], &wanted), Spread::Everywhere(_)));
    assert!(matches!(spread(&[4, 5], &wanted), Spread::NotYet(why) if why.contains("`192.0.2.4`")));
    let unknown = Err("no answer".to_owned());
    assert!(matches!(spread(&[3], &unknown), Spread::NotYet(why) if why.contains("no answer")));
}

#[test]
fn what_a_plan_calls_a_record_is_one_of_three() {
    for (record, kind) in [(an_address(), "a"), (an_alias(), "alias")] {
        let record: ApplicationRecord = serde_json::from_value(record).unwrap();
        assert_eq!(record.kind(), kind);
    }
}

#[test]
fn a_name_whose_servers_are_not_known_has_not_moved_and_could_not_be_moved() {
    let (name, target) = ("db.orders.lifeboat.test".parse().unwrap(), Target::Host(NEW.parse().unwrap()));
    let (nobody, wanted) = (Answers::Each(Vec::new()), Ok(Told::Host(NEW.parse().unwrap())));
    assert!(
        matches!(nobody.spread(&name, &target, &wanted, true), Spread::NotYet(why) if why.contains("no authoritative server"))
    );
    assert!(nobody.rehearsed(&name).unwrap_err().contains("no authoritative server"));
}
