//! RDS, in the Region of the instance.

mod automated_backups;
mod cluster_snapshots;
mod instance_snapshots;
mod presigned;
mod quota;
mod restores;

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_rds::{
    Client,
    types::{DbInstance, Tag},
};
use domain::{
    component::Side,
    failover::{
        fencing::{self, Direction, Membership, NetworkMove, NetworkSeen, Way},
        hardening::Change,
        judgement::ApiSeen,
    },
    words::{
        failure::Failure,
        id::{InstanceId, Region, SecurityGroupId},
    },
};

use jiff::Timestamp;

pub use self::{automated_backups::Source, cluster_snapshots::ClusterSnapshots, instance_snapshots::InstanceSnapshots};
pub use crate::snapshots::Acceptance;

use crate::{aws, aws_failure};

/// What came of asking RDS for a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promoting {
    /// It is on its way.
    Begun,
    /// RDS changes nothing of the replica now.
    Busy,
}

/// Pages of a listing that are looked through, of 100 each: a hundred times what an account has unless it is raised.
const MOST_PAGES: usize = 100;

/// RDS in one Region.
#[derive(Debug, Clone)]
pub struct Rds {
    client: Client,
    region: Region,
}

/// An instance as RDS sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `DBInstanceStatus`.
    pub status: String,
    /// Whether it names a replication source.
    pub is_replica: bool,
    /// The engine's version.
    pub version: String,
    /// Whether it has a standby in another zone.
    pub multi_az: bool,
    /// Until when its certificate is good, where RDS says so.
    pub certificate_until: Option<Timestamp>,
    /// Its security groups.
    pub security_groups: Vec<Membership>,
    /// Automated backups' retention, in days; zero means that there are none.
    pub retention_days: u8,
    /// Whether it cannot be deleted.
    pub deletion_protection: bool,
}

impl Rds {
    /// RDS in the function's own Region.
    pub async fn here(region: &Region) -> Self {
        Self { client: Client::new(&aws::config(Some(region.as_str())).await), region: region.clone() }
    }

    /// RDS in a Region, over a configuration for it.
    #[must_use]
    pub fn with(config: &aws_config::SdkConfig, region: &Region) -> Self {
        Self { client: Client::new(config), region: region.clone() }
    }

    /// RDS in a Region that may be gone: `patience` for each call.
    pub async fn far(region: &Region, patience: Duration) -> Self {
        Self {
            client: Client::new(&aws::config_for_the_far_side(region.as_str(), patience).await),
            region: region.clone(),
        }
    }

    /// Looks at an instance.
    ///
    /// # Errors
    /// `NotFound` where there is none of that name.
    pub async fn describe(&self, instance: &InstanceId) -> Result<Instance, Failure> {
        let answer = self.client.describe_db_instances().db_instance_identifier(instance.as_str()).send().await;
        let answer = answer.map_err(|error| self.failure("describe", instance, error))?;
        let found = answer.db_instances().first().ok_or_else(|| self.missing(instance))?;
        Ok(read(found))
    }

    /// What RDS says of an instance, for a judgement: a Region that does not answer is an answer too, and one that refuses
    /// us is not silent.
    pub async fn status(&self, instance: &InstanceId) -> ApiSeen {
        let answer = self.client.describe_db_instances().db_instance_identifier(instance.as_str()).send().await;
        match answer {
            Ok(found) => found.db_instances().first().map_or_else(
                || ApiSeen::Untold(self.missing(instance).chain()),
                |found| ApiSeen::Status(read(found).status),
            ),
            Err(error) => {
                let (code, status) = (aws::code(&error), error.raw_response().map(|answer| answer.status().as_u16()));
                let why = self.failure("describe", instance, error).chain();
                if aws::is_silence(code.as_deref(), status) { ApiSeen::Silent(why) } else { ApiSeen::Untold(why) }
            }
        }
    }

    /// An instance's security groups, for a fence: a Region that does not answer is an answer too.
    pub async fn network(&self, instance: &InstanceId) -> NetworkSeen {
        match self.describe(instance).await {
            Ok(instance) => NetworkSeen::Groups(instance.security_groups),
            Err(failure) => NetworkSeen::Silent(failure.chain()),
        }
    }

    /// Asks for a replica's promotion, with the retention that the new primary is to have.
    ///
    /// `Busy` is where RDS says `InvalidDBInstanceState`: the replica is changing, or its promotion has begun and is not
    /// shown yet.
    ///
    /// # Errors
    /// `AwsRejected` where it is not a replica, or may not be promoted.
    pub async fn promote(&self, instance: &InstanceId, retention_days: u8) -> Result<Promoting, Failure> {
        let request = self
            .client
            .promote_read_replica()
            .db_instance_identifier(instance.as_str())
            .backup_retention_period(i32::from(retention_days));
        match request.send().await {
            Ok(_) => Ok(Promoting::Begun),
            Err(error) if is(&error, "InvalidDBInstanceState") => Ok(Promoting::Busy),
            Err(error) => Err(self.failure("promote", instance, error)),
        }
    }

