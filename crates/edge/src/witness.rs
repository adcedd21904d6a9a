//! Looking from another Region: a call to the probe there.

use std::time::Duration;

use aws_sdk_lambda::{Client, primitives::Blob};
use domain::{health::Look, id::Region, judgement::Witness};
use serde::Serialize;

use crate::aws;

/// Asks the probe in `region` to look. Whatever goes wrong makes the witness silent, with the reason.
pub async fn look(region: &Region, function: &str, request: &impl Serialize, patience: Duration) -> Witness {
    match ask(region, function, request, patience).await {
        Ok(look) => Witness::Looked(look),
        Err(why) => Witness::Silent(format!("{region}: {why}")),
    }
}

async fn ask(region: &Region, function: &str, request: &impl Serialize, patience: Duration) -> Result<Look, String> {
    let client = Client::new(&aws::config_for_the_far_side(region.as_str(), patience).await);
    let payload = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    let answer = client
        .invoke()
        .function_name(function)
        .payload(Blob::new(payload))
        .send()
        .await
        .map_err(|error| aws::shown(&error))?;
    let body = answer.payload().map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned()).unwrap_or_default();
    let told: String = body.chars().take(300).collect();
    match answer.function_error() {
        Some(_) => Err(format!("its probe failed: {told}")),
        None => serde_json::from_str(&body).map_err(|error| format!("its probe answered `{told}`: {error}")),
    }
}
