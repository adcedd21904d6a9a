//! `Verify`: runs the plan's checks: against the new side after a failover, of a backup, and against what was restored of it.
//!
//! - in: [`Verify`], samples in `events/verify.json` (a new side), `events/verify-backup.json` and `events/verify-restored.json`
//! - out: [`Step<Vec<Checked>>`], [`Step<Examined>`], [`Step<Verified>`]: `Done`, `Pending` while something cannot be asked,
//!   and of a new side or a restored database `Refused` when a check failed
//! - changes: the tag `lifeboat:verified-at` of a backup that was restored and passed every check; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod backup;
mod new_side;
mod restored;

use std::{
    future::Future,
    iter,
    time::{Duration, Instant},
};

use domain::{
    component::{PostgresPair, Side},
    failover::run::Run,
    plan::{Check, SqlCheck},
    restore::{Examined, Verified},
    run::{
        step::Step,
        verification::{self, Checked, Finding, Verification},
    },
    words::{
        failure::Failure,
        id::{HostName, Region},
        span::Span,
    },
};
use edge::{
    clock, http,
    postgres::{Fault, Postgres, Server},
    rds::Rds,
    shelf::Bucket,
};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is verified.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Verify {
    /// The new side of a run that moved the primary.
    Run(Box<Run>),
    /// A backup, without restoring it.
    Backup(Box<backup::Request>),
    /// What was restored of it.
    Restored(Box<restored::Request>),
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Of a new side.
    NewSide(Step<Vec<Checked>>),
    /// Of a backup.
    Backup(Step<Examined>),
    /// Of what was restored of it.
    Restored(Step<Verified>),
}

/// Handles an event, as the head of this file says.
pub async fn handle(world: &World, event: Value) -> Result<Answer, Failure> {
    match edge::parse(event, "Verify")? {
        Verify::Run(run) => new_side::verify(world, &run).await.map(Answer::NewSide),
        Verify::Backup(request) => {
            backup::verify(world, &world.bucket, *request, clock::now()).await.map(Answer::Backup)
        }
        Verify::Restored(request) => restored::verify(world, *request, clock::now()).await.map(Answer::Restored),
    }
}

/// A step's answer by its checks.
fn answer<D>(checks: &[Checked], did: D) -> Step<D> {
    match verification::sum_up(checks) {
        Verification::Passed => Step::done(format!("all {} checks passed", checks.len()), checks, did),
        Verification::Unanswered(why) => Step::pending(why, checks),
        Verification::Failed(why) => Step::refused(why, checks),
    }
}

async fn timed(name: &str, check: impl Future<Output = Finding>) -> Checked {
    let (at, began) = (clock::now(), Instant::now());
    let finding = check.await;
    Checked {
        name: name.to_owned(),
        finding,
        took_milliseconds: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        at,
    }
}

/// Asks side by side: as many checks as a plan may name, each with the longest time that it may take, fit into one
/// invocation.
async fn together(
    first: impl Future<Output = Checked>,
    others: impl Iterator<Item = impl Future<Output = Checked>>,
) -> Vec<Checked> {
    let (first, others) = tokio::join!(first, join_all(others));
    iter::once(first).chain(others).collect()
}

/// The databases, their name servers, each Region's RDS, and whom HTTP checks ask.
pub struct World {
    /// The databases' logins.
    pub postgres: Postgres,
    /// The Region's bucket.
    pub bucket: Bucket,
}

/// A resolver that needs longer is asked again.
const DNS_PATIENCE: Duration = Duration::from_secs(2);

/// How long a Region may take to answer each call.
const REGION_PATIENCE: Duration = Duration::from_secs(6);

/// How long a question of our own may take.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// As [`Postgres::from_env`].
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self { postgres: Postgres::from_env(bucket.clone()).await?, bucket })
    }

    async fn rds(region: &Region) -> Rds {
        Rds::far(region, REGION_PATIENCE).await
    }

    /// Asks one of the plan's queries. Whether a server that refuses it will answer later is the caller's to say.
    async fn sql(&self, pair: &PostgresPair, side: &Side, check: &SqlCheck, refused: fn(String) -> Finding) -> Finding {
        let server = Server { side, database: &pair.database, login: &pair.login };
        let began = Instant::now();
        match self.postgres.value(&server, &check.query, check.within.duration()).await {
            Ok(answered) => {
                let took = Span::milliseconds(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
                verification::judge(&check.expect, &answered, took, check.within)
            }
            Err(unasked) if unasked.fault == Fault::Refusal => refused(unasked.why),
            Err(unasked) => Finding::Unanswered(unasked.why),
        }
    }
}

impl new_side::NewSide for World {
    async fn alias(&self, name: &HostName) -> Result<HostName, String> {
        tokio::time::timeout(DNS_PATIENCE, self.postgres.dns().alias(name))
            .await
            .unwrap_or_else(|_| Err(format!("`{name}`: no answer")))
    }

    async fn check(&self, pair: &PostgresPair, check: &Check) -> Finding {
        match check {
            Check::Sql(check) => Box::pin(self.sql(pair, &pair.replica, check, Finding::Unanswered)).await,
            Check::Http(check) => Box::pin(http::check(check)).await,
        }
    }
}
