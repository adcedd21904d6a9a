//! The cases: which call is spoiled, and how.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use lab::gateway::{Call, Caller, Fault, How, When};

/// A kind of call. Those of one kind differ only in what varies from run to run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    caller: Caller,
    service: String,
    operation: String,
    region: String,
    /// The function that is invoked, or the folder of the object.
    target: String,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    kind: Kind,
    when: When,
    how: How,
}

/// How often an SDK client of the engine tries a call: a fault that lasts as long reaches the function.
const TRIES: u32 = 3;

/// The kinds among calls, but for those of the watch: it runs all the time, with a failover or without, and wakes whom a
/// failover needs once in a window.
pub(super) fn kinds(calls: &[Call], watch: &Caller, region: &str) -> Vec<Kind> {
    let of_the_watch = |call: &Call| call.caller == *watch && (call.region == region || call.service == "lambda");
    let ours = calls.iter().filter(|call| !of_the_watch(call));
    let mut seen = BTreeSet::new();
    ours.map(Kind::of).filter(|kind| seen.insert(kind.clone())).collect()
}

/// Every case: each kind before and after it took effect, and each function killed once, in the last of its calls. With
/// `only`, those that say one of its words, which commas part. With `silent`, a function's call before it took effect is
/// not answered at all instead of being refused.
pub(super) fn all(kinds: &[Kind], only: Option<&str>, silent: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut last = BTreeMap::new();
    for kind in kinds {
        // How long a state machine waits for a call is AWS's own affair.
        let by_function = matches!(kind.caller, Caller::Function(_));
        let how = if silent && by_function { How::Silent } else { How::Throttled };
        cases.push(Case { kind: kind.clone(), when: When::Before, how });
        if !kind.only_reads() {
            cases.push(Case { kind: kind.clone(), when: When::After, how: How::Broken });
        }
        if by_function {
            last.insert(kind.caller.clone(), kind.clone());
        }
    }
    cases.extend(last.into_values().map(|kind| Case { kind, when: When::After, how: How::Killed }));
    let says = |case: &Case, only: &str| only.split(',').any(|word| case.to_string().contains(word));
    cases.retain(|case| only.is_none_or(|only| says(case, only)));
    cases
}

impl Kind {
    fn of(call: &Call) -> Self {
        let target = match call.target.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => call.target.clone(),
        };
        let (caller, service) = (call.caller.clone(), call.service.clone());
        Self { caller, service, operation: call.operation.clone(), region: call.region.clone(), target }
    }

    /// Whether it takes no effect, so that there is no after.
    fn only_reads(&self) -> bool {
        ["Describe", "Get", "Head", "List"].iter().any(|verb| self.operation.starts_with(verb))
    }

    /// Whether a function makes it when it starts cold, and keeps the answer.
    fn is_made_cold(&self) -> bool {
        self.service == "secretsmanager" || self.target.starts_with("ca/")
    }
}

impl Case {
    /// Whether the functions must start cold for it to be made.
    pub(super) fn needs_cold_functions(&self) -> bool {
        self.kind.is_made_cold() || self.how == How::Killed
    }

    pub(super) fn fault(&self) -> Fault {
        let Kind { caller, service, operation, region, target } = &self.kind;
        let fault = Fault::new(self.when, self.how).by(caller.clone()).of(service).operation(operation);
        let fault = fault.in_region(region).target(target);
        match (self.how, caller) {
            (How::Throttled, Caller::Function(_)) => fault.first(TRIES),
            _ => fault.first(1),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caller, service, operation, region, target } = self;
        write!(to, "{caller} {service}:{operation} {target}{}{region}", if target.is_empty() { "" } else { " " })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.how, self.when) {
            (How::Killed, _) => "killed in",
            (How::Silent, _) => "no answer to",
            (_, When::Before) => "refused",
            (_, When::After) => "answer lost",
        };
        write!(to, "{what} {}", self.kind)
    }
}
