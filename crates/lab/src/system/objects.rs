//! What is put where the engine reads it, and what the engine leaves there.

use domain::{component::Credential, failover::lease::Lease, plan::PairPlan, words::id::Region};
use edge::object_store;
use serde_json::json;

use super::{System, SystemError, bucket, failed};
use crate::local_aws::LocalAws;

impl System {
    /// Puts the secret where the engine reads it, in each of the plan's Regions.
    pub(crate) async fn open(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let regions =
            [Some(&self.plan.regions.primary), Some(&self.plan.regions.recovery), self.plan.regions.witness.as_ref()];
        futures::future::try_join_all(regions.into_iter().flatten().map(|region| self.open_in(aws, region)))
            .await
            .map(drop)
    }

    async fn open_in(&self, aws: &LocalAws, region: &Region) -> Result<(), SystemError> {
        let Credential::SecretsManager { secret } = &self.pair.login.from else { return Ok(()) };
        let text = json!({ "username": self.owner, "password": self.owner_password }).to_string();
        let secrets = aws_sdk_secretsmanager::Client::new(&aws.gateway.sdk_config(region.as_str()));
        let made = secrets.create_secret().name(secret.as_str()).secret_string(text).send().await;
        made.map(drop).map_err(|error| SystemError::Aws {
            doing: format!("make the secret `{secret}` in {region}"),
            why: edge::aws::shown(&error),
        })
    }

    /// Puts another version of the plan where runs read it.
    pub(crate) async fn replan(&self, aws: &LocalAws, plan: &PairPlan) -> Result<(), SystemError> {
        let text = serde_json::to_string(&plan.alone()).map_err(failed("write the plan"))?;
        self.put(aws, &plan.regions.recovery, &object_store::plan_key(&plan.plan), text).await
    }

    /// The plan's lease.
    pub(crate) async fn lease(&self, aws: &LocalAws) -> Result<Option<Lease>, SystemError> {
        let text = self.object(aws, &object_store::lease_key(&self.plan.plan)).await?;
        text.map(|text| serde_json::from_str(&text).map_err(failed("read the lease"))).transpose()
    }

    async fn put(&self, aws: &LocalAws, region: &Region, key: &str, text: String) -> Result<(), SystemError> {
        let put =
            aws.gateway.s3(region.as_str()).put_object().bucket(bucket(region)).key(key).body(text.into_bytes().into());
        put.send().await.map(drop).map_err(|error| SystemError::Aws {
            doing: format!("write `{key}` in {region}"),
            why: edge::aws::shown(&error),
        })
    }

    /// An object of the recovery Region's bucket.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn object(&self, aws: &LocalAws, key: &str) -> Result<Option<String>, SystemError> {
        let region = &self.plan.regions.recovery;
        let doing = || format!("read `{key}` in {region}");
        match aws.gateway.s3(region.as_str()).get_object().bucket(bucket(region)).key(key).send().await {
            Ok(answer) => {
                let bytes = answer.body.collect().await.map_err(failed(doing()))?;
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
    pub async fn put_object(&self, aws: &LocalAws, key: &str, text: &str) -> Result<(), SystemError> {
        self.put(aws, &self.plan.regions.recovery, key, text.to_owned()).await
    }

    /// The keys of the recovery Region's bucket that begin with `prefix`; at most a thousand.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn keys(&self, aws: &LocalAws, prefix: &str) -> Result<Vec<String>, SystemError> {
        let region = &self.plan.regions.recovery;
        let listed =
            aws.gateway.s3(region.as_str()).list_objects_v2().bucket(bucket(region)).prefix(prefix).send().await;
        let listed = listed.map_err(|error| SystemError::Aws {
            doing: format!("list `{prefix}` in {region}"),
            why: edge::aws::shown(&error),
        })?;
        Ok(listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect())
    }
}
