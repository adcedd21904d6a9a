//! The name that clients use, and its zone.

use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};
use domain::{
    failover::traffic::{bare, generation_name},
    plan::PairPlan,
    words::id::ZoneId,
};

use super::{System, SystemError, failed};
use crate::local_aws::LocalAws;

/// The zone that the lab has a name in: the name without its first label.
pub(super) fn zone_of(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, parent)| parent)
}

impl System {
    /// Makes the hosted zone that the plan's record is in: its name without the first label.
    pub(crate) async fn zone(aws: &LocalAws, plan: &PairPlan) -> Result<ZoneId, SystemError> {
        Self::make_zone(aws, plan, zone_of(plan.traffic.record.name.as_str()), plan.plan.as_str()).await
    }

    /// Makes a hosted zone. The same `reference` asks for the same zone.
    pub(super) async fn make_zone(
        aws: &LocalAws,
        plan: &PairPlan,
        name: &str,
        reference: &str,
    ) -> Result<ZoneId, SystemError> {
        let route53 = aws_sdk_route53::Client::new(&aws.gateway.sdk_config(plan.regions.primary.as_str()));
        let made = route53.create_hosted_zone().name(name).caller_reference(reference).send().await;
        let made = made.map_err(|error| SystemError::Aws {
            doing: format!("make the zone `{name}`"),
            why: edge::aws::shown(&error),
        })?;
        let id =
            made.hosted_zone().map(|zone| zone.id().trim_start_matches("/hostedzone/").to_owned()).unwrap_or_default();
        id.parse().map_err(failed("read the new zone's id"))
    }

    /// Lets the traffic's name lead to the primary, in no generation.
    pub(crate) async fn point_to_primary(&self, aws: &LocalAws) -> Result<(), SystemError> {
        self.point_to(aws, self.pair.primary.endpoint.as_str()).await?;
        self.point_the_application_to_primary(aws).await
    }

    /// Lets the traffic's name lead to `target`, in no generation, whatever it leads to now: as a person might.
    pub(crate) async fn point_to(&self, aws: &LocalAws, target: &str) -> Result<(), SystemError> {
        let route53 = aws_sdk_route53::Client::new(&aws.gateway.sdk_config(self.plan.regions.primary.as_str()));
        let record = &self.plan.traffic.record;
        let listed = route53
            .list_resource_record_sets()
            .hosted_zone_id(record.zone.as_str())
            .send()
            .await
            .map_err(failed("list the zone"))?;
        let ours = [record.name.to_string(), generation_name(&record.name)];
        let old = listed.resource_record_sets().iter().filter(|set| ours.contains(&bare(set.name())));
        let value = ResourceRecord::builder().value(target).build().map_err(failed("build the record"))?;
        let new = ResourceRecordSet::builder().name(record.name.as_str()).r#type(RrType::Cname).resource_records(value);
        let new = new
            .ttl(i64::try_from(record.ttl.duration().as_secs()).unwrap_or(i64::MAX))
            .build()
            .map_err(failed("build the record"))?;
        let changes = old.cloned().map(|set| (ChangeAction::Delete, set)).chain([(ChangeAction::Create, new)]);
        let mut batch = ChangeBatch::builder();
        for (action, set) in changes {
            batch = batch.changes(
                Change::builder()
                    .action(action)
                    .resource_record_set(set)
                    .build()
                    .map_err(failed("build the change"))?,
            );
        }
        let batch = batch.build().map_err(failed("build the change"))?;
        let changed =
            route53.change_resource_record_sets().hosted_zone_id(record.zone.as_str()).change_batch(batch).send().await;
        changed.map(drop).map_err(|error| SystemError::Aws {
            doing: format!("point `{}` to `{target}`", record.name),
            why: edge::aws::shown(&error),
        })
    }
}
