//! Rows as the states of the Amazon States Language.

use serde_json::{Map, Value, json};

use super::{
    name::StateName,
    retry::retriers,
    row::{Begin, Call, Catch, Choice, End, Question, Row, Step, SumUp, Turns, Wait, nothing},
    word,
};

/// States in their order.
pub(super) type States = Vec<(StateName, Value)>;

/// Where rows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// In the machine itself.
    Machine,
    /// In one of several turns.
    Turn,
}

/// The states of rows.
pub(super) fn states(rows: Vec<Row>, scope: Scope) -> States {
    rows.into_iter().flat_map(|row| of(row, scope)).collect()
}

fn of(row: Row, scope: Scope) -> States {
    match row {
        Row::Begin(Begin { name, comment, assign, next }) => {
            let pass = json!({ "Type": "Pass", "Comment": comment, "Output": nothing(), "Next": next });
            vec![(name, with(pass, [("Assign", assign)]))]
        }
        Row::Step(step) => of_step(*step, scope),
        Row::Question(question) => {
            let name = question.name.clone();
            vec![of_question(question, &Of { state: &name, polls: false, not_done: None })]
        }
        Row::Wait(wait) => vec![of_wait(wait, scope)],
        Row::Turns(turns) => of_turns(turns),
        Row::SumUp(SumUp { name, comment, assign, output, next }) => {
            let pass = json!({ "Type": "Pass", "Comment": comment });
            let end = if next.is_none() { true.into() } else { Value::Null };
            vec![(name, with(pass, [("Assign", assign), ("Output", output), ("Next", json!(next)), ("End", end)]))]
        }
        Row::End(End { name, comment, is_well: true }) => {
            vec![(name, json!({ "Type": "Succeed", "Comment": comment }))]
        }
        Row::End(End { name, comment, is_well: false }) => {
            let fail = json!({ "Type": "Fail", "Comment": comment, "Error": name });
            vec![(name, with(fail, [("Cause", "$because".into())]))]
        }
    }
}

fn of_step(step: Step, scope: Scope) -> States {
    let function = || arn(&format!("{}-function", step.function));
    let invoke = |payload: &Value| json!({ "FunctionName": function(), "Payload": payload });
    let (resource, arguments, result) = match &step.call {
        Call::Answered => ("lambda:invoke", invoke(&step.payload), "$states.result.Payload"),
        Call::Started => {
            let arguments = with(invoke(&step.payload), [("InvocationType", "Event".into())]);
            ("lambda:invoke", arguments, "")
        }
        Call::Person { .. } => ("lambda:invoke.waitForTaskToken", invoke(&step.payload), "$states.result"),
        Call::Run { machine, name } => {
            let machine = arn(&format!("{}-state-machine", machine.slug()));
            let arguments = json!({ "StateMachineArn": machine, "Name": name, "Input": step.payload });
            ("states:startExecution.sync:2", arguments, "$states.result.Output")
        }
    };
    let (seconds, heartbeat) = match step.call {
        Call::Person { deadline_seconds } => {
            (expression(&format!("2 * {deadline_seconds}")).into(), deadline_seconds.into())
        }
        Call::Answered | Call::Started | Call::Run { .. } => (step.seconds, Value::Null),
    };
    let task = json!({
        "Type": "Task",
        "Comment": step.comment,
        "Resource": format!("arn:aws:states:::{resource}"),
        "Catch": step.catches.into_iter().map(of_catch).collect::<Vec<Value>>(),
        "Next": step.question.as_ref().map(|question| &question.name).or(step.next.as_ref()),
    });
    // Where nothing asks, nothing is handed on.
    let output = if step.question.is_some() { result.into() } else { nothing() };
    let task = with(
        task,
        [
            ("Arguments", arguments),
            ("TimeoutSeconds", seconds),
            ("HeartbeatSeconds", heartbeat),
            ("Retry", retriers(step.patience, step.again)),
            ("Assign", step.keeps),
            ("Output", output),
        ],
    );
    let task_name = step.name.clone();
    let not_done = step.poll.as_ref().and_then(|poll| poll.not_done);
    let of = Of { state: &task_name, polls: step.poll.is_some(), not_done };
    let question = step.question.map(|question| of_question(question, &of));
    let wait = step.poll.map(|poll| {
        let next = poll.then.unwrap_or_else(|| task_name.clone());
        of_wait(Wait { name: poll.wait, comment: poll.comment, pause: poll.pause, count: "asked", next }, scope)
    });
    [(step.name, task)].into_iter().chain(question).chain(wait).collect()
}

/// What the template puts in place of the ARN of a thing of this name.
fn arn(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(usize::from(!word.is_empty()));
        first.to_ascii_uppercase() + rest
    });
    format!("${{{}Arn}}", words.collect::<String>())
}

fn of_catch(Catch { errors, comment, assign, next }: Catch) -> Value {
    let assign = told(assign, word::ERROR, &word::of_error());
    let catch = json!({ "ErrorEquals": errors, "Output": nothing(), "Next": next });
    with(catch, [("Comment", json!(comment)), ("Assign", assign)])
}

/// Of which state a question's answer is.
struct Of<'a> {
    state: &'a StateName,
    /// Whether it is asked again, and what it is not once that was too often.
    polls: bool,
    not_done: Option<&'static str>,
}

