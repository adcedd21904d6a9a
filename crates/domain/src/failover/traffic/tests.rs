use jiff::Timestamp;

use super::*;
use crate::failover::run::Trigger;

const OLD: &str = "orders-primary.us-east-1.rds.lifeboat.test";
const NEW: &str = "orders-replica.us-west-2.rds.lifeboat.test";

fn run(generation: u64) -> Run {
    Run {
        execution: "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a".parse().unwrap(),
        plan: crate::plan_file::lab_pair(),
        plan_version: "1".into(),
        generation: Generation(generation),
        trigger: Trigger::Person { by: "anna".parse().unwrap(), why: "a test".into() },
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
    }
}

#[test]
fn the_old_record_is_deleted_to_the_letter_and_the_generation_with_it() {
    let seen = Seen { records: vec![cname(&format!("{OLD}."))], generation: vec![txt(1)] };
    let Move::Swap { delete, create } = plan(&seen, &run(2)) else { panic!("not moved") };
    assert_eq!(delete, vec![cname(&format!("{OLD}.")), txt(1)]);
    assert_eq!((create[0].values[0].as_str(), &create[1]), (NEW, &txt(2)));
}

#[test]
fn the_first_generation_has_none_to_delete() {
    let Move::Swap { delete, .. } = plan(&Seen { records: vec![cname(OLD)], generation: vec![] }, &run(1)) else {
        panic!("not moved")
    };
    assert_eq!(delete, vec![cname(OLD)]);
}

#[test]
fn moving_twice_moves_once() {
    assert_eq!(plan(&Seen { records: vec![cname(NEW)], generation: vec![txt(2)] }, &run(2)), Move::Keep);
}

#[test]
fn an_older_generation_may_not() {
    let seen = Seen { records: vec![cname(OLD)], generation: vec![txt(3)] };
    assert!(matches!(plan(&seen, &run(2)), Move::Refuse(why) if why.contains("generation 3")));
}

#[test]
fn what_a_dead_run_moved_is_taken_into_this_generation() {
    assert!(matches!(plan(&Seen { records: vec![cname(NEW)], generation: vec![txt(1)] }, &run(2)), Move::Swap { .. }));
}

#[test]
fn a_record_that_is_not_the_plan_s_is_left_alone() {
    let a = RecordSet { kind: "A".into(), ..cname("192.0.2.1") };
    let routed = RecordSet { routed: true, ..cname(OLD) };
    for records in [vec![], vec![cname("other.example.com")], vec![a.clone()], vec![routed], vec![cname(OLD), a]] {
        let seen = Seen { records, generation: vec![] };
        assert!(matches!(plan(&seen, &run(1)), Move::Refuse(_)), "{seen:?}");
    }
}

#[test]
fn a_generation_that_cannot_be_read_is_not_zero() {
    let garbled = RecordSet { values: vec!["\"x\"".into()], ..txt(1) };
    assert!(matches!(plan(&Seen { records: vec![cname(OLD)], generation: vec![garbled] }, &run(2)), Move::Refuse(_)));
}

#[test]
fn a_name_whose_servers_are_not_known_has_not_moved_and_could_not_be_moved() {
    let (name, target) = ("db.orders.lifeboat.test".parse().unwrap(), NEW.parse().unwrap());
    let nobody = Answers::Each(Vec::new());
    assert!(
        matches!(nobody.spread(&name, &target, true), Spread::NotYet(why) if why.contains("no authoritative server"))
    );
    assert!(nobody.rehearsed(&name).unwrap_err().contains("no authoritative server"));
}
