//! Rules of S3 as they are read and written.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, Destination, EncryptionConfiguration, LifecycleExpiration, LifecycleRuleFilter,
    NoncurrentVersionExpiration, ReplicationRuleFilter, Transition,
};

use super::{setting::*, *};

const ID: &str = "lifeboat-lab";

fn rule() -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
    Rule::builder().id("x").status(ExpirationStatus::Enabled)
}

fn transition(class: &str, days: i32) -> Transition {
    Transition::builder().days(days).storage_class(class.into()).build()
}

#[test]
fn what_a_plan_says_is_written_as_a_rule_that_reads_as_it_was_said() {
    let wanted = Lifecycle::default().with(Stage::StandardIa, 30).with(Stage::Glacier, 90).with(Stage::Expire, 365);
    let written = lifecycle_rule(&our_aging(&wanted, ID).unwrap());
    let as_said =
        LifecycleRule { id: ID.into(), enabled: true, whole: true, exact: true, more: false, lifecycle: wanted };
    assert_eq!(written, as_said);
}

#[test]
fn a_rule_for_some_objects_by_dates_to_another_class_or_of_versions_is_not_taken_for_a_plan_s() {
    let filter = |filter: aws_sdk_s3::types::builders::LifecycleRuleFilterBuilder| rule().filter(filter.build());
    let date = LifecycleExpiration::builder().date(aws_sdk_s3::primitives::DateTime::from_secs(0)).build();
    let markers = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
    let uploads = AbortIncompleteMultipartUpload::builder().days_after_initiation(7).build();
    let versions = NoncurrentVersionExpiration::builder().noncurrent_days(7).build();
    let new_filter = LifecycleRuleFilter::builder;
    for (rule, whole, exact, more) in [
        (rule(), true, true, false),
        (filter(new_filter().prefix("")), true, true, false),
        (filter(new_filter().prefix("logs/")), false, true, false),
        (filter(new_filter().object_size_greater_than(1)), false, true, false),
        (rule().transitions(transition("GLACIER", 3)), true, true, false),
        (rule().transitions(transition("INTELLIGENT_TIERING", 3)), true, false, false),
        (rule().expiration(date), true, false, false),
        (rule().expiration(markers), true, true, true),
        (rule().abort_incomplete_multipart_upload(uploads), true, true, true),
        (rule().noncurrent_version_expiration(versions), true, true, true),
    ] {
        let rule = rule.build().unwrap();
        let read = lifecycle_rule(&rule);
        assert_eq!((read.whole, read.exact, read.more), (whole, exact, more), "{rule:?}");
    }
}

fn replicating(id: &str, priority: i32, to: Destination) -> Replication {
    let filter = ReplicationRuleFilter::builder().prefix("logs/").build();
    let rule = Replication::builder().id(id).priority(priority).status(ReplicationRuleStatus::Disabled);
    rule.filter(filter).destination(to).build().unwrap()
}

#[test]
fn our_rule_of_replication_is_written_beside_others_and_what_was_added_to_it_stays() {
    let to = "uploads-west";
    let destination = || Destination::builder().bucket("arn:aws:s3:::elsewhere");
    let theirs = replicating("theirs", 7, destination().build().unwrap());
    let key = EncryptionConfiguration::builder().replica_kms_key_id("alias/uploads").build();
    let changed = replicating(ID, 3, destination().encryption_configuration(key.clone()).build().unwrap());
    for (before, priority, encryption) in
        [(vec![theirs.clone()], 8, None), (vec![changed, theirs.clone()], 3, Some(&key)), (vec![], 1, None)]
    {
        let are_there = before.contains(&theirs);
        let rules = with_our_replication(before.clone(), ID, format!("arn:aws:s3:::{to}"), None).unwrap();
        assert_eq!(rules.contains(&theirs), are_there);
        let ours = rules.iter().find(|rule| rule.id() == Some(ID)).unwrap();
        let read = ReplicationRule {
            id: ID.to_owned(),
            to: to.to_owned(),
            enabled: true,
            whole: true,
            metrics: true,
            markers: true,
            // One that the rule names and does not select for is of no use.
            key: None,
            filtered: true,
        };
        assert_eq!(replication_rule(ours), read);
        assert_eq!(ours.priority(), Some(priority));
        assert_eq!(ours.destination().unwrap().encryption_configuration(), encryption);
        let named = "arn:aws:kms:us-west-2:000000000000:key/00000000-0000-0000-0000-000000000001".parse().unwrap();
        let rules = with_our_replication(before, ID, format!("arn:aws:s3:::{to}"), Some(&named)).unwrap();
        let ours = rules.iter().find(|rule| rule.id() == Some(ID)).unwrap();
        assert_eq!(replication_rule(ours), ReplicationRule { key: Some(named.to_string()), ..read });
    }
}
