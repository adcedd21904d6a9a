//! A plan from its file.

use serde_json::Value;

use super::{Finding, Plan, check};

/// The largest plan that is read.
pub const LARGEST_PLAN_BYTES: usize = 64 * 1024;

/// Why a text is not a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct PlanError {
    /// The file, as the caller named it.
    pub file: String,
    /// What is wrong, where, and what to do.
    pub what: String,
}

/// Reads a plan.
pub fn read(text: &str, file: &str) -> Result<Plan, PlanError> {
    let error = |what: String| PlanError { file: file.to_owned(), what };
    if text.len() > LARGEST_PLAN_BYTES {
        return Err(error(format!("{} bytes is larger than a plan may be ({LARGEST_PLAN_BYTES})", text.len())));
    }
    let plan: Plan = serde_saphyr::from_str(text).map_err(|e| error(e.to_string()))?;
    let findings: Vec<String> = check(&plan).iter().map(Finding::to_string).collect();
    if findings.is_empty() { Ok(plan) } else { Err(error(findings.join("\n"))) }
}

/// The plan's JSON Schema, for editors.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Plan).to_value()
}
