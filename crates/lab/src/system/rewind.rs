//! Many runs on one pair: the quick way back to where a failover can begin.

use super::{
    System, SystemError, end_guard,
    watch::{WATCH_PATIENCE, is_well},
};

use rds_on_postgres::RdsError;

use crate::{
    local_aws::LocalAws,
    workload::{Access, Place, Server, write_once},
};

/// What starts a run again by itself.
const STARTER: &str = "lifeboat-start-failover";

/// What could not be put back.
#[derive(Debug, thiserror::Error)]
pub enum RewindError {
    /// AWS or the database.
    #[error("the pair could not be put back")]
    System(#[from] SystemError),
    /// The primary's host.
    #[error("the primary's host did not come back")]
    Host(#[from] RdsError),
}

impl System {
    /// Takes the primary's alarm away.
    ///
    /// # Errors
    /// As AWS answers.
    pub(crate) async fn start_by_hand_only(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let alarm = self.alarm();
        let deleted = self.cloudwatch(aws).delete_alarms().alarm_names(&alarm).send().await;
        let doing = format!("delete `{alarm}`");
        deleted.map(drop).map_err(|error| SystemError::Aws { doing, why: edge::aws::shown(&error) })
    }

    /// Deletes what starts a failover of any plan again.
    ///
    /// # Errors
    /// Where AWS does not do it.
    pub(crate) async fn start_nothing_again(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let lambda = aws_sdk_lambda::Client::new(&aws.gateway.sdk_config(self.plan.regions.recovery.as_str()));
        let deleted = lambda.delete_function().function_name(STARTER).send().await;
        let doing = format!("delete `{STARTER}`");
        deleted.map(drop).map_err(|error| SystemError::Aws { doing, why: edge::aws::shown(&error) })
    }

    /// Puts the pair back to where a failover can begin: the old primary runs and is open, a new replica follows it, the
    /// name leads to it, nobody holds the lease, and the watch sees it. [`System::renew`] without a new database, in about
    /// a second.
    ///
    /// # Errors
    /// [`RewindError`].
    pub async fn rewind(&self, aws: &LocalAws) -> Result<(), RewindError> {
        let (primary, replica) = (&self.pair.primary, &self.pair.replica);
        let regions = &self.plan.regions;
        // First of all: with the lease its guard ends, which would shut the primary again.
        self.forget_lease(aws).await?;
        end_guard(aws).await?;
        let back = async {
            match aws.rds.restart_after_kill(&self.primary()).await {
                Ok(()) | Err(RdsError::Running { .. }) => {}
                Err(error) => return Err(RewindError::from(error)),
            }
            Ok(self.open_side(aws, &regions.primary, primary).await?)
        };
        let gone = async { Ok(self.delete(aws, &regions.recovery, replica).await?) };
        tokio::try_join!(back, gone)?;
        self.create_replica(aws).await?;
        self.point_to_primary(aws).await?;
        // It writes the first failure and the return down at once, and with the failure when it last saw the primary.
        self.watch_shows(aws, WATCH_PATIENCE, "the primary's return in the watch", is_well).await?;
        Ok(())
    }

    /// Waits until the watch has counted a failure.
    ///
    /// # Errors
    /// [`SystemError::Late`].
    pub async fn noticed(&self, aws: &LocalAws) -> Result<(), SystemError> {
        self.watch_shows(aws, WATCH_PATIENCE, "a failure in the watch", |watch| watch.failing.is_some()).await
    }

    /// Writes one row as the application would. Gives who took it, or why nobody did.
    ///
    /// # Errors
    /// [`SystemError::Plan`] where the plan names no application role.
    pub async fn write_as_the_application(
        &self,
        aws: &LocalAws,
        place: &Place,
        id: i64,
    ) -> Result<Result<Server, String>, SystemError> {
        let written = write_once(self.access(aws)?, place, self.pair.primary.port, id).await;
        written.map_err(|error| SystemError::Plan { plan: self.plan.plan.to_string(), why: error.to_string() })
    }

    /// How the application logs in.
    pub(super) fn access(&self, aws: &LocalAws) -> Result<Access, SystemError> {
        let role = self.pair.application_roles.first().ok_or_else(|| SystemError::Plan {
            plan: self.plan.plan.to_string(),
            why: "it names no application role".into(),
        })?;
        Ok(Access {
            user: role.to_string(),
            password: self.password.clone(),
            database: self.pair.database.to_string(),
            trusted_pem: Some(aws.rds.ca_pem()),
        })
    }
}
