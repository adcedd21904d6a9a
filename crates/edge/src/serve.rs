//! The seam between a handler and the Lambda runtime.

use std::future::Future;

use domain::words::{
    failure::{self, Failure},
    id::PlanName,
    wording,
};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn, tracing::subscriber::filter::LevelFilter};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use tracing::info;

use crate::{config, waking::Wake};

/// The largest event that a handler parses: Step Functions' own limit for a state's input.
const LARGEST_EVENT_BYTES: usize = 256 * 1024;

/// Serves a handler until the runtime ends. The event arrives unparsed, because the runtime would post its own error
/// type for one that does not parse, and state machines match on ours.
///
/// An event that only wakes the function is answered before the handler sees it.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn serve<H, F, A>(handler: H) -> Result<(), NotServing>
where
    H: Fn(Value) -> F,
    F: Future<Output = Result<A, Failure>>,
    A: Serialize,
{
    run(handler, async |plan: PlanName| info!(plan.name = %plan, "woken")).await
}

/// As [`serve`], where being awake means to be able to log in: a wake reads the plan, and both sides' credentials and
/// certificates.
///
/// # Errors
/// When the Runtime API cannot be reached.
#[cfg(feature = "postgres")]
pub async fn serve_waking<H, F, A>(
    store: &impl crate::object_store::ObjectStore,
    postgres: &crate::postgres::Postgres,
    handler: H,
) -> Result<(), NotServing>
where
    H: Fn(Value) -> F,
    F: Future<Output = Result<A, Failure>>,
    A: Serialize,
{
    run(handler, async |plan: PlanName| crate::waking::ready(store, postgres, &plan).await).await
}

async fn run<H, F, A, W>(handler: H, waking: W) -> Result<(), NotServing>
where
    H: Fn(Value) -> F,
    F: Future<Output = Result<A, Failure>>,
    A: Serialize,
    W: AsyncFn(PlanName),
{
    log();
    let (handler, waking) = (&handler, &waking);
    // Boxed: a handler's future is large, and deeper than the compiler likes to nest them.
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        Box::pin(answer(event.payload, handler, waking)).await.map_err(Posted)
    }))
    .await
    .map_err(NotServing::from)
}

/// Why a function does not serve. `main` returns it, and Rust shows it by its `Debug`: with all causes, once.
pub struct NotServing(String);

impl std::fmt::Debug for NotServing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Failure> for NotServing {
    fn from(failure: Failure) -> Self {
        Self(failure.chain())
    }
}

impl From<lambda_runtime::Error> for NotServing {
    fn from(error: lambda_runtime::Error) -> Self {
        Self(failure::chain(error.as_ref()))
    }
}

/// What a function answers.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Answer<A> {
    /// It was only woken.
    Awake { awake: bool },
    /// The handler's.
    Handled(A),
}

async fn answer<H, F, A, W>(event: Value, handler: &H, waking: &W) -> Result<Answer<A>, Failure>
where
    H: Fn(Value) -> F,
    F: Future<Output = Result<A, Failure>>,
    W: AsyncFn(PlanName),
{
    match Wake::read(&event) {
        Some(Wake { wake }) => {
            waking(wake.plan).await;
            Ok(Answer::Awake { awake: true })
        }
        None => handler(event).await.map(Answer::Handled),
    }
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

/// What a queue's message says, where the event is one; any other event as it is.
///
/// # Errors
/// `InvalidInput` where the message is not one of ours.
pub fn message(event: Value) -> Result<Value, Failure> {
    let Some(records) = event.get("Records") else { return Ok(event) };
    let [record] = records.as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(Failure::InvalidInput("Records: one message at a time is read".into()));
    };
    let body = record.get("body").and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(body)
        .map_err(|error| Failure::InvalidInput(format!("Records[0].body: {}", wording::plain(&error.to_string()))))
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

    #[tokio::test]
    async fn a_function_that_is_woken_does_nothing_else() {
        let woken = std::cell::RefCell::new(Vec::new());
        let handler = async |event: Value| Ok::<_, Failure>(event);
        let waking = async |plan: PlanName| woken.borrow_mut().push(plan.to_string());
        let event = serde_json::from_str(include_str!("../../../events/wake.json")).unwrap();
        assert_eq!(answer(event, &handler, &waking).await.unwrap(), Answer::Awake { awake: true });
        assert_eq!(*woken.borrow(), ["lab"]);
        let other = json!({"wake": {"plan": "no plan's name"}});
        assert_eq!(answer(other.clone(), &handler, &waking).await.unwrap(), Answer::Handled(other));
        assert_eq!(woken.borrow().len(), 1, "what is no plan's name is the handler's to refuse");
    }

    #[test]
    fn what_a_database_quotes_needs_no_escape_on_its_way_to_a_person() {
        let source = Some("role \"shop\" does not exist\nHINT: none".into());
        let posted = Posted(Failure::Database { what: "cannot fence".into(), source });
        assert_eq!(posted.message(), "cannot fence: role 'shop' does not exist HINT: none");
    }

    #[test]
    fn a_message_is_read_out_of_the_queue_s_event() {
        let body = |body: &str| json!({"Records": [{"messageId": "1", "body": body, "eventSource": "aws:sqs"}]});
        assert_eq!(message(body(r#"{"resume": 1}"#)).unwrap(), json!({"resume": 1}));
        assert_eq!(message(json!({"look": {}})).unwrap(), json!({"look": {}}), "no message");
        for (bad, place) in [
            (json!({"Records": []}), "Records: one"),
            (json!({"Records": [{}, {}]}), "Records: one"),
            (json!({"Records": "many"}), "Records: one"),
            (json!({"Records": [{}]}), "Records[0].body"),
            (body("{"), "Records[0].body"),
        ] {
            let error = message(bad).unwrap_err();
            assert!(error.name() == "InvalidInput" && error.to_string().contains(place), "{error}");
        }
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
