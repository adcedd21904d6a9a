//! What Step Functions refuses, or fails at, and the lab's emulator takes: each rule with its source.

use std::collections::BTreeSet;

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

/// What Step Functions evaluates: JSONata's functions but `$eval`, and some of its own. An emulator may know others.
/// <https://docs.jsonata.org/string-functions> and the pages after it
const OF_JSONATA: &str = "abs append assert average base64decode base64encode boolean ceil contains count decodeUrl decodeUrlComponent \
    distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger formatNumber \
    fromMillis join keys length lookup lowercase map match max merge millis min not now number pad parseInteger \
    power random reduce replace reverse round shuffle sift single sort split spread sqrt string substring \
    substringAfter substringBefore sum toMillis trim type uppercase";

/// Its own. <https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>
const OF_STEP_FUNCTIONS: [&str; 5] = ["hash", "parse", "partition", "range", "uuid"];

/// States that assign nothing. <https://states-language.net/spec.html>
const ASSIGNS_NOTHING: [&str; 2] = ["Fail", "Succeed"];

/// States that have a result of their own, which only they can read.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>
const HAS_A_RESULT: [&str; 3] = ["Map", "Parallel", "Task"];

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
            assert!(name.as_str().chars().count() <= LONGEST_NAME, "{name} is too long");
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
fn a_state_has_no_field_of_the_other_query_language() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            let fields = state.json.as_object().into_iter().flatten().map(|(field, _)| field.as_str());
            let of_jsonpath: Vec<&str> = fields.filter(|field| OF_JSONPATH.contains(field)).collect();
            assert!(of_jsonpath.is_empty(), "{}: {name} has {of_jsonpath:?}", machine.name);
            // A Pass has an Output with JSONata, and no Result.
            assert!(state.kind != "Pass" || state.json["Result"].is_null(), "{}: {name} has a Result", machine.name);
        }
    }
}

#[test]
fn a_function_that_is_called_is_one_that_step_functions_evaluates() {
    let mut called = 0;
    for machine in Machine::all() {
        for word in machine.text.split('$').skip(1) {
            let name: String = word.chars().take_while(char::is_ascii_alphanumeric).collect();
            if !name.is_empty() && word[name.len()..].starts_with('(') {
                called += 1;
                let known = OF_JSONATA.split(' ').chain(OF_STEP_FUNCTIONS).any(|known| known == name);
                assert!(known, "{} calls ${name}", machine.name);
            }
        }
    }
    assert!(called > 20, "{called} calls: are they still found?");
}

#[test]
fn a_state_reads_its_result_and_its_error_only_where_it_has_one() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            let of = format!("{}: {name}", machine.name);
            let (mut caught, mut rest) = (Vec::new(), state.json.clone());
            for catcher in rest["Catch"].as_array_mut().into_iter().flatten() {
                caught.push(catcher.take());
            }
            // What is inside a Map has states of its own.
            if let Some(fields) = rest.as_object_mut() {
                fields.remove("ItemProcessor");
            }
            assert!(rest["Assign"].is_null() || !ASSIGNS_NOTHING.contains(&state.kind.as_str()), "{of} assigns");
            let reads = |value: &Value, what: &str| texts(value).iter().any(|text| text.contains(what));
            assert!(!reads(&rest, "$states.errorOutput"), "{of} reads an error where it caught none");
            assert!(
                caught.iter().all(|catcher| !reads(catcher, "$states.result")),
                "{of} caught an error: it has no result"
            );
            let own = [&rest["Output"], &rest["Assign"]].iter().any(|value| reads(value, "$states.result"));
            assert!(!own || HAS_A_RESULT.contains(&state.kind.as_str()), "{of} has no result");
            for early in ["Arguments", "Items", "Seconds", "Choices"] {
                assert!(!reads(&rest[early], "$states.result"), "{of}: its {early} come before its result");
            }
        }
    }
}

/// A variable is read where it is assigned, and inside of that: never around it.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html>
#[test]
fn a_variable_is_read_only_where_it_can_be_seen() {
    for machine in Machine::all() {
        let definition: Value = serde_json::from_str(&machine.text).unwrap_or_default();
        sees(machine.name, &definition, &BTreeSet::new());
    }
}

fn sees(place: &str, scope: &Value, around: &BTreeSet<String>) {
    let states: Vec<(&String, &Value)> = scope["States"].as_object().into_iter().flatten().collect();
    assert!(!states.is_empty(), "{place} has no States");
    let own = states.iter().flat_map(|(_, state)| assigned(state)).flat_map(|assigns| assigns.keys().cloned());
    let seen: BTreeSet<String> = own.chain(around.iter().cloned()).collect();
    for (name, state) in states {
        let mut outside = state.clone();
        let inside = outside.as_object_mut().and_then(|fields| fields.remove("ItemProcessor"));
        for text in texts(&outside) {
            for word in text.split('$').skip(1) {
                let variable: String = word.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let is_one = !variable.is_empty() && variable != "states" && !word[variable.len()..].starts_with('(');
                assert!(!is_one || !text.starts_with("{%") || seen.contains(&variable), "{place}/{name}: ${variable}");
            }
        }
        if let Some(inside) = inside {
            sees(&format!("{place}/{name}"), &inside, &seen);
        }
    }
}

/// Step Functions evaluates an `Assign` by the values from before it; the emulator one variable after the other.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html>
#[test]
fn an_assignment_reads_no_other_variable_that_it_sets() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            for assigns in assigned(&state.json) {
                for (variable, value) in assigns {
                    let mut others = assigns.keys().filter(|other| *other != variable);
                    let read = others.find(|other| reads(value, other));
                    assert_eq!(read, None, "{}: {name} sets it and reads it for `{variable}`", machine.name);
                }
            }
        }
    }
}

/// Whether an expression somewhere within a value reads a variable.
fn reads(value: &Value, variable: &str) -> bool {
    let is_its_end =
        |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_' || next == '(');
    let within = |text: &&str| text.split(&format!("${variable}")).skip(1).any(is_its_end);
    texts(value).into_iter().filter(|text| text.starts_with("{%")).any(|text| within(&text))
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
