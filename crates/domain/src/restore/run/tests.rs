use super::*;
use crate::restore::day;

const TEST: &str = include_str!("../../../../../events/open-backup-verification.json");

/// The lab's plan with a cluster, and a schedule that backs up these.
fn plan(components: &[&str]) -> Plan {
    let text = include_str!("../../../../../plans/lab.yaml");
    let mut plan = crate::plan_file::read(text, "plans/lab.yaml").unwrap();
    let cluster = serde_json::json!({"kind": "cluster", "name": "reports", "engine": "neptune", "primary": "reports"});
    plan.components.push(serde_json::from_value(cluster).unwrap());
    plan.backups[0].components = components.iter().map(|name| name.parse().unwrap()).collect();
    plan
}

fn open(components: &[&str], purpose: Purpose, component: Option<&str>) -> Result<RestoreRun, Failure> {
    let event: serde_json::Value = serde_json::from_str(TEST).unwrap();
    let request: RestoreRequest = serde_json::from_value(event["request"].clone()).unwrap();
    let component = component.map(|name| name.parse().unwrap());
    let execution = serde_json::from_value(event["execution"].clone()).unwrap();
    let now = "2026-11-21T06:00:09Z".parse().unwrap();
    let request = RestoreRequest { purpose, component, ..request };
    request.open(plan(components), "1".into(), ActiveSides::default(), execution, now)
}

fn names(run: Result<RestoreRun, Failure>) -> Vec<String> {
    run.unwrap().components.iter().map(ToString::to_string).collect()
}

#[test]
fn a_cluster_s_backup_is_looked_at_and_the_others_of_its_schedule_are_restored() {
    let both = ["orders", "reports"];
    assert_eq!(names(open(&both, Purpose::Integrity, None)), both);
    assert_eq!(names(open(&both, Purpose::Integrity, Some("reports"))), ["reports"]);
    assert_eq!(names(open(&both, Purpose::Test, None)), ["orders"]);
    assert_eq!(open(&both, Purpose::Test, None).unwrap().left_out, ["reports".parse().unwrap()]);
    assert_eq!(open(&both, Purpose::Integrity, None).unwrap().left_out, []);
    let run = open(&both, Purpose::Integrity, None).unwrap();
    assert!(run.component(&"reports".parse().unwrap()).is_ok());
    assert!(run.target(&"reports".parse().unwrap()).unwrap_err().chain().contains("not supported yet"));
}

#[test]
fn a_pair_that_a_failover_leaves_is_restored_to_a_point_in_time_where_it_is() {
    let mut plan = plan(&["orders", "customers"]);
    let Component::PostgresPair(mut pair) = plan.components[0].clone() else { panic!("a pair") };
    pair.name = "customers".parse().unwrap();
    plan.components.push(Component::PostgresPair(pair));
    let event: serde_json::Value = serde_json::from_str(TEST).unwrap();
    let request: RestoreRequest = serde_json::from_value(event["request"].clone()).unwrap();
    let open = |active, component: Option<&str>| {
        let component = component.map(|name| name.parse().unwrap());
        let request = RestoreRequest { component, wanted: Wanted::LatestTime, ..request.clone() };
        let execution = serde_json::from_value(event["execution"].clone()).unwrap();
        let active = ActiveSides::default().with("lab".parse().unwrap(), active);
        request.open(plan.clone(), "1".into(), active, execution, "2026-11-21T06:00:09Z".parse().unwrap())
    };
    for (active, component, region) in [
        (ActiveSide::Primary, None, "us-east-1"),
        (ActiveSide::Replica, Some("orders"), "us-west-2"),
        (ActiveSide::Replica, Some("customers"), "us-east-1"),
    ] {
        assert_eq!(open(active, component).unwrap().region.as_str(), region, "{component:?}");
    }
    let error = open(ActiveSide::Replica, None).unwrap_err().chain();
    assert!(error.contains("name one of them"), "{error}");
}

#[test]
fn what_a_test_must_pass_is_known_by_its_schedule() {
    let event: serde_json::Value = serde_json::from_str(TEST).unwrap();
    let request: RestoreRequest = serde_json::from_value(event["request"].clone()).unwrap();
    let component = Some("orders".parse().unwrap());
    let request = RestoreRequest { schedule: None, component, ..request };
    let execution = serde_json::from_value(event["execution"].clone()).unwrap();
    let now = "2026-11-21T06:00:09Z".parse().unwrap();
    let error = request.open(plan(&["orders"]), "1".into(), ActiveSides::default(), execution, now).unwrap_err();
    assert!(error.chain().contains("request.schedule: name the schedule"), "{}", error.chain());
}

