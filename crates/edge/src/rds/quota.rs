//! How many of something an account has in one Region, and may have.

use domain::{backup::Quota, words::failure::Failure};

use super::Rds;
use crate::aws_failure;

impl Rds {
    /// How many DB instances the account has in the Region, and may have.
    ///
    /// # Errors
    /// As AWS answers; `AwsRejected` where it does not say.
    pub async fn instance_quota(&self) -> Result<Quota, Failure> {
        self.quota("DBInstances").await
    }

    /// The quota that RDS calls by this name.
    pub(super) async fn quota(&self, name: &str) -> Result<Quota, Failure> {
        let what = || format!("cannot read the account's RDS quotas in {}", self.region);
        let answer = self.client.describe_account_attributes().send().await;
        let answer = answer.map_err(|error| aws_failure!(what(), error))?;
        let named = answer.account_quotas().iter().find(|quota| quota.account_quota_name() == Some(name));
        let number = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
        let quota = named.and_then(|quota| Some(Quota { used: number(quota.used())?, most: number(quota.max())? }));
        quota.ok_or_else(|| Failure::AwsRejected {
            what: what(),
            source: Some(format!("its answer names no `{name}`").into()),
        })
    }
}
