//! What is verified, where it is.

use domain::{
    backup::{Found, Snapshot},
    component::{PostgresPair, Side, SnapshotKind},
    failover::traffic::Told,
    plan::{Check, MovedName, SqlCheck},
    restore::{Replicated, Window},
    run::verification::Finding,
    words::{
        failure::Failure,
        id::{Address, InstanceId, PlanName, Region},
        wal::Lsn,
    },
};
use edge::{
    component,
    dns::Dns,
    http,
    object_store::Bucket,
    patience::{DATABASE, RESOLVER, RESTORE_REGION},
    postgres::{Fault, Postgres, Server},
    rds::Rds,
};
use jiff::Timestamp;

use crate::{backup::Backups, new_side::NewSide, restored::Database};

/// The databases, their name servers, each Region's RDS, and whom HTTP checks ask.
pub struct World {
    /// The databases' logins.
    pub postgres: Postgres,
    /// The Region's bucket.
    pub bucket: Bucket,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// As [`Postgres::from_env`].
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self { postgres: Postgres::from_env(bucket.clone()).await?, bucket })
    }

    async fn rds(region: &Region) -> Rds {
        Rds::far(region, RESTORE_REGION).await
    }

    /// Asks one of the plan's queries. Whether a server that refuses it will answer later is the caller's to say.
    async fn sql(&self, pair: &PostgresPair, side: &Side, check: &SqlCheck, refused: fn(String) -> Finding) -> Finding {
        match self.postgres.check(&Server::at(pair, side), check).await {
            Ok(finding) => finding,
            Err(unasked) if unasked.fault == Fault::Refusal => refused(unasked.why),
            Err(unasked) => Finding::Unanswered(unasked.why),
        }
    }
}

impl NewSide for World {
    async fn told(&self, name: &MovedName) -> Result<(Told, Told), String> {
        let dns = self.postgres.dns();
        let both = async { tokio::try_join!(dns.told(&name.name, name.recovery.asked()), dns.wanted(&name.recovery)) };
        let told = tokio::time::timeout(RESOLVER, both).await;
        told.unwrap_or_else(|_| Err(format!("`{}`: no answer within {} ms", name.name, RESOLVER.as_millis())))
    }

    async fn told_by(&self, resolver: &Address, name: &MovedName) -> Result<(Told, Told), String> {
        let public = Dns::public(resolver).map_err(|failure| failure.chain())?;
        let own = self.postgres.dns();
        let both =
            async { tokio::try_join!(public.told(&name.name, name.recovery.asked()), own.wanted(&name.recovery)) };
        let told = tokio::time::timeout(RESOLVER, both).await;
        told.unwrap_or_else(|_| Err(format!("no answer within {} ms", RESOLVER.as_millis())))
    }

    async fn check(&self, pair: &PostgresPair, check: &Check) -> Finding {
        match check {
            Check::Sql(check) => Box::pin(self.sql(pair, &pair.replica, check, Finding::Unanswered)).await,
            Check::Http(check) => Box::pin(http::check(check, self.postgres.dns())).await,
        }
    }
}

impl Backups for World {
    async fn list(&self, region: &Region, plan: &PlanName) -> Result<Vec<Snapshot>, Failure> {
        component::snapshots_of(plan, region, RESTORE_REGION).await
    }

    async fn find(&self, region: &Region, kind: SnapshotKind, name: &str) -> Found {
        component::find(kind, region, RESTORE_REGION, name).await
    }

    async fn window(&self, region: &Region, instance: &InstanceId) -> Result<Option<Window>, Failure> {
        Self::rds(region).await.window(instance).await
    }

    async fn replicated(
        &self,
        region: &Region,
        from: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Replicated>, Failure> {
        Self::rds(region).await.replicated(from, instance).await
    }
}

impl Database for World {
    async fn position(&self, pair: &PostgresPair, side: &Side) -> Result<Lsn, String> {
        let server = Server::at(pair, side);
        let look = self.postgres.look(&server, DATABASE).await;
        look.lsn.ok_or(look.because)
    }

    async fn check(&self, pair: &PostgresPair, side: &Side, check: &SqlCheck) -> Finding {
        // Nobody else is on it: what it refuses now it refuses always, as a page that cannot be read.
        let refused = |got: String| Finding::Failed { expected: "an answer".to_owned(), got };
        Box::pin(self.sql(pair, side, check, refused)).await
    }

    async fn mark(&self, region: &Region, arn: &str, at: Timestamp) -> Result<(), Failure> {
        Self::rds(region).await.mark_verified(arn, at).await
    }
}
