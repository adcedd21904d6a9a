//! A plan's rollout to its Regions: looked at, compared, and carried out when somebody has said yes.
//!
//! [`look`] reads what is in each Region; [`Looked::findings`] says what speaks against the plan; [`Looked::propose`] has
//! CloudFormation say what it would change, and changes nothing; [`Proposal::carry_out`] does it. A plan is in force where
//! its object is: that is written before a new stack, which needs it, and after a changed one, which may yet be refused.

mod buckets;
mod change_set;
mod engine;
mod look;
mod points;
mod stack;

use aws_config::SdkConfig;
use domain::{
    plan::Plan,
    plan_file::{Finding, check_against, check_engine},
    synth::{Place, stack_name, synth},
    words::{
        failure::Failure,
        id::{PlanName, Region},
    },
};
use futures::future::try_join_all;
use serde::Serialize;

use crate::object_store::{self, Bucket, Condition, ObjectStore};

use buckets::Kept;
use change_set::ChangeSet;
use look::{Left, Site};
use points::Points;
use stack::Stacks;

pub use buckets::BucketChange;
pub use change_set::{Action, ResourceChange};
pub use points::PointsChange;

/// What is to be rolled out.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its file, as it is uploaded.
    pub text: &'a str,
    /// RDS's certificate authorities as PEM; `None` leaves those that are there.
    pub authorities: Option<&'a str>,
}

/// What was seen in each of the plan's Regions.
#[derive(Debug)]
pub struct Looked<'a> {
    wanted: Wanted<'a>,
    sites: Vec<Site>,
    /// Regions that have the plan and that it does not name any more.
    left: Vec<Left>,
    /// The plan's buckets.
    buckets: Vec<Kept<'a>>,
    /// Its points in time in the recovery Region.
    points: Vec<Points<'a>>,
}

/// What becomes of an object of a Region's bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectChange {
    /// It is not there yet.
    Added,
    /// It says something else.
    Changed,
    /// It is taken away.
    Removed,
    /// It stays as it is.
    Same,
}

/// What would change in a Region.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionChanges {
    /// The Region.
    pub region: String,
    /// Which of the plan's it is.
    pub place: &'static str,
    /// The plan's object.
    pub plan: ObjectChange,
    /// The version of it that is there.
    pub plan_version: Option<String>,
    /// The certificate authorities, which all plans of the Region share.
    pub authorities: ObjectChange,
    /// The stack's resources, those that stay as they are left out.
    pub resources: Vec<ResourceChange>,
    /// What changes in the plan's buckets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<BucketChange>,
    /// What changes in what it keeps of automated backups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub points_in_time: Vec<PointsChange>,
}

/// What would change in all of them.
#[derive(Debug)]
pub struct Proposal<'a> {
    looked: Looked<'a>,
    /// By Region, in the order of the sites; those that are left come last.
    pub regions: Vec<RegionChanges>,
    change_sets: Vec<Option<ChangeSet>>,
}

/// Hears what is being done.
pub type Tell<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Looks at each of the plan's Regions, over the configuration that is given for it.
///
/// # Errors
/// As AWS answers: of what could not be looked at nothing is concluded.
pub async fn look<'a>(wanted: Wanted<'a>, config: impl AsyncFn(&Region) -> SdkConfig) -> Result<Looked<'a>, Failure> {
    let mut sites = Vec::new();
    for (place, region) in Place::of(wanted.plan) {
        sites.push(look::site(wanted.plan, place, region, &config(region).await).await?);
    }
    let left = look::elsewhere(wanted.plan, &sites, &config).await?;
    let buckets = buckets::look(wanted.plan, &config).await;
    let points = points::look(wanted.plan, &config).await;
    Ok(Looked { wanted, sites, left, buckets, points })
}

