//! The seam between a handler and the Lambda runtime.

use std::future::Future;

use domain::{failure::Failure, wording};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn, tracing::subscriber::filter::LevelFilter};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::config;

/// The largest event that a handler parses: Step Functions' own limit for a state's input.
const LARGEST_EVENT_BYTES: usize = 256 * 1024;

/// Serves a handler until the runtime ends. The event arrives unparsed, because the runtime would post its own error
/// type for one that does not parse, and state machines match on ours.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn serve<H, F, A>(handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Value) -> F,
    F: Future<Output = Result<A, Failure>>,
    A: Serialize,
{
    log();
    let handler = &handler;
    // Boxed: a handler's future is large, and deeper than the compiler likes to nest them.
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        Box::pin(handler(event.payload)).await.map_err(Posted)
    }))
    .await
}

/// Logs as Lambda's logging controls ask. The runtime's own subscriber would do the same with filters for each target,
/// whose regular expressions are half a megabyte of every function.
fn log() {
    let level = config::log_level().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = lambda_runtime::tracing::subscriber::fmt().with_target(false).without_time().with_max_level(level);
    if config::logs_json() { lines.json().init() } else { lines.init() }
}

/// A failure as the runtime posts it: our name, and the chain of causes.
struct Posted(Failure);

impl Posted {
    /// The chain as notices and records show it: it travels as JSON within JSON, which would escape quotes and ends of lines.
    fn message(&self) -> String {
        self.0
            .chain()
            .chars()
            .map(|c| {
                if c == '"' {
                    '\''
                } else if c.is_control() {
                    ' '
                } else {
                    c
                }
            })
            .collect()
    }
}

impl From<Posted> for Diagnostic {
    fn from(posted: Posted) -> Self {
        Self { error_type: posted.0.name().into(), error_message: posted.message() }
    }
}

/// The runtime logs a returned error by its `Debug`.
impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.name(), self.0.chain())
    }
}

/// Parses an event.
///
/// # Errors
/// `InvalidInput` with the place in the event.
pub fn parse<T: DeserializeOwned>(event: Value, what: &str) -> Result<T, Failure> {
    let size = event.to_string().len();
    if size > LARGEST_EVENT_BYTES {
        return Err(Failure::InvalidInput(format!(
            "{what}: the event has {size} bytes, at most {LARGEST_EVENT_BYTES} are read"
        )));
    }
    serde_path_to_error::deserialize(event).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." { String::new() } else { format!("{place}: ") };
        let why = wording::plain(&error.into_inner().to_string());
        Failure::InvalidInput(format!("{what}: {place}{}", why.chars().take(300).collect::<String>()))
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only parsed")]
        inner: Vec<u8>,
    }

    #[test]
    fn what_a_database_quotes_needs_no_escape_on_its_way_to_a_person() {
        let source = Some("role \"shop\" does not exist\nHINT: none".into());
        let posted = Posted(Failure::Database { what: "cannot fence".into(), source });
        assert_eq!(posted.message(), "cannot fence: role 'shop' does not exist HINT: none");
    }

    #[test]
    fn a_bad_event_is_told_by_its_place_and_in_plain_words() {
        let error = parse::<Outer>(json!({"inner": [1, "x"]}), "Verify").unwrap_err();
        assert_eq!(error.name(), "InvalidInput");
        assert_eq!(
            error.to_string(),
            "Verify: inner[1]: the text `x` does not belong here; expected a whole number, zero or more"
        );
        assert!(parse::<Outer>(json!({"inner": [], "more": 1}), "Verify").is_err());
        assert!(parse::<Outer>(json!("x".repeat(300_000)), "Verify").unwrap_err().to_string().contains("at most"));
    }
}
