//! The replica, as RDS and its own server show it.

use std::future::Future;

use domain::{
    component::PostgresPair,
    failover::{
        judgement::ReplicaSeen,
        promotion::{self, Instance, Seen, Server as ServerSeen, Written},
        run::Run,
    },
    words::failure::Failure,
};
use edge::{
    patience::REPLICA,
    postgres::{Postgres, Server},
    rds::{Promoting, Rds},
};

/// The replica.
pub trait Replica {
    /// How RDS shows it, and what its server says.
    fn look(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Seen, Failure>>;
    /// Asks RDS to promote it.
    fn promote(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Promoting, Failure>>;
    /// Commits a row on it.
    fn write(&self, run: &Run, pair: &PostgresPair) -> impl Future<Output = Result<Written, Failure>>;
}

/// RDS, and the replica's server.
pub struct World {
    /// Its logins.
    pub postgres: Postgres,
}

impl Replica for World {
    async fn look(&self, run: &Run, pair: &PostgresPair) -> Result<Seen, Failure> {
        let rds = Rds::here(&run.plan.regions.recovery).await;
        let server = server(pair);
        self.postgres.ready(&server).await?;
        let (api, server) = tokio::join!(rds.describe(&pair.replica.instance), self.postgres.replica(&server, REPLICA));
        let api = api?;
        let server = match server {
            ReplicaSeen::Replica { position, .. } => ServerSeen::InRecovery(position),
            ReplicaSeen::Primary => ServerSeen::Writable,
            ReplicaSeen::Silent(why) => ServerSeen::Silent(why),
        };
        Ok(Seen { api: Instance { status: api.status, is_replica: api.is_replica }, server })
    }

    async fn promote(&self, run: &Run, pair: &PostgresPair) -> Result<Promoting, Failure> {
        Rds::here(&run.plan.regions.recovery)
            .await
            .promote(&pair.replica.instance, promotion::retention_days(&run.plan))
            .await
    }

    async fn write(&self, run: &Run, pair: &PostgresPair) -> Result<Written, Failure> {
        self.postgres.write_promotion(&server(pair), run, REPLICA).await
    }
}

fn server(pair: &PostgresPair) -> Server<'_> {
    Server::at(pair, &pair.replica)
}
