//! A further recovery Region: backups are copied to it, and a person has one restored there, where nothing of the plan runs.

use domain::{plan::Plan, plan_file, restore::RestoreRecord};
use jiff::{Timestamp, Unit};
use lab::workload::orders::read_back;
use serde_json::json;
use tests::labs;

use super::world::{Shown, World};

/// The lab's plan, with a copy of each backup in a further Region and what is restored there.
fn plan() -> Plan {
    let lab = include_str!("../../../../plans/lab.yaml");
    let next = "  next: [eu-west-2]\n";
    let side = "    next:
      - region: eu-west-2
        fenceSecurityGroup: sg-0123456789abcdef0
        restore: {instanceClass: db.t4g.small, subnetGroup: isolated, parameterGroup: orders-15, optionGroup: orders}
";
    let text = lab
        .replacen("  witness: eu-west-1\n", &format!("  witness: eu-west-1\n{next}"), 1)
        .replacen("    applicationRoles:", &format!("{side}    applicationRoles:"), 1)
        .replacen("      - region: us-west-2\n", "      - region: us-west-2\n      - region: eu-west-2\n", 1);
    plan_file::read(&text, "plans/lab.yaml").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_copied_to_a_further_recovery_region_and_restored_there_by_a_person_s_order() {
    let plan = plan();
    let (lab, _place) = labs::start(&plan, &Shown).await.unwrap();
    let _turn = labs::turn().await;
    let world = World { lab: &lab, now: Timestamp::now().round(Unit::Second).unwrap() };
    world.back_up("first", world.at(2)).await.succeeded();
    let before = world.rows().await;
    let next = &plan.regions.next[0];
    assert_eq!(world.snapshots(next).await.len(), 1, "a copy lies there");

    let order = |wanted: serde_json::Value| json!({ "plan": "lab", "schedule": "daily", "component": "orders", "purpose": "keep", "wanted": wanted, "region": next, "by": "anna" });
    let (refused, _) = world.prove("moment", &order(json!("latestTime"))).await;
    assert_eq!(refused.end, "VerifyBackupRefused", "{}", refused.cause);
    let (ended, record) = world.prove("next", &order(json!("latest"))).await;
    assert_eq!(ended.end, "SUCCEEDED", "{}", ended.cause);
    world.is_there_as_the_plan_says(&record.unwrap(), &before).await;
    lab.shut_down().await;
}

impl World<'_> {
    async fn rows(&self) -> Vec<i64> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let session = system.owner_session(aws, &system.plan.regions.primary, &system.pair.primary).await.unwrap();
        read_back(&session, 0).await.unwrap()
    }

    async fn is_there_as_the_plan_says(&self, record: &RestoreRecord, before: &[i64]) {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let said = &system.pair.next[0];
        let part = &record.parts[0].part;
        let restored = part.restored.as_ref().unwrap();
        assert_eq!((&restored.region, &restored.security_group), (&said.region, &said.fence_security_group));
        let session = system.owner_session(aws, &restored.region, &restored.as_side()).await.unwrap();
        assert_eq!(read_back(&session, 0).await.unwrap(), before);
        assert_eq!(part.verified.as_ref().unwrap().checks.len(), 4);
        let name = restored.instance.as_str();
        let there = self.rds(&said.region).describe_db_instances().db_instance_identifier(name).send().await.unwrap();
        let there = &there.db_instances()[0];
        assert_eq!(there.db_instance_class(), Some("db.t4g.small"));
        assert_eq!(there.db_parameter_groups()[0].db_parameter_group_name(), Some("orders-15"));
    }
}
