//! A row: a step with what it asks, waits for and gives up at, or one state that stands alone.
//!
//! A text that begins with `$` is JSONata; every other text is what it says.

mod step;

pub(super) use step::{Call, Step, step};

use serde_json::{Value, json};

use super::{name::StateName, pause::Pause};

/// A row of a machine.
#[derive(Debug)]
pub(super) enum Row {
    Begin(Begin),
    Step(Box<Step>),
    Question(Question),
    Wait(Wait),
    Turns(Turns),
    SumUp(SumUp),
    End(End),
}

impl Row {
    /// The names of its states, in their order.
    pub(super) fn names(&self) -> Vec<&StateName> {
        match self {
            Self::Begin(begin) => vec![&begin.name],
            Self::Step(step) => {
                let question = step.question.as_ref().map(|question| &question.name);
                let wait = step.poll.as_ref().map(|poll| &poll.wait);
                [&step.name].into_iter().chain(question).chain(wait).collect()
            }
            Self::Question(question) => vec![&question.name],
            Self::Wait(wait) => vec![&wait.name],
            Self::Turns(turns) => [&turns.name].into_iter().chain(turns.rows.iter().flat_map(Self::names)).collect(),
            Self::SumUp(sum_up) => vec![&sum_up.name],
            Self::End(end) => vec![&end.name],
        }
    }
}

/// Makes rows of steps, questions, waits, turns and ends, in that order.
macro_rules! rows {
    ($($row:expr),+ $(,)?) => { vec![$($crate::state_machine::row::Row::from($row)),+] };
}
pub(super) use rows;

macro_rules! is_a_row {
    ($($kind:ident),+) => { $(
        impl From<$kind> for Row {
            fn from(row: $kind) -> Self {
                Self::$kind(row)
            }
        }
    )+ };
}
is_a_row!(Begin, Question, Wait, Turns, SumUp, End);

impl From<Step> for Row {
    fn from(step: Step) -> Self {
        Self::Step(Box::new(step))
    }
}

/// The first values of the variables: reading one that was never assigned is an error.
#[derive(Debug)]
pub(super) struct Begin {
    pub(super) name: StateName,
    pub(super) comment: String,
    pub(super) assign: Value,
    pub(super) next: StateName,
}

pub(super) fn begin(name: StateName, comment: &str, assign: Value, next: StateName) -> Begin {
    Begin { name, comment: comment.to_owned(), assign, next }
}

/// Errors that outlasted their retries, or have none.
#[derive(Debug)]
pub(super) struct Catch {
    pub(super) errors: Vec<&'static str>,
    pub(super) comment: Option<String>,
    pub(super) assign: Value,
    pub(super) next: StateName,
}

/// Asking again, counted.
#[derive(Debug)]
pub(super) struct Poll {
    /// What the step was not, once it was asked too often: `not judged`; `None` where its own word says enough.
    pub(super) not_done: Option<&'static str>,
    pub(super) wait: StateName,
    pub(super) comment: String,
    pub(super) pause: Pause,
    /// Where the wait leads, where that is not straight back to the step.
    pub(super) then: Option<StateName>,
}

/// What follows from an answer, or from what is known.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) name: StateName,
    pub(super) comment: String,
    pub(super) ways: Vec<Choice>,
    pub(super) assign: Value,
    pub(super) otherwise: Option<StateName>,
}

/// Every error that outlasted its retries.
pub(super) fn catch_all(assign: Value, next: StateName) -> Vec<Catch> {
    vec![Catch { errors: vec!["States.ALL"], comment: None, assign, next }]
}

/// One way out of a question.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) condition: String,
    /// Whether a count that was begun begins anew.
    pub(super) is_done: bool,
    pub(super) assign: Value,
    pub(super) next: StateName,
}

/// A wait that is counted.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) name: StateName,
    pub(super) comment: String,
    pub(super) pause: Pause,
    pub(super) count: &'static str,
    pub(super) next: StateName,
}

pub(super) fn wait(name: StateName, comment: &str, pause: Pause, count: &'static str, next: StateName) -> Wait {
    Wait { name, comment: comment.to_owned(), pause, count, next }
}

/// Several turns side by side, each with rows of its own.
#[derive(Debug)]
pub(super) struct Turns {
    pub(super) name: StateName,
    pub(super) comment: String,
    pub(super) items: &'static str,
    pub(super) most_at_once: u32,
    pub(super) rows: Vec<Row>,
    pub(super) catches: Vec<Catch>,
    pub(super) assign: Value,
    pub(super) output: Value,
    pub(super) next: StateName,
}

/// What whoever looks reads: the machine's output, or a turn's.
#[derive(Debug)]
pub(super) struct SumUp {
    pub(super) name: StateName,
    pub(super) comment: String,
    pub(super) assign: Value,
    pub(super) output: Value,
    /// `None` where a turn ends with it.
    pub(super) next: Option<StateName>,
}

pub(super) fn sum_up(name: StateName, comment: &str, output: Value, next: Option<StateName>) -> SumUp {
    SumUp { name, comment: comment.to_owned(), assign: Value::Null, output, next }
}

/// An end, and what is true then. One that is not as it should be is an error of its own name.
#[derive(Debug)]
pub(super) struct End {
    pub(super) name: StateName,
    pub(super) comment: String,
    pub(super) is_well: bool,
}

/// All is as it should be.
pub(super) fn ends_well(name: StateName, comment: &str) -> End {
    End { name, comment: comment.to_owned(), is_well: true }
}

/// It is not, and the reason is told.
pub(super) fn ends_badly(name: StateName, comment: &str) -> End {
    End { name, comment: comment.to_owned(), is_well: false }
}

/// A question that stands alone.
pub(super) fn question(name: StateName, comment: &str) -> Question {
    Question { name, comment: comment.to_owned(), ways: Vec::new(), assign: Value::Null, otherwise: None }
}

impl Question {
    /// One way out.
    pub(super) fn when(mut self, condition: &str, assign: Value, next: StateName) -> Self {
        self.ways.push(Choice { condition: condition.to_owned(), is_done: false, assign, next });
        self
    }

    /// The way out where no other one fits.
    pub(super) fn otherwise(self, assign: Value, next: StateName) -> Self {
        Self { assign, otherwise: Some(next), ..self }
    }
}

/// What a call hands on where nothing of it is to be read later.
pub(super) fn nothing() -> Value {
    json!({})
}
