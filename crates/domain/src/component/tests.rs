//! Each kind answers for itself, and says of each capability whether it has it.

use serde_json::json;

use super::*;

fn lab() -> Vec<Component> {
    crate::plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap().components
}

fn cluster(engine: &str, recovery: Option<&str>) -> Component {
    let cluster = json!({
        "kind": "cluster", "name": "reports", "engine": engine, "primary": "reports-1", "recovery": recovery
    });
    serde_json::from_value(cluster).unwrap()
}

/// The capabilities of a component, as a row: moved, restored, to any time, with its size told.
fn can(component: &Component) -> [bool; 4] {
    let kind = component.kind();
    [
        kind.moves().is_some(),
        kind.restores().is_some(),
        kind.points_in_time(ActiveSide::Primary).is_some(),
        kind.tells_size(),
    ]
}

#[test]
fn each_kind_says_what_it_can() {
    let pair = &lab()[0];
    assert_eq!((pair.kind().noun(), can(pair)), ("pair", [true; 4]));
    for engine in ["aurora-postgresql", "aurora-mysql", "docdb", "neptune"] {
        let cluster = cluster(engine, None);
        assert_eq!((cluster.kind().noun(), can(&cluster)), ("cluster", [false; 4]), "{engine}");
        assert_eq!(cluster.kind().stays_in_its_region().is_some(), engine == "neptune", "{engine}");
        let why = cluster.kind().restored_as().unwrap_err();
        let says = format!("restoring a cluster is not supported yet: `reports` is one ({engine}); restore its");
        assert!(why.starts_with(&says), "{why}");
    }
}

#[test]
fn what_is_backed_up_is_one_of_those_that_a_component_is() {
    for component in [lab().remove(0), cluster("docdb", None), cluster("docdb", Some("reports-2"))] {
        let kind = component.kind();
        for active in [ActiveSide::Primary, ActiveSide::Replica] {
            let (side, id) = kind.backed_up(active).unwrap();
            let noun = kind.snapshots().unwrap().noun();
            let is_it = |identity: &Identity| (identity.side, identity.noun, identity.id.as_str()) == (side, noun, id);
            assert!(kind.identities().iter().any(is_it), "{id} on {side:?}");
        }
    }
}

#[test]
fn what_no_schedule_backs_up_says_so_and_what_else_is_done_for_it() {
    let bucket = json!({
        "kind": "bucket", "name": "uploads", "primary": "uploads-east", "recovery": "uploads-west", "replicated": true
    });
    let service = json!({ "kind": "service", "name": "login", "checks": ["the site answers"] });
    for (component, noun, replicates, holds_data, checks) in
        [(bucket, "bucket", true, true, 0), (service, "service", false, false, 1)]
    {
        let component: Component = serde_json::from_value(component).unwrap();
        let kind = component.kind();
        assert_eq!((kind.noun(), can(&component)), (noun, [false; 4]));
        for active in [ActiveSide::Primary, ActiveSide::Replica] {
            assert_eq!((kind.snapshots(), kind.backed_up(active)), (None, None), "{noun}");
        }
        assert_eq!((kind.replicates(), kind.holds_data(), kind.checks().len()), (replicates, holds_data, checks));
        assert_eq!(kind.bucket().is_some(), noun == "bucket");
    }
}

#[test]
fn a_kind_of_snapshots_is_written_as_its_noun() {
    for kind in SnapshotKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.noun());
        assert_eq!(serde_json::to_value(kind.of("x")).unwrap(), json!({ kind.noun(): "x" }));
    }
}
