//! What must be true of a database or of the side that took over.

use crate::words::{id::ComponentName, time_span::TimeSpan};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What must be true of the new side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Check {
    /// One query through the traffic's name; one row, one column.
    Sql(SqlCheck),
    /// One GET.
    Http(HttpCheck),
}

impl Check {
    /// The check's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Sql(check) => &check.name,
            Self::Http(check) => &check.name,
        }
    }

    /// The pair that it is of, by its component, where it is of one alone.
    #[must_use]
    pub fn component(&self) -> Option<&ComponentName> {
        match self {
            Self::Sql(check) => check.component.as_ref(),
            Self::Http(check) => check.component.as_ref(),
        }
    }
}

/// A query and what it must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlCheck {
    /// What the check is called in the record.
    pub name: String,
    /// The pair that is asked, by its component; each that is moved where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// The query: one row, one column.
    pub query: String,
    /// The answer as text.
    pub expect: Expected,
    /// How long it may take.
    pub within: TimeSpan,
}

/// What a query must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Expected {
    /// This text.
    Equals(String),
    /// A number that is at least this.
    AtLeast(i64),
}

/// A GET and what it must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpCheck {
    /// What the check is called in the record.
    pub name: String,
    /// The pair whose move it is made after, by its component; that of each where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// The address, http or https.
    pub url: String,
    /// The status that is healthy.
    #[serde(default = "ok")]
    pub status: u16,
    /// How long it may take.
    pub within: TimeSpan,
}

/// HTTP's OK.
fn ok() -> u16 {
    200
}
