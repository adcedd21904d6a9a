//! Rows that were deleted by mistake, and are restored as they were a second before.

use std::time::Duration;

use domain::{
    component::Side,
    restore::{Purpose, Restored, Wanted},
};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use tokio_postgres::Client;

use super::Drill;
use crate::{
    drill::{
        DrillError,
        upkeep::{Ended, Order},
    },
    report::{Actor, DrillResult, Ending, Event},
    system::{SystemError, until},
    workload::orders::{self, Fingerprint},
};

/// How many rows the mistake takes.
pub(super) const MISTAKE: usize = 100;

/// How long after the second to restore the mistake happens.
const AFTER: Duration = Duration::from_millis(100);

/// How long the archive may take to reach a second in the past.
const ARCHIVED_WITHIN: Duration = Duration::from_secs(60);

/// The orders around the second to restore.
pub(super) struct Known {
    /// What had been committed before it: all of that must be there.
    pub(super) before: Vec<i64>,
    /// The same rows, as they were.
    pub(super) rows: Fingerprint,
    /// What had been committed shortly after it: no other row may be there.
    after: Vec<i64>,
    /// The second.
    pub(super) wanted: Timestamp,
}

impl Drill<'_> {
    pub(super) async fn point_in_time(&mut self) -> Result<DrillResult, DrillError> {
        let clients = self.patient_clients().await?;
        let primary = self.primary().await?;
        let server = server(&primary).await?;
        let began_at = self.begun();
        let known = known(&primary).await?;
        let mistake: Vec<i64> = known.before.iter().take(MISTAKE).copied().collect();
        let deleted = orders::delete(&primary, &mistake).await.map_err(SystemError::from)?;
        let told = format!("{deleted} orders, in a statement without the right condition");
        self.happened(Timestamp::now(), Event::RowsDeleted, told, Actor::Disaster);
        self.archived(known.wanted).await?;
        let order = Order::Restore(Purpose::Keep, Wanted::Time(known.wanted));
        let restore = self.ran("restore to the second before", order, Ending::Complete).await?;
        self.untouched(&primary, &server, &mistake).await?;
        if let Some(restored) = restore.restored().and_then(|part| part.restored.clone()) {
            self.same(&known, &restored, &self.lab.system.pair.primary).await?;
            self.put_back(&primary, &restored, &mistake, &known).await?;
            self.let_go(&restored).await?;
        }
        self.times(&restore, &known, deleted);
        self.undisturbed(began_at, vec![restore.result], clients).await
    }

    pub(super) async fn primary(&self) -> Result<Client, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        Ok(system.owner_session(aws, &system.plan.regions.primary, &system.pair.primary).await?)
    }

    pub(super) async fn restored(&self, restored: &Restored) -> Result<Client, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        Ok(system.owner_session(aws, &restored.region, &restored.as_side()).await?)
    }

    /// Waits until the automated backups reach a time.
    async fn archived(&self, time: Timestamp) -> Result<(), DrillError> {
        let (rds, instance) = (self.rds(&self.plan().regions.primary), &self.lab.system.pair.primary.instance);
        until(ARCHIVED_WITHIN, "the archive up to the second that is wanted back", async || {
            let told = rds.describe_db_instances().db_instance_identifier(instance.as_str()).send().await;
            let told = told.map_err(|error| SystemError::Aws {
                doing: format!("describe `{instance}`"),
                why: edge::aws::shown(&error),
            })?;
            let latest = told.db_instances().first().and_then(|instance| instance.latest_restorable_time());
            Ok(latest.is_some_and(|latest| latest.as_nanos() >= time.as_nanosecond()).then_some(()))
        })
        .await?;
        Ok(())
    }

    /// Checks that the restore did not touch the primary: the same server, in the same network, without the rows.
    async fn untouched(&mut self, primary: &Client, before: &str, mistake: &[i64]) -> Result<(), DrillError> {
        let system = &self.lab.system;
        let now = server(primary).await?;
        let side: &Side = &system.pair.primary;
        let groups = system.security_groups(&self.lab.aws, &system.plan.regions.primary, side).await?;
        let open = groups.len() == side.security_groups.len()
            && side.security_groups.iter().all(|group| groups.iter().any(|found| found == group.as_str()));
        let back = orders::fingerprint(primary, mistake).await.map_err(SystemError::from)?.count;
        let same = now == before && open && back == 0;
        let found = format!("{now}, groups {}, {back} of the rows", groups.join(", "));
        self.check("the primary is untouched by the restore", same, found);
        Ok(())
    }

    /// Checks that the restored instance has every row of that second and none that came later.
    pub(super) async fn same(&mut self, known: &Known, restored: &Restored, like: &Side) -> Result<(), DrillError> {
        let session = self.restored(restored).await?;
        let rows = orders::fingerprint(&session, &known.before).await.map_err(SystemError::from)?;
        let found = format!("{rows}; before: {}", known.rows);
        self.check("it has every row of that second, as it was", rows == known.rows, found);
        let there = orders::read_back(&session, 0).await.map_err(SystemError::from)?;
        let strange = there.iter().filter(|id| known.after.binary_search(id).is_err()).count();
        let found = format!("{} rows, {strange} of them of later", there.len());
        self.check("it has no row of later", strange == 0, found);
        let closed = restored.security_group == like.fence_security_group;
        self.check("it is isolated", closed, format!("its only group is {}", restored.security_group));
        Ok(())
    }

    /// Copies the rows back, as a person would do next.
    pub(super) async fn put_back(
        &mut self,
        primary: &Client,
        restored: &Restored,
        mistake: &[i64],
        known: &Known,
    ) -> Result<(), DrillError> {
        let session = self.restored(restored).await?;
        orders::copy(&session, primary, mistake).await.map_err(SystemError::from)?;
        let rows = orders::fingerprint(primary, &known.before).await.map_err(SystemError::from)?;
        let told = format!("{} orders, from `{}`", mistake.len(), restored.instance);
        self.happened(Timestamp::now(), Event::Undone, told, Actor::Disaster);
        self.check("copied from there, the rows are on the primary again", rows == known.rows, rows.to_string());
        Ok(())
    }

    pub(super) async fn let_go(&mut self, restored: &Restored) -> Result<(), DrillError> {
        let system = &self.lab.system;
        system.delete(&self.lab.aws, &restored.region, &restored.as_side()).await?;
        let told = format!("`{}` is no longer needed, and is deleted", restored.instance);
        self.happened(Timestamp::now(), Event::Undone, told, Actor::Disaster);
        Ok(())
    }

    fn times(&mut self, restore: &Ended, known: &Known, deleted: u64) {
        let restored = restore.restored().and_then(|part| part.restored.as_ref());
        let took = restored
            .map_or(Duration::ZERO, |restored| restored.available_at.duration_since(restored.asked_at).unsigned_abs());
        let whole = restore.at.duration_since(restore.began_at).unsigned_abs();
        self.reading("rows deleted", "", deleted);
        self.reading("rows compared", "", known.rows.count);
        for (name, took) in [
            ("restore, from asking for it to finding it available", took),
            ("restore in all, with the answers of the restored database", whole),
        ] {
            self.reading(name, "ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        }
    }
}

/// Waits for a second to begin, and reads what was there before and after.
pub(super) async fn known(primary: &Client) -> Result<Known, DrillError> {
    let before = orders::read_back(primary, 0).await.map_err(SystemError::from)?;
    let rows = orders::fingerprint(primary, &before).await.map_err(SystemError::from)?;
    let next = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
    let now = Timestamp::now();
    let wanted = now.round(next).unwrap_or(now);
    tokio::time::sleep(wanted.duration_since(now).unsigned_abs() + AFTER).await;
    let after = orders::read_back(primary, 0).await.map_err(SystemError::from)?;
    Ok(Known { before, rows, after, wanted })
}

/// Which server it is: another one, or one that was started or promoted, says something else.
async fn server(session: &Client) -> Result<String, SystemError> {
    let query = "select inet_server_addr()::text || ', up since ' || pg_postmaster_start_time()::text
                 || ', recovering: ' || pg_is_in_recovery()::text";
    Ok(session.query_one(query, &[]).await?.try_get(0)?)
}
