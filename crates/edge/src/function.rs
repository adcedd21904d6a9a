//! Another function: asked and waited for, or handed an event.

use aws_config::SdkConfig;
use aws_sdk_lambda::{Client, primitives::Blob, types::InvocationType};
use domain::words::wording;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

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
        Some(_) => Err(format!("`{function}` failed: {}", error_of(&body).unwrap_or(told))),
        None => serde_json::from_str(&body)
            .map_err(|error| format!("`{function}` answered `{told}`: {}", wording::plain(&error.to_string()))),
    }
}

/// Hands an event to a function and does not wait for what it does with it.
///
/// # Errors
/// Says why Lambda did not take the event.
pub async fn hand_over(client: &Client, function: &str, event: &impl Serialize) -> Result<(), String> {
    let payload = serde_json::to_vec(event).map_err(|error| error.to_string())?;
    let call = client.invoke().function_name(function).invocation_type(InvocationType::Event);
    call.payload(Blob::new(payload)).send().await.map(drop).map_err(|error| aws::shown(&error))
}

/// What a function's error says, where it is told as the runtime tells it.
fn error_of(body: &str) -> Option<String> {
    let told: Value = serde_json::from_str(body).ok()?;
    Some(told.get("errorMessage")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_s_error_is_told_by_what_it_says() {
        let body = r#"{"errorType": "InvalidInput", "errorMessage": "leases/lab.json cannot be read"}"#;
        assert_eq!(error_of(body).unwrap(), "leases/lab.json cannot be read");
        assert_eq!(error_of("a panic"), None);
    }
}
