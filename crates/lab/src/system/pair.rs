//! The pair of database instances, and their data.

use std::time::Duration;

use aws_sdk_rds::types::DbInstance;
use domain::{component::Side, words::id::Region};
use tokio_postgres::{NoTls, error::SqlState};

use super::{PATIENCE, ROWS, System, SystemError, until};

use rds_on_postgres::Name;

use crate::{gateway::ACCOUNT, local_aws::LocalAws, workload};

impl System {
    pub(super) async fn create_pair(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let primary = &self.pair.primary;
        let here = self.rds(aws, &self.plan.regions.primary);
        let doing = format!("create `{}`", primary.instance);
        here.create_db_instance()
            .db_instance_identifier(primary.instance.as_str())
            .db_instance_class("db.t3.micro")
            .engine("postgres")
            .allocated_storage(20)
            .storage_encrypted(self.is_encrypted())
            .db_name(self.pair.database.as_str())
            .master_username(&self.owner)
            .master_user_password(&self.owner_password)
            .port(i32::from(primary.port))
            .set_vpc_security_group_ids(groups(primary))
            .backup_retention_period(1)
            .send()
            .await
            .map_err(|error| SystemError::Aws { doing, why: edge::aws::shown(&error) })?;
        self.available(aws, &self.plan.regions.primary, primary).await?;
        self.load(aws).await?;
        self.create_replica(aws).await
    }

    pub(super) async fn create_replica(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let (primary, replica) = (&self.pair.primary, &self.pair.replica);
        let there = self.rds(aws, &self.plan.regions.recovery);
        let doing = format!("create the replica `{}`", replica.instance);
        there
            .create_db_instance_read_replica()
            .db_instance_identifier(replica.instance.as_str())
            .source_db_instance_identifier(format!(
                "arn:aws:rds:{}:{ACCOUNT}:db:{}",
                self.plan.regions.primary, primary.instance
            ))
            .port(i32::from(replica.port))
            .set_vpc_security_group_ids(groups(replica))
            .set_kms_key_id(self.is_encrypted().then(|| self.key_of(&self.plan.regions.recovery)))
            .send()
            .await
            .map_err(|error| SystemError::Aws { doing, why: edge::aws::shown(&error) })?;
        self.available(aws, &self.plan.regions.recovery, replica).await
    }

    async fn load(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let client = self.owner_session(aws, &self.plan.regions.primary, &self.pair.primary).await?;
        let role = self.pair.application_roles.first();
        let role = role.ok_or_else(|| SystemError::Plan {
            plan: self.plan.plan.to_string(),
            why: "it names no application role".into(),
        })?;
        workload::orders::create(&client, role, &self.password, ROWS).await?;
        let Some(data) = &self.data else { return Ok(()) };
        Ok(workload::orders::add(&client, data).await?)
    }

    /// A session of the database's owner.
    ///
    /// # Errors
    /// When the side refuses connections, as a fenced one does.
    pub async fn owner_session(
        &self,
        aws: &LocalAws,
        region: &Region,
        side: &Side,
    ) -> Result<tokio_postgres::Client, SystemError> {
        let view = aws.rds.instance(&Name::new(region.as_str(), side.instance.as_str()));
        let view = view.ok_or_else(|| SystemError::Plan {
            plan: self.plan.plan.to_string(),
            why: format!("`{}` does not exist", side.instance),
        })?;
        let mut config = tokio_postgres::Config::new();
        config
            .hostaddr(view.address.into())
            .host(&view.host_name)
            .port(view.port)
            .user(&self.owner)
            .password(&self.owner_password);
        // In the clear: this is the lab itself, on its own machine.
        config
            .dbname(self.pair.database.as_str())
            .connect_timeout(Duration::from_secs(2))
            .ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(async move {
            // Its error is also the error of the statement that was under way.
            drop(connection.await);
        });
        Ok(client)
    }

    async fn available(&self, aws: &LocalAws, region: &Region, side: &Side) -> Result<(), SystemError> {
        until(PATIENCE, &format!("DB instance `{}`", side.instance), async || {
            let status = self.describe(aws, region, side).await?.and_then(|instance| instance.db_instance_status);
            Ok((status.as_deref() == Some("available")).then_some(()))
        })
        .await
    }

    /// The security groups that a side has now, by RDS's word.
    pub(crate) async fn security_groups(
        &self,
        aws: &LocalAws,
        region: &Region,
        side: &Side,
    ) -> Result<Vec<String>, SystemError> {
        let instance = self.describe(aws, region, side).await?;
        let groups = instance.map(|instance| instance.vpc_security_groups.unwrap_or_default()).unwrap_or_default();
        Ok(groups.into_iter().filter_map(|group| group.vpc_security_group_id).collect())
    }

