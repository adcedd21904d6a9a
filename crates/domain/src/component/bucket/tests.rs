//! S3's rules at each limit, and what differs from a plan.

use serde_json::{Value, json};

use super::*;
use crate::words::id::{PlanName, Region};

fn bucket(change: impl Fn(&mut Value)) -> Bucket {
    let mut bucket = json!({
        "name": "uploads", "primary": "uploads-east", "recovery": "uploads-west", "replicated": true,
    });
    change(&mut bucket);
    serde_json::from_value(bucket).unwrap()
}

const ROLE: &str = "arn:aws:iam::000000000000:role/replication";

fn found(bucket: &Bucket) -> Vec<String> {
    let region: Region = "us-east-1".parse().unwrap();
    let complaints = bucket.check(SideRegions { primary: &region, recovery: &region }).into_iter();
    let told =
        |complaint: Complaint| format!("{}{}", if complaint.is_error { "" } else { "warning: " }, complaint.field);
    complaints.map(told).collect()
}

fn aged(lifecycle: &Value) -> Vec<String> {
    let found = found(&bucket(|bucket| bucket["store"] = json!({ "lifecycle": lifecycle })));
    found.into_iter().map(|field| field.replace("store.lifecycle", "")).collect()
}

#[test]
fn a_bucket_that_nothing_replicates_is_told_and_one_that_cannot_be_is_refused() {
    type Edit = fn(&mut Value);
    let cases: [(Edit, &[&str]); 7] = [
        (|_| {}, &[]),
        (|bucket| bucket["recovery"] = json!("uploads-east"), &["recovery"]),
        (|bucket| bucket["replicated"] = json!(false), &["warning: recovery"]),
        (|bucket| drop(bucket.as_object_mut().unwrap().remove("recovery")), &["replicated"]),
        (|bucket| *bucket = json!({ "name": "uploads", "primary": "uploads-east" }), &["warning: "]),
        (|bucket| bucket["replicationRole"] = json!(ROLE), &[]),
        (
            |bucket| *bucket = json!({ "name": "uploads", "primary": "uploads-east", "replicationRole": ROLE }),
            &["warning: ", "replicationRole"],
        ),
    ];
    for (change, expected) in cases {
        let bucket = bucket(change);
        assert_eq!(found(&bucket), expected, "{bucket:?}");
    }
}

#[test]
fn a_lifecycle_is_one_that_s3_takes() {
    for (lifecycle, expected) in [
        (json!({}), &[""][..]),
        (json!({ "standardIa": "30d", "glacier": "90d", "deepArchive": "365d", "expire": "2555d" }), &[]),
        (json!({ "standardIa": "30d", "glacier": "60d", "deepArchive": "150d", "expire": "151d" }), &[]),
        (json!({ "standardIa": "29d" }), &[".standardIa"]),
        (json!({ "standardIa": "30d", "glacier": "59d" }), &[".glacier"]),
        (json!({ "glacier": "1d", "deepArchive": "91d" }), &[]),
        (json!({ "glacier": "60d", "deepArchive": "149d" }), &[".deepArchive"]),
        (json!({ "standardIa": "30d", "deepArchive": "60d" }), &[]),
        (json!({ "standardIa": "30d", "deepArchive": "59d" }), &[".deepArchive"]),
        (json!({ "deepArchive": "150d", "expire": "150d" }), &[".expire"]),
        (json!({ "expire": "1d" }), &[]),
        (json!({ "expire": "0d" }), &[".expire"]),
        (json!({ "expire": "36h" }), &[".expire"]),
        // What real documents ask for.
        (json!({ "standardIa": "7d", "glacier": "30d", "expire": "365d" }), &[".standardIa", ".glacier"]),
        (
            json!({ "standardIa": "1d", "glacier": "30d", "deepArchive": "180d", "expire": "2555d" }),
            &[".standardIa", ".glacier"],
        ),
    ] {
        assert_eq!(aged(&lifecycle), expected, "{lifecycle}");
    }
}

fn lifecycle(value: Value) -> Lifecycle {
    serde_json::from_value(value).unwrap()
}

