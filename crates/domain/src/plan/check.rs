//! What types cannot check.

use std::fmt;

use super::Plan;

/// Something wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, as `regions.recovery`.
    pub path: String,
    /// What is wrong and what to do.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Finds what types cannot.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    if plan.regions.primary == plan.regions.recovery {
        findings.push(Finding { path: "regions.recovery".into(), what: "is the primary Region too: name another".into() });
    }
    findings
}
