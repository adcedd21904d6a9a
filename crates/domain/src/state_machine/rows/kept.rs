//! What a machine that moves a primary keeps: its steps' answers in its record, and why it stopped.

use serde_json::{Value, json};

use crate::run::outcome::RunOutcome;
use crate::state_machine::word::{ANSWER, ERROR};

/// The run stops by an error. Without an outcome it has to undo first.
pub(super) fn caught(outcome: impl Into<Option<RunOutcome>>) -> Value {
    let mut assign = stopped(ERROR, outcome.into());
    assign["record"] = error_in_record().into();
    assign
}

/// The run stops by an answer.
pub(super) fn answered(outcome: impl Into<Option<RunOutcome>>) -> Value {
    stopped(ANSWER, outcome.into())
}

fn stopped(word: &str, outcome: Option<RunOutcome>) -> Value {
    match outcome {
        Some(outcome) => json!({ "stopped": word, "outcome": outcome }),
        None => json!({ "stopped": word }),
    }
}

/// An error as the record keeps it.
pub(super) fn error_in_record() -> &'static str {
    "$merge([$record, {'error': {'state': $states.context.State.Name, 'error': $states.errorOutput.Error, \
     'cause': $states.errorOutput.Cause & ''}}])"
}

/// Where the record keeps an answer.
pub(super) fn in_record(place: &str) -> Value {
    json!({ "record": format!("$merge([$record, {{'{place}': $states.result.Payload}}])") })
}

/// What the new side answered when it was asked before: what has passed is not asked again.
pub(super) const VERIFIED_BEFORE: &str = "$exists($record.verification.did) ? $record.verification.did : null";
