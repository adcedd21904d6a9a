//! What is tried again, and how often.

use serde_json::{Value, json};

/// What Lambda answers while it wakes a function that nobody called for weeks.
const WAKING: [&str; 5] = [
    "Lambda.ResourceNotReadyException",
    "Lambda.ResourceConflictException",
    "Lambda.ENINotReadyException",
    "Lambda.EC2ThrottledException",
    "Lambda.EC2UnexpectedException",
];

/// What may go well the next time: AWS throttled, a function crashed, an answer was lost.
pub(super) const TRANSIENT: [&str; 10] = [
    "AwsTransient",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "States.Timeout",
];

/// What Step Functions answers where a run may be started the next time.
const STARTING: [&str; 3] = [
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.SdkClientException",
    "StepFunctions.ExecutionLimitExceededException",
];

/// How patient a step is with what may go well the next time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Five tries, up to 10 s apart.
    Usual,
    /// Two: nobody is served meanwhile.
    Short,
    /// Five, but silence is an answer: a person who did not answer is not asked again.
    Asking,
    /// Eight, up to 10 s apart and each at its time: someone waits to be served again.
    Opening,
    /// Eight, up to 15 s apart: past the point of no return there is no other way than on.
    Promoted,
    /// Eight, up to 30 s apart: what must be done, and does not hurry.
    Long,
    /// Four, and only where the start may go well the next time: a run of the same name is started once.
    Starting,
    /// None: it is started and not waited for.
    None,
}

/// What else a step tries again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    errors: &'static [&'static str],
    times: u32,
    comment: Option<&'static str>,
    restarting: bool,
}

impl Again {
    /// Someone else wrote first: look again.
    pub(super) const fn conflict(times: u32) -> Self {
        Self { errors: &["Conflict"], times, comment: None, restarting: false }
    }

    /// The same, or a database did not answer as it must.
    pub(super) const fn conflict_or_database(times: u32) -> Self {
        Self { errors: &["Conflict", "Database"], ..Self::conflict(times) }
    }

    /// A database that restarts, or fails over, is back soon: seven tries in some three minutes.
    pub(super) const RESTARTING_DATABASE: Self = Self {
        errors: &["Database"],
        times: 6,
        comment: Some("A database that restarts, or fails over, is back soon."),
        restarting: true,
    };

    /// Says why.
    pub(super) const fn because(self, comment: &'static str) -> Self {
        Self { comment: Some(comment), ..self }
    }

    fn retrier(self) -> Value {
        let mut retrier =
            json!({ "ErrorEquals": self.errors, "IntervalSeconds": 1, "MaxAttempts": self.times, "BackoffRate": 1 });
        if self.restarting {
            retrier["IntervalSeconds"] = 5.into();
            retrier["BackoffRate"] = 2.into();
            retrier["MaxDelaySeconds"] = 60.into();
        }
        if let Some(comment) = self.comment {
            retrier["Comment"] = comment.into();
        }
        retrier
    }
}

/// The retriers of a step; `Null` where it has none.
pub(super) fn retriers(patience: Patience, again: Option<Again>) -> Value {
    let (times, longest) = match patience {
        Patience::Usual | Patience::Asking => (5, 10),
        Patience::Short => (2, 10),
        Patience::Opening => (8, 10),
        Patience::Promoted => (8, 15),
        Patience::Long => (8, 30),
        Patience::Starting => (4, 10),
        Patience::None => return Value::Null,
    };
    let mut transient = json!({
        "ErrorEquals": TRANSIENT,
        "IntervalSeconds": 1,
        "MaxAttempts": times,
        "BackoffRate": 2,
        "MaxDelaySeconds": longest,
        "JitterStrategy": "FULL",
    });
    match patience {
        Patience::Asking => {
            transient["ErrorEquals"] = TRANSIENT.into_iter().filter(|error| *error != "States.Timeout").collect();
            transient["Comment"] =
                "Without States.Timeout: a person who did not answer is not asked a second time.".into();
        }
        Patience::Short => transient["Comment"] = "Twice, not more: nobody is served meanwhile.".into(),
        Patience::Opening => drop(transient.as_object_mut().and_then(|retrier| retrier.remove("JitterStrategy"))),
        Patience::Starting => {
            transient["ErrorEquals"] = json!(STARTING);
            return json!([transient]);
        }
        Patience::Usual | Patience::Promoted | Patience::Long | Patience::None => {}
    }
    [waking(), transient].into_iter().chain(again.map(Again::retrier)).collect()
}

fn waking() -> Value {
    json!({
        "Comment": "A function that nobody called for weeks gets its network back in about a minute.",
        "ErrorEquals": WAKING,
        "IntervalSeconds": 3,
        "MaxAttempts": 18,
        "BackoffRate": 1.5,
        "MaxDelaySeconds": 12,
    })
}