impl<'a> Looked<'a> {
    /// What speaks against the plan: errors only. Places are the caller's to add.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let plan = self.wanted.plan;
        let mut others: Vec<_> = self.sites.iter().flat_map(|site| site.others.iter().cloned()).collect();
        others.sort_by(|a, b| a.plan.plan.cmp(&b.plan.plan));
        others.dedup_by(|a, b| a.plan == b.plan);
        let of_engines = self.sites.iter().flat_map(|site| {
            let engine = site.engine.as_ref().map(|engine| &engine.seen);
            check_engine(plan, site.place, &site.region, engine)
        });
        check_against(plan, &others).into_iter().chain(of_engines).collect()
    }

    /// What else speaks against it, each as a sentence with what to do: of the account, not of the plan's text.
    #[must_use]
    pub fn obstacles(&self) -> Vec<(String, String)> {
        let name = &self.wanted.plan.plan;
        let unreadable = self.sites.iter().flat_map(|site| &site.unreadable).map(|why| {
            let remedy = "Use the newest command, or see to that object: what it names could not be compared.";
            (why.clone(), remedy.to_owned())
        });
        let needed = self.sites.iter().flat_map(|site| &site.needed).map(|(pair, why)| {
            let what = format!("the pair `{pair}` is taken out of the plan, and {why}");
            (what, format!("Leave it in until that is over: lifeboat status {pair}"))
        });
        // One that was only a witness starts nothing: its object goes with this change.
        let left = self.left.iter().filter(|left| left.has_stack).map(|Left { region, .. }| {
            let what = format!("plan `{name}` is in force in {region} too, which its file does not name any more");
            (what, format!("Take it away there first: lifeboat plan remove {name} --region {region}"))
        });
        let without = self
            .sites
            .iter()
            .filter(|site| self.wanted.authorities.is_none() && site.lacks_authorities(self.wanted.plan));
        let without = without.map(|site| {
            let bucket = site.engine.as_ref().map(|engine| engine.bucket.name().to_owned()).unwrap_or_default();
            let what = format!(
                "{} has no certificate authorities of RDS: s3://{bucket}/{AUTHORITIES} is missing",
                site.region
            );
            (
                what,
                "Give them with --ca-bundle FILE: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
                    .to_owned(),
            )
        });
        let of_buckets = self.buckets.iter().filter_map(Kept::obstacle);
        let of_points = self.points.iter().filter_map(Points::obstacle);
        unreadable.chain(needed).chain(left).chain(without).chain(of_buckets).chain(of_points).collect()
    }

    /// What is not as the plan says and is somebody else's to change, each as a sentence with what to do.
    #[must_use]
    pub fn remarks(&self) -> Vec<(String, String)> {
        self.buckets.iter().filter_map(Kept::told).chain(self.points.iter().filter_map(Points::told)).collect()
    }

    /// Has CloudFormation say what it would change. Nothing is changed; what is proposed must be carried out or withdrawn.
    ///
    /// # Errors
    /// As AWS answers, and where CloudFormation refuses a template. What was proposed until then is withdrawn.
    pub async fn propose(self) -> Result<Proposal<'a>, Failure> {
        let change_sets = futures::future::join_all(self.sites.iter().map(|site| self.change_set(site))).await;
        let mut proposed = Vec::new();
        let mut refused = None;
        for change_set in change_sets {
            match change_set {
                Ok(change_set) => proposed.push(change_set),
                Err(failure) => refused = refused.or(Some(failure)),
            }
        }
        if let Some(failure) = refused {
            withdraw(proposed).await;
            return Err(failure);
        }
        let changes = self.sites.iter().zip(&proposed).map(|(site, set)| self.changes(site, set.as_ref()));
        let regions = changes.chain(self.left.iter().map(Left::changes)).collect();
        Ok(Proposal { looked: self, regions, change_sets: proposed })
    }

    async fn change_set(&self, site: &Site) -> Result<Option<ChangeSet>, Failure> {
        let plan = self.wanted.plan;
        let Some(template) = synth(plan, site.place) else { return Ok(None) };
        ChangeSet::propose(&site.stacks, &stack_name(&plan.plan), &template, site.bucket()?).await
    }

    fn changes(&self, site: &Site, change_set: Option<&ChangeSet>) -> RegionChanges {
        let compared = |there: Option<&str>, wanted: &str| match there {
            None => ObjectChange::Added,
            Some(there) if there == wanted => ObjectChange::Same,
            Some(_) => ObjectChange::Changed,
        };
        let authorities = self.wanted.authorities.map(|wanted| compared(site.text_of_authorities(), wanted));
        RegionChanges {
            region: site.region.to_string(),
            place: site.place.name(),
            plan: compared(site.plan.as_ref().map(|object| &*object.text), self.wanted.text),
            plan_version: site.plan.as_ref().and_then(|object| object.version.clone()),
            authorities: authorities.unwrap_or(ObjectChange::Same),
            resources: change_set.map(|set| set.changes.clone()).unwrap_or_default(),
            buckets: self.buckets.iter().filter(|kept| kept.region == site.region).flat_map(Kept::changes).collect(),
            points_in_time: self
                .points
                .iter()
                .filter(|of| of.region == site.region)
                .filter_map(Points::change)
                .collect(),
        }
    }
}