fn seen(rules: &[(&str, bool, Value)]) -> SeenBucket {
    let rule = |(id, enabled, says): &(&str, bool, Value)| LifecycleRule {
        id: (*id).to_owned(),
        enabled: *enabled,
        whole: true,
        exact: true,
        more: false,
        lifecycle: lifecycle(says.clone()),
    };
    SeenBucket {
        versioned: true,
        lifecycle: rules.iter().map(rule).collect(),
        replication_role: None,
        by_kms: false,
        replication: Vec::new(),
    }
}

/// The id of the plan's rules.
const OURS: &str = "lifeboat-lab";

fn plan() -> PlanName {
    "lab".parse().unwrap()
}

#[test]
fn what_differs_from_the_plan_is_named_stage_by_stage() {
    let wanted = lifecycle(json!({ "standardIa": "30d", "expire": "365d" }));
    for (rules, expected) in [
        (vec![], &["nothing is STANDARD_IA after 30d", "nothing is deleted after 365d"][..]),
        (vec![(OURS, true, json!({ "standardIa": "30d", "expire": "365d" }))], &[]),
        (
            vec![(OURS, true, json!({ "standardIa": "60d", "glacier": "90d", "expire": "365d" }))],
            &[
                "objects are STANDARD_IA after 60d, by the plan after 30d",
                "objects are GLACIER after 90d, by the plan never",
            ],
        ),
        (
            vec![(OURS, false, json!({ "standardIa": "30d", "expire": "365d" }))],
            &["nothing is STANDARD_IA after 30d", "nothing is deleted after 365d"],
        ),
        // Whoever wrote the rule: it says what the plan does.
        (vec![("terraform", true, json!({ "standardIa": "30d", "expire": "365d" }))], &[]),
        (
            vec![
                (OURS, true, json!({ "standardIa": "30d", "expire": "365d" })),
                ("terraform", true, json!({ "expire": "7d" })),
            ],
            &["the rule `terraform` deletes objects after 7d, by the plan after 365d"],
        ),
    ] {
        assert_eq!(seen(&rules).differences(&wanted, OURS), expected, "{rules:?}");
    }
}

#[test]
fn apply_writes_where_no_rule_says_what_the_plan_does_and_takes_back_only_its_own() {
    let wanted = lifecycle(json!({ "expire": "365d" }));
    let (ours, theirs) = ((OURS, true, json!({ "expire": "365d" })), ("x", true, json!({ "expire": "365d" })));
    let old = (OURS, true, json!({ "expire": "7d" }));
    for (rules, wanted, kept) in [
        (vec![], None, true),
        (vec![], Some(&wanted), false),
        (vec![ours.clone()], Some(&wanted), true),
        (vec![theirs.clone()], Some(&wanted), true),
        (vec![theirs.clone(), old.clone()], Some(&wanted), false),
        (vec![theirs], None, true),
        (vec![ours], None, false),
    ] {
        assert_eq!(seen(&rules).is_kept_as(wanted, OURS), kept, "{rules:?} for {wanted:?}");
    }
}

#[test]
fn a_rule_that_says_more_is_not_ours_as_it_was_written_and_another_s_that_deletes_is_told_whatever_else_it_says() {
    let wanted = lifecycle(json!({ "expire": "365d" }));
    let rule = |id: &str, more, exact, expire: &str| LifecycleRule {
        id: id.to_owned(),
        more,
        exact,
        lifecycle: lifecycle(json!({ "expire": expire })),
        ..seen(&[(id, true, json!({}))]).lifecycle.remove(0)
    };
    let with = |rules: &[LifecycleRule]| SeenBucket { lifecycle: rules.to_vec(), ..seen(&[]) };
    let ours = with(&[rule(OURS, true, true, "365d")]);
    assert!(!ours.is_kept_as(Some(&wanted), OURS));
    assert_eq!(ours.differences(&wanted, OURS), ["the rule `lifeboat-lab` says more than the plan does"]);
    assert!(with(&[rule("terraform", true, true, "365d")]).is_kept_as(Some(&wanted), OURS), "theirs may clear uploads");
    assert!(!with(&[rule("terraform", false, false, "365d")]).is_kept_as(Some(&wanted), OURS));
    let earlier = with(&[rule(OURS, false, true, "365d"), rule("terraform", true, false, "7d")]);
    assert_eq!(
        earlier.differences(&wanted, OURS),
        ["the rule `terraform` deletes objects after 7d, by the plan after 365d"]
    );
}

