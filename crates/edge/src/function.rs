//! Another function, asked and waited for.

use aws_config::SdkConfig;
use aws_sdk_lambda::{Client, primitives::Blob};
use serde::{Serialize, de::DeserializeOwned};

use crate::aws;

/// Asks a function and reads its answer.
///
/// # Errors
/// Says why there is none: AWS's refusal, the function's own error, or an answer of another making.
pub async fn ask<A: DeserializeOwned>(
    config: &SdkConfig,
    function: &str,
    request: &impl Serialize,
) -> Result<A, String> {
    let payload = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    let call = Client::new(config).invoke().function_name(function).payload(Blob::new(payload));
    let answer = call.send().await.map_err(|error| aws::shown(&error))?;
    let body = answer.payload().map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned()).unwrap_or_default();
    let told: String = body.chars().take(300).collect();
    match answer.function_error() {
        Some(_) => Err(format!("`{function}` failed: {told}")),
        None => serde_json::from_str(&body).map_err(|error| format!("`{function}` answered `{told}`: {error}")),
    }
}
