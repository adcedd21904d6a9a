//! What must be true of a database or of the side that took over.

use crate::words::{
    id::{ComponentName, GroupName},
    time_span::TimeSpan,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What must be true of the new side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Check {
    /// One query through the traffic's name; one row, one column.
    Sql(SqlCheck),
    /// An address of HTTP.
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

    /// The group that it is of, where one is said.
    #[must_use]
    pub fn group(&self) -> Option<&GroupName> {
        match self {
            Self::Sql(check) => check.group.as_ref(),
            Self::Http(check) => check.group.as_ref(),
        }
    }

    /// Whether it is of a group; each is of all.
    #[must_use]
    pub fn is_of(&self, group: &GroupName) -> bool {
        group.as_str() == ALL || self.group() == Some(group)
    }

    /// How long it may take.
    #[must_use]
    pub fn within(&self) -> TimeSpan {
        match self {
            Self::Sql(check) => check.within,
            Self::Http(check) => check.within,
        }
    }
}

/// The group of every check.
const ALL: &str = "all";

/// A query and what it must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlCheck {
    /// What the check is called in the record.
    pub name: String,
    /// The pair that is asked, by its component; each that is moved where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// The group by which `health` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
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

/// A request and what it must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpCheck {
    /// What the check is called in the record.
    pub name: String,
    /// The pair whose move it is made after, by its component; that of each where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// The group by which `health` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
    /// The address, http or https.
    pub url: String,
    /// The status that is healthy.
    #[serde(default = "ok")]
    pub status: u16,
    /// How it is asked.
    #[serde(default, skip_serializing_if = "HttpMethod::is_get")]
    pub method: HttpMethod,
    /// What a POST sends; as JSON, where it is JSON. Everybody who reads the plan knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What the answer must hold, beside its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<HttpExpected>,
    /// How often it is asked.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub samples: u32,
    /// How many of the samples must be answered so, and in time. 95 of 100 is what is called p95.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub pass_percent: u32,
    /// How long it may take.
    pub within: TimeSpan,
}

/// How an address is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Without a body.
    #[default]
    Get,
    /// With one.
    Post,
}

/// What an answer must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpExpected {
    /// This text, within its first 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// This value of its JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonExpected>,
}

/// A value of a JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JsonExpected {
    /// Where it is, as `/checks/0/status`: a JSON pointer.
    pub at: String,
    /// The value, as text.
    pub equals: String,
}

impl HttpMethod {
    fn is_get(&self) -> bool {
        *self == Self::Get
    }
}

/// HTTP's OK.
fn ok() -> u16 {
    200
}

fn one() -> u32 {
    1
}

fn is_one(samples: &u32) -> bool {
    *samples == one()
}

fn all() -> u32 {
    100
}

fn is_all(percent: &u32) -> bool {
    *percent == all()
}
