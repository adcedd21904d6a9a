//! The plan's buckets: what would change in them, what speaks against it, and what is only told.

use aws_config::SdkConfig;
use domain::{
    component::{ActiveSide, Bucket, Change, Named, SeenBucket, Setting},
    plan::Plan,
    readiness::unreplicated_remedy,
    words::{
        failure::Failure,
        id::{BucketName, PlanName, Region},
    },
};
use serde::Serialize;

use super::Tell;
use crate::bucket;

/// What would change in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketChange {
    /// The bucket.
    pub bucket: String,
    /// Which of its settings: its versions, its replication, or its lifecycle.
    pub setting: &'static str,
    /// What it is.
    pub was: String,
    /// What it is to be.
    pub becomes: String,
}

/// A bucket of the plan's on one side.
#[derive(Debug)]
pub(super) struct Kept<'p> {
    pub(super) region: Region,
    plan: &'p PlanName,
    of: &'p Bucket,
    side: ActiveSide,
    name: &'p BucketName,
    seen: Result<Named, String>,
    config: SdkConfig,
}

/// Looks at each bucket of a plan.
pub(super) async fn look(plan: &Plan, config: impl AsyncFn(&Region) -> SdkConfig) -> Vec<Kept<'_>> {
    let mut all = Vec::new();
    for of in plan.components.iter().filter_map(|component| component.kind().bucket()) {
        for (side, name) in of.sides() {
            let region = plan.region_of(side);
            let config = config(region).await;
            let seen = bucket::look(&config, name).await.map_err(|failure| failure.chain());
            all.push(Kept { region: region.clone(), plan: &plan.plan, of, side, name, seen, config });
        }
    }
    all
}

impl Kept<'_> {
    fn there(&self) -> Option<&SeenBucket> {
        self.seen.as_ref().ok()?.bucket()
    }

    /// Why it cannot be set as the plan says, with what to do.
    pub(super) fn obstacle(&self) -> Option<(String, String)> {
        let Self { region, name, of, .. } = self;
        let is_set = of.lifecycle().is_some() || of.replication_role.is_some();
        match &self.seen {
            Ok(Named::Bucket(seen)) => of.obstacle(self.side, seen, self.plan),
            _ if !is_set => None,
            Ok(Named::Nothing) => Some((
                format!("there is no bucket `{name}`, by the plan in {region}"),
                "Make it first, or correct the plan.".to_owned(),
            )),
            Ok(Named::Elsewhere(there)) => {
                Some((format!("`{name}` is in {there}, by the plan in {region}"), "Correct the plan.".to_owned()))
            }
            Err(why) => Some((
                format!("how `{name}` in {region} is set could not be compared: {why}"),
                "See to its name, and to who may read and write its settings: docs/backups.md, \"Buckets\".".to_owned(),
            )),
        }
    }

    /// What is told of it and not set, with what to do.
    pub(super) fn told(&self) -> Option<(String, String)> {
        let to = self.of.replica().filter(|_| self.side == ActiveSide::Primary)?;
        if self.of.replication_role.is_some() {
            // What the plan names is set; a key that it does not name is left out.
            return self
                .there()
                .filter(|_| self.of.replication_key.is_none())
                .and_then(|seen| self.of.left_out_by_key(seen));
        }
        if let Some(told) = self.there().and_then(|seen| self.of.left_out_by_key(seen)) {
            return Some(told);
        }
        let why = self.there()?.replicated_to(to.as_str()).err()?;
        Some((format!("`{}`: {why}", self.name), unreplicated_remedy(self.of, to)))
    }

    fn to_set(&self) -> Vec<Change> {
        self.there().map(|seen| self.of.changes(self.side, seen, self.plan)).unwrap_or_default()
    }

    /// What would change.
    pub(super) fn changes(&self) -> Vec<BucketChange> {
        let change = |Change { setting, was, becomes }: Change| BucketChange {
            bucket: self.name.to_string(),
            setting: setting.name(),
            was,
            becomes,
        };
        self.to_set().into_iter().map(change).collect()
    }

    async fn set(&self, which: fn(&Setting) -> bool, tell: Tell<'_>) -> Result<(), Failure> {
        let Some(seen) = self.there() else { return Ok(()) };
        for Change { setting, .. } in self.to_set().iter().filter(|change| which(&change.setting)) {
            tell(&format!("{}: setting the {} of s3://{}", self.region, setting.name(), self.name));
            bucket::set(&self.config, self.name, self.plan, setting, seen).await?;
        }
        Ok(())
    }
}

/// Makes them so, where they are not. Both sides keep versions before the one is replicated to the other: S3 refuses it else.
pub(super) async fn keep(all: &[Kept<'_>], tell: Tell<'_>) -> Result<(), Failure> {
    for kept in all {
        kept.set(|setting| *setting == Setting::Versions, tell).await?;
    }
    for kept in all {
        kept.set(|setting| *setting != Setting::Versions, tell).await?;
    }
    Ok(())
}
