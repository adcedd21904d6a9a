//! RUNBOOK, "Switching to a restored instance", point by point; and the pair that comes of it fails over as any other.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use aws_sdk_rds::{error::ProvideErrorMetadata, types::DbInstance};
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};
use domain::{
    component::{Component, PostgresPair},
    plan::{Plan, Policies, Policy},
    plan_file::{self, Severity},
    restore::Restored,
    words::id::{HostName, InstanceId, Region},
};
use jiff::{Timestamp, Unit};
use lab::{
    drill::{Drills, Scenario},
    gateway::ACCOUNT,
    protection,
    workload::{Place, Server},
};
use serde_json::json;
use tests::{labs, listener::Listener};

use super::world::{PATIENCE, World};

#[tokio::test(flavor = "multi_thread")]
async fn traffic_is_switched_to_a_restored_instance_as_the_runbook_says_and_that_one_is_protected() {
    let told = Listener::default();
    let plan = plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
    let (lab, _place) = labs::start(&plan, &told).await.unwrap();
    let mut drills = Drills::on(lab);
    let _turn = labs::turn().await;
    let switch = Switch { world: World { lab: &drills.lab, now: Timestamp::now().round(Unit::Second).unwrap() } };
    let plan = switch.by_the_runbook().await;
    let (aws, system) = (&drills.lab.aws, &mut drills.lab.system);
    system.plan = plan.pairs().next().unwrap();
    system.pair = system.plan.pair().unwrap().clone();
    system.whole = plan;
    system.watched(aws).await.unwrap();
    let result = drills.run(Scenario::PrimaryKilled, "cargo test", &told).await.unwrap();
    drills.shut_down().await;
    assert!(result.passed(), "{:?}\n{:#?}", result.shortcomings(), told.told());
}

struct Switch<'s> {
    world: World<'s>,
}