#[test]
fn a_day_has_no_time_and_no_zone() {
    assert_eq!(day("2026-11-20").unwrap().to_string(), "2026-11-20");
    for text in ["2026-11-20T23:30:00-05:00", "2026-11-20Z", "20261120", "2026-02-30", "yesterday"] {
        assert!(day(text).unwrap_err().contains("is no day"), "{text}");
        assert!(serde_json::from_value::<Wanted>(serde_json::json!({ "date": text })).is_err(), "{text}");
    }
}

#[test]
fn a_cluster_alone_is_not_restored_and_the_reason_is_told() {
    for (components, purpose, component) in [
        (&["orders", "reports"][..], Purpose::Test, Some("reports")),
        (&["orders", "reports"][..], Purpose::Keep, Some("reports")),
        (&["reports"][..], Purpose::Test, None),
    ] {
        let error = open(components, purpose, component).unwrap_err();
        assert_eq!(error.name(), "InvalidInput");
        let says = "request.component: restoring a cluster is not supported yet: `reports` is one (neptune)";
        assert!(error.chain().contains(says), "{}", error.chain());
    }
}

#[test]
fn what_looks_at_a_backup_that_was_just_made_is_a_request_of_that_backup() {
    let event: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../events/open-backup.json")).unwrap();
    let at: Timestamp = serde_json::from_value(event["startedAt"].clone()).unwrap();
    let proof = |after_each: bool| {
        let mut plan = plan(&["orders"]);
        plan.backups[0].verification.as_mut().unwrap().after_each = after_each;
        let request: crate::backup::BackupRequest = serde_json::from_value(event["request"].clone()).unwrap();
        let execution = serde_json::from_value(event["execution"].clone()).unwrap();
        request.open((plan, "1".into()), ActiveSides::default(), execution, at, at).unwrap().proof
    };
    assert_eq!(proof(false), None);
    let proof = proof(true).unwrap();
    assert!(proof.run.starts_with("lab-daily-") && proof.run.len() <= 80, "{}", proof.run);
    let request: RestoreRequest = serde_json::from_value(proof.request).unwrap();
    assert_eq!((request.purpose, request.component), (Purpose::Integrity, None));
    assert_eq!(request.wanted, Wanted::ScheduledAt("2026-11-21T02:00:00Z".parse().unwrap()));
}

#[test]
fn a_test_is_restored_where_the_plan_says_and_what_is_kept_is_not() {
    let event: serde_json::Value = serde_json::from_str(TEST).unwrap();
    let run = |purpose: Purpose, wanted: Option<Wanted>| {
        let request: RestoreRequest = serde_json::from_value(event["request"].clone()).unwrap();
        let wanted = wanted.unwrap_or_else(|| request.wanted.clone());
        let request = RestoreRequest { purpose, wanted, ..request };
        let mut plan = plan(&["orders"]);
        let into = serde_json::json!({"region": "us-east-1", "instanceClass": "db.t3.micro", "storageGib": 40});
        plan.backups[0].verification.as_mut().unwrap().restore_into = serde_json::from_value(into).unwrap();
        let execution = serde_json::from_value(event["execution"].clone()).unwrap();
        let now = "2026-11-21T06:00:09Z".parse().unwrap();
        request.open(plan, "1".into(), ActiveSides::default(), execution, now).unwrap()
    };
    let gib = |run: &RestoreRun| run.restores_into().and_then(|into| into.storage_gib);
    let test = run(Purpose::Test, None);
    assert_eq!((test.region.as_str(), gib(&test)), ("us-east-1", Some(40)));
    for purpose in [Purpose::Keep, Purpose::Integrity] {
        let other = run(purpose, None);
        assert_eq!((other.region.as_str(), gib(&other)), ("us-west-2", None), "{purpose:?}");
    }
    assert_eq!(run(Purpose::Test, Some(Wanted::LatestTime)).region.as_str(), "us-east-1", "where the primary is");
}

/// The lab's plan with a further recovery Region, and these sides of its pair there.
fn with_next(sides: serde_json::Value) -> Plan {
    let mut plan = serde_json::to_value(plan(&["orders"])).unwrap();
    plan["regions"]["next"] = serde_json::json!(["eu-west-1"]);
    plan["components"][0]["next"] = sides;
    serde_json::from_value(plan).unwrap()
}

