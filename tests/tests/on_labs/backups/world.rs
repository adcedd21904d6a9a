//! A lab with a protected system, and its state machines as a person starts them.

use std::time::{Duration, Instant};

use aws_sdk_rds::types::DbSnapshot;
use domain::{
    backup::Manifest,
    cleanup::{self, Report},
    words::id::Region,
};
use jiff::{Timestamp, ToSpan};
use lab::{Lab, gateway::ACCOUNT, setup::Progress};
use serde_json::{Value, json};

pub(super) struct Shown;

impl Progress for Shown {
    #[expect(clippy::print_stdout, reason = "how far it is, for whoever waits")]
    fn step(&self, what: &str) {
        println!("{what}");
    }
}

/// How long a run may take with the lab's small database.
pub(super) const PATIENCE: Duration = Duration::from_secs(240);

pub(super) struct World<'s> {
    pub(super) lab: &'s Lab,
    pub(super) now: Timestamp,
}

/// How a run ended: its error, or `SUCCEEDED`.
pub(super) struct Ended {
    pub(super) end: String,
    pub(super) cause: String,
}

impl Ended {
    /// It did, or its cause is told.
    pub(super) fn succeeded(&self) {
        assert_eq!(self.end, "SUCCEEDED", "{}", self.cause);
    }
}

impl World<'_> {
    /// A time of its own for each backup.
    pub(super) fn at(&self, minutes_ago: i64) -> Timestamp {
        self.now - minutes_ago.minutes()
    }

    pub(super) fn states(&self) -> aws_sdk_sfn::Client {
        let region = self.lab.system.plan.regions.recovery.as_str();
        aws_sdk_sfn::Client::new(&self.lab.aws.gateway.sdk_config(region))
    }

    pub(super) async fn start(&self, name: &str, request: &Value) -> String {
        self.start_a("backup", name, request).await
    }

    pub(super) async fn start_a(&self, machine: &str, name: &str, request: &Value) -> String {
        let region = &self.lab.system.plan.regions.recovery;
        let arn = format!("arn:aws:states:{region}:{ACCOUNT}:stateMachine:lifeboat-{machine}");
        let start = self.states().start_execution().state_machine_arn(arn).name(name).input(request.to_string());
        start.send().await.unwrap().execution_arn
    }

    pub(super) async fn end(&self, execution: &str) -> Ended {
        let began = Instant::now();
        loop {
            let told = self.states().describe_execution().execution_arn(execution).send().await.unwrap();
            if told.status != aws_sdk_sfn::types::ExecutionStatus::Running {
                let end = told.error.unwrap_or(told.status.as_str().to_owned());
                return Ended { end, cause: told.cause.unwrap_or_default() };
            }
            assert!(began.elapsed() < PATIENCE, "{execution} still runs");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(super) async fn back_up(&self, name: &str, at: Timestamp) -> Ended {
        let request = json!({ "plan": "lab", "schedule": "daily", "scheduledAt": at });
        self.end(&self.start(name, &request).await).await
    }

    pub(super) async fn manifest(&self, at: Timestamp) -> Option<Manifest> {
        let plan = &self.lab.system.plan;
        let key = domain::backup::manifest_key(&plan.plan, &plan.backups[0].name, at);
        let text = self.lab.system.object(&self.lab.aws, &key).await.unwrap()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    pub(super) async fn manifests(&self) -> Vec<String> {
        self.lab.system.keys(&self.lab.aws, "backups/lab/daily/").await.unwrap()
    }

    pub(super) fn rds(&self, region: &Region) -> aws_sdk_rds::Client {
        aws_sdk_rds::Client::new(&self.lab.aws.gateway.sdk_config(region.as_str()))
    }

    pub(super) async fn snapshots(&self, region: &Region) -> Vec<DbSnapshot> {
        let rds = self.rds(region);
        rds.describe_db_snapshots().snapshot_type("manual").send().await.unwrap().db_snapshots.unwrap_or_default()
    }

    pub(super) async fn how_many(&self) -> [usize; 2] {
        let regions = &self.lab.system.plan.regions;
        [self.snapshots(&regions.primary).await.len(), self.snapshots(&regions.recovery).await.len()]
    }

    pub(super) async fn clean(&self, name: &str, request: &Value) -> (Ended, Vec<Report>) {
        let execution = self.start_a("cleanup", name, request).await;
        let ended = self.end(&execution).await;
        let plan = &self.lab.system.plan;
        let mut reports = Vec::new();
        for region in plan.backup_regions() {
            let key = cleanup::report_key(&plan.plan, &execution.parse().unwrap(), &region);
            let text = self.lab.system.object(&self.lab.aws, &key).await.unwrap();
            reports.extend(text.map(|text| serde_json::from_str::<Report>(&text).unwrap()));
        }
        (ended, reports)
    }
}
