//! KMS, in any Region.

use aws_sdk_kms::Client;
use domain::{
    readiness::KeySeen,
    words::{
        failure::Failure,
        id::{KmsKeyId, Region},
    },
};

use crate::{aws, aws_failure};

/// Looks at a key.
///
/// # Errors
/// As AWS answers; one that does not exist is `AwsRejected`.
pub async fn look(region: &Region, key: &KmsKeyId) -> Result<KeySeen, Failure> {
    let client = Client::new(&aws::config(Some(region.as_str())).await);
    let answer = client.describe_key().key_id(key.as_str()).send().await;
    let answer = answer.map_err(|error| aws_failure!(format!("cannot look at key `{key}` in {region}"), error))?;
    let state = answer.key_metadata().and_then(|key| key.key_state());
    Ok(KeySeen { state: state.map_or("unknown", |state| state.as_str()).to_owned() })
}
