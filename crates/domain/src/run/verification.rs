//! Whether the new side does what the plan says it must.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    plan::Expected,
    words::{id::Address, time_span::TimeSpan},
};

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
    /// The public resolver that was asked for a name; absent for a check of the plan. `at` is then when it was first seen to give the
    /// new answer, or since when it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolver: Option<Address>,
}

impl Checked {
    /// When it was answered.
    #[must_use]
    pub fn ended_at(&self) -> Timestamp {
        self.at.saturating_add(Duration::from_millis(self.took_milliseconds)).unwrap_or(self.at)
    }
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
    /// A resolver still gives this old answer. Only time mends it, so that it is told and fails nothing.
    Behind(String),
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
        Finding::Passed | Finding::Unanswered(_) | Finding::Behind(_) => None,
    });
    let unanswered = told(|finding| match finding {
        Finding::Unanswered(why) => Some(format!("could not be asked: {why}")),
        Finding::Passed | Finding::Failed { .. } | Finding::Behind(_) => None,
    });
    match (failed, unanswered) {
        (Some(failed), _) => Verification::Failed(failed),
        (None, Some(unanswered)) => Verification::Unanswered(unanswered),
        (None, None) => Verification::Passed,
    }
}

/// What a query answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Answered {
    /// No row.
    #[default]
    Nothing,
    /// One row of one column, as text; `None` is SQL's null.
    Value(Option<String>),
    /// Another number of columns, or more rows than one: no row of them is the answer.
    More {
        /// How many rows came, until nobody read on.
        rows: usize,
        /// How many columns the first one has.
        columns: usize,
        /// Its first value.
        first: Option<String>,
    },
}

impl Answered {
    /// The same with one more row.
    #[must_use]
    pub fn and(self, columns: usize, first: Option<&str>) -> Self {
        match self {
            Self::Nothing if columns == 1 => Self::Value(first.map(str::to_owned)),
            Self::Nothing => Self::More { rows: 1, columns, first: first.map(str::to_owned) },
            Self::Value(first) => Self::More { rows: 2, columns: 1, first },
            Self::More { rows, columns, first } => Self::More { rows: rows + 1, columns, first },
        }
    }

    /// The one value, where there is one.
    fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => value.as_deref(),
            Self::Nothing | Self::More { .. } => None,
        }
    }

    /// As a record shows it.
    fn shown(&self) -> String {
        let text = |value: &Option<String>| match value {
            Some(value) => format!("`{}`", value.chars().take(SHOWN_CHARS).collect::<String>()),
            None => "null".to_owned(),
        };
        match self {
            Self::Nothing => "no row".to_owned(),
            Self::Value(value) => text(value),
            Self::More { rows: 1, columns: 0, .. } => "a row without a column".to_owned(),
            Self::More { rows: 1, columns, first } => format!("{columns} columns, the first {}", text(first)),
            Self::More { first, .. } => format!("more than one row, the first {}", text(first)),
        }
    }
}

/// The longest answer that a record repeats.
pub(super) const SHOWN_CHARS: usize = 200;

/// Judges a query's answer.
#[must_use]
pub fn judge(expected: &Expected, answered: &Answered, took: TimeSpan, within: TimeSpan) -> Finding {
    let got = answered.value();
    let (holds, wanted) = match expected {
        Expected::Equals(text) => (got == Some(text.as_str()), format!("`{text}`")),
        Expected::AtLeast(least) => (got.is_some_and(|got| is_at_least(got, *least)), format!("at least {least}")),
    };
    match (holds, took <= within) {
        (true, true) => Finding::Passed,
        (true, false) => Finding::Failed { expected: format!("an answer within {within}"), got: took.roughly() },
        (false, _) => Finding::Failed { expected: wanted, got: answered.shown() },
    }
}

/// Whether a text is a number of that size. PostgreSQL's `Infinity` and `NaN` are not.
fn is_at_least(text: &str, least: i64) -> bool {
    // Exact, for a 64-bit float holds no number above 2^53 exactly; sums of bigints are wider than 64 bits.
    match text.parse::<i128>() {
        Ok(whole) => whole >= i128::from(least),
        Err(_) => text.parse::<f64>().is_ok_and(|number| number.is_finite() && number >= least as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(expected: &Expected, got: Option<&str>) -> Finding {
        judge(expected, &Answered::Value(got.map(str::to_owned)), TimeSpan::seconds(1), TimeSpan::seconds(1))
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
    fn what_is_no_finite_number_is_at_least_nothing() {
        for text in ["Infinity", "-Infinity", "inf", "NaN", "1e999", "", " 11", "0x10", "11 "] {
            let Finding::Failed { expected, got } = judged(&Expected::AtLeast(10), Some(text)) else {
                panic!("`{text}` passed")
            };
            assert_eq!((expected.as_str(), got), ("at least 10", format!("`{text}`")));
        }
        for text in ["10.5", "1e3", "170141183460469231731687303715884105728"] {
            assert_eq!(judged(&Expected::AtLeast(10), Some(text)), Finding::Passed, "{text}");
        }
    }

    #[test]
    fn a_number_that_a_float_would_round_is_judged_as_it_is() {
        let least = Expected::AtLeast(9_007_199_254_740_993);
        assert!(matches!(judged(&least, Some("9007199254740992")), Finding::Failed { .. }));
        assert_eq!(judged(&least, Some("9007199254740993")), Finding::Passed);
    }

    #[test]
    fn more_or_less_than_one_value_fails_and_says_what_came() {
        let rows = |rows: &[(usize, Option<&str>)]| {
            rows.iter().fold(Answered::default(), |answered, (columns, first)| answered.and(*columns, *first))
        };
        for (came, says) in [
            (&[][..], "no row"),
            (&[(1, None)], "null"),
            (&[(0, None)], "a row without a column"),
            (&[(2, Some("11"))], "2 columns, the first `11`"),
            (&[(1, Some("11")), (1, Some("11"))], "more than one row, the first `11`"),
            (&[(1, None), (1, Some("11"))], "more than one row, the first null"),
            (&[(2, Some("11")), (2, Some("11"))], "more than one row, the first `11`"),
        ] {
            for expected in [Expected::AtLeast(10), Expected::Equals("11".into())] {
                let finding = judge(&expected, &rows(came), TimeSpan::seconds(1), TimeSpan::seconds(1));
                assert!(matches!(finding, Finding::Failed { got, .. } if got == says), "{came:?}");
            }
        }
        assert_eq!(rows(&[(1, Some("11"))]), Answered::Value(Some("11".into())));
    }

    #[test]
    fn a_right_answer_that_comes_too_late_is_wrong() {
        let answered = Answered::Value(Some("x".into()));
        let finding =
            judge(&Expected::Equals("x".into()), &answered, TimeSpan::milliseconds(1_001), TimeSpan::seconds(1));
        assert!(matches!(finding, Finding::Failed { .. }));
    }

    #[test]
    fn a_failed_check_outweighs_an_unanswered_one() {
        let checked = |name: &str, finding| Checked {
            name: name.into(),
            finding,
            took_milliseconds: 1,
            at: Timestamp::UNIX_EPOCH,
            resolver: None,
        };
        let failed = checked("a", Finding::Failed { expected: "`1`".into(), got: "`2`".into() });
        let silent = checked("b", Finding::Unanswered("refused".into()));
        assert_eq!(sum_up(&[silent.clone(), failed]), Verification::Failed("`a` expected `1`, got `2`".into()));
        assert!(matches!(sum_up(&[silent]), Verification::Unanswered(_)));
        assert_eq!(sum_up(&[]), Verification::Passed);
    }
}
