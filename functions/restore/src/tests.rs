use std::cell::RefCell;

use domain::{
    backup::Quota,
    restore::{Provenance, SeenInstance, Settings},
    run::step::Outcome,
    words::id::{InstanceId, Region},
};

use super::*;

fn event() -> Value {
    serde_json::from_str(include_str!("../../../events/restore.json")).unwrap()
}

fn now() -> Timestamp {
    "2026-11-21T06:00:04Z".parse().unwrap()
}

/// A Region in which an instance is available at the second look after it was asked for.
struct FakeRds {
    instance: RefCell<Option<SeenInstance>>,
    asked: RefCell<Vec<Creation>>,
    quota: Quota,
    like: Option<Settings>,
}

impl Default for FakeRds {
    fn default() -> Self {
        let like = Settings {
            class: Some("db.m7g.large".into()),
            subnet_group: Some("isolated".into()),
            parameter_group: Some("orders-15".into()),
            option_group: Some("orders".into()),
            multi_az: true,
            storage_gib: None,
            storage_type: None,
        };
        Self {
            instance: RefCell::default(),
            asked: RefCell::default(),
            quota: Quota { used: 2, most: 40 },
            like: Some(like),
        }
    }
}

impl Instances for FakeRds {
    async fn find(&self, _: &Region, _: &InstanceId) -> Result<Option<SeenInstance>, Failure> {
        let seen = self.instance.borrow().clone();
        if let Some(instance) = self.instance.borrow_mut().as_mut() {
            instance.status = "available".into();
            instance.endpoint = Some(("restored.example.com".parse().unwrap(), 5432));
        }
        Ok(seen)
    }

    async fn settings(&self, _: &Region, instance: &InstanceId) -> Result<Option<Settings>, Failure> {
        assert_eq!(instance.as_str(), "orders-replica", "the side of the Region that it is restored into");
        Ok(self.like.clone())
    }

    async fn quota(&self, _: &Region) -> Result<Quota, Failure> {
        Ok(self.quota)
    }

    async fn restore(&self, _: &Region, creation: &Creation) -> Result<Acceptance, Failure> {
        *self.instance.borrow_mut() = Some(SeenInstance {
            instance: creation.instance.clone(),
            status: "creating".into(),
            endpoint: None,
            provenance: Ok(creation.provenance.clone()),
        });
        self.asked.borrow_mut().push(creation.clone());
        Ok(Acceptance::Begun)
    }
}

#[tokio::test]
async fn it_is_asked_for_once_and_done_when_it_can_be_asked() {
    let rds = FakeRds::default();
    let mut steps = Vec::new();
    for _ in 0..3 {
        steps.push(handle(&rds, now(), event()).await.unwrap());
    }
    assert_eq!(
        steps.iter().map(|step| step.step).collect::<Vec<_>>(),
        [Outcome::Pending, Outcome::Pending, Outcome::Done]
    );
    let asked = rds.asked.borrow();
    assert_eq!(asked.len(), 1);
    let restored = steps.pop().unwrap().did.unwrap();
    assert_eq!((&restored.instance, restored.port), (&asked[0].instance, 5432));
}

#[tokio::test]
async fn it_is_isolated_and_made_like_the_region_s_own_instance() {
    let rds = FakeRds::default();
    handle(&rds, now(), event()).await.unwrap();
    let asked = rds.asked.borrow()[0].clone();
    assert_eq!(asked.security_group.as_str(), "sg-00000004", "the one that admits nobody but Lifeboat");
    assert_eq!(asked.settings.parameter_group.as_deref(), Some("orders-15"));
    assert!(!asked.settings.multi_az && !asked.deletion_protection, "a test needs no standby and is torn down");
    assert_eq!(asked.retention_days, 0);
}

#[tokio::test]
async fn what_is_kept_is_made_as_safe_as_a_primary() {
    let rds = FakeRds::default();
    let mut event = event();
    event["restore"]["purpose"] = "keep".into();
    handle(&rds, now(), event).await.unwrap();
    let asked = rds.asked.borrow()[0].clone();
    assert!(asked.settings.multi_az && asked.deletion_protection);
    assert_eq!(asked.retention_days, 7);
}

