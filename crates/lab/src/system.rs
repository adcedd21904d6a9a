//! The system that a plan protects: its database pair, its name, its secret, and the plan where the engine reads it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use aws_sdk_rds::types::DbInstance;
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};
use domain::{
    id::{Region, ZoneId},
    plan::{Component, Credential, Plan, PostgresPair, Side},
    probe::Watch,
    traffic::{bare, generation_name},
};
use edge::shelf;
use serde_json::json;
use tokio_postgres::NoTls;

use crate::{
    deploy::Outputs,
    machine::{ACCOUNT, Machine},
    rds::Name,
    workload::{self, Password, orders::OrdersError},
};

/// The system that a plan protects.
#[derive(Debug, Clone)]
pub struct System {
    /// The plan, with the ids that the lab gave.
    pub plan: Plan,
    /// The pair that the traffic's name leads to.
    pub pair: PostgresPair,
    /// The application's password.
    pub password: Password,
    owner: String,
    owner_password: String,
}

/// Why there is no system.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// A plan that the lab cannot rehearse.
    #[error("the lab cannot rehearse plan `{plan}`: {why}")]
    Plan {
        /// The plan.
        plan: String,
        /// What it would need.
        why: String,
    },
    /// AWS refused.
    #[error("cannot {doing}: {why}")]
    Aws {
        /// What was being done.
        doing: String,
        /// AWS's answer.
        why: String,
    },
    /// It took too long.
    #[error("{what} was not there within {} s", limit.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// The data.
    #[error("the data cannot be loaded")]
    Data(#[from] OrdersError),
    /// The database.
    #[error("the database cannot be reached")]
    Database(#[from] tokio_postgres::Error),
}

/// How long each thing may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Rows that are loaded before a drill.
const ROWS: u32 = 10_000;

fn aws<E: std::error::Error>(doing: impl Into<String>) -> impl FnOnce(E) -> SystemError {
    let doing = doing.into();
    move |error| SystemError::Aws { doing, why: domain::failure::chain(&error) }
}

impl System {
    /// The plan with the ids that the lab gives: networks are the primary's and the replica's.
    pub(crate) fn with_ids(mut plan: Plan, networks: &[Outputs], zone: ZoneId) -> Result<Plan, SystemError> {
        let bad = |plan: &Plan, why: &str| SystemError::Plan { plan: plan.plan.to_string(), why: why.to_owned() };
        plan.traffic.record.zone = zone;
        let name = plan.plan.clone();
        let [primary, replica] = networks else { return Err(bad(&plan, "a pair has two networks")) };
        let unknown =
            |key: &str| SystemError::Plan { plan: name.to_string(), why: format!("the network gave no `{key}` group") };
        for component in &mut plan.components {
            let Component::PostgresPair(pair) = component;
            for (side, network) in [(&mut pair.primary, primary), (&mut pair.replica, replica)] {
                let group = |key: &str| network.get(key).and_then(|id| id.parse().ok()).ok_or_else(|| unknown(key));
                side.security_groups = vec![group("Open")?];
                side.fence_security_group = group("Fence")?;
            }
        }
        Ok(plan)
    }

    /// Makes the hosted zone that the plan's record is in: its name without the first label.
    pub(crate) async fn zone(machine: &Machine, plan: &Plan) -> Result<ZoneId, SystemError> {
        let name = plan.traffic.record.name.as_str();
        let parent = name.split_once('.').map_or(name, |(_, parent)| parent);
        let route53 = aws_sdk_route53::Client::new(&machine.gateway.sdk_config(plan.regions.primary.as_str()));
        let made = route53.create_hosted_zone().name(parent).caller_reference(plan.plan.as_str()).send().await;
        let made = made.map_err(|error| SystemError::Aws {
            doing: format!("make the zone `{parent}`"),
            why: edge::aws::shown(&error),
        })?;
        let id =
            made.hosted_zone().map(|zone| zone.id().trim_start_matches("/hostedzone/").to_owned()).unwrap_or_default();
        id.parse().map_err(aws("read the new zone's id"))
    }

    /// Creates the pair and its data, and the record that leads to it.
    pub(crate) async fn create(machine: &Machine, plan: Plan) -> Result<Self, SystemError> {
        let bad = |why: &str| SystemError::Plan { plan: plan.plan.to_string(), why: why.to_owned() };
        let pair = plan.traffic_pair().ok_or_else(|| bad("its traffic names no component"))?.clone();
        for (side, region) in [(&pair.primary, &plan.regions.primary), (&pair.replica, &plan.regions.recovery)] {
            let expected = format!("{}.{region}.{}", side.instance, crate::machine::INSTANCE_DOMAIN);
            if side.endpoint.as_str() != expected {
                return Err(bad(&format!(
                    "in the lab the endpoint of `{}` is `{expected}`, not `{}`",
                    side.instance, side.endpoint
                )));
            }
        }
        if matches!(pair.login.from, Credential::IamToken { .. }) {
            return Err(bad(
                "its login is an IAM token, which PostgreSQL on one machine cannot check; use secretsManager",
            ));
        }
        let random = |what: &str| format!("{what}-{:x}", jiff::Timestamp::now().as_nanosecond());
        let system = Self {
            pair,
            plan,
            password: Password::new(random("shop")),
            owner: "postgres".into(),
            owner_password: random("owner"),
        };
        system.create_pair(machine).await?;
        system.point_to_primary(machine).await?;
        Ok(system)
    }

    async fn create_pair(&self, machine: &Machine) -> Result<(), SystemError> {
        let (primary, replica) = (&self.pair.primary, &self.pair.replica);
        let here = self.rds(machine, &self.plan.regions.primary);
        let doing = format!("create `{}`", primary.instance);
        here.create_db_instance()
            .db_instance_identifier(primary.instance.as_str())
            .db_instance_class("db.t3.micro")
            .engine("postgres")
            .allocated_storage(20)
            .db_name(self.pair.database.as_str())
            .master_username(&self.owner)
            .master_user_password(&self.owner_password)
            .port(i32::from(primary.port))
            .set_vpc_security_group_ids(groups(primary))
            .backup_retention_period(1)
            .send()
            .await
            .map_err(|error| SystemError::Aws { doing, why: edge::aws::shown(&error) })?;
        self.available(machine, &self.plan.regions.primary, primary).await?;
        self.load(machine).await?;
        let there = self.rds(machine, &self.plan.regions.recovery);
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
            .send()
            .await
            .map_err(|error| SystemError::Aws { doing, why: edge::aws::shown(&error) })?;
        self.available(machine, &self.plan.regions.recovery, replica).await
    }

    async fn load(&self, machine: &Machine) -> Result<(), SystemError> {
        let client = self.owner_session(machine, &self.plan.regions.primary, &self.pair.primary).await?;
        let role = self.pair.application_roles.first();
        let role = role.ok_or_else(|| SystemError::Plan {
            plan: self.plan.plan.to_string(),
            why: "it names no application role".into(),
        })?;
        Ok(workload::orders::create(&client, role, &self.password, ROWS).await?)
    }

    /// A session of the database's owner.
    ///
    /// # Errors
    /// When the side refuses connections, as a fenced one does.
    pub async fn owner_session(
        &self,
        machine: &Machine,
        region: &Region,
        side: &Side,
    ) -> Result<tokio_postgres::Client, SystemError> {
        let view = machine.rds.instance(&Name::new(region.as_str(), side.instance.as_str()));
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

    async fn available(&self, machine: &Machine, region: &Region, side: &Side) -> Result<(), SystemError> {
        until(PATIENCE, &format!("DB instance `{}`", side.instance), async || {
            let status = self.describe(machine, region, side).await?.and_then(|instance| instance.db_instance_status);
            Ok((status.as_deref() == Some("available")).then_some(()))
        })
        .await
    }

    async fn describe(
        &self,
        machine: &Machine,
        region: &Region,
        side: &Side,
    ) -> Result<Option<DbInstance>, SystemError> {
        match self
            .rds(machine, region)
            .describe_db_instances()
            .db_instance_identifier(side.instance.as_str())
            .send()
            .await
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

    fn rds(&self, machine: &Machine, region: &Region) -> aws_sdk_rds::Client {
        aws_sdk_rds::Client::new(&machine.gateway.sdk_config(region.as_str()))
    }

    /// Lets the traffic's name lead to the primary, in no generation.
    async fn point_to_primary(&self, machine: &Machine) -> Result<(), SystemError> {
        let route53 = aws_sdk_route53::Client::new(&machine.gateway.sdk_config(self.plan.regions.primary.as_str()));
        let record = &self.plan.traffic.record;
        let listed = route53
            .list_resource_record_sets()
            .hosted_zone_id(record.zone.as_str())
            .send()
            .await
            .map_err(aws("list the zone"))?;
        let ours = [record.name.to_string(), generation_name(&record.name)];
        let old = listed.resource_record_sets().iter().filter(|set| ours.contains(&bare(set.name())));
        let value = ResourceRecord::builder()
            .value(self.pair.primary.endpoint.as_str())
            .build()
            .map_err(aws("build the record"))?;
        let new = ResourceRecordSet::builder().name(record.name.as_str()).r#type(RrType::Cname).resource_records(value);
        let new = new
            .ttl(i64::try_from(record.ttl.duration().as_secs()).unwrap_or(i64::MAX))
            .build()
            .map_err(aws("build the record"))?;
        let changes = old.cloned().map(|set| (ChangeAction::Delete, set)).chain([(ChangeAction::Create, new)]);
        let mut batch = ChangeBatch::builder();
        for (action, set) in changes {
            batch = batch.changes(
                Change::builder().action(action).resource_record_set(set).build().map_err(aws("build the change"))?,
            );
        }
        let batch = batch.build().map_err(aws("build the change"))?;
        let changed =
            route53.change_resource_record_sets().hosted_zone_id(record.zone.as_str()).change_batch(batch).send().await;
        changed.map(drop).map_err(|error| SystemError::Aws {
            doing: format!("point `{}` to the primary", record.name),
            why: edge::aws::shown(&error),
        })
    }

    /// Puts the plan, the certificates and the secret where the engine reads them, in each of its Regions.
    pub(crate) async fn open(&self, machine: &Machine) -> Result<(), SystemError> {
        let regions =
            [Some(&self.plan.regions.primary), Some(&self.plan.regions.recovery), self.plan.regions.witness.as_ref()];
        futures::future::try_join_all(regions.into_iter().flatten().map(|region| self.open_in(machine, region)))
            .await
            .map(drop)
    }

    async fn open_in(&self, machine: &Machine, region: &Region) -> Result<(), SystemError> {
        let plan = serde_json::to_string(&self.plan).map_err(aws("write the plan"))?;
        self.put(machine, region, &shelf::plan_key(&self.plan.plan), plan).await?;
        self.put(machine, region, "ca/rds.pem", machine.rds.ca_pem()).await?;
        let Credential::SecretsManager { secret } = &self.pair.login.from else { return Ok(()) };
        let text = json!({ "username": self.owner, "password": self.owner_password }).to_string();
        let secrets = aws_sdk_secretsmanager::Client::new(&machine.gateway.sdk_config(region.as_str()));
        let made = secrets.create_secret().name(secret.as_str()).secret_string(text).send().await;
        made.map(drop).map_err(|error| SystemError::Aws {
            doing: format!("make the secret `{secret}` in {region}"),
            why: edge::aws::shown(&error),
        })
    }

    async fn put(&self, machine: &Machine, region: &Region, key: &str, text: String) -> Result<(), SystemError> {
        let put = machine
            .gateway
            .s3(region.as_str())
            .put_object()
            .bucket(bucket(region))
            .key(key)
            .body(text.into_bytes().into());
        put.send().await.map(drop).map_err(|error| SystemError::Aws {
            doing: format!("write `{key}` in {region}"),
            why: edge::aws::shown(&error),
        })
    }

    /// An object of the recovery Region's bucket.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn object(&self, machine: &Machine, key: &str) -> Result<Option<String>, SystemError> {
        let region = &self.plan.regions.recovery;
        let doing = || format!("read `{key}` in {region}");
        match machine.gateway.s3(region.as_str()).get_object().bucket(bucket(region)).key(key).send().await {
            Ok(answer) => {
                let bytes = answer.body.collect().await.map_err(aws(doing()))?;
                Ok(Some(String::from_utf8_lossy(&bytes.to_vec()).into_owned()))
            }
            Err(error) if edge::aws::code(&error).as_deref() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(SystemError::Aws { doing: doing(), why: edge::aws::shown(&error) }),
        }
    }

    /// The keys of the recovery Region's bucket that begin with `prefix`; at most a thousand.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn keys(&self, machine: &Machine, prefix: &str) -> Result<Vec<String>, SystemError> {
        let region = &self.plan.regions.recovery;
        let listed =
            machine.gateway.s3(region.as_str()).list_objects_v2().bucket(bucket(region)).prefix(prefix).send().await;
        let listed = listed.map_err(|error| SystemError::Aws {
            doing: format!("list `{prefix}` in {region}"),
            why: edge::aws::shown(&error),
        })?;
        Ok(listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect())
    }

    /// Starts the first window by hand, because the schedule's first start is up to a minute away, and waits until the
    /// primary has been seen.
    pub(crate) async fn watch(&self, machine: &Machine) -> Result<(), SystemError> {
        let region = &self.plan.regions.recovery;
        let lambda = aws_sdk_lambda::Client::new(&machine.gateway.sdk_config(region.as_str()));
        let event = json!({ "watch": { "plan": self.plan.plan, "scheduledAt": jiff::Timestamp::now() } }).to_string();
        let invoked = lambda
            .invoke()
            .function_name("lifeboat-health-probe")
            .invocation_type(aws_sdk_lambda::types::InvocationType::Event)
            .payload(event.into_bytes().into())
            .send()
            .await;
        invoked.map_err(|error| SystemError::Aws { doing: "start the watch".into(), why: edge::aws::shown(&error) })?;
        self.watched(machine).await
    }

    /// Waits until the watch has seen the primary, nothing is failing, and the alarm is at rest: only an alarm that
    /// changes its state starts a run.
    ///
    /// # Errors
    /// [`SystemError::Late`].
    pub async fn watched(&self, machine: &Machine) -> Result<(), SystemError> {
        let key = shelf::watch_key(&self.plan.plan);
        until(PATIENCE, "the watch of the primary", async || {
            let watch = self.object(machine, &key).await?.and_then(|text| serde_json::from_str::<Watch>(&text).ok());
            Ok(watch.filter(|watch| watch.failing.is_none() && watch.last_seen.is_some()).map(drop))
        })
        .await?;
        let cloudwatch =
            aws_sdk_cloudwatch::Client::new(&machine.gateway.sdk_config(self.plan.regions.recovery.as_str()));
        let alarm = format!("lifeboat-{}-primary-down", self.plan.plan);
        until(PATIENCE, &format!("rest of the alarm `{alarm}`"), async || {
            let answer = cloudwatch.describe_alarms().alarm_names(&alarm).send().await;
            let answer = answer.map_err(|error| SystemError::Aws {
                doing: format!("look at `{alarm}`"),
                why: edge::aws::shown(&error),
            })?;
            let state = answer.metric_alarms().first().and_then(|alarm| alarm.state_value());
            Ok((state == Some(&aws_sdk_cloudwatch::types::StateValue::Ok)).then_some(()))
        })
        .await
    }

    /// Makes the pair anew, as it was before any disaster, and forgets the lease: what people do to restore replication.
    ///
    /// # Errors
    /// [`SystemError`].
    pub async fn renew(&self, machine: &Machine) -> Result<(), SystemError> {
        let (primary, replica) = (&self.pair.primary, &self.pair.replica);
        let regions = &self.plan.regions;
        tokio::try_join!(
            self.delete(machine, &regions.recovery, replica),
            self.delete(machine, &regions.primary, primary)
        )?;
        self.create_pair(machine).await?;
        self.point_to_primary(machine).await?;
        let region = &regions.recovery;
        let lease = machine
            .gateway
            .s3(region.as_str())
            .delete_object()
            .bucket(bucket(region))
            .key(shelf::lease_key(&self.plan.plan))
            .send()
            .await;
        lease.map_err(|error| SystemError::Aws { doing: "forget the lease".into(), why: edge::aws::shown(&error) })?;
        self.watched(machine).await
    }

    async fn delete(&self, machine: &Machine, region: &Region, side: &Side) -> Result<(), SystemError> {
        let rds = self.rds(machine, region);
        let id = side.instance.as_str();
        let open = rds
            .modify_db_instance()
            .db_instance_identifier(id)
            .deletion_protection(false)
            .apply_immediately(true)
            .send()
            .await;
        open.map_err(|error| SystemError::Aws {
            doing: format!("allow deleting `{id}`"),
            why: edge::aws::shown(&error),
        })?;
        until(PATIENCE, &format!("the end of DB instance `{id}`"), async || {
            match rds.delete_db_instance().db_instance_identifier(id).skip_final_snapshot(true).send().await {
                // It is being modified, or deleted already: look again.
                Ok(_) | Err(_) => Ok(self.describe(machine, region, side).await?.is_none().then_some(())),
            }
        })
        .await
    }

    /// An instance's name in the lab's RDS.
    #[must_use]
    pub fn primary(&self) -> Name {
        Name::new(self.plan.regions.primary.as_str(), self.pair.primary.instance.as_str())
    }

    /// The replica's name in the lab's RDS.
    #[must_use]
    pub fn replica(&self) -> Name {
        Name::new(self.plan.regions.recovery.as_str(), self.pair.replica.instance.as_str())
    }
}

/// The engine's bucket in a Region.
#[must_use]
pub fn bucket(region: &Region) -> String {
    format!("lifeboat-{ACCOUNT}-{region}")
}

fn groups(side: &Side) -> Option<Vec<String>> {
    Some(side.security_groups.iter().map(ToString::to_string).collect())
}

/// Looks until there is something, at most `limit`.
pub(crate) async fn until<T, F>(limit: Duration, what: &str, look: impl Fn() -> F) -> Result<T, SystemError>
where
    F: Future<Output = Result<Option<T>, SystemError>>,
{
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if began.elapsed() > limit {
            return Err(SystemError::Late { what: what.to_owned(), limit });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
