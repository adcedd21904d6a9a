//! The system that a plan protects: its database pair, its clusters and buckets, its name, its secret, and the plan where the engine reads it.

mod application;
mod buckets;
mod components;
mod keys;
mod names;
mod objects;
mod pair;
mod record;
mod rewind;
mod size;
mod watch;

use std::{
    fs::OpenOptions,
    future::Future,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    component::{Credential, PostgresPair},
    failover::lease::Lease,
    plan::{PairPlan, Plan},
    words::id::{Region, ZoneId},
};
use edge::object_store;
use rds_on_postgres::Name;

use crate::{
    application::{Application, ApplicationError},
    deploy::Outputs,
    gateway::ACCOUNT,
    local_aws::LocalAws,
    workload::{Password, orders::OrdersError},
};

use buckets::Telling;
pub use rewind::RewindError;

/// The system that a plan protects.
#[derive(Debug, Clone)]
pub struct System {
    /// The plan, with the ids that the lab gave.
    pub plan: PairPlan,
    /// The same plan with all of its pairs.
    pub whole: Plan,
    /// The pair that the traffic's name leads to.
    pub pair: PostgresPair,
    /// The application's password.
    pub password: Password,
    owner: String,
    owner_password: String,
    /// SQL that makes what the plan's own checks ask for.
    data: Option<String>,
    /// The servers in front of the database, one on each side.
    applications: Vec<Arc<Application>>,
    /// What S3 tells of each bucket that is replicated.
    telling: Vec<Arc<Telling>>,
}

