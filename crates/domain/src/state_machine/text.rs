//! A definition as the text of its file: JSON whose fields and states stand in the order in which they are read.

use serde_json::{Map, Value};

use super::name::StateName;

/// The fields of the Amazon States Language, as a reader wants them. Others follow, by their names.
const FIELDS: [&str; 34] = [
    "Comment",
    "QueryLanguage",
    "Type",
    "Resource",
    "FunctionName",
    "InvocationType",
    "Payload",
    "Arguments",
    "Items",
    "MaxConcurrency",
    "ItemProcessor",
    "ProcessorConfig",
    "Seconds",
    "TimeoutSeconds",
    "HeartbeatSeconds",
    "StartAt",
    "States",
    "Condition",
    "Choices",
    "ErrorEquals",
    "IntervalSeconds",
    "MaxAttempts",
    "BackoffRate",
    "MaxDelaySeconds",
    "JitterStrategy",
    "Retry",
    "Catch",
    "Error",
    "Cause",
    "Assign",
    "Output",
    "Next",
    "Default",
    "End",
];

/// What we hand over and keep, the same way.
const OURS: [&str; 17] = [
    "execution",
    "startedAt",
    "request",
    "run",
    "backup",
    "restore",
    "cleanup",
    "component",
    "region",
    "judgement",
    "answers",
    "undo",
    "fencing",
    "drain",
    "record",
    "outcome",
    "because",
];

/// Writes a definition whose states stand in this order.
pub(super) fn text(definition: &Value, states: &[&StateName]) -> String {
    let order: Vec<&str> = FIELDS.into_iter().chain(OURS).chain(states.iter().map(|name| name.as_str())).collect();
    let mut text = String::new();
    write(definition, &order, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, order: &[&str], depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let fields = sorted(fields, order);
            within("{", "}", depth, text, fields, |(name, value), text| {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push_str(": ");
                write(value, order, depth + 1, text);
            });
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            within("[", "]", depth, text, values, |value, text| write(value, order, depth + 1, text));
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            text.push_str(&format!("[{}]", values.join(", ")));
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

fn sorted<'v>(fields: &'v Map<String, Value>, order: &[&str]) -> Vec<(&'v String, &'v Value)> {
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| order.iter().position(|known| known == name).unwrap_or(usize::MAX));
    fields
}

/// Writes each on a line of its own.
fn within<T>(
    open: &str,
    close: &str,
    depth: usize,
    text: &mut String,
    each: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut String),
) {
    text.push_str(open);
    for (place, one) in each.into_iter().enumerate() {
        text.push_str(if place == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        write(one, text);
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push_str(close);
}