fn rule(to: &str, enabled: bool, whole: bool) -> ReplicationRule {
    let (id, to) = ("r".to_owned(), to.to_owned());
    ReplicationRule { id, to, enabled, whole, metrics: true, markers: true, key: None, filtered: true }
}

#[test]
fn a_bucket_is_replicated_by_a_rule_in_force_for_every_object_to_the_named_one() {
    for (rules, expected) in [
        (vec![], Err("no rule replicates it to `uploads-west`")),
        (vec![rule("elsewhere", true, true)], Err("no rule replicates it to `uploads-west`")),
        (vec![rule("uploads-west", false, true)], Err("the rule `r` to `uploads-west` is disabled")),
        (
            vec![rule("uploads-west", true, false)],
            Err("the rule `r` to `uploads-west` is for some of its objects only"),
        ),
        (vec![rule("uploads-west", true, false), rule("uploads-west", true, true)], Ok(())),
    ] {
        let seen = SeenBucket { replication: rules, ..seen(&[]) };
        assert_eq!(seen.replicated_to("uploads-west").map(drop), expected.map_err(str::to_owned), "{seen:?}");
    }
}

/// What would be set in a bucket with this role, as `setting: what is to be; what is`.
fn changes(seen: &SeenBucket, side: ActiveSide) -> Vec<String> {
    let bucket = bucket(|bucket| bucket["replicationRole"] = json!(ROLE));
    let changes = bucket.changes(side, seen, &plan()).into_iter();
    changes.map(|change| format!("{}: {}; {}", change.setting.name(), change.becomes, change.was)).collect()
}

#[test]
fn with_a_role_versions_are_kept_on_both_sides_and_then_the_rule_is_written_beside_others() {
    let to = "replication: to uploads-west, by arn:aws:iam::000000000000:role/replication";
    let bare = SeenBucket { versioned: false, ..seen(&[]) };
    assert_eq!(changes(&bare, ActiveSide::Primary), ["versions: kept; none".to_owned(), format!("{to}; none")]);
    assert_eq!(changes(&bare, ActiveSide::Replica), ["versions: kept; none"]);
    assert_eq!(changes(&seen(&[]), ActiveSide::Replica), [""; 0]);
    let ours = |enabled| ReplicationRule { id: OURS.to_owned(), ..rule("uploads-west", enabled, true) };
    let by = |role: &str, rules: &[ReplicationRule]| SeenBucket {
        replication_role: Some(role.to_owned()),
        replication: rules.to_vec(),
        ..seen(&[])
    };
    let others = rule("elsewhere", true, true);
    for (seen, was) in [
        (by(ROLE, &[ours(true)]), None),
        (by(ROLE, &[ours(true), others.clone()]), None),
        (by(ROLE, &[ours(false)]), Some(format!("to uploads-west, disabled, by {ROLE}"))),
        (by("theirs", &[ours(true)]), Some("to uploads-west, by theirs".to_owned())),
        (
            by(ROLE, &[ReplicationRule { metrics: false, markers: false, ..ours(true) }]),
            Some(format!("to uploads-west, without deletions, without metrics, by {ROLE}")),
        ),
        (by(ROLE, &[others]), Some("none".to_owned())),
        // Somebody else's does it.
        (by("theirs", &[rule("uploads-west", true, true)]), None),
    ] {
        let expected: Vec<String> = was.into_iter().map(|was| format!("{to}; {was}")).collect();
        assert_eq!(changes(&seen, ActiveSide::Primary), expected, "{seen:?}");
    }
    let without = bucket(|_| {});
    assert_eq!(without.changes(ActiveSide::Primary, &bare, &plan()), [], "without a role nothing is set");
}

