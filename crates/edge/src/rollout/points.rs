//! Points in time in the recovery Region: whether the primaries' automated backups are replicated there, and the start of it.

use aws_config::SdkConfig;
use domain::{
    component::PostgresPair,
    plan::{BackupCopy, Plan},
    restore::Replicated,
    words::{failure::Failure, id::Region},
};
use serde::Serialize;

use super::Tell;
use crate::rds::{Rds, Source};

/// What would change in what a Region keeps of automated backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PointsChange {
    /// The instance that they are of.
    pub instance: String,
    /// What is there.
    pub was: String,
    /// What is to be there.
    pub becomes: String,
}

/// The automated backups of one pair's primary.
#[derive(Debug)]
pub(super) struct Points<'p> {
    pub(super) region: Region,
    from: &'p Region,
    pair: &'p PostgresPair,
    copy: &'p BackupCopy,
    days: u8,
    seen: Result<(Source, Option<Replicated>), String>,
    rds: Rds,
}

/// Looks at each of those that the plan has replicated.
pub(super) async fn look(plan: &Plan, config: impl AsyncFn(&Region) -> SdkConfig) -> Vec<Points<'_>> {
    let (from, region) = (&plan.regions.primary, &plan.regions.recovery);
    let mut all = Vec::new();
    for pair in plan.components.iter().filter_map(|component| component.kind().restores()) {
        let backup = plan.continuous(&pair.name);
        let copy = backup.and_then(|backup| backup.copies.iter().find(|copy| copy.region == *region));
        let (Some(copy), Some(days)) = (copy, pair.point_in_time_days()) else { continue };
        let here = Rds::with(&config(from).await, from);
        let there = Rds::with(&config(region).await, region);
        let (instance, replicated) =
            tokio::join!(here.source(&pair.primary.instance), there.replicated(from, &pair.primary.instance));
        let both = instance.and_then(|source| Ok((source, replicated?)));
        let seen = both.map_err(|failure| failure.chain());
        all.push(Points { region: region.clone(), from, pair, copy, days, seen, rds: there });
    }
    all
}

impl Points<'_> {
    /// Why it cannot be started, with what to do.
    pub(super) fn obstacle(&self) -> Option<(String, String)> {
        let (instance, from) = (&self.pair.primary.instance, self.from);
        match &self.seen {
            Err(why) => Some((
                format!("whether the automated backups of `{instance}` are replicated could not be compared: {why}"),
                "See to the instance's name, and to who may describe instances and automated backups.".to_owned(),
            )),
            Ok((source, _)) if source.retention_days == 0 => Some((
                format!("`{instance}` has no automated backups that could be replicated"),
                format!(
                    "aws rds modify-db-instance --region {from} --db-instance-identifier {instance} \
                     --backup-retention-period {} --apply-immediately",
                    self.days
                ),
            )),
            Ok((source, _)) if source.is_encrypted && self.copy.kms_key.is_none() => Some((
                format!("`{instance}` is encrypted, and no key of {} is named for its automated backups", self.region),
                "Name it as kmsKey of the copy.".to_owned(),
            )),
            Ok(_) => None,
        }
    }

    /// What is there and not as the plan says; RDS changes it only by stopping and starting, which is a person's to do.
    pub(super) fn told(&self) -> Option<(String, String)> {
        let (_, found) = self.seen.as_ref().ok()?;
        let found = found.as_ref().filter(|found| is_fed(found) && found.retention_days != self.days)?;
        let instance = &self.pair.primary.instance;
        let what = format!(
            "{} keeps the automated backups of `{instance}` for {} days, by the plan {}",
            self.region, found.retention_days, self.days
        );
        let remedy = "Stop the replication there, and apply the plan again: RDS sets it when it starts.";
        Some((what, remedy.to_owned()))
    }

    fn to_start(&self) -> Option<&Source> {
        let (source, found) = self.seen.as_ref().ok()?;
        Some(source).filter(|_| found.as_ref().is_none_or(|found| !is_fed(found)))
    }

    /// What would change.
    pub(super) fn change(&self) -> Option<PointsChange> {
        self.to_start()?;
        let (_, found) = self.seen.as_ref().ok()?;
        let was = found.as_ref().map_or_else(|| "not replicated".to_owned(), |found| found.status.clone());
        let key = self.copy.kms_key.as_ref().map(|key| format!(", with the key {key}")).unwrap_or_default();
        let becomes = format!("replicated from {}, kept {} days{key}", self.from, self.days);
        Some(PointsChange { instance: self.pair.primary.instance.to_string(), was, becomes })
    }

    async fn start(&self, tell: Tell<'_>) -> Result<(), Failure> {
        let Some(source) = self.to_start() else { return Ok(()) };
        tell(&format!("{}: replicating the automated backups of {}", self.region, self.pair.primary.instance));
        self.rds.replicate(&source.arn, self.copy.kms_key.as_ref(), self.days).await
    }
}

/// Whether what is new comes there.
fn is_fed(found: &Replicated) -> bool {
    found.status != "retained"
}

/// Starts those that are not replicated yet.
pub(super) async fn start(all: &[Points<'_>], tell: Tell<'_>) -> Result<(), Failure> {
    for points in all {
        points.start(tell).await?;
    }
    Ok(())
}
