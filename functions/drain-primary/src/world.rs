//! Both sides of a pair that works.

use std::future::Future;

use domain::{
    component::PostgresPair,
    failover::{drain::Seen, run::Run},
    words::{failure::Failure, wal::Lsn},
};
use edge::{
    object_store::Bucket,
    patience::{DRAIN, WORKING_PAIR},
    postgres::{Postgres, Server},
};

/// Both sides of the pair.
pub trait Pair {
    /// Looks at both sides.
    fn look(&self, pair: &PostgresPair) -> impl Future<Output = Seen>;
    /// Shuts the application out of the primary, and says where its log ends then.
    fn drain(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Lsn, Failure>>;
    /// How far the replica has replayed, after it was given a moment to reach `end`.
    fn replayed(&self, pair: &PostgresPair, end: Lsn) -> impl Future<Output = Result<Lsn, Failure>>;
}

/// Both databases.
pub struct World {
    postgres: Postgres,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// As [`Postgres::from_env`].
    pub async fn from_env(bucket: Bucket) -> Result<Self, Failure> {
        Ok(Self { postgres: Postgres::from_env(bucket).await? })
    }
}

impl Pair for World {
    async fn look(&self, pair: &PostgresPair) -> Seen {
        // One after the other: the replica can be at the position that was read before.
        let primary = self.postgres.look(&Server::at(pair, &pair.primary), WORKING_PAIR).await;
        Seen { primary, replica: self.postgres.replica(&Server::at(pair, &pair.replica), WORKING_PAIR).await }
    }

    async fn drain(&self, run: &Run, pair: &PostgresPair) -> Result<Lsn, Failure> {
        self.postgres.drain(&Server::at(pair, &pair.primary), &pair.application_roles, run, DRAIN).await
    }

    async fn replayed(&self, pair: &PostgresPair, end: Lsn) -> Result<Lsn, Failure> {
        let replayed = self.postgres.replayed(&Server::at(pair, &pair.replica), end, WORKING_PAIR).await;
        replayed.map_err(|unasked| Failure::Database {
            what: format!("`{}` did not say how far it is", pair.replica.instance),
            source: Some(unasked.why.into()),
        })
    }
}
