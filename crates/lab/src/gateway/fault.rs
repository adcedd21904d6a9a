//! A fault of AWS's calls, and a call that was made.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who makes a call of AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Caller {
    /// A function, by its name.
    Function(String),
    /// Step Functions, which invokes functions.
    States,
    /// The lab itself. Its calls are not recorded, and a fault affects them only if it names this caller.
    Root,
}

/// A call of AWS that a function or Step Functions made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Call {
    /// Who made it.
    pub caller: Caller,
    /// The service, as `route53`.
    pub service: String,
    /// The operation as AWS names it, as `GetChange`.
    pub operation: String,
    /// The Region that was called.
    pub region: String,
    /// The function that was invoked, or the key of an S3 object; otherwise empty.
    pub target: String,
    /// What a fault did to it.
    pub spoiled: Option<Spoiled>,
}

/// What a fault did to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Spoiled {
    /// Whether it was carried out.
    pub when: When,
    /// What its caller saw.
    pub how: How,
}

/// Whether a call with a fault is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// It is not.
    Before,
    /// It is, and its answer is lost.
    After,
}

/// What the caller of a call with a fault sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The throttling error of the service.
    Throttled,
    /// A 500.
    Broken,
    /// A 403; only [`When::Before`].
    Denied,
    /// No answer, until it gives up; 30 s at most.
    Silent,
    /// The caller's process is killed with SIGKILL. Only for functions.
    Killed,
    /// The error of a function that was idle for weeks and is being made active again. Only for `Invoke`, and only
    /// [`When::Before`].
    Asleep,
}

/// Which calls get a fault, and which fault. Injected with [`Faults::set`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    caller: Option<Caller>,
    service: Option<String>,
    operation: Option<String>,
    region: Option<String>,
    target: Option<String>,
    skip: u32,
    times: Option<u32>,
    each: bool,
    when: When,
    how: How,
}

/// A fault that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InForce {
    /// Its number.
    pub id: u64,
    /// How many calls it has affected so far.
    pub spoiled: u32,
    /// Of those, how many were carried out already.
    pub carried_out: u32,
}

impl Fault {
    /// Affects every call by functions and Step Functions, until it is ended.
    #[must_use]
    pub fn new(when: When, how: How) -> Self {
        let (caller, service, operation, region, target, times) = (None, None, None, None, None, None);
        Self { caller, service, operation, region, target, skip: 0, times, each: false, when, how }
    }

    /// Only calls by `caller`.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        Self { caller: Some(caller), ..self }
    }

    /// Only calls of a service, as `route53`.
    #[must_use]
    pub fn of(self, service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..self }
    }

    /// Only one operation, as `GetChange`.
    #[must_use]
    pub fn operation(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }

    /// Only calls to a Region.
    #[must_use]
    pub fn in_region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    /// Only calls whose target begins with this.
    #[must_use]
    pub fn target(self, target: &str) -> Self {
        Self { target: Some(target.to_owned()), ..self }
    }

    /// Lets the first calls pass, `calls` of them.
    #[must_use]
    pub fn after_the_first(self, calls: u32) -> Self {
        Self { skip: calls, ..self }
    }

    /// Only the first calls, `times` of them.
    #[must_use]
    pub fn first(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Only the first `times` calls of each kind. Calls that differ in any field are of different kinds.
    #[must_use]
    pub fn first_of_each(self, times: u32) -> Self {
        Self { times: Some(times), each: true, ..self }
    }
}

impl From<String> for Caller {
    fn from(name: String) -> Self {
        match name.as_str() {
            "states" => Self::States,
            "root" => Self::Root,
            _ => Self::Function(name),
        }
    }
}

impl From<Caller> for String {
    fn from(caller: Caller) -> Self {
        caller.to_string()
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Function(name) => name,
            Self::States => "states",
            Self::Root => "root",
        })
    }
}
