//! The KMS keys that a plan names, and whether its databases are encrypted.

use std::collections::BTreeSet;

use domain::words::id::Region;

use super::{System, SystemError};
use crate::local_aws::LocalAws;

/// What a key is named by that can be made: the id of a key is KMS's own choice.
const ALIAS: &str = "alias/";

/// The replica's key, where the plan names none for its Region.
const OWN: &str = "alias/lab";

impl System {
    /// Whether the plan expects its backups to be encrypted: those of an encrypted instance are.
    pub(super) fn is_encrypted(&self) -> bool {
        let mut verifications = self.whole.backups.iter().map(|backup| backup.verification.as_ref());
        verifications.any(|verification| verification.is_none_or(|verification| verification.encrypted))
    }

    /// The key of a Region.
    pub(super) fn key_of(&self, region: &Region) -> String {
        let named = self.named_keys().into_iter().find(|(there, _)| *there == region);
        named.map_or_else(|| OWN.to_owned(), |(_, key)| key.to_owned())
    }

    fn named_keys(&self) -> BTreeSet<(&Region, &str)> {
        let copies = self.whole.backups.iter().flat_map(|backup| &backup.copies);
        copies.filter_map(|copy| Some((&copy.region, copy.kms_key.as_ref()?.as_str()))).collect()
    }

    /// Makes the keys that the plan names. Safe to repeat, and beside a plan that names the same.
    pub(super) async fn make_keys(&self, aws: &LocalAws) -> Result<(), SystemError> {
        if !self.is_encrypted() {
            return Ok(());
        }
        let recovery = &self.plan.regions.recovery;
        let own = self.key_of(recovery);
        for (region, key) in self.named_keys().into_iter().chain([(recovery, own.as_str())]) {
            if !key.starts_with(ALIAS) {
                let why =
                    format!("its key `{key}` in {region} is none that the lab can make; name one by `{ALIAS}NAME`");
                return Err(SystemError::Plan { plan: self.plan.plan.to_string(), why });
            }
            let kms = aws_sdk_kms::Client::new(&aws.gateway.sdk_config(region.as_str()));
            if kms.describe_key().key_id(key).send().await.is_ok() {
                continue;
            }
            let doing = || format!("make the key `{key}` in {region}");
            let made = kms.create_key().send().await;
            let made = made.map_err(|error| SystemError::Aws { doing: doing(), why: edge::aws::shown(&error) })?;
            let id = made.key_metadata().map(|key| key.key_id()).unwrap_or_default();
            let named = kms.create_alias().alias_name(key).target_key_id(id).send().await;
            named.map_err(|error| SystemError::Aws { doing: doing(), why: edge::aws::shown(&error) })?;
        }
        Ok(())
    }
}
