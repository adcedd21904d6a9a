//! What the machines that keep the backups in order have in common.

use serde_json::{Value, json};

use super::{
    NOTHING,
    name::StateName::{self, *},
    row::{Begin, Row, Step, begin, question, rows, step},
};
use crate::run::outcome::UpkeepOutcome::{Failed, Refused};

const ENDED: &str = r#"$states.context.State.Name & ' ended with ' & $states.errorOutput.Error & ': ' & $replace($states.errorOutput.Cause & '', /^.*"errorMessage": ?"|", ?".*$|".$/, '')"#;

/// An error ended it.
pub(super) fn caught() -> Value {
    json!({ "because": ended() })
}

pub(super) fn ended() -> String {
    format!("{{% {ENDED} %}}")
}

pub(super) fn ended_after(what: &str) -> String {
    format!("{{% {what} & {ENDED} %}}")
}

/// The last answer said why, or it was asked too often.
pub(super) fn not_finished() -> &'static str {
    "{% ($states.input.step = 'Pending' ? 'not finished after ' & $string($asked + 1) & ' asks: ' : '') & \
        $states.input.because %}"
}

/// Where a machine begins: what is opened, and what is left of it, have names of their own.
pub(super) fn begin_with(name: StateName, own: Value, next: StateName) -> Begin {
    let mut first = json!({
        "request": "$states.context.Execution.Input",
        "outcome": Failed,
        "because": "the run ended before its first answer",
    });
    for (variable, value) in own.as_object().into_iter().flatten() {
        first[variable] = value.clone();
    }
    begin(
        name,
        "Gives every variable its first value, because reading one that was never assigned is an error. Nothing is \
            changed yet.",
        first,
        next,
    )
}

/// Reads the request, keeps what it opened, and goes on to the turns.
#[rustfmt::skip]
pub(super) fn open(name: StateName, comment: &str, kept: &str, next: StateName) -> Step {
    let wrong = |because: Value| json!({ "because": because, "outcome": Refused });
    let nested = format!("{name} could not read the request: it is nested too deeply");
    step(name, comment)
        .keeps(json!({ kept: "$states.result.Payload.did" }))
        .catches_because("The request itself is wrong: nothing was begun.", &["InvalidInput", "NotFound"], wrong(ended().into()), Notify)
        .catches_because("Nested deeper than any reader takes.", &["&lambda_runtime::deserializer::DeserializeError"], wrong(nested.into()), Notify)
        .fails(caught(), Notify)
        .then(next)
}

/// The ends of what is not complete.
pub(super) struct Ends {
    pub(super) partial: StateName,
    pub(super) refused: StateName,
    pub(super) failed: StateName,
}

/// The notice, and the end.
#[rustfmt::skip]
pub(super) fn tell(notify: Step, Ends { partial, refused, failed }: Ends) -> Vec<Row> {
    rows![
        notify
            .fails_because("The execution's own end is announced by a rule on EventBridge as well.", NOTHING, HowDidItEnd)
            .then(HowDidItEnd),
        question(HowDidItEnd, "One end for each outcome, so that the console's list and an alarm tell them apart.")
            .when("$outcome = 'partial'", NOTHING, partial)
            .when("$outcome = 'refused'", NOTHING, refused)
            .otherwise(NOTHING, failed),
    ]
}