/// Why there is no system.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// A plan that the lab cannot rehearse.
    #[error("the lab cannot rehearse plan `{plan}`: {why}")]
    Plan {
        /// The plan.
        plan: String,
        /// What it would need.
        why: String,
    },
    /// AWS refused.
    #[error("cannot {doing}: {why}")]
    Aws {
        /// What was being done.
        doing: String,
        /// AWS's answer.
        why: String,
    },
    /// It took too long.
    #[error("{what} was not there within {} s", limit.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// The application in front of the database.
    #[error("the plan's HTTP checks would not be answered")]
    Application(#[from] ApplicationError),
    /// The data.
    #[error("the data cannot be loaded")]
    Data(#[from] OrdersError),
    /// The database.
    #[error("the database cannot be reached")]
    Database(#[from] tokio_postgres::Error),
}

/// How long each thing may take to be there.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What keeps an old primary out.
const GUARD: &str = "lifeboat-guard-primary";

/// Rows that are loaded before a drill.
const ROWS: u32 = 10_000;

fn failed<E: std::error::Error>(doing: impl Into<String>) -> impl FnOnce(E) -> SystemError {
    let doing = doing.into();
    move |error| SystemError::Aws { doing, why: domain::words::failure::chain(&error) }
}

impl SystemError {
    /// A plan that has no pair to rehearse.
    pub(crate) fn without_pairs(plan: &Plan) -> Self {
        Self::Plan { plan: plan.plan.to_string(), why: "no traffic leads to a pair of it".to_owned() }
    }
}

impl System {
    /// The plan with the ids and endpoints that the lab gives: networks are the primary's, the replica's, and those of further
    /// recovery Regions, in their order.
    pub(crate) fn with_ids(mut plan: Plan, networks: &[Outputs], zones: Vec<ZoneId>) -> Result<Plan, SystemError> {
        let bad = |plan: &Plan, why: &str| SystemError::Plan { plan: plan.plan.to_string(), why: why.to_owned() };
        for (traffic, zone) in plan.traffic.iter_mut().zip(zones) {
            traffic.record.zone = zone;
        }
        let [primary, replica, further @ ..] = networks else { return Err(bad(&plan, "a pair has two networks")) };
        let name = plan.plan.to_string();
        let regions = [&plan.regions.primary, &plan.regions.recovery];
        for component in &mut plan.components {
            let set = components::set_ids(component, regions, [primary, replica]);
            let set = set.and_then(|()| components::set_next(component, plan.regions.next.iter().zip(further)));
            set.map_err(|why| SystemError::Plan { plan: name.clone(), why })?;
        }
        Ok(plan)
    }

    /// Creates the pair and its data, and the record that leads to it.
    pub(crate) async fn create(
        aws: &LocalAws,
        whole: &Plan,
        plan: PairPlan,
        data: Option<&str>,
    ) -> Result<Self, SystemError> {
        let bad = |why: &str| SystemError::Plan { plan: plan.plan.to_string(), why: why.to_owned() };
        let pair = plan.pair().ok_or_else(|| bad("its traffic names no component"))?.clone();
        if matches!(pair.login.from, Credential::IamToken { .. }) {
            return Err(bad(
                "its login is an IAM token, which PostgreSQL on one machine cannot check; use secretsManager",
            ));
        }
        let random = |what: &str| format!("{what}-{:x}", jiff::Timestamp::now().as_nanosecond());
        let mut system = Self {
            pair,
            plan,
            whole: whole.clone(),
            password: Password::new(random("shop")),
            owner: "postgres".into(),
            owner_password: random("owner"),
            data: data.map(str::to_owned),
            applications: Vec::new(),
            telling: Vec::new(),
        };
        if system.is_first() {
            system.make_keys(aws).await?;
        }
        system.create_pair(aws).await?;
        if system.is_first() {
            system.create_components(aws).await?;
        }
        system.point_to_primary(aws).await?;
        system.start_application(aws).await?;
        Ok(system)
    }

    /// Makes the pair anew, as it was before any disaster, and forgets the lease: what people do to restore replication.
    ///
    /// # Errors
    /// [`SystemError`].
    pub async fn renew(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let (primary, replica) = (&self.pair.primary, &self.pair.replica);
        let regions = &self.plan.regions;
        // The pair that comes has the names of the one that goes: a guard that is still at work would shut it out.
        self.forget_guard(aws).await?;
        end_guard(aws).await?;
        tokio::try_join!(self.delete(aws, &regions.recovery, replica), self.delete(aws, &regions.primary, primary))?;
        self.create_pair(aws).await?;
        self.point_to_primary(aws).await?;
        self.forget_lease(aws).await?;
        self.watched(aws).await
    }

    /// The database's owner.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Writes the logins of the application and of the owner for `psql` (PGPASSFILE), and says where.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_logins(&self, folder: &Path) -> std::io::Result<PathBuf> {
        let file = folder.join("pgpass");
        let line = |user: &str, password: &str| format!("*:*:*:{user}:{password}\n");
        let shop = self.pair.application_roles.iter().map(|role| line(role.as_str(), self.password.expose()));
        let text: String = shop.chain([line(&self.owner, &self.owner_password)]).collect();
        // psql reads no file that others may read.
        let mut written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file)?;
        written.write_all(text.as_bytes())?;
        Ok(file)
    }

    /// Forgets the lease, and ends a guard that is at work for it.
    pub(crate) async fn forget(&self, aws: &LocalAws) -> Result<(), SystemError> {
        self.forget_guard(aws).await?;
        end_guard(aws).await?;
        self.forget_lease(aws).await
    }

    async fn forget_guard(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let Some(lease) = self.lease(aws).await?.filter(|lease| lease.guard.is_some()) else { return Ok(()) };
        let failed = |why: String| SystemError::Aws { doing: "end the guard of the lease".into(), why };
        let text = serde_json::to_string(&Lease { guard: None, ..lease }).map_err(|error| failed(error.to_string()))?;
        let region = &self.plan.regions.recovery;
        let put = aws.gateway.s3(region.as_str()).put_object().bucket(bucket(region));
        let put = put.key(object_store::lease_key(&self.plan.plan)).body(text.into_bytes().into()).send().await;
        put.map(drop).map_err(|error| failed(edge::aws::shown(&error)))
    }

    /// With the lease goes what the starter remembers of its runs.
    async fn forget_lease(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let region = &self.plan.regions.recovery;
        let s3 = aws.gateway.s3(region.as_str());
        for key in [object_store::lease_key(&self.plan.plan), object_store::starts_key(&self.plan.plan)] {
            let forgotten = s3.delete_object().bucket(bucket(region)).key(&key).send().await;
            let aws = |error| SystemError::Aws { doing: format!("forget `{key}`"), why: edge::aws::shown(&error) };
            forgotten.map_err(aws)?;
        }
        Ok(())
    }

    /// Whether it is its plan's first pair, which goes by the plan's own name.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.plan.plan == self.whole.plan
    }

    /// The primary's name in the lab's RDS.
    #[must_use]
    pub fn primary(&self) -> Name {
        Name::new(self.plan.regions.primary.as_str(), self.pair.primary.instance.as_str())
    }

    /// The replica's name in the lab's RDS.
    #[must_use]
    pub fn replica(&self) -> Name {
        Name::new(self.plan.regions.recovery.as_str(), self.pair.replica.instance.as_str())
    }
}

/// Ends a guard that is at work: it may have read its lease, and be about to shut what it finds.
async fn end_guard(aws: &LocalAws) -> Result<(), SystemError> {
    let ended = aws.gateway.faults().end_environments_of(GUARD).await;
    ended.map_err(|error| SystemError::Aws {
        doing: format!("end `{GUARD}`"),
        why: domain::words::failure::chain(&error),
    })
}

/// The engine's bucket in a Region.
#[must_use]
pub fn bucket(region: &Region) -> String {
    format!("lifeboat-{ACCOUNT}-{region}")
}

/// Looks until there is something, at most `limit`.
pub(crate) async fn until<T, F>(limit: Duration, what: &str, look: impl Fn() -> F) -> Result<T, SystemError>
where
    F: Future<Output = Result<Option<T>, SystemError>>,
{
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if began.elapsed() > limit {
            return Err(SystemError::Late { what: what.to_owned(), limit });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
