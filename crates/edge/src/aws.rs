//! AWS's clients: how long they wait, how often they try, and what their errors mean to us.

use std::time::Duration;

pub use aws_config::SdkConfig;

use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use domain::words::failure::Failure;
use tokio::sync::OnceCell;

use crate::{patience, tls};

/// What every client shares: credentials, and one HTTP client, whose roots cost 27 ms to load.
static SHARED: OnceCell<SdkConfig> = OnceCell::const_new();

/// The configuration for a Region; for the function's own when none is named.
///
/// Three quick tries, with [`patience::AWS_CALL`] in all.
pub async fn config(region: Option<&str>) -> SdkConfig {
    let retries = RetryConfig::standard().with_max_attempts(3);
    limited(region, patience::AWS_TRY, patience::AWS_CALL, retries).await
}

/// The configuration for a Region that may be gone: `patience` in all. A Region that is silent, or a function there that
/// takes its time, uses it up with the first try; one that says "not now" is asked again at once, because a fence must not
/// be left out for one such answer.
pub async fn config_for_the_far_side(region: &str, patience: Duration) -> SdkConfig {
    /// Two waits of up to this and twice this leave most of the shortest patience, 2 s, for the calls.
    const BACKOFF: Duration = Duration::from_millis(200);
    let retries = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(BACKOFF);
    limited(Some(region), patience, patience, retries).await
}

/// Our own credentials, for what is signed outside of a client.
///
/// # Errors
/// `AwsTransient` where there are none now.
#[cfg(feature = "rds")]
pub(crate) async fn credentials() -> Result<aws_sdk_rds::config::Credentials, Failure> {
    use aws_sdk_rds::config::ProvideCredentials;
    let without = |source: Option<Box<dyn std::error::Error + Send + Sync>>| Failure::AwsTransient {
        what: "there are no credentials to sign with".to_owned(),
        source,
    };
    let provider = config(None).await.credentials_provider().ok_or_else(|| without(None))?;
    provider.provide_credentials().await.map_err(|error| without(Some(error.into())))
}

async fn limited(region: Option<&str>, attempt: Duration, whole: Duration, retries: RetryConfig) -> SdkConfig {
    let load = || aws_config::defaults(BehaviorVersion::latest()).http_client(tls::https_client()).load();
    let shared = SHARED.get_or_init(load).await;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(whole.min(Duration::from_secs(2)))
        .operation_attempt_timeout(attempt)
        .operation_timeout(whole)
        .build();
    let mut builder = shared.to_builder().timeout_config(timeouts).retry_config(retries);
    if let Some(region) = region {
        builder.set_region(Region::new(region.to_owned()));
    }
    builder.build()
}

/// Codes by which AWS says: not so often.
const THROTTLED: [&str; 9] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "PriorRequestNotComplete",
];

/// Codes by which AWS says: not now.
const UNAVAILABLE: [&str; 7] = [
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "InternalFailure",
    "InternalError",
    "InternalServerError",
    "InternalServiceError",
    "RequestTimeout",
];

/// Codes by which AWS says: you may not.
const DENIED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
    "ExpiredToken",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "KMSAccessDeniedException",
];

/// What an AWS error means to us. `code` and `status` are what came back, both absent when nothing did.
#[must_use]
pub fn failure(
    what: String,
    code: Option<&str>,
    status: Option<u16>,
    source: domain::words::failure::Source,
) -> Failure {
    let source = Some(source);
    match (code, status) {
        (Some(code), _) if THROTTLED.contains(&code) || UNAVAILABLE.contains(&code) => {
            Failure::AwsTransient { what, source }
        }
        (Some(code), _) if DENIED.contains(&code) => Failure::AwsDenied { what, source },
        (_, Some(403)) => Failure::AwsDenied { what, source },
        (_, None | Some(429 | 500..)) => Failure::AwsTransient { what, source },
        (_, Some(_)) => Failure::AwsRejected { what, source },
    }
}

/// Whether nobody answered who could have: nothing came back, or AWS itself is broken. One that refuses us, or is asked too
/// often, answers.
#[must_use]
pub fn is_silence(code: Option<&str>, status: Option<u16>) -> bool {
    match (code, status) {
        (Some(code), _) if UNAVAILABLE.contains(&code) => true,
        (Some(code), _) if THROTTLED.contains(&code) || DENIED.contains(&code) => false,
        (_, None | Some(500..)) => true,
        (_, Some(_)) => false,
    }
}

/// Turns an SDK's error into ours, with the call's name and what it was for.
#[macro_export]
macro_rules! aws_failure {
    ($what:expr, $error:expr) => {{
        let error = $error;
        let code = $crate::aws::code(&error);
        let status = error.raw_response().map(|response| response.status().as_u16());
        let shown = $crate::aws::shown(&error);
        $crate::aws::failure($what, code.as_deref(), status, shown.into())
    }};
}

/// An error's code, where AWS gave one.
pub fn code<E: aws_smithy_types::error::metadata::ProvideErrorMetadata>(error: &E) -> Option<String> {
    error.code().map(str::to_owned)
}

/// An error as a person reads it: AWS's code and message, or the causes of none having come.
pub fn shown<E>(error: &E) -> String
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => domain::words::failure::chain(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(code: Option<&str>, status: Option<u16>) -> &'static str {
        failure("call".into(), code, status, "answer".into()).name()
    }

    #[test]
    fn an_error_s_name_says_its_treatment() {
        assert_eq!(name(Some("ThrottlingException"), Some(400)), "AwsTransient");
        assert_eq!(name(None, None), "AwsTransient", "nothing came back");
        assert_eq!(name(None, Some(503)), "AwsTransient");
        assert_eq!(name(Some("AccessDenied"), Some(403)), "AwsDenied");
        assert_eq!(name(Some("InvalidDBInstanceState"), Some(400)), "AwsRejected");
        assert_eq!(name(Some("DBInstanceNotFound"), Some(404)), "AwsRejected");
    }

    #[test]
    fn silence_is_no_answer_or_a_broken_one_and_a_refusal_is_an_answer() {
        for (code, status, silent) in [
            (None, None, true),
            (None, Some(503), true),
            (Some("InternalFailure"), Some(500), true),
            (Some("ServiceUnavailable"), Some(400), true),
            (Some("Throttling"), Some(400), false),
            (Some("RequestLimitExceeded"), Some(503), false),
            (Some("AccessDenied"), Some(403), false),
            (Some("ExpiredToken"), Some(403), false),
            (Some("DBInstanceNotFound"), Some(404), false),
            (None, Some(429), false),
        ] {
            assert_eq!(is_silence(code, status), silent, "{code:?} {status:?}");
        }
    }

    #[tokio::test]
    async fn a_far_look_that_takes_the_longest_time_out_is_waited_for_by_one_try() {
        let patience = Duration::from_secs(12);
        let config = config_for_the_far_side("eu-west-1", patience).await;
        assert_eq!(config.timeout_config().and_then(TimeoutConfig::operation_attempt_timeout), Some(patience));
    }
}
