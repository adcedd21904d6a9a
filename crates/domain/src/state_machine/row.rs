//! A row: a step with what it asks, waits for and gives up at, or one state that stands alone.
//!
//! A text that begins with `$` is JSONata; every other text is what it says.

use serde_json::{Value, json};

use super::{
    StateMachine,
    name::StateName,
    pause::Pause,
    retry::{Again, Patience},
};

/// How long a step's function may take, in seconds: it ends by itself after 30.
const STEP_SECONDS: u32 = 40;

/// How long another machine's run may take, in seconds: longer than any takes by itself.
const LONGEST_RUN_SECONDS: u32 = 40 * 3_600;

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

/// One function's turn: a task, and where it may answer more than one thing, the question after it and the wait before it is
/// asked again.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: StateName,
    pub(super) comment: String,
    pub(super) call: Call,
    pub(super) function: &'static str,
    pub(super) payload: Value,
    pub(super) seconds: Value,
    pub(super) patience: Patience,
    pub(super) again: Option<Again>,
    pub(super) catches: Vec<Catch>,
    pub(super) keeps: Value,
    pub(super) question: Option<Question>,
    pub(super) poll: Option<Poll>,
    pub(super) next: Option<StateName>,
}

/// How a function is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// Its answer is the step's.
    Answered,
    /// It is started, and not waited for.
    Started,
    /// It asks a person, whose answer is the step's; within how long, as JSONata.
    Person { deadline_seconds: &'static str },
    /// Another machine's run of this name, whose end is waited for.
    Run { machine: StateMachine, name: &'static str },
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

/// A function's turn, and what is true if we stop there.
pub(super) fn step(name: StateName, comment: &str) -> Step {
    Step {
        name,
        comment: comment.to_owned(),
        call: Call::Answered,
        function: "",
        payload: Value::Null,
        seconds: STEP_SECONDS.into(),
        patience: Patience::Usual,
        again: None,
        catches: Vec::new(),
        keeps: Value::Null,
        question: None,
        poll: None,
        next: None,
    }
}

impl Step {
    /// Its function, and what that is given.
    pub(super) fn calls(self, function: &'static str, payload: Value) -> Self {
        Self { function, payload, ..self }
    }

    /// Starts its function and goes on.
    pub(super) fn starts(self, function: &'static str, payload: Value, seconds: u32) -> Self {
        Self { call: Call::Started, patience: Patience::None, seconds: seconds.into(), ..self }.calls(function, payload)
    }

    /// Its function asks a person, who answers with the task's token.
    pub(super) fn asks_a_person(self, function: &'static str, payload: Value, deadline_seconds: &'static str) -> Self {
        Self { call: Call::Person { deadline_seconds }, patience: Patience::Asking, ..self }.calls(function, payload)
    }

    /// Starts another machine's run of this name, and waits for its end.
    pub(super) fn runs(self, machine: StateMachine, name: &'static str, input: &str) -> Self {
        let (call, payload) = (Call::Run { machine, name }, input.into());
        Self { call, payload, seconds: LONGEST_RUN_SECONDS.into(), patience: Patience::Starting, ..self }
    }

    /// How patient it is.
    pub(super) fn patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// What else it tries again.
    pub(super) fn again(self, again: Again) -> Self {
        Self { again: Some(again), ..self }
    }

    /// What is kept of its answer.
    pub(super) fn keeps(self, keeps: Value) -> Self {
        Self { keeps, ..self }
    }

    /// What follows from its answer.
    pub(super) fn asks(self, name: StateName, comment: &str) -> Self {
        Self { question: Some(question(name, comment)), ..self }
    }

    /// It is done.
    pub(super) fn done(self, next: StateName) -> Self {
        self.done_with(Value::Null, next)
    }

    /// It is done, and what that means.
    pub(super) fn done_with(self, assign: Value, next: StateName) -> Self {
        let condition = "$states.input.step = 'Done'".to_owned();
        self.way(Choice { condition, is_done: true, assign, next })
    }

    /// It is on its way: it is asked again, at most so often, and then it is `not_done`.
    pub(super) fn polls(
        self,
        most: u32,
        not_done: impl Into<Option<&'static str>>,
        wait: StateName,
        pause: Pause,
        comment: &str,
    ) -> Self {
        let condition = format!("$states.input.step = 'Pending' and $asked < {most}");
        let poll =
            Poll { not_done: not_done.into(), wait: wait.clone(), comment: comment.to_owned(), pause, then: None };
        Self { poll: Some(poll), ..self }.way(Choice { condition, is_done: false, assign: Value::Null, next: wait })
    }

    /// What is kept of each answer meanwhile.
    pub(super) fn meanwhile(mut self, assign: Value) -> Self {
        if let Some(way) = self.question.as_mut().and_then(|question| question.ways.last_mut()) {
            way.assign = assign;
        }
        self
    }

    /// Where the wait leads first.
    pub(super) fn waits_by_way_of(mut self, then: StateName) -> Self {
        if let Some(poll) = &mut self.poll {
            poll.then = Some(then);
        }
        self
    }

    /// Another answer.
    pub(super) fn when(self, condition: &str, assign: Value, next: StateName) -> Self {
        self.way(Choice { condition: condition.to_owned(), is_done: false, assign, next })
    }

    /// Every other answer.
    pub(super) fn otherwise(self, assign: Value, next: StateName) -> Self {
        let question = self.question.map(|question| question.otherwise(assign, next));
        Self { question, ..self }
    }

    fn way(mut self, way: Choice) -> Self {
        if let Some(question) = &mut self.question {
            question.ways.push(way);
        }
        self
    }

    /// Where it goes on, whatever it answers.
    pub(super) fn then(self, next: StateName) -> Self {
        Self { next: Some(next), ..self }
    }

    /// An error that its retries did not mend.
    pub(super) fn fails(self, assign: Value, next: StateName) -> Self {
        self.catches(&["States.ALL"], assign, next)
    }

    /// The same, and why it is treated so.
    pub(super) fn fails_because(self, comment: &str, assign: Value, next: StateName) -> Self {
        self.catches_because(comment, &["States.ALL"], assign, next)
    }

    /// Errors that are treated in another way.
    pub(super) fn catches(self, errors: &[&'static str], assign: Value, next: StateName) -> Self {
        self.catch(Catch { errors: errors.to_vec(), comment: None, assign, next })
    }

    /// The same, and why.
    pub(super) fn catches_because(
        self,
        comment: &str,
        errors: &[&'static str],
        assign: Value,
        next: StateName,
    ) -> Self {
        self.catch(Catch { errors: errors.to_vec(), comment: Some(comment.to_owned()), assign, next })
    }

    fn catch(mut self, catch: Catch) -> Self {
        self.catches.push(catch);
        self
    }
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