/// Where RDS's certificate authorities are in a Region's bucket.
const AUTHORITIES: &str = "ca/rds.pem";

impl Proposal<'_> {
    /// Whether everything is as it is to be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.change_sets.iter().all(Option::is_none)
            && self
                .regions
                .iter()
                .all(|region| region.plan == ObjectChange::Same && region.authorities == ObjectChange::Same)
            && self.regions.iter().all(|region| region.buckets.is_empty() && region.points_in_time.is_empty())
    }

    /// Takes back what was proposed.
    pub async fn withdraw(self) {
        withdraw(self.change_sets).await;
    }

    /// Carries it out, and waits until all is there.
    ///
    /// # Errors
    /// As AWS answers; `Conflict` where somebody applied the plan meanwhile; `AwsRejected` where a stack did not come up,
    /// with its reasons. A stack that did not is as it was, and so is the plan that was in force; other Regions' stacks may
    /// be changed: the same again goes on.
    pub async fn carry_out(mut self, tell: Tell<'_>) -> Result<(), Failure> {
        let change_sets = std::mem::take(&mut self.change_sets);
        let written = self.write_before(tell).await;
        if written.is_err() {
            withdraw(change_sets).await;
            return written;
        }
        try_join_all(change_sets.into_iter().flatten().map(|change_set| change_set.execute(tell))).await?;
        for (site, changes) in self.looked.sites.iter().zip(&self.regions) {
            if changes.plan == ObjectChange::Changed {
                self.write_plan(site, tell).await?;
            }
        }
        buckets::keep(&self.looked.buckets, tell).await?;
        points::start(&self.looked.points, tell).await?;
        for left in &self.looked.left {
            left.leave(&self.looked.wanted.plan.plan, tell).await?;
        }
        Ok(())
    }

    /// What a new stack needs.
    async fn write_before(&self, tell: Tell<'_>) -> Result<(), Failure> {
        for (site, changes) in self.looked.sites.iter().zip(&self.regions) {
            if let (Some(authorities), ObjectChange::Added | ObjectChange::Changed) =
                (self.looked.wanted.authorities, changes.authorities)
            {
                tell(&format!("{}: writing {AUTHORITIES}", site.region));
                site.bucket()?.put(AUTHORITIES, authorities.to_owned(), Condition::Always).await?;
            }
            if changes.plan == ObjectChange::Added {
                self.write_plan(site, tell).await?;
            }
        }
        Ok(())
    }

    async fn write_plan(&self, site: &Site, tell: Tell<'_>) -> Result<(), Failure> {
        let key = object_store::plan_key(&self.looked.wanted.plan.plan);
        tell(&format!("{}: writing {key}", site.region));
        let condition =
            site.plan.as_ref().map_or(Condition::Absent, |object| Condition::Unchanged(object.etag.clone()));
        site.bucket()?.put(&key, self.looked.wanted.text.to_owned(), condition).await
    }
}

async fn withdraw(change_sets: Vec<Option<ChangeSet>>) {
    futures::future::join_all(change_sets.into_iter().flatten().map(ChangeSet::withdraw)).await;
}

/// The bucket of a Region's engine, if there is one.
///
/// # Errors
/// As AWS answers.
pub async fn bucket(region: &Region, config: &SdkConfig) -> Result<Option<Bucket>, Failure> {
    let stacks = Stacks::of(config, region.clone());
    let engine = engine::look(stacks.client(), config, region.as_str()).await?;
    Ok(engine.map(|engine| engine.bucket))
}

/// Takes a plan's stack out of a Region, and then its object.
///
/// # Errors
/// As AWS answers.
pub async fn remove(
    plan: &PlanName,
    region: &Region,
    config: &SdkConfig,
    bucket: &Bucket,
    tell: Tell<'_>,
) -> Result<(), Failure> {
    Stacks::of(config, region.clone()).remove(&stack_name(plan), tell).await?;
    let key = object_store::plan_key(plan);
    tell(&format!("{region}: taking {key} away"));
    bucket.delete(&key).await
}

#[cfg(test)]
mod tests;
