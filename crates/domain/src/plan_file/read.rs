//! A plan from its file.

mod places;
mod shape;
mod spelling;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use super::{Severity, check, finding::Finding};
use crate::{plan::Plan, synth::left_empty, words::wording};

/// The largest plan that is read.
pub const LARGEST_PLAN_BYTES: usize = 64 * 1024;

/// The most findings that are told of one file. A plan has about 60 fields; a file with more findings is another kind of file.
pub const MOST_FINDINGS: usize = 50;

/// A plan's file, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// The plan, unless a finding is an error.
    pub plan: Option<Plan>,
    /// What was found, errors first, then in the file's order. At most [`MOST_FINDINGS`].
    pub findings: Vec<Finding>,
}

/// Why a text is not a plan that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PlanError {
    /// The file, as the caller named it.
    pub file: String,
    /// The errors, in the file's order. Never empty.
    pub findings: Vec<Finding>,
}

impl fmt::Display for PlanError {
    /// One line for each error, as compilers write them: `file:line:column: error: path: what. Remedy.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}", finding.in_file(&self.file))?;
        }
        Ok(())
    }
}

/// Reads a plan that can be used, warnings or not.
pub fn read(text: &str, file: &str) -> Result<Plan, PlanError> {
    let Examined { plan, mut findings } = examine(text);
    plan.ok_or_else(|| {
        findings.retain(|finding| finding.severity == Severity::Error);
        PlanError { file: file.to_owned(), findings }
    })
}

/// Reads a plan and tells everything that is wrong with it, not only the first.
#[must_use]
pub fn examine(text: &str) -> Examined {
    let (plan, mut findings) = match parsed(text) {
        Ok((plan, places)) => {
            let found = check(&plan).into_iter().map(|finding| {
                let place = places.of(&finding.path);
                finding.at(place)
            });
            (Some(plan), found.collect())
        }
        Err(findings) => (None, findings),
    };
    findings.sort_by_key(|finding| (finding.severity, finding.place));
    findings.truncate(MOST_FINDINGS);
    let usable = findings.iter().all(|finding| finding.severity != Severity::Error);
    Examined { plan: plan.filter(|_| usable), findings }
}

/// Findings of a plan that was read from this text, each with the place of its path there.
#[must_use]
pub fn placed(text: &str, findings: Vec<Finding>) -> Vec<Finding> {
    if findings.is_empty() {
        return findings;
    }
    let Ok((_, places)) = parsed(text) else { return findings };
    let at = |finding: Finding| {
        let place = places.of(&finding.path);
        finding.at(place)
    };
    findings.into_iter().map(at).collect()
}

fn parsed(text: &str) -> Result<(Plan, places::Places), Vec<Finding>> {
    if text.len() > LARGEST_PLAN_BYTES {
        let what = format!("it is larger than a plan may be ({LARGEST_PLAN_BYTES} bytes)");
        return Err(vec![Finding::error("", what, "Write one plan for each system.")]);
    }
    let mut tree = tree::parse(text).map_err(|finding| vec![finding])?;
    // As version 1 of the language wrote it: an engine that is updated goes on reading the plans that are in force.
    tree.listed("traffic");
    let (findings, places) = shape::differences(&schema(), &tree);
    if !findings.is_empty() {
        return Err(findings);
    }
    match serde_path_to_error::deserialize(tree.value()) {
        Ok(plan) => {
            let empty = left_empty(&tree.value(), &plan).into_iter().map(|path| {
                let place = places.of(&path);
                Finding::error(path, "it is empty", "Write something, or leave it out.").at(place)
            });
            let empty: Vec<Finding> = empty.collect();
            if empty.is_empty() { Ok((plan, places)) } else { Err(empty) }
        }
        Err(error) => {
            let path = error.path().to_string();
            let finding = Finding::error(&path, wording::plain(&error.inner().to_string()), "Correct it here.");
            Err(vec![finding.at(places.of(&path))])
        }
    }
}

/// The plan's JSON Schema, for editors.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Plan).to_value()
}
