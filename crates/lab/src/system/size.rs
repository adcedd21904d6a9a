//! The size of the database.

use std::time::Duration;

use super::{System, SystemError, until};
use crate::{local_aws::LocalAws, setup::Progress, workload::accounts};

/// How long the replica may take to have what was added.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(600);

/// Progress is reported each time that the database has grown by this many megabytes.
const TOLD_EVERY: u64 = 100;

impl System {
    /// Makes the database at least this many megabytes large, and waits until the replica has caught up.
    ///
    /// # Errors
    /// [`SystemError`].
    pub async fn enlarge(&self, aws: &LocalAws, megabytes: u64, progress: &dyn Progress) -> Result<(), SystemError> {
        let owner = self.owner_session(aws, &self.plan.regions.primary, &self.pair.primary).await?;
        let next = std::cell::Cell::new(0);
        accounts::fill(&owner, megabytes, &|there| {
            if there >= next.get() || there >= megabytes {
                progress.step(&format!("the database has {there} MB of {megabytes}"));
                next.set((there / TOLD_EVERY + 1) * TOLD_EVERY);
            }
        })
        .await?;
        let row = owner.query_one("select pg_current_wal_lsn()::text", &[]).await?;
        let end: String = row.try_get(0)?;
        progress.step("waiting until the replica has all of it");
        let follows = format!("select coalesce(bool_and(replay_lsn >= '{end}'), false) from pg_stat_replication");
        until(FOLLOWS_WITHIN, "the replica's end of the log", async || {
            let has_all: bool = owner.query_one(&follows, &[]).await?.try_get(0)?;
            Ok(has_all.then_some(()))
        })
        .await
    }
}
