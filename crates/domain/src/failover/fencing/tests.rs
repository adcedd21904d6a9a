use super::*;
use crate::words::id::SecurityGroupId;

fn side() -> Side {
    let plan = crate::plan_file::lab_pair();
    plan.pair().unwrap().primary.clone()
}

fn groups(ids: &[&str]) -> Vec<SecurityGroupId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn members(ids: &[(&str, &str)]) -> Vec<Membership> {
    ids.iter().map(|(id, status)| Membership { group: id.parse().unwrap(), status: (*status).to_owned() }).collect()
}

#[test]
fn the_usual_groups_are_replaced_by_the_one_that_lets_nobody_in() {
    let set = groups_to_set(&members(&[("sg-00000001", "active")]), &side(), Direction::Fence);
    assert_eq!(set, Some(groups(&["sg-00000002"])));
}

#[test]
fn fencing_twice_sets_nothing_twice() {
    assert_eq!(groups_to_set(&members(&[("sg-00000002", "active")]), &side(), Direction::Fence), None);
    assert_eq!(groups_to_set(&members(&[("sg-00000001", "active")]), &side(), Direction::Undo), None);
}

#[test]
fn undoing_gives_the_usual_groups_back() {
    let set = groups_to_set(&members(&[("sg-00000002", "active")]), &side(), Direction::Undo);
    assert_eq!(set, Some(groups(&["sg-00000001"])));
}

#[test]
fn a_security_group_holds_once_it_alone_is_active() {
    let (open, fence) = ("sg-00000001", "sg-00000002");
    let on_its_way = members(&[(open, "removing"), (fence, "adding")]);
    assert_eq!(groups_to_set(&on_its_way, &side(), Direction::Fence), None, "it was asked for already");
    for has in [
        on_its_way,
        members(&[(open, "removing"), (fence, "active")]),
        members(&[(fence, "adding")]),
        members(&[(fence, "unknown")]),
        members(&[(open, "active")]),
        members(&[(open, "active"), (fence, "active")]),
        Vec::new(),
    ] {
        let way = network(&has, &side(), Direction::Fence);
        assert!(matches!(way, Way::Unproved(_)), "{has:?}: {way:?}");
    }
    assert_eq!(network(&members(&[(fence, "active")]), &side(), Direction::Fence), Way::Holds);
    assert_eq!(network(&members(&[(open, "active")]), &side(), Direction::Undo), Way::Holds);
}

/// Every way that a way can go.
fn ways() -> [Way; 5] {
    let (gone, silent) = (Way::NoServer("refused".into()), Way::Unreachable("timed out".into()));
    [Way::Holds, gone, silent, Way::Unproved("slow".into()), Way::Resists("42704".into())]
}

#[test]
fn fenced_is_only_what_was_seen_to_refuse_or_is_shut_off_and_runs_no_server() {
    for network in ways() {
        for database in ways() {
            let fencing = Fencing::of(network.clone(), database.clone(), true, None);
            let seen = database == Way::Holds;
            let gone = network == Way::Holds && matches!(database, Way::NoServer(_));
            assert_eq!(fencing.fenced, seen || gone, "{network:?} {database:?}");
            let because = fencing.because(&"a".parse().unwrap());
            assert_eq!(because.contains("UNFENCED"), !fencing.fenced, "{because}");
        }
    }
}

#[test]
fn nothing_is_promoted_beside_a_primary_that_answers_and_was_not_seen_to_refuse() {
    let instance = "a".parse().unwrap();
    for database in ways() {
        let fencing = Fencing::of(Way::Holds, database.clone(), true, None);
        let resists = matches!(database, Way::Resists(_));
        assert_eq!(fencing.objection(&instance, false).is_some(), resists, "{database:?}");
        assert_eq!(fencing.objection(&instance, true).is_some(), database != Way::Holds, "{database:?}");
    }
}

#[test]
fn a_primary_is_open_again_only_where_each_way_that_was_taken_was_seen_open() {
    let gone = || Way::Unreachable("gone".into());
    assert_eq!(still_shut(&Way::Holds, &Way::Holds, true, true), None);
    assert_eq!(still_shut(&Way::Holds, &gone(), true, false), None, "nobody took its roles");
    assert!(still_shut(&Way::Holds, &gone(), true, true).unwrap().contains("roles"));
    assert!(still_shut(&gone(), &Way::Holds, true, true).unwrap().contains("security groups"));
    assert_eq!(still_shut(&gone(), &Way::Holds, false, true), None, "nobody set its network");
}

/// Every way that a database is found.
fn databases() -> Vec<DatabaseSeen> {
    let unseen = ways().into_iter().filter(|way| *way != Way::Holds).map(DatabaseSeen::Unseen);
    [DatabaseSeen::TakesWrites, DatabaseSeen::Follows].into_iter().chain(unseen).collect()
}

#[test]
fn a_way_that_could_not_be_looked_at_keeps_the_other_from_nothing() {
    let (open, fence) = (members(&[("sg-00000001", "active")]), groups(&["sg-00000002"]));
    let shut = NetworkMove::Set(fence);
    for database in databases() {
        let seen = Seen { network: NetworkSeen::Groups(open.clone()), database };
        assert_eq!(plan(&seen, &side()).network, shut, "{seen:?}");
    }
    for network in [NetworkSeen::Silent("timed out".into()), NetworkSeen::Groups(open)] {
        let seen = Seen { network, database: DatabaseSeen::TakesWrites };
        assert_eq!(plan(&seen, &side()).database, DatabaseMove::ShutOut, "{seen:?}");
    }
}

#[test]
fn what_cannot_be_looked_at_is_never_called_fenced() {
    for database in databases() {
        let takes_writes = database == DatabaseSeen::TakesWrites;
        let follows = database == DatabaseSeen::Follows;
        let planned = plan(&Seen { network: NetworkSeen::Silent("gone".into()), database }, &side());
        assert_eq!(planned.network, NetworkMove::Leave(Way::Unreachable("gone".into())));
        assert_eq!(planned.database == DatabaseMove::ShutOut, takes_writes);
        assert_eq!(planned.database == DatabaseMove::Leave(Way::Holds), follows);
    }
}

#[test]
fn a_network_is_opened_by_what_is_asked_for_last_whatever_rds_shows() {
    for shown in ["sg-00000001", "sg-00000002"] {
        let seen = NetworkSeen::Groups(members(&[(shown, "active")]));
        let usual = NetworkMove::Set(groups(&["sg-00000001"]));
        assert_eq!(NetworkMove::plan(&seen, &side(), Direction::Undo), usual, "{shown}");
    }
    let fenced = NetworkSeen::Groups(members(&[("sg-00000002", "active")]));
    assert_eq!(NetworkMove::plan(&fenced, &side(), Direction::Fence), NetworkMove::Leave(Way::Holds));
}
