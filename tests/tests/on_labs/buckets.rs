//! Buckets beside the pair: looked at by readiness with the engine's own role, set by `plan apply` beside what others put there.

use std::process::Output;

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, Destination, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter,
    ReplicationRuleStatus::{self, Enabled},
    VersioningConfiguration,
};
use domain::{plan::Plan, plan_file};
use lab::Lab;
use serde_json::json;
use tests::{labs, listener::Listener, repository};

const EAST: &str = "lab-uploads-east";
const WEST: &str = "lab-uploads-west";
const ROLE: &str = "arn:aws:iam::000000000000:role/replication";

/// The plan's rules.
const OURS: &str = "lifeboat-lab";

/// What somebody else put there.
const THEIRS: &str = "theirs";

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_looked_at_and_set_as_the_plan_says_beside_what_is_somebody_else_s() {
    let (lab, _place) = labs::start(&plan(), &Listener::default()).await.unwrap();
    let _turn = labs::turn().await;
    let world = World { lab };
    world.lab.start_by_hand_only().await.unwrap();
    world.it_is_as_the_plan_says_and_what_is_written_on_the_one_side_comes_to_the_other().await;
    world.a_lifecycle_that_somebody_changed_is_named_and_set_and_others_rules_stay().await;
    world.replication_that_was_switched_off_is_named_and_set_and_others_rules_stay().await;
    world.how_far_the_other_side_is_behind_and_what_failed_are_held_against_the_plan().await;
    world.a_bucket_without_versions_is_named_and_set_and_one_that_is_gone_is_refused().await;
    world.a_role_for_all_rules_is_not_changed_under_others().await;
    world.a_plan_that_says_no_lifecycle_any_more_takes_back_its_own().await;
    world.lab.shut_down().await;
}

/// The lab's plan with buckets that it sets, others that their owner replicates, and a service that the plan's own check is of.
fn plan() -> Plan {
    let file = "plans/lab.yaml";
    let mut plan = plan_file::read(&repository::text(file), file).unwrap();
    let components = [
        json!({
            "kind": "bucket", "name": "uploads", "primary": EAST, "recovery": WEST, "replicated": true,
            "replicationRole": ROLE, "store": { "lifecycle": { "standardIa": "30d", "expire": "365d" } },
        }),
        json!({
            "kind": "bucket", "name": "logs", "primary": "lab-logs-east", "recovery": "lab-logs-west",
            "replicated": true,
        }),
        json!({ "kind": "service", "name": "shop", "checks": ["orders can be read"] }),
    ];
    plan.components.extend(components.map(|component| serde_json::from_value(component).unwrap()));
    plan
}

struct World {
    lab: Lab,
}

impl World {
    fn region_of(&self, bucket: &str) -> &str {
        let regions = &self.lab.system.plan.regions;
        if bucket == EAST { regions.primary.as_str() } else { regions.recovery.as_str() }
    }

    fn s3(&self, bucket: &str) -> aws_sdk_s3::Client {
        self.lab.aws.gateway.s3(self.region_of(bucket))
    }

    async fn it_is_as_the_plan_says_and_what_is_written_on_the_one_side_comes_to_the_other(&self) {
        for (from, to) in [(EAST, WEST), ("lab-logs-east", "lab-logs-west")] {
            self.told(&format!(
                "ready  buckets          `{from}` and `{to}` are as the plan says; replication was at most"
            ))
            .await;
        }
        let put = self.s3(EAST).put_object().bucket(EAST).key("a.jpg").body(b"a picture".to_vec().into());
        put.send().await.unwrap();
        let there = self.s3(WEST).get_object().bucket(WEST).key("a.jpg").send().await.unwrap();
        assert_eq!(there.body.collect().await.unwrap().to_vec(), b"a picture");
    }

    async fn a_lifecycle_that_somebody_changed_is_named_and_set_and_others_rules_stay(&self) {
        self.write_rules(WEST, 7).await;
        self.told(&format!(
            "NOT READY  buckets          the lifecycle of `{WEST}`: nothing is STANDARD_IA after 30d; objects are deleted \
             after 7d, by the plan after 365d"
        ))
        .await;
        let told = self.applied(&self.lab.system.whole).await;
        let says = format!(
            "changed   s3://{WEST}, lifecycle: STANDARD_IA after 30d, deleted after 365d; was: deleted after 7d"
        );
        assert!(told.contains(&says) && !told.contains(&format!("s3://{EAST}")), "{told}");
        assert_eq!(self.aging(WEST).await, ["lifeboat-lab 365", "theirs 1"]);
        let told = self.applied(&self.lab.system.whole).await;
        assert!(told.contains("nothing to change"), "{told}");
        self.told(&format!("ready  buckets          `{EAST}` and `{WEST}` are as the plan says")).await;
    }

