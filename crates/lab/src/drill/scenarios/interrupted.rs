//! A copy that breaks off half way.

use std::time::Duration;

use jiff::Timestamp;

use super::Drill;
use crate::{
    drill::{DrillError, upkeep::Order},
    report::{Actor, DrillResult, Ending, Event},
    system::{SystemError, until},
};

/// Slow enough that a copy of the lab's small database takes seconds.
const SLOW: u64 = 10_000_000;

/// How far a copy is when it is broken off, in percent, at least.
const HALF_WAY: i32 = 30;

/// How long a copy may take to be half way.
const HALF_WITHIN: Duration = Duration::from_secs(60);

impl Drill<'_> {
    pub(super) async fn copy_interrupted(&mut self) -> Result<DrillResult, DrillError> {
        let result = self.broken_off().await;
        // Also after an error: the next copy must be as fast as it can.
        self.lab.aws.rds.slow_copies(None);
        result
    }

    async fn broken_off(&mut self) -> Result<DrillResult, DrillError> {
        let (aws, regions) = (&self.lab.aws, &self.plan().regions);
        let clients = self.patient_clients().await?;
        let began_at = self.begun();
        aws.rds.slow_copies(Some(SLOW));
        let told = format!("to {} MB a second", SLOW / 1_000_000);
        self.happened(began_at, Event::CopiesSlowed, told, Actor::Disaster);
        let order = Order::Backup(self.scheduled(0));
        let run = self.begin("a backup", &order).await?;
        let percent = self.half_way().await?;
        aws.rds.interrupt_copies();
        aws.rds.slow_copies(None);
        let told = format!("the copy to {}, at {percent} percent", regions.recovery);
        self.happened(Timestamp::now(), Event::CopiesBrokenOff, told, Actor::Disaster);
        let poor = self.end("a backup", &order, &run, Ending::Partial).await?;
        let name = poor.taken().map(|taken| taken.snapshot.clone()).unwrap_or_default();
        let says = poor.result.because.contains("could not complete") && poor.result.because.contains(&name);
        self.check("it says that the copy could not be completed", says, &poor.result.because);
        let at = format!("--at {}", self.scheduled(0));
        self.called("a person is told, with the command that completes it", |told| {
            told.subject.contains("INCOMPLETE") && told.message.contains(&at)
        })
        .await?;

        let again = self.backup("the same backup again", 0, Ending::Partial).await?;
        let missing = again.taken().map_or(0, |taken| taken.missing.len());
        let claim = "the failed copy is not taken for one, nor is it deleted";
        let copy = self.state(&name).await?;
        self.check(claim, missing == 1 && copy == "failed", format!("{missing} missing, the copy is {copy}"));
        let next = self.backup("the next backup", 1, Ending::Complete).await?;
        let places = next.taken().map_or(0, |taken| taken.places.len());
        self.check("the next backup is whole", places == 2, format!("it is in {places} Regions"));

        let cleanup = self.ran("a cleanup", Order::Cleanup, Ending::Complete).await?;
        let copy = self.state(&name).await?;
        self.check("a cleanup takes the failed copy away", copy == "not there", &cleanup.result.because);
        let whole = self.backup("the same backup after it", 0, Ending::Complete).await?;
        let database = |taken: Option<&domain::backup::Taken>| taken.map(|taken| taken.database.clone());
        let same = database(whole.taken()).is_some() && database(whole.taken()) == database(poor.taken());
        let found = format!("the copy is {}", self.state(&name).await?);
        self.check("then it is completed, of the snapshot that there was", same, found);
        let runs = [poor, again, next, cleanup, whole].map(|ended| ended.result);
        self.undisturbed(began_at, runs.into(), clients).await
    }

    /// Waits until a copy is half way, and says how far it is.
    async fn half_way(&self) -> Result<i32, DrillError> {
        let region = &self.plan().regions.recovery;
        let found = until(HALF_WITHIN, "a copy that is half way", async || {
            let all = self.snapshots(region).await.map_err(|error| SystemError::Aws {
                doing: "look for a copy".into(),
                why: domain::words::failure::chain(&error),
            })?;
            let making = all.iter().filter(|snapshot| snapshot.status() == Some("creating"));
            Ok(making.filter_map(|snapshot| snapshot.percent_progress()).find(|percent| *percent >= HALF_WAY))
        })
        .await?;
        Ok(found)
    }

    async fn state(&self, name: &str) -> Result<String, DrillError> {
        let found = self.snapshot(&self.plan().regions.recovery, name).await?;
        Ok(found.as_ref().and_then(|found| found.status()).unwrap_or("not there").to_owned())
    }
}
