//! A function's turn, with what is asked of its answer, waited for and given up.

use serde_json::Value;

use super::{Catch, Choice, Poll, Question, question};
use crate::state_machine::{
    StateMachine,
    name::StateName,
    pause::Pause,
    retry::{Again, Patience},
};

/// How long a step's function may take, in seconds: it ends by itself after 30.
const STEP_SECONDS: u32 = 40;

/// One function's turn: a task, and where it may answer more than one thing, the question after it and the wait before it is
/// asked again.
#[derive(Debug)]
pub(in crate::state_machine) struct Step {
    pub(in crate::state_machine) name: StateName,
    pub(in crate::state_machine) comment: String,
    pub(in crate::state_machine) call: Call,
    pub(in crate::state_machine) function: &'static str,
    pub(in crate::state_machine) payload: Value,
    pub(in crate::state_machine) seconds: Value,
    pub(in crate::state_machine) patience: Patience,
    pub(in crate::state_machine) again: Option<Again>,
    pub(in crate::state_machine) catches: Vec<Catch>,
    pub(in crate::state_machine) keeps: Value,
    pub(in crate::state_machine) question: Option<Question>,
    pub(in crate::state_machine) poll: Option<Poll>,
    pub(in crate::state_machine) next: Option<StateName>,
}

/// How a function is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::state_machine) enum Call {
    /// Its answer is the step's.
    Answered,
    /// It is started, and not waited for.
    Started,
    /// It asks a person, whose answer is the step's; within how long, as JSONata.
    Person { deadline_seconds: &'static str },
    /// Another machine's run of this name, whose end is waited for.
    Run { machine: StateMachine, name: &'static str },
}

/// A function's turn, and what is true if we stop there.
pub(in crate::state_machine) fn step(name: StateName, comment: &str) -> Step {
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
    pub(in crate::state_machine) fn calls(self, function: &'static str, payload: Value) -> Self {
        Self { function, payload, ..self }
    }

    /// Starts its function and goes on.
    pub(in crate::state_machine) fn starts(self, function: &'static str, payload: Value, seconds: u32) -> Self {
        Self { call: Call::Started, patience: Patience::None, seconds: seconds.into(), ..self }.calls(function, payload)
    }

    /// Its function asks a person, who answers with the task's token.
    pub(in crate::state_machine) fn asks_a_person(
        self,
        function: &'static str,
        payload: Value,
        deadline_seconds: &'static str,
    ) -> Self {
        Self { call: Call::Person { deadline_seconds }, patience: Patience::Asking, ..self }.calls(function, payload)
    }

    /// Starts another machine's run of this name, and waits for its end, so many hours at most.
    pub(in crate::state_machine) fn runs(
        self,
        machine: StateMachine,
        name: &'static str,
        input: &str,
        hours: u32,
    ) -> Self {
        let (call, payload) = (Call::Run { machine, name }, input.into());
        Self { call, payload, seconds: (hours * 3_600).into(), patience: Patience::Starting, ..self }
    }

    /// How patient it is.
    pub(in crate::state_machine) fn patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// What else it tries again.
    pub(in crate::state_machine) fn again(self, again: Again) -> Self {
        Self { again: Some(again), ..self }
    }

    /// What is kept of its answer.
    pub(in crate::state_machine) fn keeps(self, keeps: Value) -> Self {
        Self { keeps, ..self }
    }

    /// What follows from its answer.
    pub(in crate::state_machine) fn asks(self, name: StateName, comment: &str) -> Self {
        Self { question: Some(question(name, comment)), ..self }
    }

    /// It is done.
    pub(in crate::state_machine) fn done(self, next: StateName) -> Self {
        self.done_with(Value::Null, next)
    }

    /// It is done, and what that means.
    pub(in crate::state_machine) fn done_with(self, assign: Value, next: StateName) -> Self {
        let condition = "$states.input.step = 'Done'".to_owned();
        self.way(Choice { condition, is_done: true, assign, next })
    }

    /// It is asked no more, whatever it answers, where this holds, and what that means.
    pub(in crate::state_machine) fn done_where(self, condition: &str, assign: Value, next: StateName) -> Self {
        self.way(Choice { condition: condition.to_owned(), is_done: true, assign, next })
    }

    /// It is on its way: it is asked again, at most so often, and then it is `not_done`.
    pub(in crate::state_machine) fn polls(
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
    pub(in crate::state_machine) fn meanwhile(mut self, assign: Value) -> Self {
        if let Some(way) = self.question.as_mut().and_then(|question| question.ways.last_mut()) {
            way.assign = assign;
        }
        self
    }

    /// Where the wait leads first.
    pub(in crate::state_machine) fn waits_by_way_of(mut self, then: StateName) -> Self {
        if let Some(poll) = &mut self.poll {
            poll.then = Some(then);
        }
        self
    }

    /// Another answer.
    pub(in crate::state_machine) fn when(self, condition: &str, assign: Value, next: StateName) -> Self {
        self.way(Choice { condition: condition.to_owned(), is_done: false, assign, next })
    }

    /// Every other answer.
    pub(in crate::state_machine) fn otherwise(self, assign: Value, next: StateName) -> Self {
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
    pub(in crate::state_machine) fn then(self, next: StateName) -> Self {
        Self { next: Some(next), ..self }
    }

    /// An error that its retries did not mend.
    pub(in crate::state_machine) fn fails(self, assign: Value, next: StateName) -> Self {
        self.catches(&["States.ALL"], assign, next)
    }

    /// The same, and why it is treated so.
    pub(in crate::state_machine) fn fails_because(self, comment: &str, assign: Value, next: StateName) -> Self {
        self.catches_because(comment, &["States.ALL"], assign, next)
    }

    /// Errors that are treated in another way.
    pub(in crate::state_machine) fn catches(self, errors: &[&'static str], assign: Value, next: StateName) -> Self {
        self.catch(Catch { errors: errors.to_vec(), comment: None, assign, next })
    }

    /// The same, and why.
    pub(in crate::state_machine) fn catches_because(
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
