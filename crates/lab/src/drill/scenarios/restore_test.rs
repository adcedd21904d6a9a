//! A backup that is proved, and how long each part of that takes.

use std::time::Duration;

use domain::restore::{Purpose, Wanted};

use super::{Drill, backed_up::is_verified};

use rds_on_postgres::WorkKind;

use crate::{
    drill::{
        DrillError,
        upkeep::{Ended, Order},
    },
    report::{DrillResult, Ending},
};

/// What the engine may add to PostgreSQL's own work: it looks again every one to three seconds.
const MOST_ADDED: Duration = Duration::from_secs(5);

impl Drill<'_> {
    pub(super) async fn restore_test(&mut self) -> Result<DrillResult, DrillError> {
        let before = self.restores().await?;
        let clients = self.patient_clients().await?;
        let began_at = self.begun();
        let backup = self.backup("backup", 0, Ending::Complete).await?;
        let test = Order::Restore(Purpose::Test, Wanted::Latest);
        let test = self.ran("restore test", test, Ending::Complete).await?;
        self.proved(&backup, &test, &before).await?;
        self.measure(&backup, &test);
        self.undisturbed(began_at, vec![backup.result, test.result], clients).await
    }

    async fn proved(&mut self, backup: &Ended, test: &Ended, before: &[String]) -> Result<(), DrillError> {
        let name = backup.taken().map_or("", |taken| taken.snapshot.as_str());
        let regions = &self.plan().regions;
        let original = self.snapshot(&regions.primary, name).await?;
        let copy = self.snapshot(&regions.recovery, name).await?;
        let there = [&original, &copy].map(|found| found.as_ref().and_then(|found| found.status()));
        let both = there == [Some("available"); 2];
        let places = format!("{}: {:?}, {}: {:?}", regions.primary, there[0], regions.recovery, there[1]);
        self.check("the backup is available in both Regions", both, places);
        let restored = test.restored();
        let of = restored.and_then(|part| Some(part.examined.as_ref()?.chosen.as_ref()?.origin.name()));
        let of = of.unwrap_or_else(|| "nothing".to_owned());
        self.check("the test restored that backup", !name.is_empty() && of == name, of);
        let verified = restored.and_then(|part| part.verified.as_ref());
        let answered = verified.map_or(0, |verified| verified.checks.len());
        let tagged = verified.is_some_and(|verified| verified.tagged) && copy.as_ref().is_some_and(is_verified);
        let found = format!("{answered} answers of the restored database, tagged: {tagged}");
        self.check("it is tagged as verified, by its record and by RDS", tagged, found);
        let left = self.restores().await?;
        let is_new = |name: &&String| !before.contains(name);
        let new: Vec<&String> = left.iter().filter(is_new).collect();
        let gone = restored.is_some_and(|part| !part.left) && new.is_empty();
        self.check("nothing is left behind", gone, format!("{} restored instances", new.len()));
        Ok(())
    }

    /// Where the time went. Everything but PostgreSQL's work and the copying of its files counts as the engine's: waits
    /// between two looks, functions, and the emulator.
    fn measure(&mut self, backup: &Ended, test: &Ended) {
        let megabytes = backup.taken().and_then(|taken| taken.database.size_bytes).map_or(0, |bytes| bytes / 1_000_000);
        self.reading("the database's size", "MB", megabytes);
        let taking = self.spent(backup, WorkKind::BaseBackup);
        let copying = self.spent(backup, WorkKind::Copy);
        let files = self.spent(test, WorkKind::Files);
        let start = self.spent(test, WorkKind::Start);
        let stop = self.spent(test, WorkKind::Stop);
        let checks = test.restored().and_then(|part| part.verified.as_ref()).map(|verified| &verified.checks);
        let answers = checks.map_or(0, |checks| checks.iter().map(|check| check.took_milliseconds).sum());
        let answers = Duration::from_millis(answers);
        let seen = test.restored().and_then(|part| part.restored.as_ref());
        let restore = seen.map(|seen| seen.available_at.duration_since(seen.asked_at).unsigned_abs());
        let (whole_backup, whole_test) = (length(backup), length(test));
        let added_backup = whole_backup.saturating_sub(taking + copying);
        let added_test = whole_test.saturating_sub(files + start + answers + stop);
        for (name, took) in [
            ("backup: PostgreSQL's base backup", taking),
            ("backup: the copy to the other Region", copying),
            ("backup: what the engine adds", added_backup),
            ("backup in all", whole_backup),
            ("restore test: the base backup's files", files),
            ("restore test: the restored server's start", start),
            ("restore test: its answers", answers),
            ("restore test: its stop", stop),
            ("restore test: what the engine adds", added_test),
            ("restore test in all", whole_test),
            ("restore, from asking for it to finding it available", restore.unwrap_or_default()),
            ("backup and restore test", whole_backup + whole_test),
        ] {
            self.reading(name, "ms", milliseconds(took));
        }
        for (what, added, work) in
            [("backup", added_backup, taking + copying), ("restore test", added_test, files + start + answers + stop)]
        {
            let found = format!("{:.3} s beside {:.3} s", added.as_secs_f64(), work.as_secs_f64());
            let most = MOST_ADDED + self.lab.manners().adds_to_a_backup();
            let holds = added <= most && work > Duration::ZERO;
            self.check(
                format!("the engine adds {:.0} s at most to PostgreSQL's work in the {what}", most.as_secs_f64()),
                holds,
                found,
            );
        }
    }

    /// How long PostgreSQL and the copying of its files worked while a run went on.
    fn spent(&self, run: &Ended, kind: WorkKind) -> Duration {
        let works = self.lab.aws.rds.works_since(run.began_at);
        works.iter().filter(|work| work.at <= run.at && work.kind == kind).map(|work| work.took).sum()
    }
}

fn length(run: &Ended) -> Duration {
    run.at.duration_since(run.began_at).unsigned_abs()
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