impl Switch<'_> {
    /// The page's points. Gives the plan that is in force then.
    async fn by_the_runbook(&self) -> Plan {
        let before = &self.world.lab.system.whole;
        self.upload(&never(before)).await;
        let restored = self.restored().await;
        self.old_primary_is_shut().await;
        let instance = self.application_is_let_in(&restored).await;
        let endpoint = endpoint(&instance);
        self.record_is_moved(&before.traffic[0].record.name, &endpoint).await;
        let served = self.write(self.by_name()).await.unwrap();
        assert_eq!(Some(served.address), self.address(&endpoint), "the application is served by the restored instance");
        let replica = self.new_replica(&restored).await;
        let plan = self.of_the_new_pair(&restored, endpoint, &replica);
        // The engine's roles reach only what its lists name.
        protection::reapply(&self.world.lab.aws, &plan).await.unwrap();
        plan
    }

    fn pair(&self) -> &PostgresPair {
        &self.world.lab.system.pair
    }

    fn primary_region(&self) -> &Region {
        &self.world.lab.system.plan.regions.primary
    }

    async fn upload(&self, plan: &Plan) {
        let findings = plan_file::check(plan);
        assert!(findings.iter().all(|finding| finding.severity != Severity::Error), "{findings:?}");
        let text = serde_json::to_string(plan).unwrap();
        self.world.lab.system.put_object(&self.world.lab.aws, "plans/lab.yaml", &text).await.unwrap();
    }

    async fn restored(&self) -> Restored {
        let wanted = json!("latestTime");
        let request =
            json!({ "plan": "lab", "component": "orders", "purpose": "keep", "wanted": wanted, "by": "anna" });
        let (ended, record) = self.world.prove("switch", &request).await;
        assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
        record.unwrap().parts.remove(0).part.restored.unwrap()
    }

    async fn old_primary_is_shut(&self) {
        let (rds, side) = (self.world.rds(self.primary_region()), &self.pair().primary);
        let shut = rds.modify_db_instance().db_instance_identifier(side.instance.as_str()).apply_immediately(true);
        shut.vpc_security_group_ids(side.fence_security_group.as_str()).send().await.unwrap();
        let began = Instant::now();
        while let Err(error) = rds.reboot_db_instance().db_instance_identifier(side.instance.as_str()).send().await {
            let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
            assert_eq!((code, began.elapsed() < PATIENCE), (Some("InvalidDBInstanceState"), true), "still modifying");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.available(self.primary_region(), &side.instance).await;
        let refused = self.write(self.by_name()).await;
        assert!(refused.is_err(), "the old primary takes no write: {refused:?}");
    }

    async fn application_is_let_in(&self, restored: &Restored) -> DbInstance {
        let rds = self.world.rds(&restored.region);
        let open = rds.modify_db_instance().db_instance_identifier(restored.instance.as_str()).apply_immediately(true);
        let groups = self.pair().primary.security_groups.iter().map(ToString::to_string).collect();
        open.set_vpc_security_group_ids(Some(groups)).send().await.unwrap();
        self.available(&restored.region, &restored.instance).await
    }

    /// As "Finishing a DNS switch by hand" has it: what is deleted must be there exactly.
    async fn record_is_moved(&self, name: &HostName, to: &HostName) {
        let (aws, plan) = (&self.world.lab.aws, &self.world.lab.system.plan);
        let route53 = aws_sdk_route53::Client::new(&aws.gateway.sdk_config(plan.regions.recovery.as_str()));
        let change = |action: ChangeAction, target: &HostName| {
            let value = ResourceRecord::builder().value(target.as_str()).build().unwrap();
            let set = ResourceRecordSet::builder().name(name.as_str()).r#type(RrType::Cname).ttl(0);
            let set = set.resource_records(value).build().unwrap();
            Change::builder().action(action).resource_record_set(set).build().unwrap()
        };
        let batch = ChangeBatch::builder().changes(change(ChangeAction::Delete, &self.pair().primary.endpoint));
        let batch = batch.changes(change(ChangeAction::Create, to)).build().unwrap();
        let zone = plan.traffic.record.zone.as_str();
        route53.change_resource_record_sets().hosted_zone_id(zone).change_batch(batch).send().await.unwrap();
    }

    /// The old one follows a primary that is shut.
    async fn new_replica(&self, source: &Restored) -> DbInstance {
        let region = &self.world.lab.system.plan.regions.recovery;
        let arn = format!("arn:aws:rds:{}:{ACCOUNT}:db:{}", source.region, source.instance);
        let create =
            self.world.rds(region).create_db_instance_read_replica().db_instance_identifier("orders-replica-2");
        let groups = self.pair().replica.security_groups.iter().map(ToString::to_string).collect();
        let create = create.source_db_instance_identifier(arn).set_vpc_security_group_ids(Some(groups));
        create.send().await.unwrap();
        self.available(region, &"orders-replica-2".parse().unwrap()).await
    }

    fn of_the_new_pair(&self, restored: &Restored, served_at: HostName, replica: &DbInstance) -> Plan {
        let mut plan = self.world.lab.system.whole.clone();
        let Component::PostgresPair(pair) = &mut plan.components[0] else { panic!("a pair") };
        (pair.primary.instance, pair.primary.endpoint) = (restored.instance.clone(), served_at);
        let name = replica.db_instance_identifier().unwrap();
        (pair.replica.instance, pair.replica.endpoint) = (name.parse().unwrap(), endpoint(replica));
        plan
    }

    /// Waits for an instance, and gives it.
    async fn available(&self, region: &Region, instance: &InstanceId) -> DbInstance {
        let (rds, began) = (self.world.rds(region), Instant::now());
        loop {
            let told = rds.describe_db_instances().db_instance_identifier(instance.as_str()).send().await.unwrap();
            let there = told.db_instances()[0].clone();
            if there.db_instance_status() == Some("available") {
                return there;
            }
            assert!(began.elapsed() < PATIENCE, "{instance}: {:?}", there.db_instance_status());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn by_name(&self) -> Place {
        let name = self.world.lab.system.plan.traffic.record.name.to_string();
        Place::Name { name, resolver: self.world.lab.aws.resolver() }
    }

    async fn write(&self, place: Place) -> Result<Server, String> {
        let (aws, system) = (&self.world.lab.aws, &self.world.lab.system);
        system.write_as_the_application(aws, &place, 99_000_000).await.unwrap()
    }

    fn address(&self, endpoint: &HostName) -> Option<IpAddr> {
        self.world.lab.aws.rds.address(endpoint.as_str()).map(IpAddr::V4)
    }
}

fn endpoint(instance: &DbInstance) -> HostName {
    instance.endpoint().and_then(|endpoint| endpoint.address()).unwrap().parse().unwrap()
}

fn never(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let never = Policy::Never;
    plan.failover.policy = Policies {
        database: never,
        zone: never,
        region: never,
        application: never,
        network: never,
        unknown: never,
        several_regions: Some(never),
        corruption: None,
        breach: None,
        deletion: None,
    };
    plan
}