#[test]
fn an_order_restores_into_a_further_region_what_the_plan_says_of_it_and_no_point_in_time() {
    let side = serde_json::json!({
        "region": "eu-west-1",
        "fenceSecurityGroup": "sg-0123456789abcdef0",
        "restore": {"instanceClass": "db.t4g.small", "subnetGroup": "isolated", "parameterGroup": "orders-15", "optionGroup": "orders"},
    });
    let event: serde_json::Value = serde_json::from_str(TEST).unwrap();
    let request: RestoreRequest = serde_json::from_value(event["request"].clone()).unwrap();
    let open = |sides: serde_json::Value, region: &str, purpose, wanted| {
        let region = Some(region.parse().unwrap());
        let request = RestoreRequest { region, purpose, wanted, ..request.clone() };
        let execution = serde_json::from_value(event["execution"].clone()).unwrap();
        let now = "2026-11-21T06:00:09Z".parse().unwrap();
        request.open(with_next(sides), "1".into(), ActiveSides::default(), execution, now)
    };
    let there = || serde_json::json!([side]);
    let run = open(there(), "eu-west-1", Purpose::Keep, Wanted::Latest).unwrap();
    let like = run.target(&"orders".parse().unwrap()).unwrap().like;
    assert_eq!((like.instance, like.fence_security_group.as_str()), (None, "sg-0123456789abcdef0"));
    let refused = |result: Result<RestoreRun, Failure>| result.unwrap_err().chain();
    let nothing = refused(open(serde_json::json!([]), "eu-west-1", Purpose::Keep, Wanted::Latest));
    assert!(nothing.contains("add it to `next` of `orders`"), "{nothing}");
    let elsewhere = refused(open(there(), "eu-west-2", Purpose::Keep, Wanted::Latest));
    assert!(elsewhere.contains("name us-east-1 or us-west-2 or eu-west-1"), "{elsewhere}");
    let moment = refused(open(there(), "eu-west-1", Purpose::Keep, Wanted::LatestTime));
    assert!(moment.contains("a point in time is restored where the primary is"), "{moment}");
    assert!(open(serde_json::json!([]), "eu-west-1", Purpose::Integrity, Wanted::Latest).is_ok(), "it only looks");
}

#[test]
fn what_is_continuous_is_proved_in_the_other_region_and_restored_there_when_asked() {
    let mut plan = plan(&["orders"]);
    let log = serde_json::json!({
        "name": "log", "schedule": "continuous", "components": ["orders"], "copies": [{"region": "us-west-2"}]
    });
    plan.backups.push(serde_json::from_value(log).unwrap());
    let event: serde_json::Value = serde_json::from_str(TEST).unwrap();
    let request: RestoreRequest = serde_json::from_value(event["request"].clone()).unwrap();
    let open = |schedule: &str, purpose, wanted, region: Option<&str>| {
        let (schedule, region) = (Some(schedule.parse().unwrap()), region.map(|region| region.parse().unwrap()));
        let execution = serde_json::from_value(event["execution"].clone()).unwrap();
        let request = RestoreRequest { schedule, purpose, wanted, region, ..request.clone() };
        let now = "2026-11-21T06:00:09Z".parse().unwrap();
        request.open(plan.clone(), "1".into(), ActiveSides::default(), execution, now)
    };
    let run = open("log", Purpose::Test, Wanted::Latest, None).unwrap();
    assert_eq!((run.wanted.clone(), run.region.as_str()), (Wanted::LatestTime, "us-west-2"));
    let [source] = run.points_in_time_of(&"orders".parse().unwrap()).unwrap()[..] else { panic!("one source") };
    assert_eq!((source.instance.as_str(), source.from.map(Region::as_str)), ("orders-primary", Some("us-east-1")));
    let kept = open("log", Purpose::Keep, Wanted::LatestTime, None).unwrap();
    assert_eq!(kept.region.as_str(), "us-east-1", "where the primary is");
    assert_eq!(open("log", Purpose::Keep, Wanted::LatestTime, Some("us-west-2")).unwrap().region.as_str(), "us-west-2");
    let date = Wanted::Date("2026-11-20".parse().unwrap());
    let why = open("log", Purpose::Keep, date, None).unwrap_err();
    assert!(why.chain().contains("the schedule is continuous"), "{}", why.chain());
}
