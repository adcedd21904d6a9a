//! What is put where the engine reads it, and what the engine leaves there.

use domain::{component::Credential, failover::lease::Lease, plan::Plan, words::id::Region};
use edge::shelf;
use serde_json::json;

use super::{System, SystemError, aws, bucket};
use crate::machine::Machine;

impl System {
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

    /// Puts another version of the plan where runs read it.
    pub(crate) async fn replan(&self, machine: &Machine, plan: &Plan) -> Result<(), SystemError> {
        let text = serde_json::to_string(plan).map_err(aws("write the plan"))?;
        self.put(machine, &plan.regions.recovery, &shelf::plan_key(&plan.plan), text).await
    }

    /// The plan's lease.
    pub(crate) async fn lease(&self, machine: &Machine) -> Result<Option<Lease>, SystemError> {
        let text = self.object(machine, &shelf::lease_key(&self.plan.plan)).await?;
        text.map(|text| serde_json::from_str(&text).map_err(aws("read the lease"))).transpose()
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

    /// Puts an object into the recovery Region's bucket.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn put_object(&self, machine: &Machine, key: &str, text: &str) -> Result<(), SystemError> {
        self.put(machine, &self.plan.regions.recovery, key, text.to_owned()).await
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
}
