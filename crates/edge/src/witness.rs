//! Looking from another Region: a call to the probe there.

use std::time::Duration;

use domain::{failover::judgement::Witness, watch::health::Look, words::id::Region};
use serde::Serialize;

use crate::{aws, function};

/// Asks the probe in `region` to look. Whatever goes wrong makes the witness silent, with the reason.
pub async fn look(region: &Region, function: &str, request: &impl Serialize, patience: Duration) -> Witness {
    match ask(region, function, request, patience).await {
        Ok(look) => Witness::Looked(look),
        Err(why) => Witness::Silent(format!("{region}: {why}")),
    }
}

async fn ask(region: &Region, function: &str, request: &impl Serialize, patience: Duration) -> Result<Look, String> {
    function::ask(&aws::config_for_the_far_side(region.as_str(), patience).await, function, request).await
}
