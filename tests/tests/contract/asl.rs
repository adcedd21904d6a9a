//! What Step Functions refuses, or fails at, and the lab's emulator takes: each rule with its source.

use serde_json::Value;
use tests::machine::Machine;

/// A definition's largest size. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const LARGEST_DEFINITION_BYTES: usize = 1_048_576;

/// A name's most characters: of a state, of a variable, of a machine. <https://states-language.net/spec.html>
const LONGEST_NAME: usize = 80;

/// The longest wait, and the longest time-out, in seconds. <https://states-language.net/spec.html>
const LONGEST_SECONDS: u64 = 99_999_999;

/// The longest that a retry may wait, in seconds: a year.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>
const LONGEST_DELAY_SECONDS: u64 = 31_622_400;

/// Fields of the other query language: with JSONata they are refused.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>
const OF_JSONPATH: [&str; 11] = [
    "InputPath",
    "OutputPath",
    "ResultPath",
    "ResultSelector",
    "Parameters",
    "ItemsPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "Variable",
];

/// JSONata's functions that Step Functions does not evaluate. <https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>
const NOT_EVALUATED: [&str; 1] = ["$eval("];

#[test]
fn a_definition_is_no_larger_than_step_functions_takes() {
    for machine in Machine::all() {
        // What is substituted is a function's ARN.
        let bytes = machine.text.len() + 200 * machine.text.matches("${").count();
        assert!(bytes < LARGEST_DEFINITION_BYTES, "{}: {bytes} bytes", machine.name);
    }
}

#[test]
fn a_name_is_one_that_step_functions_takes() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            assert!(name.chars().count() <= LONGEST_NAME, "{name} is too long");
            for assigns in assigned(&state.json) {
                for variable in assigns.keys() {
                    let fits = variable.starts_with(|c: char| c.is_ascii_alphabetic())
                        && variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                        && variable.len() <= LONGEST_NAME;
                    assert!(fits && variable != "states", "{}: {name} assigns `{variable}`", machine.name);
                }
            }
        }
    }
}

/// What a state assigns, by whichever way it is left.
fn assigned(state: &Value) -> Vec<&serde_json::Map<String, Value>> {
    let ways = ["Choices", "Catch"].into_iter().flat_map(|ways| state[ways].as_array().into_iter().flatten());
    std::iter::once(state).chain(ways).filter_map(|way| way["Assign"].as_object()).collect()
}

#[test]
fn a_state_has_no_field_of_the_other_query_language_and_asks_for_nothing_that_is_not_evaluated() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            let fields = state.json.as_object().into_iter().flatten().map(|(field, _)| field.as_str());
            let of_jsonpath: Vec<&str> = fields.filter(|field| OF_JSONPATH.contains(field)).collect();
            assert!(of_jsonpath.is_empty(), "{}: {name} has {of_jsonpath:?}", machine.name);
            // A Pass has an Output with JSONata, and no Result.
            assert!(state.kind != "Pass" || state.json["Result"].is_null(), "{}: {name} has a Result", machine.name);
        }
        for function in NOT_EVALUATED {
            assert!(!machine.text.contains(function), "{} calls {function}", machine.name);
        }
    }
}

#[test]
fn an_expression_is_a_whole_text() {
    // A text that only holds one somewhere is taken as it stands. <https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            for text in texts(&state.json) {
                let is_one = text.starts_with("{%") && text.ends_with("%}");
                assert!(is_one || !text.contains("{%") && !text.contains("%}"), "{}: {name}: {text}", machine.name);
            }
        }
    }
}

/// Every text within a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[test]
fn a_time_is_one_that_step_functions_waits() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            for field in ["Seconds", "TimeoutSeconds", "HeartbeatSeconds"] {
                let seconds = &state.json[field];
                let fits =
                    seconds.is_null() || seconds.is_string() || seconds.as_u64().is_some_and(|s| s <= LONGEST_SECONDS);
                assert!(fits, "{}: {name}: {field} {seconds}", machine.name);
            }
            for retry in state.json["Retry"].as_array().into_iter().flatten() {
                let (first, most) = (retry["IntervalSeconds"].as_u64(), retry["MaxDelaySeconds"].as_u64());
                assert!(first.is_some_and(|first| first >= 1), "{}: {name}: {retry}", machine.name);
                let fits = most.is_none_or(|most| Some(most) > first && most < LONGEST_DELAY_SECONDS);
                assert!(fits, "{}: {name}: {retry}", machine.name);
                let jitter = retry["JitterStrategy"].as_str();
                assert!(jitter.is_none_or(|jitter| ["FULL", "NONE"].contains(&jitter)), "{}: {name}", machine.name);
                let rate = retry["BackoffRate"].as_f64();
                assert!(rate.is_none_or(|rate| rate >= 1.0), "{}: {name}: {retry}", machine.name);
            }
        }
    }
}
