//! The last word of a step: what a machine hands to the function that says why. The sentence is made here.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::StateName;
use crate::run::step::Outcome;

/// The last answer of a step, or the error that its retries did not mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastWord {
    /// Where it was said: the step, or a question of its own.
    pub state: StateName,
    /// What it was not, as `not judged`; of a step that is asked again.
    #[serde(default)]
    pub not_done: Option<String>,
    /// How often it was asked.
    #[serde(default)]
    pub asks: u32,
    /// Its answer.
    #[serde(default)]
    pub answer: Option<Answered>,
    /// The error, as Step Functions caught it.
    #[serde(default)]
    pub error: Option<Caught>,
}

/// What of a step's answer says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Whether it is finished.
    #[serde(default)]
    pub step: Option<Outcome>,
    /// One sentence.
    #[serde(default)]
    pub because: String,
}

/// An error, as Step Functions writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caught {
    /// Its name.
    #[serde(rename = "Error")]
    pub error: String,
    /// Its cause: JSON where a function ended with it, else a text.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

/// What Lambda's Rust runtime ends with where an event is nested deeper than it reads.
const NESTED_TOO_DEEPLY: &str = "&lambda_runtime::deserializer::DeserializeError";

impl LastWord {
    /// In one sentence.
    #[must_use]
    pub fn because(&self) -> String {
        match (&self.error, &self.answer) {
            (Some(caught), _) if caught.error == NESTED_TOO_DEEPLY => {
                format!("{} could not read the request: it is nested too deeply", self.state)
            }
            (Some(caught), _) => format!("{} ended with {caught}", self.state),
            (None, Some(answered)) => match (answered.step, &self.not_done) {
                (Some(Outcome::Pending), Some(not_done)) => {
                    format!("{not_done} after {} asks: {}", self.asks, answered.because)
                }
                (Some(Outcome::Done | Outcome::Pending | Outcome::Refused) | None, _) => answered.because.clone(),
            },
            (None, None) => format!("{} gave no reason", self.state),
        }
    }
}

/// What Step Functions ends a start with whose name was used before.
const ALREADY_STARTED: &str = "StepFunctions.ExecutionAlreadyExistsException";

impl LastWord {
    /// How another machine's run ended that was waited for: the engine tells it as JSON in the cause.
    #[must_use]
    pub fn of_a_run(&self) -> String {
        let Some(caught) = &self.error else { return self.because() };
        // Where it still runs, Step Functions takes the same start for the first one and waits for it.
        if caught.error == ALREADY_STARTED {
            return "it is the run that was started for this, and has ended; how, its own record says, because the answer to \
                    its start was lost"
                .to_owned();
        }
        let told: Value = serde_json::from_str(&caught.cause).unwrap_or_default();
        match (told["Error"].as_str(), told["Cause"].as_str()) {
            (Some(error), cause) => format!("{error}: {}", message(cause.unwrap_or("no cause was given"))),
            (None, _) => caught.to_string(),
        }
    }
}

impl Caught {
    /// What the function said, without what Lambda wraps it in.
    #[must_use]
    pub fn message(&self) -> String {
        message(&self.cause)
    }
}

impl std::fmt::Display for Caught {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error, self.message())
    }
}

/// What a function's error says. Lambda wraps it in JSON; other causes are plain.
#[must_use]
pub fn message(cause: &str) -> String {
    let wrapped: Value = serde_json::from_str(cause).unwrap_or_default();
    wrapped["errorMessage"].as_str().unwrap_or(cause).to_owned()
}

/// In a row: what the step answered last.
pub(super) const ANSWER: &str = "$answer";

/// In a row: the error that is caught there.
pub(super) const ERROR: &str = "$error";

/// What a machine writes for [`ERROR`].
pub(super) fn of_error() -> Value {
    json!({ "state": "$states.context.State.Name", "error": "$states.errorOutput" })
}

/// What a machine writes for [`ANSWER`] of a step, or of a question that stands alone.
pub(super) fn of_answer(state: &StateName, not_done: Option<&str>) -> Value {
    // A field that an answer lacks is left out, where a path that leads nowhere would be an error.
    let answer = "{% {'step': $states.input.step, 'because': $states.input.because} %}";
    match not_done {
        Some(not_done) => {
            json!({ "state": state, "notDone": not_done, "asks": "$asked + 1", "answer": answer })
        }
        None => json!({ "state": state, "answer": answer }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn because(word: Value) -> String {
        serde_json::from_value::<LastWord>(word).unwrap().because()
    }

    #[test]
    fn an_answer_says_why_and_one_that_was_asked_for_too_often_how_often() {
        let answer = |step: &str| json!({ "step": step, "because": "it is up" });
        for (step, says) in
            [("Refused", "it is up"), ("Done", "it is up"), ("Pending", "not judged after 61 asks: it is up")]
        {
            let word = json!({ "state": "JudgeFailover", "notDone": "not judged", "asks": 61, "answer": answer(step) });
            assert_eq!(because(word), says);
        }
        assert_eq!(because(json!({ "state": "Snapshot", "answer": answer("Pending") })), "it is up");
        assert_eq!(because(json!({ "state": "Snapshot", "answer": {} })), "");
    }

    #[test]
    fn a_run_whose_start_was_answered_too_late_is_told_as_our_own() {
        let error = json!({ "Error": ALREADY_STARTED, "Cause": "Execution Already Exists: 'arn'" });
        let word: LastWord = serde_json::from_value(json!({ "state": "MovePair", "error": error })).unwrap();
        assert!(word.of_a_run().starts_with("it is the run that was started for this"), "{}", word.of_a_run());
    }

    #[test]
    fn an_error_is_told_with_its_message_whether_lambda_wrapped_it_or_not() {
        let error = |error: &str, cause: &str| {
            because(json!({ "state": "OpenRun", "error": { "Error": error, "Cause": cause } }))
        };
        let wrapped = r#"{"errorType": "NotFound", "errorMessage": "no plan \"x\""}"#;
        assert_eq!(error("NotFound", wrapped), r#"OpenRun ended with NotFound: no plan "x""#);
        assert_eq!(error("States.Timeout", "too late"), "OpenRun ended with States.Timeout: too late");
        assert!(error(NESTED_TOO_DEEPLY, "recursion limit").contains("nested too deeply"));
        let silent = because(json!({ "state": "Verify", "error": { "Error": "States.Timeout" } }));
        assert_eq!(silent, "Verify ended with States.Timeout: ");
    }
}