    async fn describe(&self, aws: &LocalAws, region: &Region, side: &Side) -> Result<Option<DbInstance>, SystemError> {
        match self.rds(aws, region).describe_db_instances().db_instance_identifier(side.instance.as_str()).send().await
        {
            Ok(answer) => Ok(answer.db_instances().first().cloned()),
            Err(error) if edge::aws::code(&error).is_some_and(|code| code.starts_with("DBInstanceNotFound")) => {
                Ok(None)
            }
            Err(error) => {
                Err(SystemError::Aws { doing: format!("describe `{}`", side.instance), why: edge::aws::shown(&error) })
            }
        }
    }

    pub(super) fn rds(&self, aws: &LocalAws, region: &Region) -> aws_sdk_rds::Client {
        aws_sdk_rds::Client::new(&aws.gateway.sdk_config(region.as_str()))
    }

    /// Deletes an instance and the snapshots of it, protected or not.
    pub(crate) async fn delete(&self, aws: &LocalAws, region: &Region, side: &Side) -> Result<(), SystemError> {
        let rds = self.rds(aws, region);
        let id = side.instance.as_str();
        until(PATIENCE, &format!("the end of DB instance `{id}`"), async || {
            if self.describe(aws, region, side).await?.is_none() {
                return Ok(Some(()));
            }
            // It may be protected, busy, or deleted already: both are tried until it is gone.
            let open = rds.modify_db_instance().db_instance_identifier(id).deletion_protection(false);
            let opened = open.apply_immediately(true).send().await;
            let deleted = rds.delete_db_instance().db_instance_identifier(id).skip_final_snapshot(true).send().await;
            tracing::debug!(opened = opened.is_ok(), deleted = deleted.is_ok(), "asked for the end of `{id}`");
            Ok(None)
        })
        .await?;
        self.delete_snapshots(&rds, id).await
    }

    /// What the engine took of an instance that is gone.
    async fn delete_snapshots(&self, rds: &aws_sdk_rds::Client, id: &str) -> Result<(), SystemError> {
        let failed = |why: String| SystemError::Aws { doing: format!("delete the snapshots of `{id}`"), why };
        let request = rds.describe_db_snapshots().db_instance_identifier(id).snapshot_type("manual");
        let found = request.send().await.map_err(|error| failed(edge::aws::shown(&error)))?;
        for snapshot in found.db_snapshots() {
            let name = snapshot.db_snapshot_identifier().unwrap_or_default();
            until(PATIENCE, &format!("the end of DB snapshot `{name}`"), async || {
                match rds.delete_db_snapshot().db_snapshot_identifier(name).send().await {
                    Ok(_) => Ok(Some(())),
                    Err(error)
                        if edge::aws::code(&error).is_some_and(|code| code.starts_with("DBSnapshotNotFound")) =>
                    {
                        Ok(Some(()))
                    }
                    // It is still being taken.
                    Err(error)
                        if edge::aws::code(&error).is_some_and(|code| code.starts_with("InvalidDBSnapshotState")) =>
                    {
                        Ok(None)
                    }
                    Err(error) => Err(failed(edge::aws::shown(&error))),
                }
            })
            .await?;
        }
        Ok(())
    }
}

impl System {
    /// Opens a side to the application again, in its network and in its roles, whatever fenced it.
    pub(super) async fn open_side(&self, aws: &LocalAws, region: &Region, side: &Side) -> Result<(), SystemError> {
        let opened = self
            .rds(aws, region)
            .modify_db_instance()
            .db_instance_identifier(side.instance.as_str())
            .set_vpc_security_group_ids(groups(side))
            .apply_immediately(true)
            .send()
            .await;
        opened.map_err(|error| SystemError::Aws {
            doing: format!("open the network of `{}`", side.instance),
            why: edge::aws::shown(&error),
        })?;
        let owner = self.owner_session(aws, region, side).await?;
        for role in &self.pair.application_roles {
            let open = format!("alter role {role} login");
            // A guard of before may be shutting it at this moment: PostgreSQL refuses the later of two.
            until(PATIENCE, "a moment at which nobody else changes the role", async || {
                match owner.batch_execute(&open).await {
                    Err(error) if error.code() == Some(&SqlState::INTERNAL_ERROR) => Ok(None),
                    changed => Ok(Some(changed?)),
                }
            })
            .await?;
        }
        Ok(())
    }
}

fn groups(side: &Side) -> Option<Vec<String>> {
    Some(side.security_groups.iter().map(ToString::to_string).collect())
}