    /// Replaces an instance's security groups, which RDS does as soon as it can: `ApplyImmediately` would add nothing but
    /// what somebody else has waiting for the next maintenance window, a change of the class among it.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn set_security_groups(&self, instance: &InstanceId, groups: &[SecurityGroupId]) -> Result<(), Failure> {
        let groups = groups.iter().map(ToString::to_string).collect();
        let request = self
            .client
            .modify_db_instance()
            .db_instance_identifier(instance.as_str())
            .set_vpc_security_group_ids(Some(groups));
        request.send().await.map(drop).map_err(|error| self.failure("set the security groups of", instance, error))
    }

    /// Sets automated backups' retention and deletion protection.
    ///
    /// # Errors
    /// As AWS answers; `AwsRejected` in a status that forbids it.
    pub async fn harden(&self, instance: &InstanceId, change: Change) -> Result<(), Failure> {
        let request = self
            .client
            .modify_db_instance()
            .db_instance_identifier(instance.as_str())
            .backup_retention_period(i32::from(change.retention_days))
            .deletion_protection(change.deletion_protection);
        let request = if change.begins_backups { request.apply_immediately(true) } else { request };
        request.send().await.map(drop).map_err(|error| self.failure("harden", instance, error))
    }

    fn missing(&self, instance: &InstanceId) -> Failure {
        Failure::NotFound(format!(
            "there is no DB instance `{instance}` in {}: correct the plan, or create it",
            self.region
        ))
    }

    fn failure<E>(&self, verb: &str, instance: &InstanceId, error: aws_sdk_rds::error::SdkError<E>) -> Failure
    where
        E: std::error::Error + aws_sdk_rds::error::ProvideErrorMetadata + 'static,
    {
        if is(&error, "DBInstanceNotFound") {
            return self.missing(instance);
        }
        aws_failure!(format!("cannot {verb} DB instance `{instance}` in {}", self.region), error)
    }
}

/// Shuts a side's network, or opens it again, and looks once more whether it is as it was asked for.
pub async fn set_network(rds: &Rds, side: &Side, direction: Direction) -> Way {
    match NetworkMove::plan(&rds.network(&side.instance).await, side, direction) {
        NetworkMove::Set(groups) => set_groups(rds, side, &groups, direction).await,
        NetworkMove::Leave(way) => way,
    }
}

/// Replaces a side's security groups, and looks once more whether they are as they were asked for.
pub async fn set_groups(rds: &Rds, side: &Side, groups: &[SecurityGroupId], direction: Direction) -> Way {
    if let Err(failure) = rds.set_security_groups(&side.instance, groups).await {
        return Way::Unreachable(failure.chain());
    }
    match rds.network(&side.instance).await {
        NetworkSeen::Groups(groups) => fencing::network(&groups, side, direction),
        NetworkSeen::Silent(why) => Way::Unproved(why),
    }
}

/// Of a part nothing is concluded.
fn too_many(what: String) -> Failure {
    Failure::AwsRejected { what, source: Some(format!("there are more than {MOST_PAGES} pages of them").into()) }
}

/// An identifier that a plan's own types have held already.
fn parsed<I: std::str::FromStr<Err: std::fmt::Display>>(id: &str) -> Result<I, Failure> {
    id.parse().map_err(|error| Failure::InvalidInput(format!("{error}")))
}

fn read_tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let tag = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(tag).collect()
}

/// RDS writes no size, or none at all, of what it does not know.
fn gib(size: Option<i32>) -> Option<u32> {
    size.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0)
}

fn tags(tags: &[(String, String)]) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Whether AWS's error is of this kind. Some of RDS's codes end in `Fault`, and which ones differs between its errors.
fn is<E, R>(error: &aws_sdk_rds::error::SdkError<E, R>, code: &str) -> bool
where
    E: aws_sdk_rds::error::ProvideErrorMetadata,
{
    aws::code(error).is_some_and(|found| found.starts_with(code))
}

fn read(found: &DbInstance) -> Instance {
    let groups = found.vpc_security_groups().iter().filter_map(|member| {
        let group = member.vpc_security_group_id()?.parse().ok()?;
        Some(Membership { group, status: member.status().unwrap_or("unknown").to_owned() })
    });
    Instance {
        status: found.db_instance_status().unwrap_or("unknown").to_owned(),
        is_replica: found.read_replica_source_db_instance_identifier().is_some_and(|source| !source.is_empty()),
        version: found.engine_version().unwrap_or("unknown").to_owned(),
        multi_az: found.multi_az().unwrap_or(false),
        certificate_until: found
            .certificate_details()
            .and_then(|certificate| Timestamp::from_second(certificate.valid_till()?.secs()).ok()),
        security_groups: groups.collect(),
        retention_days: found.backup_retention_period().and_then(|days| u8::try_from(days).ok()).unwrap_or(0),
        deletion_protection: found.deletion_protection().unwrap_or(false),
    }
}

#[cfg(test)]
mod tests;
