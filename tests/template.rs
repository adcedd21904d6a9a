//! A SAM template, read without its short tags: `!Ref Topic` is the text `Topic`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::repository;

/// A template.
#[derive(Debug)]
pub struct Template {
    /// Its resources by their logical names.
    pub resources: BTreeMap<String, Value>,
    /// The whole.
    pub json: Value,
}

impl Template {
    /// Reads `infra/<name>.yaml`.
    ///
    /// # Panics
    /// When it is not a template.
    #[must_use]
    pub fn read(name: &str) -> Self {
        let path = format!("infra/{name}.yaml");
        let text = without_tags(&repository::text(&path));
        Self::of(serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    /// A template that was made.
    ///
    /// # Panics
    /// When it has no resources.
    #[must_use]
    pub fn of(json: Value) -> Self {
        let resources = json["Resources"].as_object().unwrap_or_else(|| panic!("no Resources: {json}"));
        Self { resources: resources.clone().into_iter().collect(), json }
    }

    /// The resources of a type, by logical name.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.resources
            .iter()
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.as_str(), resource))
    }

    /// A resource's properties.
    ///
    /// # Panics
    /// When there is no such resource.
    #[must_use]
    pub fn properties(&self, resource: &str) -> &Value {
        let found = self.resources.get(resource).unwrap_or_else(|| panic!("infra: no resource {resource}"));
        &found["Properties"]
    }

    /// The statements of a resource's own policies, also those that hold on a condition only.
    #[must_use]
    pub fn statements(&self, resource: &str) -> Vec<&Value> {
        let policies = self.properties(resource)["Policies"].as_array().map(Vec::as_slice).unwrap_or_default();
        policies
            .iter()
            .map(|policy| policy.get("PolicyDocument").unwrap_or(policy))
            .flat_map(|policy| policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default())
            .map(|statement| conditional(statement).map_or(statement, |(_, then)| then))
            .collect()
    }

    /// The actions that a resource's own policies allow.
    #[must_use]
    pub fn actions(&self, resource: &str) -> BTreeSet<String> {
        self.statements(resource).iter().flat_map(|statement| one_or_more(&statement["Action"])).collect()
    }
}

/// The condition of an `!If`, and what holds where it is met; `None` for what holds anyway.
#[must_use]
pub fn conditional(value: &Value) -> Option<(&str, &Value)> {
    let [condition, then, _] = value.as_array()?.as_slice() else { return None };
    Some((condition.as_str()?, then))
}

/// A text, or the texts of a list.
#[must_use]
pub fn one_or_more(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(one_or_more).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// CloudFormation's short tags, which no YAML reader knows, taken out.
fn without_tags(text: &str) -> String {
    const TAGS: [&str; 10] =
        ["!Ref ", "!Sub ", "!GetAtt ", "!If", "!Equals ", "!Not ", "!Not", "!Join ", "!Split ", "!Select "];
    let mut text = text.to_owned();
    for tag in TAGS {
        text = text.replace(tag, "");
    }
    text
}
