//! Route 53's control plane: one zone's records.

use aws_sdk_route53::{
    Client,
    types::{AliasTarget, Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecord, ResourceRecordSet, RrType},
};
use domain::{
    failover::traffic::{AliasOf, RecordSet, Seen, bare, generation_name},
    words::{
        failure::Failure,
        id::{HostName, ZoneId},
    },
};

use crate::{aws, aws_failure};

/// Route 53.
#[derive(Debug, Clone)]
pub struct Route53 {
    client: Client,
}

impl Route53 {
    /// Route 53 as the environment says.
    pub async fn from_env() -> Self {
        Self { client: Client::new(&aws::config(None).await) }
    }

    /// Route 53 as a configuration says.
    #[must_use]
    pub fn with(config: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Looks at a name and at its generation.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn look(&self, zone: &ZoneId, name: &HostName) -> Result<Seen, Failure> {
        let generation = generation_name(name);
        let (records, generation) =
            tokio::try_join!(self.records(zone, name.as_str()), self.records(zone, &generation))?;
        Ok(Seen { records, generation })
    }

    /// A name's record sets. The API lists from a name on, in order: what comes after it is not asked for.
    async fn records(&self, zone: &ZoneId, name: &str) -> Result<Vec<RecordSet>, Failure> {
        /// A name has at most a few types; a routed one at most a hundred sets.
        const MOST: i32 = 100;
        let request = self
            .client
            .list_resource_record_sets()
            .hosted_zone_id(zone.as_str())
            .start_record_name(name)
            .max_items(MOST);
        let answer = request
            .send()
            .await
            .map_err(|error| aws_failure!(format!("cannot list the records of `{name}` in zone {zone}"), error))?;
        Ok(answer.resource_record_sets().iter().filter(|set| bare(set.name()) == name).map(read).collect())
    }

    /// Makes one change batch: all of it or nothing. Gives the change's id.
    ///
    /// # Errors
    /// `Conflict` where a record was not as it was to be deleted.
    pub async fn change(
        &self,
        zone: &ZoneId,
        delete: &[RecordSet],
        create: &[RecordSet],
        comment: String,
    ) -> Result<String, Failure> {
        let mut changes = Vec::new();
        for (action, sets) in [(ChangeAction::Delete, delete), (ChangeAction::Create, create)] {
            for set in sets {
                changes.push(
                    Change::builder()
                        .action(action.clone())
                        .resource_record_set(write(set)?)
                        .build()
                        .map_err(unbuildable)?,
                );
            }
        }
        let batch = ChangeBatch::builder().set_changes(Some(changes)).comment(comment).build().map_err(unbuildable)?;
        match self.client.change_resource_record_sets().hosted_zone_id(zone.as_str()).change_batch(batch).send().await {
            Ok(answer) => Ok(answer.change_info().map(|info| info.id().to_owned()).unwrap_or_default()),
            Err(error) if aws::code(&error).as_deref() == Some("InvalidChangeBatch") => {
                Err(Failure::Conflict(format!("zone {zone} changed before the batch arrived: {}", aws::shown(&error))))
            }
            Err(error) => Err(aws_failure!(format!("cannot change zone {zone}"), error)),
        }
    }

    /// Whether a change has reached every one of Route 53's servers.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn is_insync(&self, change: &str) -> Result<bool, Failure> {
        let answer = self.client.get_change().id(change).send().await;
        let answer = answer.map_err(|error| aws_failure!(format!("cannot ask for change {change}"), error))?;
        Ok(answer.change_info().is_some_and(|info| *info.status() == ChangeStatus::Insync))
    }

    /// The names of the zone's authoritative servers; `None` of a private zone, which VPCs' own resolvers serve.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn name_servers(&self, zone: &ZoneId) -> Result<Option<Vec<String>>, Failure> {
        let answer = self.client.get_hosted_zone().id(zone.as_str()).send().await;
        let answer = answer.map_err(|error| aws_failure!(format!("cannot ask for zone {zone}"), error))?;
        let config = answer.hosted_zone().and_then(|zone| zone.config());
        if config.is_some_and(|config| config.private_zone()) {
            return Ok(None);
        }
        Ok(Some(answer.delegation_set().map(|set| set.name_servers().to_vec()).unwrap_or_default()))
    }
}

fn read(set: &ResourceRecordSet) -> RecordSet {
    RecordSet {
        name: bare(set.name()),
        kind: set.r#type().as_str().to_owned(),
        ttl_seconds: set.ttl(),
        values: set.resource_records().iter().map(|record| record.value().to_owned()).collect(),
        routed: set.set_identifier().is_some() || set.health_check_id().is_some(),
        alias: set.alias_target().map(|alias| AliasOf {
            zone: alias.hosted_zone_id().to_owned(),
            host: alias.dns_name().to_owned(),
            evaluates_health: alias.evaluate_target_health(),
        }),
    }
}

fn write(set: &RecordSet) -> Result<ResourceRecordSet, Failure> {
    let records = set
        .values
        .iter()
        .map(|value| ResourceRecord::builder().value(value).build().map_err(unbuildable))
        .collect::<Result<Vec<_>, _>>()?;
    let alias = set.alias.as_ref().map(|alias| {
        let target = AliasTarget::builder().hosted_zone_id(&alias.zone).dns_name(&alias.host);
        target.evaluate_target_health(alias.evaluates_health).build().map_err(unbuildable)
    });
    ResourceRecordSet::builder()
        .name(&set.name)
        .r#type(RrType::from(set.kind.as_str()))
        .set_ttl(set.ttl_seconds)
        .set_resource_records(Some(records).filter(|records| !records.is_empty()))
        .set_alias_target(alias.transpose()?)
        .build()
        .map_err(unbuildable)
}

fn unbuildable(error: impl std::fmt::Display) -> Failure {
    Failure::InvalidInput(format!("a Route 53 change cannot be built: {error}"))
}
