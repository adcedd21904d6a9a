//! What is wrong with a plan, where, and what to do.

use std::fmt;

use serde::Serialize;

use crate::words::wording;

/// Something wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Whether the plan can be used at all.
    pub severity: Severity,
    /// Where in the plan, as `components[0].login.from`; empty for the plan as a whole.
    pub path: String,
    /// Where in the file, when the plan came from one.
    pub place: Option<Place>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The plan cannot be used.
    Error,
    /// The plan can be used; it may not do what its author hopes.
    Warning,
}

/// A place in a text, both counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl Finding {
    pub(super) fn error(path: impl Into<String>, what: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(Severity::Error, path.into(), what.as_ref(), remedy.as_ref())
    }

    pub(super) fn warning(path: impl Into<String>, what: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(Severity::Warning, path.into(), what.as_ref(), remedy.as_ref())
    }

    fn new(severity: Severity, path: String, what: &str, remedy: &str) -> Self {
        Self { severity, path, place: None, what: printable(what), remedy: printable(remedy) }
    }

    /// The finding in one line, after its file, as compilers write it.
    #[must_use]
    pub fn in_file(&self, file: &str) -> String {
        match self.place {
            Some(_) => format!("{file}:{self}"),
            None => format!("{file}: {self}"),
        }
    }

    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }
}

impl fmt::Display for Finding {
    /// `12:5: error: regions.recovery: what. Remedy.`, without the parts that are not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}: ", self.severity)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}. {}", self.what, self.remedy)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A plan's text may hold anything; a terminal that shows a finding must not obey it.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// How much of a plan's own text a finding repeats.
const QUOTED_CHARS: usize = 40;

/// A text of the plan between backticks, cut short where it is long.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", printable(&wording::start_of(text, QUOTED_CHARS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_place_path_what_and_remedy() {
        let finding = Finding::error("regions.recovery", "it is `us-east-1` too", "Name another Region.")
            .at(Some(Place { line: 9, column: 13 }));
        assert_eq!(finding.to_string(), "9:13: error: regions.recovery: it is `us-east-1` too. Name another Region.");
    }

    #[test]
    fn a_terminal_does_not_obey_a_finding() {
        let finding = Finding::warning("summary", "it is \u{1b}[2J\u{9b}31m", "Write it\nplain.");
        assert!(!finding.to_string().contains(char::is_control), "{finding:?}");
    }
}
