//! Backups that are bound in time, meet each other, are looked at at once, and how far back a point in time is.

use domain::{
    plan::{Overlap, Plan},
    plan_file,
    restore::RestoreRecord,
    run::outcome::UpkeepOutcome,
    words::time_span::TimeSpan,
};
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};
use tests::labs;
use tokio::time::sleep;

use std::time::{Duration, Instant};

use super::world::{Ended, PATIENCE, Shown, World};

/// The lab's plan with further schedules of the same component.
fn plan() -> Plan {
    let mut plan = plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
    let of = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut backup = json!(plan.backups[0]);
        backup["name"] = name.into();
        change(&mut backup);
        serde_json::from_value(backup).unwrap()
    };
    let short = of("short", &|backup| backup["within"] = "1m".into());
    let waiting = of("waiting", &|backup| backup["overlap"] = json!(Overlap::Wait));
    let proved = of("proved", &|backup| backup["verification"]["afterEach"] = true.into());
    let lacking = of("lacking", &|backup| {
        backup["verification"]["afterEach"] = true.into();
        backup["alarm"]["smallerThanBytes"] = json!(1_000_000_000_000_u64);
    });
    plan.backups.extend([short, waiting, proved, lacking]);
    for component in &mut plan.components {
        let domain::component::Component::PostgresPair(pair) = component else { continue };
        pair.point_in_time = Some(TimeSpan::seconds(7 * 24 * 3_600));
    }
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_its_time_its_turn_and_its_proof() {
    let (lab, _place) = labs::start(&plan(), &Shown).await.unwrap();
    let _turn = labs::turn().await;
    let world = World { lab: &lab, now: Timestamp::now().round(Unit::Second).unwrap() };
    world.points_in_time_reach_as_far_back_as_the_plan_says().await;
    world.one_that_is_over_its_time_says_what_it_lacks_and_the_next_is_skipped_meanwhile().await;
    world.one_that_is_to_wait_waits_for_the_other_s_end().await;
    world.one_is_looked_at_once_it_is_whole().await;
    world.one_with_a_fault_is_not_as_it_should_be().await;
    lab.shut_down().await;
}