fn of_question(question: Question, of: &Of<'_>) -> (StateName, Value) {
    let Question { name, comment, ways, assign, otherwise } = question;
    let ways: Vec<Value> = ways.into_iter().map(|way| of_choice(way, of)).collect();
    let assign = told(assign, word::ANSWER, &word::of_answer(of.state, of.not_done));
    let choice = json!({ "Type": "Choice", "Comment": comment, "Choices": ways, "Default": otherwise });
    (name, with(choice, [("Assign", assign)]))
}

fn of_choice(Choice { condition, is_done, assign, next }: Choice, of: &Of<'_>) -> Value {
    let not_done = of.not_done.filter(|_| !is_done);
    let mut assign = told(assign, word::ANSWER, &word::of_answer(of.state, not_done));
    if is_done && of.polls {
        // The next poll counts from zero.
        assign = if assign.is_null() { nothing() } else { assign };
        assign["asked"] = 0.into();
    }
    with(json!({ "Condition": expression(&condition), "Next": next }), [("Assign", assign)])
}

fn of_wait(Wait { name, comment, pause, count, next }: Wait, scope: Scope) -> (StateName, Value) {
    let wait = json!({ "Type": "Wait", "Comment": comment, "Next": next });
    let assign = Map::from_iter([(count.to_owned(), format!("${count} + 1").into())]);
    let output = if scope == Scope::Turn { nothing() } else { Value::Null };
    (name, with(wait, [("Seconds", pause.seconds(count)), ("Assign", assign.into()), ("Output", output)]))
}

fn of_turns(turns: Turns) -> States {
    let inner = states(turns.rows, Scope::Turn);
    let map = json!({
        "Type": "Map",
        "Comment": turns.comment,
        "Items": expression(turns.items),
        "MaxConcurrency": turns.most_at_once,
        "ItemProcessor": {
            "ProcessorConfig": { "Mode": "INLINE" },
            "StartAt": inner.first().map(|(name, _)| name),
            "States": Map::from_iter(inner.into_iter().map(|(name, state)| (name.to_string(), state))),
        },
        "Catch": turns.catches.into_iter().map(of_catch).collect::<Vec<Value>>(),
        "Next": turns.next,
    });
    vec![(turns.name, with(map, [("Assign", turns.assign), ("Output", turns.output)]))]
}

/// Adds the fields that are there. Their texts that begin with `$` become expressions.
fn with<K: Into<String>>(mut state: Value, fields: impl IntoIterator<Item = (K, Value)>) -> Value {
    for (field, value) in fields {
        if !value.is_null() {
            state[field.into()] = expressed(value);
        }
    }
    state
}

/// Puts a step's last word where a row says that it is kept.
fn told(value: Value, marker: &str, word: &Value) -> Value {
    match value {
        Value::String(text) if text == marker => word.clone(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, told(value, marker, word))).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => other,
    }
}

fn expressed(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("$") && !text.starts_with("${") => expression(&text).into(),
        Value::Array(values) => values.into_iter().map(expressed).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, expressed(value))).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

fn expression(text: &str) -> String {
    format!("{{% {text} %}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state_machine::{
        pause::Pause,
        row::{question, rows, step},
        word::{ANSWER, ERROR},
    };

    #[test]
    fn a_step_that_is_asked_again_is_a_task_a_question_and_a_wait() {
        let verify = step(StateName::Verify, "Asks.")
            .calls("promote-replica", json!({ "run": "$run", "undo": false }))
            .fails(json!({ "stopped": ERROR }), StateName::CloseRun)
            .asks(StateName::IsVerified, "What follows.")
            .done_with(json!({ "stopped": ANSWER }), StateName::CloseRun)
            .polls(60, "not verified", StateName::WaitForVerification, Pause::every(5), "Waits.")
            .otherwise(json!({ "stopped": ANSWER }), StateName::CloseRun);
        let states = states(rows![verify], Scope::Machine);
        let [(_, task), (_, question), (_, wait)] = &states[..] else { panic!("{states:?}") };
        assert_eq!(task["Arguments"]["FunctionName"], "${PromoteReplicaFunctionArn}");
        assert_eq!(task["Arguments"]["Payload"], json!({ "run": "{% $run %}", "undo": false }));
        assert_eq!(task["Catch"][0]["Assign"]["stopped"]["error"], "{% $states.errorOutput %}");
        assert_eq!(task["Next"], "IsVerified?");
        let [done, pending] = [&question["Choices"][0], &question["Choices"][1]];
        assert_eq!(done["Assign"]["asked"], 0, "the next poll counts from zero");
        assert!(done["Assign"]["stopped"]["asks"].is_null(), "how often it was asked is told where that was too often");
        assert_eq!(pending["Condition"], "{% $states.input.step = 'Pending' and $asked < 60 %}");
        assert_eq!(question["Assign"]["stopped"]["notDone"], "not verified");
        assert_eq!((&question["Default"], &wait["Next"]), (&json!("CloseRun"), &json!("Verify")));
        assert_eq!(wait["Assign"], json!({ "asked": "{% $asked + 1 %}" }));
    }

    #[test]
    fn a_question_that_stands_alone_gives_its_own_name_and_a_null_is_kept() {
        let asked = question(StateName::IsApprovalNeeded, "Whether.")
            .when("$a = 1", json!({ "unhardened": null }), StateName::Approve)
            .otherwise(json!({ "stopped": ANSWER }), StateName::CloseRun);
        let states = states(rows![asked], Scope::Machine);
        let (_, question) = &states[0];
        assert_eq!(question["Choices"][0]["Assign"], json!({ "unhardened": null }));
        assert_eq!(question["Assign"]["stopped"]["state"], "IsApprovalNeeded?");
    }
}
