//! What the machines that keep the backups in order have in common.

use serde_json::{Value, json};

use crate::state_machine::{
    NOTHING,
    name::StateName::{self, *},
    retry::Patience,
    row::{Begin, Question, Row, Step, begin, question, rows, step},
    word::ERROR,
};
use crate::run::outcome::UpkeepOutcome::{Failed, Refused};

/// An error ended it.
pub(super) fn caught() -> Value {
    json!({ "stopped": ERROR })
}

/// Where a machine begins, with the variables that it has besides.
pub(super) fn begin_with(name: StateName, own: Value, next: StateName) -> Begin {
    let mut first = json!({
        "request": "$states.context.Execution.Input", "outcome": Failed, "stopped": null, "because": null,
    });
    for (variable, value) in own.as_object().into_iter().flatten() {
        first[variable] = value.clone();
    }
    begin(name, "Gives every variable its first value, because reading one that was never assigned is an error. \
        Nothing is changed yet.", first, next)
}

/// Reads the request, keeps what it opened, and goes on to the turns.
pub(super) fn open(name: StateName, comment: &str, kept: &str, next: StateName) -> Step {
    let wrong = || json!({ "stopped": ERROR, "outcome": Refused });
    step(name, comment)
        .keeps(json!({ kept: "$states.result.Payload.did" }))
        .catches_because("The request itself is wrong: nothing was begun.", &["InvalidInput", "NotFound"],
            wrong(), Notify)
        .catches_because("Nested deeper than any reader takes.", &["&lambda_runtime::deserializer::DeserializeError"],
            wrong(), Notify)
        .fails(caught(), Notify).then(next)
}

/// Puts the turns together, and says what they come to. `left` is what it leaves behind besides.
pub(super) fn close(name: StateName, comment: &str, left: &str) -> Step {
    let kept = json!({
        "outcome": "$states.result.Payload.did.outcome",
        "because": "$states.result.Payload.because",
        left: format!("$states.result.Payload.did.{left}"),
    });
    step(name, comment).patience(Patience::Long).keeps(kept).fails(caught(), Notify).then(IsComplete)
}

/// Whether people hear of it.
pub(super) fn is_complete(comment: &str) -> Question {
    question(IsComplete, comment)
        .when("$outcome = 'complete'", NOTHING, SumUp)
        .otherwise(NOTHING, Notify)
}

/// The ends of what is not complete.
pub(super) struct Ends {
    pub(super) partial: StateName,
    pub(super) failed: StateName,
    pub(super) refused: StateName,
}

/// The notice, and the end. `run` is the variable of what was opened, and the notice's name as well; `left` is the variable of
/// what the run leaves.
pub(super) fn tell(comment: &str, run: &str, left: &str, Ends { partial, failed, refused }: Ends) -> Vec<Row> {
    let told = json!({
        "execution": "$states.context.Execution.Id", run: format!("${run}"), left: format!("${left}"),
        "outcome": "$outcome", "stopped": "$stopped", "because": "$because",
    });
    let or_what_is_known = format!("$because != null ? $because : $string($stopped != null ? $stopped : ${left})");
    rows![
        step(Notify, comment)
            .calls("notify", json!({ run: told }))
            .keeps(json!({ "because": "$states.result.Payload.did.because" }))
            .fails_because("The execution's own end is announced by a rule on EventBridge as well.",
                json!({ "because": or_what_is_known }), HowDidItEnd)
            .then(HowDidItEnd),
        question(HowDidItEnd, "One end for each outcome, so that the console's list and an alarm tell them apart.")
            .when("$outcome = 'partial'", NOTHING, partial)
            .when("$outcome = 'refused'", NOTHING, refused)
            .otherwise(NOTHING, failed),
    ]
}
