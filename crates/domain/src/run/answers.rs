//! Whether an address of HTTP answers what the plan says it must.

use serde_json::Value;

use super::verification::{Finding, SHOWN_CHARS};
use crate::plan::{HttpCheck, JsonExpected};

/// How many samples are under way at once.
pub const SAMPLES_AT_ONCE: u32 = 5;

/// How much of an answer is read.
pub const READ_BYTES: usize = 64 * 1024;

/// Judges one answer: its status, and the start of its body.
#[must_use]
pub fn judge(check: &HttpCheck, status: u16, body: &str) -> Finding {
    let failed = |expected: String, got: String| Finding::Failed { expected, got };
    if status != check.status {
        return failed(format!("status {}", check.status), format!("status {status}"));
    }
    let Some(expected) = &check.expect else { return Finding::Passed };
    if let Some(text) = expected.contains.as_ref().filter(|text| !body.contains(text.as_str())) {
        return failed(
            format!("an answer that contains `{text}`"),
            format!("{} characters without it", body.chars().count()),
        );
    }
    match &expected.json {
        Some(expected) => value(expected, body),
        None => Finding::Passed,
    }
}

fn value(JsonExpected { at, equals }: &JsonExpected, body: &str) -> Finding {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let found = serde_json::from_str::<Value>(body).ok().map(|json| json.pointer(at).map(text));
    let got = match found {
        Some(Some(value)) if value == *equals => return Finding::Passed,
        Some(Some(value)) => format!("`{}`", value.chars().take(SHOWN_CHARS).collect::<String>()),
        Some(None) => "no such value".to_owned(),
        None => "no JSON".to_owned(),
    };
    Finding::Failed { expected: format!("`{equals}` at `{at}`"), got }
}

/// What the samples of a check come to: enough of them passed, or what the first of the others found. Where those that
/// could not be asked might make up for it, it is asked again.
#[must_use]
pub fn of_samples(check: &HttpCheck, samples: &[Finding]) -> Finding {
    let passed = count(samples, |finding| *finding == Finding::Passed);
    let unanswered = count(samples, |finding| matches!(finding, Finding::Unanswered(_)));
    let enough = (u64::from(check.samples) * u64::from(check.pass_percent)).div_ceil(100);
    if passed >= enough {
        return Finding::Passed;
    }
    let may_be_enough = passed + unanswered >= enough;
    let is_told = |finding: &&Finding| match finding {
        Finding::Passed | Finding::Behind(_) => false,
        Finding::Unanswered(_) => may_be_enough,
        Finding::Failed { .. } => !may_be_enough,
    };
    let beside = if check.samples == 1 {
        String::new()
    } else {
        format!(" ({passed} of {} passed, {enough} must)", check.samples)
    };
    match samples.iter().find(is_told).cloned() {
        Some(Finding::Failed { expected, got }) => Finding::Failed { expected, got: format!("{got}{beside}") },
        Some(Finding::Unanswered(why)) => Finding::Unanswered(format!("{why}{beside}")),
        Some(Finding::Passed | Finding::Behind(_)) | None => Finding::Unanswered("it was not asked".to_owned()),
    }
}

fn count(samples: &[Finding], is: impl Fn(&Finding) -> bool) -> u64 {
    u64::try_from(samples.iter().filter(|finding| is(finding)).count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(changes: &Value) -> HttpCheck {
        let mut check = json!({"name": "api", "url": "https://api.example.com/health", "within": "2s"});
        for (key, value) in changes.as_object().unwrap() {
            check[key] = value.clone();
        }
        serde_json::from_value(check).unwrap()
    }

    #[test]
    fn an_answer_has_the_status_the_text_and_the_value_that_are_expected() {
        let body = r#"{"status": "healthy", "checks": [{"pods": 3}]}"#;
        for (expect, status, passes) in [
            (json!({}), 200, true),
            (json!({}), 503, false),
            (json!({"contains": "healthy"}), 200, true),
            (json!({"contains": "unwell"}), 200, false),
            (json!({"json": {"at": "/status", "equals": "healthy"}}), 200, true),
            (json!({"json": {"at": "/checks/0/pods", "equals": "3"}}), 200, true),
            (json!({"json": {"at": "/checks/0/pods", "equals": "4"}}), 200, false),
            (json!({"json": {"at": "/nowhere", "equals": "3"}}), 200, false),
        ] {
            let found = judge(&check(&json!({"expect": expect})), status, body);
            assert_eq!(found == Finding::Passed, passes, "{expect} {status}: {found:?}");
        }
        let no_json = check(&json!({"expect": {"json": {"at": "/status", "equals": "healthy"}}}));
        assert!(matches!(judge(&no_json, 200, "healthy"), Finding::Failed { got, .. } if got == "no JSON"));
    }

    #[test]
    fn enough_of_the_samples_must_pass_and_what_may_still_be_enough_is_asked_again() {
        let check = check(&json!({"samples": 20, "passPercent": 95}));
        let of = |passed: usize, failed: usize| {
            let failed_one = Finding::Failed { expected: "status 200".into(), got: "status 503".into() };
            let unanswered = std::iter::repeat_n(Finding::Unanswered("timed out".into()), 20 - passed - failed);
            let all = std::iter::repeat_n(Finding::Passed, passed).chain(std::iter::repeat_n(failed_one, failed));
            of_samples(&check, &all.chain(unanswered).collect::<Vec<_>>())
        };
        assert_eq!((of(20, 0), of(19, 0), of(19, 1)), (Finding::Passed, Finding::Passed, Finding::Passed));
        assert!(matches!(of(18, 0), Finding::Unanswered(why) if why.contains("18 of 20 passed, 19 must")));
        assert!(matches!(of(18, 1), Finding::Unanswered(_)));
        assert!(matches!(of(18, 2), Finding::Failed { .. }));
    }
}