#[tokio::test]
async fn an_instance_that_is_somebody_elses_is_left_alone() {
    let theirs: Provenance = {
        let rds = FakeRds::default();
        handle(&rds, now(), event()).await.unwrap();
        let asked = rds.asked.borrow()[0].clone();
        let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-verify-backup:other".parse().unwrap();
        Provenance { execution, ..asked.provenance }
    };
    for provenance in [Ok(theirs), Err("it has no tag `lifeboat:plan`".to_owned())] {
        let instance = SeenInstance {
            instance: "lifeboat-restore-orders-0123456789".parse().unwrap(),
            status: "available".into(),
            endpoint: Some(("theirs.example.com".parse().unwrap(), 5432)),
            provenance,
        };
        let rds = FakeRds { instance: RefCell::new(Some(instance)), ..FakeRds::default() };
        assert_eq!(handle(&rds, now(), event()).await.unwrap().step, Outcome::Refused);
        assert!(rds.asked.borrow().is_empty());
    }
}

#[tokio::test]
async fn a_full_quota_and_settings_that_nobody_knows_are_told_before_anything_is_asked_for() {
    let full = FakeRds { quota: Quota { used: 40, most: 40 }, ..FakeRds::default() };
    let unknown = FakeRds { like: None, ..FakeRds::default() };
    for (rds, says) in [(full, "40 DB instances of 40"), (unknown, "set `restore` with instanceClass, subnetGroup")] {
        let step = handle(&rds, now(), event()).await.unwrap();
        assert_eq!(step.step, Outcome::Refused);
        assert!(step.because.contains(says), "{}", step.because);
        assert!(rds.asked.borrow().is_empty());
    }
}

#[tokio::test]
async fn the_plan_s_own_settings_do_without_the_instance() {
    let rds = FakeRds { like: None, ..FakeRds::default() };
    let mut event = event();
    event["restore"]["plan"]["components"][0]["replica"]["restore"] = serde_json::json!({
        "instanceClass": "db.t4g.large", "subnetGroup": "isolated", "parameterGroup": "orders-15", "optionGroup": "default:postgres-15"
    });
    assert_eq!(handle(&rds, now(), event).await.unwrap().step, Outcome::Pending);
    assert_eq!(rds.asked.borrow()[0].settings.class.as_deref(), Some("db.t4g.large"));
}

#[tokio::test]
async fn a_cluster_is_refused_by_name_before_anything_is_looked_at() {
    let mut event = event();
    let cluster = serde_json::json!({"kind": "cluster", "name": "reports", "engine": "neptune", "primary": "reports"});
    event["restore"]["plan"]["components"].as_array_mut().unwrap().push(cluster);
    event["restore"]["components"].as_array_mut().unwrap().push("reports".into());
    event["component"] = "reports".into();
    let rds = FakeRds::default();
    let failure = handle(&rds, now(), event).await.unwrap_err();
    assert_eq!(failure.name(), "InvalidInput");
    assert!(failure.chain().contains("restoring a cluster is not supported yet: `reports`"), "{}", failure.chain());
    assert!(rds.asked.borrow().is_empty());
}

#[tokio::test]
async fn where_nothing_of_the_plan_runs_the_plan_alone_says_what_is_made() {
    let mut event = event();
    let plan = &mut event["restore"]["plan"];
    plan["regions"]["next"] = serde_json::json!(["eu-west-1"]);
    plan["components"][0]["next"] = serde_json::json!([{
        "region": "eu-west-1", "fenceSecurityGroup": "sg-0123456789abcdef0", "restore": {
            "instanceClass": "db.t4g.large", "subnetGroup": "isolated", "parameterGroup": "orders-15", "optionGroup": "orders"
        }
    }]);
    event["restore"]["region"] = "eu-west-1".into();
    // What an instance of another Region has is not asked for.
    let rds = FakeRds::default();
    assert_eq!(handle(&rds, now(), event).await.unwrap().step, Outcome::Pending);
    let asked = &rds.asked.borrow()[0];
    assert_eq!(asked.settings.class.as_deref(), Some("db.t4g.large"));
    assert_eq!(asked.security_group.as_str(), "sg-0123456789abcdef0");
}
