//! Whether the new side does what the plan says it must.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{plan::Expected, span::Span};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checked {
    /// The check's name in the plan.
    pub name: String,
    /// How it went.
    pub finding: Finding,
    /// How long it took, in milliseconds.
    pub took_milliseconds: u64,
    /// When it began.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// How a check went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Finding {
    /// As expected.
    Passed,
    /// It answered otherwise.
    Failed {
        /// What was expected.
        expected: String,
        /// What came.
        got: String,
    },
    /// It could not be asked, and why: ask again.
    Unanswered(String),
}

/// What all checks come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// Every one passed.
    Passed,
    /// Some could not be asked: ask again.
    Unanswered(String),
    /// Some failed.
    Failed(String),
}

/// Sums up. A failed check outweighs one that could not be asked.
#[must_use]
pub fn sum_up(checks: &[Checked]) -> Verification {
    let told = |wanted: fn(&Finding) -> Option<String>| {
        let told: Vec<String> =
            checks.iter().filter_map(|c| wanted(&c.finding).map(|text| format!("`{}` {text}", c.name))).collect();
        (!told.is_empty()).then(|| told.join("; "))
    };
    let failed = told(|finding| match finding {
        Finding::Failed { expected, got } => Some(format!("expected {expected}, got {got}")),
        Finding::Passed | Finding::Unanswered(_) => None,
    });
    let unanswered = told(|finding| match finding {
        Finding::Unanswered(why) => Some(format!("could not be asked: {why}")),
        Finding::Passed | Finding::Failed { .. } => None,
    });
    match (failed, unanswered) {
        (Some(failed), _) => Verification::Failed(failed),
        (None, Some(unanswered)) => Verification::Unanswered(unanswered),
        (None, None) => Verification::Passed,
    }
}

/// The longest answer that a record repeats.
const SHOWN_CHARS: usize = 200;

/// Judges a query's answer.
#[must_use]
pub fn judge(expected: &Expected, got: Option<&str>, took: Span, within: Span) -> Finding {
    let shown = got.map_or_else(
        || "no value".to_owned(),
        |got| format!("`{}`", got.chars().take(SHOWN_CHARS).collect::<String>()),
    );
    let (holds, wanted) = match expected {
        Expected::Equals(text) => (got == Some(text.as_str()), format!("`{text}`")),
        Expected::AtLeast(least) => (
            got.and_then(|got| got.parse::<f64>().ok()).is_some_and(|got| got >= *least as f64),
            format!("at least {least}"),
        ),
    };
    match (holds, took <= within) {
        (true, true) => Finding::Passed,
        (true, false) => Finding::Failed { expected: format!("an answer within {within}"), got: took.to_string() },
        (false, _) => Finding::Failed { expected: wanted, got: shown },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(expected: &Expected, got: Option<&str>) -> Finding {
        judge(expected, got, Span::seconds(1), Span::seconds(1))
    }

    #[test]
    fn a_number_is_judged_at_above_and_below_its_limit() {
        let least = Expected::AtLeast(10);
        assert_eq!(judged(&least, Some("10")), Finding::Passed);
        assert_eq!(judged(&least, Some("11")), Finding::Passed);
        assert!(matches!(judged(&least, Some("9")), Finding::Failed { .. }));
        assert!(matches!(judged(&least, Some("many")), Finding::Failed { .. }));
        assert!(matches!(judged(&least, None), Finding::Failed { .. }));
    }

    #[test]
    fn a_right_answer_that_comes_too_late_is_wrong() {
        let finding = judge(&Expected::Equals("x".into()), Some("x"), Span::milliseconds(1_001), Span::seconds(1));
        assert!(matches!(finding, Finding::Failed { .. }));
    }

    #[test]
    fn a_failed_check_outweighs_an_unanswered_one() {
        let checked = |name: &str, finding| Checked {
            name: name.into(),
            finding,
            took_milliseconds: 1,
            at: Timestamp::UNIX_EPOCH,
        };
        let failed = checked("a", Finding::Failed { expected: "`1`".into(), got: "`2`".into() });
        let silent = checked("b", Finding::Unanswered("refused".into()));
        assert_eq!(sum_up(&[silent.clone(), failed]), Verification::Failed("`a` expected `1`, got `2`".into()));
        assert!(matches!(sum_up(&[silent]), Verification::Unanswered(_)));
        assert_eq!(sum_up(&[]), Verification::Passed);
    }
}