#[test]
fn a_rule_that_would_change_what_others_rules_do_is_not_written() {
    let bucket = bucket(|bucket| bucket["replicationRole"] = json!(ROLE));
    let by = |role: &str, filtered| SeenBucket {
        replication_role: Some(role.to_owned()),
        replication: vec![ReplicationRule { filtered, ..rule("elsewhere", true, true) }],
        ..seen(&[])
    };
    let why = |seen: &SeenBucket, side| bucket.obstacle(side, seen, &plan()).map(|(why, _)| why);
    assert_eq!(why(&by(ROLE, true), ActiveSide::Primary), None);
    assert_eq!(why(&seen(&[]), ActiveSide::Primary), None, "there are no others");
    assert_eq!(why(&by("theirs", true), ActiveSide::Replica), None, "nothing is replicated from there");
    let role = why(&by("theirs", true), ActiveSide::Primary).unwrap();
    assert!(role.contains("by one role for all rules: `r` has theirs"), "{role}");
    let unfiltered = why(&by(ROLE, false), ActiveSide::Primary).unwrap();
    assert!(unfiltered.contains("`r` of `uploads-east` has no filter"), "{unfiltered}");
}

#[test]
fn a_lifecycle_that_is_set_shows_what_the_plan_s_rule_said_and_another_plan_s_stays() {
    let changes = |store: Value, rules: &[(&str, bool, Value)]| {
        let bucket = bucket(|bucket| bucket["store"] = store.clone());
        let changes = bucket.changes(ActiveSide::Replica, &seen(rules), &plan()).into_iter();
        changes.map(|change| format!("{}; {}", change.becomes, change.was)).collect::<Vec<_>>()
    };
    let (store, says) = (json!({ "lifecycle": { "expire": "365d" } }), json!({ "expire": "7d" }));
    assert_eq!(changes(store.clone(), &[]), ["deleted after 365d; none"]);
    assert_eq!(changes(store, &[(OURS, false, says.clone())]), ["deleted after 365d; deleted after 7d, disabled"]);
    assert_eq!(changes(Value::Null, &[(OURS, true, says.clone())]), ["none; deleted after 7d"]);
    assert_eq!(changes(Value::Null, &[("lifeboat-other", true, says)]), [""; 0]);
}

#[test]
fn the_key_of_the_other_side_is_written_and_what_a_rule_without_it_leaves_out_is_told() {
    const KEY: &str = "arn:aws:kms:us-west-2:000000000000:key/00000000-0000-0000-0000-000000000001";
    const OTHER: &str = "arn:aws:kms:us-west-2:000000000000:key/00000000-0000-0000-0000-000000000002";
    let with_key = |key: Option<&str>| {
        bucket(|bucket| (bucket["replicationRole"], bucket["replicationKey"]) = (json!(ROLE), json!(key)))
    };
    let rule = |key: Option<&str>| ReplicationRule {
        id: OURS.to_owned(),
        key: key.map(str::to_owned),
        ..rule("uploads-west", true, true)
    };
    let by = |key: Option<&str>, by_kms| SeenBucket {
        replication_role: Some(ROLE.to_owned()),
        replication: vec![rule(key)],
        by_kms,
        ..seen(&[])
    };
    for (wanted, is, by_kms, becomes, says) in [
        (None, None, false, None, None),
        (None, None, true, None, Some("S3 replicates nothing of it")),
        // What somebody added stays.
        (None, Some(OTHER), true, None, None),
        (Some(KEY), Some(KEY), true, None, None),
        (Some(KEY), None, false, Some(KEY), Some("names no key")),
        (Some(KEY), Some(OTHER), true, Some(KEY), Some("by the plan with")),
    ] {
        let (bucket, seen) = (with_key(wanted), by(is, by_kms));
        let set = bucket.changes(ActiveSide::Primary, &seen, &plan()).into_iter().map(|change| change.setting);
        let keys: Vec<_> = set
            .map(|setting| match setting {
                Setting::Replication { key, .. } => key.map(|key| key.to_string()),
                Setting::Versions | Setting::Lifecycle(_) => panic!("{setting:?}"),
            })
            .collect();
        let expected: Vec<_> = becomes.into_iter().map(|key| Some(key.to_owned())).collect();
        assert_eq!(keys, expected, "{wanted:?}, {is:?}");
        let told = bucket.left_out_by_key(&seen).map(|(what, _)| what);
        assert_eq!(told.is_some(), says.is_some(), "{told:?}");
        assert!(says.is_none_or(|says| told.unwrap().contains(says)));
    }
}