impl World<'_> {
    fn of(&self, schedule: &str, minutes_ago: i64) -> Value {
        json!({ "plan": "lab", "schedule": schedule, "scheduledAt": self.at(minutes_ago) })
    }

    async fn made_by(&self, schedule: &str, minutes_ago: i64) -> bool {
        let primary = &self.lab.system.plan.regions.primary;
        let name = format!("lifeboat-lab-orders-{schedule}-{}", self.at(minutes_ago).strftime("%Y%m%dt%H%M%S"));
        self.snapshots(primary).await.iter().any(|found| found.db_snapshot_identifier() == Some(&name))
    }

    async fn once_made_by(&self, schedule: &str, minutes_ago: i64) {
        let began = Instant::now();
        while !self.made_by(schedule, minutes_ago).await {
            assert!(began.elapsed() < PATIENCE, "{schedule} takes no snapshot");
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn points_in_time_reach_as_far_back_as_the_plan_says(&self) {
        let rds = self.rds(&self.lab.system.plan.regions.primary);
        for (days, state) in [(1, "not-ready"), (7, "ready")] {
            let modify = rds.modify_db_instance().db_instance_identifier("orders-primary");
            modify.backup_retention_period(days).send().await.unwrap();
            let found = self.readiness().await;
            let found = found.iter().find(|finding| finding["need"] == "point-in-time").unwrap();
            assert_eq!(found["state"], state, "{found}");
            let remedy = found["remedy"].as_str().unwrap_or_default();
            assert_eq!(remedy.ends_with("--backup-retention-period 7"), state == "not-ready", "{found}");
        }
    }

    /// What `lifeboat readiness` shows.
    async fn readiness(&self) -> Vec<Value> {
        let region = self.lab.system.plan.regions.recovery.as_str();
        let lambda = aws_sdk_lambda::Client::new(&self.lab.aws.gateway.sdk_config(region));
        let event = json!({ "plan": "lab", "quietly": true }).to_string().into_bytes();
        let invoke = lambda.invoke().function_name("lifeboat-check-readiness");
        let answer = invoke.payload(aws_sdk_lambda::primitives::Blob::new(event)).send().await.unwrap();
        let answer: Value = serde_json::from_slice(answer.payload.unwrap().as_ref()).unwrap();
        answer["did"]["findings"].as_array().cloned().unwrap_or_else(|| panic!("{answer}"))
    }

    /// With no room for its copy.
    async fn one_that_is_over_its_time_says_what_it_lacks_and_the_next_is_skipped_meanwhile(&self) {
        let rds = &self.lab.aws.rds;
        rds.limit_copies(0);
        let began = Timestamp::now();
        let over = self.start("over", &self.of("short", 2)).await;
        self.once_made_by("short", 2).await;

        let skipped = self.end(&self.start("skipped", &self.of("short", 1)).await).await;
        assert_eq!(skipped.end, "BackupRefused", "{}", skipped.cause);
        let says = format!("run `over`, for {}, is still at work, since ", self.at(2));
        assert!(skipped.cause.starts_with(&says), "{}", skipped.cause);
        let told = |what: &'static str, subject: &'static str| {
            self.lab.pager.notice(began, what, move |told| told.subject.ends_with(subject))
        };
        let notice = told("a skipped backup", "schedule short: SKIPPED").await.unwrap();
        assert!(
            notice.message.contains(&says) && notice.message.contains("A backup was skipped"),
            "{}",
            notice.message
        );
        assert!(!self.made_by("short", 1).await, "nothing is begun");

        let Ended { end, cause } = self.end(&over).await;
        assert_eq!(end, "BackupPartial", "{cause}");
        assert!(cause.starts_with("orders: not finished within 1m: us-west-2: "), "{cause}");
        let took = Timestamp::now().duration_since(began).as_secs_f64();
        // A state waits until a whole second.
        assert!((59.0..80.0).contains(&took), "a minute, not {took} s");
        let notice = told("one over its time", "schedule short: INCOMPLETE").await.unwrap();
        assert!(
            notice.message.contains("not finished within 1m") && notice.message.contains("--at"),
            "{}",
            notice.message
        );

        rds.limit_copies(20);
        self.end(&self.start("completed", &self.of("short", 2)).await).await.succeeded();
    }

    async fn one_that_is_to_wait_waits_for_the_other_s_end(&self) {
        let rds = &self.lab.aws.rds;
        rds.limit_copies(0);
        let first = self.start("first-of-two", &self.of("waiting", 2)).await;
        self.once_made_by("waiting", 2).await;
        let second = self.start("second-of-two", &self.of("waiting", 1)).await;
        sleep(Duration::from_secs(3)).await;
        assert!(!self.made_by("waiting", 1).await, "it waits");
        rds.limit_copies(20);
        self.end(&first).await.succeeded();
        self.end(&second).await.succeeded();
        assert!(self.made_by("waiting", 1).await);
    }

    /// The record of the look at a schedule's only backup.
    async fn look_of(&self, schedule: &str) -> RestoreRecord {
        let keys = self.lab.system.keys(&self.lab.aws, "reports/lab/restores/").await.unwrap();
        let of_it = |key: &&String| key.starts_with(&format!("reports/lab/restores/lab-{schedule}-"));
        let key = keys.iter().find(of_it).unwrap_or_else(|| panic!("{schedule}: none of {keys:?}"));
        let text = self.lab.system.object(&self.lab.aws, key).await.unwrap().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    async fn one_is_looked_at_once_it_is_whole(&self) {
        let execution = self.start("looked-at", &self.of("proved", 1)).await;
        self.end(&execution).await.succeeded();
        let told = self.states().describe_execution().execution_arn(&execution).send().await.unwrap();
        let output: Value = serde_json::from_str(told.output().unwrap()).unwrap();
        assert_eq!((&output["outcome"], &output["proof"]["outcome"]), (&json!("complete"), &json!("complete")));
        let record = self.look_of("proved").await;
        assert_eq!(record.outcome, UpkeepOutcome::Complete);
    }

    /// Of a database that is smaller than the plan lets it be.
    async fn one_with_a_fault_is_not_as_it_should_be(&self) {
        let began = Timestamp::now();
        let execution = self.start("found-wanting", &self.of("lacking", 1)).await;
        let Ended { end, cause } = self.end(&execution).await;
        assert_eq!(end, "BackupPartial", "{cause}");
        let says = "all of it is there, and the look at it did not end as complete: VerifyBackupFailed: ";
        assert!(cause.starts_with(says) && cause.contains("it is large enough"), "{cause}");
        assert_eq!(self.look_of("lacking").await.outcome, UpkeepOutcome::Failed);
        for subject in ["integrity check of lab's backups: FAILED", "schedule lacking: INCOMPLETE"] {
            self.lab.pager.notice(began, subject, |told| told.subject.ends_with(subject)).await.unwrap();
        }
    }
}