    async fn replication_that_was_switched_off_is_named_and_set_and_others_rules_stay(&self) {
        self.replicate(ROLE, &[(OURS, WEST, ReplicationRuleStatus::Disabled), (THEIRS, "lab-logs-west", Enabled)])
            .await;
        let off = "`lab-uploads-east`: the rule `lifeboat-lab` to `lab-uploads-west` is disabled";
        self.told(&format!("NOT READY  buckets          {off}")).await;
        let told = self.applied(&self.lab.system.whole).await;
        let says = format!(
            "changed   s3://{EAST}, replication: to {WEST}, by {ROLE}; was: to {WEST}, without deletions, without metrics, \
             disabled, by {ROLE}"
        );
        assert!(told.contains(&says), "{told}");
        assert_eq!(self.replicating().await, ["lifeboat-lab 1 Enabled", "theirs 2 Enabled"]);
        let told = self.applied(&self.lab.system.whole).await;
        assert!(told.contains("nothing to change"), "{told}");
    }

    /// The lab's plan may lose five seconds.
    async fn how_far_the_other_side_is_behind_and_what_failed_are_held_against_the_plan(&self) {
        self.tell("ReplicationLatency", WEST, 4.0).await;
        self.told("replication was at most 4s behind of late").await;
        self.tell("OperationsFailedReplication", EAST, 2.0).await;
        self.told(&format!(
            "NOT READY  buckets          S3 failed to replicate from `{EAST}` to `{WEST}` within the last day: 2 in number"
        ))
        .await;
        self.tell("ReplicationLatency", WEST, 6.0).await;
        self.told(&format!("NOT READY  buckets          `{WEST}` is 6s behind `{EAST}`")).await;
    }

    async fn a_bucket_without_versions_is_named_and_set_and_one_that_is_gone_is_refused(&self) {
        let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
        let set = self.s3(WEST).put_bucket_versioning().bucket(WEST).versioning_configuration(suspended);
        set.send().await.unwrap();
        self.told(&format!("NOT READY  buckets          `{WEST}` keeps no versions")).await;
        let told = self.applied(&self.lab.system.whole).await;
        assert!(told.contains(&format!("changed   s3://{WEST}, versions: kept; was: none")), "{told}");
        let mut plan = self.lab.system.whole.clone();
        let text = serde_json::to_string(&plan.components).unwrap().replace(WEST, "lab-uploads-gone");
        plan.components = serde_json::from_str(&text).unwrap();
        let (code, told) = self.apply(&plan).await;
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("the engine in us-west-2 may not reach `lab-uploads-gone` in us-west-2"), "{told}");
        assert!(told.contains("there is no bucket `lab-uploads-gone`, by the plan in us-west-2"), "{told}");
    }

    async fn a_role_for_all_rules_is_not_changed_under_others(&self) {
        let other = "arn:aws:iam::000000000000:role/other";
        self.replicate(other, &[(THEIRS, "lab-logs-west", Enabled)]).await;
        let (code, told) = self.apply(&self.lab.system.whole).await;
        let says = format!("S3 replicates `{EAST}` by one role for all rules: `theirs` has {other}, and not {ROLE}");
        assert!(code == 1 && told.contains(&says) && told.contains("Nothing was changed"), "{code}: {told}");
        assert_eq!(self.replicating().await, ["theirs 1 Enabled"]);
        let gone = self.s3(EAST).delete_bucket_replication().bucket(EAST).send().await;
        gone.unwrap();
        self.told(&format!("NOT READY  buckets          `{EAST}`: no rule replicates it to `{WEST}`")).await;
        let told = self.applied(&self.lab.system.whole).await;
        assert!(told.contains(&format!("s3://{EAST}, replication: to {WEST}, by {ROLE}; was: none")), "{told}");
    }

    async fn a_plan_that_says_no_lifecycle_any_more_takes_back_its_own(&self) {
        let mut plan = serde_json::to_value(&self.lab.system.whole).unwrap();
        let bucket = plan["components"].as_array_mut().unwrap().iter_mut().find(|of| of["name"] == "uploads");
        bucket.unwrap().as_object_mut().unwrap().remove("store");
        let told = self.applied(&serde_json::from_value(plan).unwrap()).await;
        let says = format!("changed   s3://{WEST}, lifecycle: none; was: STANDARD_IA after 30d, deleted after 365d");
        assert!(told.contains(&says), "{told}");
        assert_eq!(self.aging(WEST).await, ["theirs 1"]);
        assert_eq!(self.aging(EAST).await, [""; 0]);
    }

    /// Our rule as somebody changed it, beside one of theirs.
    async fn write_rules(&self, bucket: &str, days: i32) {
        let rule = |id: &str, prefix: &str, days: i32| {
            LifecycleRule::builder()
                .id(id)
                .status(ExpirationStatus::Enabled)
                .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
                .expiration(LifecycleExpiration::builder().days(days).build())
                .build()
                .unwrap()
        };
        let rules = BucketLifecycleConfiguration::builder();
        let rules = rules.rules(rule(OURS, "", days)).rules(rule(THEIRS, "parts/", 1)).build().unwrap();
        let put = self.s3(bucket).put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(rules);
        put.send().await.unwrap();
    }

    /// The ids of a bucket's rules, each with after how many days it deletes.
    async fn aging(&self, bucket: &str) -> Vec<String> {
        let Ok(told) = self.s3(bucket).get_bucket_lifecycle_configuration().bucket(bucket).send().await else {
            return Vec::new();
        };
        let shown = |rule: &LifecycleRule| {
            let days = rule.expiration().and_then(LifecycleExpiration::days).unwrap_or_default();
            format!("{} {days}", rule.id().unwrap_or_default())
        };
        let mut rules: Vec<String> = told.rules().iter().map(shown).collect();
        rules.sort();
        rules
    }

    /// What somebody makes of the bucket's replication: by this role, rules with these ids to these buckets.
    async fn replicate(&self, role: &str, rules: &[(&str, &str, ReplicationRuleStatus)]) {
        let rule = |(priority, (id, to, status)): (i32, &(&str, &str, ReplicationRuleStatus))| {
            let to = Destination::builder().bucket(format!("arn:aws:s3:::{to}")).build().unwrap();
            let rule = ReplicationRule::builder().id(*id).priority(priority).status(status.clone()).destination(to);
            rule.filter(ReplicationRuleFilter::builder().prefix("").build()).build().unwrap()
        };
        let rules = (1..).zip(rules).map(rule).collect();
        let all = ReplicationConfiguration::builder().role(role).set_rules(Some(rules)).build().unwrap();
        self.s3(EAST).put_bucket_replication().bucket(EAST).replication_configuration(all).send().await.unwrap();
    }

    /// The ids of the rules that replicate the bucket, each with its priority and whether it is in force.
    async fn replicating(&self) -> Vec<String> {
        let told = self.s3(EAST).get_bucket_replication().bucket(EAST).send().await.unwrap();
        let rules = told.replication_configuration.unwrap().rules;
        let shown = |rule: &ReplicationRule| {
            format!("{} {} {}", rule.id().unwrap(), rule.priority().unwrap(), rule.status().as_str())
        };
        let mut rules: Vec<String> = rules.iter().map(shown).collect();
        rules.sort();
        rules
    }

    /// What S3 tells CloudWatch of the plan's rule, in the Region of this bucket.
    async fn tell(&self, metric: &str, of: &str, value: f64) {
        let cloudwatch = aws_sdk_cloudwatch::Client::new(&self.lab.aws.gateway.sdk_config(self.region_of(of)));
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let datum = MetricDatum::builder()
            .metric_name(metric)
            .dimensions(dimension("SourceBucket", EAST))
            .dimensions(dimension("DestinationBucket", WEST))
            .dimensions(dimension("RuleId", OURS))
            .value(value)
            .build();
        cloudwatch.put_metric_data().namespace("AWS/S3").metric_data(datum).send().await.unwrap();
    }

    /// Looks whether the plan is ready, which says this.
    async fn told(&self, says: &str) {
        let (_, told) = self.lifeboat("readiness lab").await;
        assert!(told.contains(says), "{says}:\n{told}");
    }

    /// What `plan apply` says where it goes through.
    async fn applied(&self, plan: &Plan) -> String {
        let (code, told) = self.apply(plan).await;
        assert_eq!(code, 0, "{told}");
        told
    }

    async fn apply(&self, plan: &Plan) -> (i32, String) {
        let file = self.lab.aws.folder.join("applied.json");
        std::fs::write(&file, serde_json::to_string(plan).unwrap()).unwrap();
        self.lifeboat(&format!("plan apply {} --yes", file.display())).await
    }

    /// Gives a command of ours in the recovery Region; its exit code and what it says.
    async fn lifeboat(&self, words: &str) -> (i32, String) {
        let mut shell = labs::shell(&self.lab, &format!("lifeboat {words}"));
        // The lab's own services go on meanwhile.
        let ran: Output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        let told = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (ran.status.code().unwrap(), told)
    }
}
