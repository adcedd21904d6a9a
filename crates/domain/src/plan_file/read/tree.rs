//! A YAML text as a tree in which every value knows its place.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Error, MergeKeyPolicy, Spanned, budget::BudgetBreach, options::Options};

use super::super::finding::{Finding, Place, quoted};

/// How deep a plan may be nested. The deepest field of a plan lies at 7.
const DEEPEST: usize = 24;

/// A value and where it is.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) place: Place,
}

/// A value.
#[derive(Debug)]
pub(super) enum NodeKind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A field's name and where it is.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
}

/// Parses one YAML document. Aliases, merge keys, duplicate keys and unknown tags are refused: a plan says what it means
/// once, in place, so that every reader of YAML reads the same.
pub(super) fn parse(text: &str) -> Result<Node, Finding> {
    serde_saphyr::from_str_with_options(text, options(text.len())).map_err(|error| finding(&error))
}

fn options(bytes: usize) -> Options {
    let limits = serde_saphyr::budget! {
        max_aliases: 0,
        max_anchors: 0,
        max_merge_keys: 0,
        max_depth: DEEPEST,
        max_documents: 2,
        max_nodes: bytes,
        max_total_scalar_bytes: 2 * bytes,
    };
    serde_saphyr::options! {
        budget: limits,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn finding(error: &Error) -> Finding {
    let place = error.location().and_then(|at| place(at.line(), at.column()));
    let (what, remedy) = told(error);
    Finding::error("", what, remedy).at(place)
}

fn told(error: &Error) -> (String, &'static str) {
    if let Error::Budget { breach, .. } = error {
        return breached(breach);
    }
    if let Error::DuplicateMappingKey { key, .. } = error {
        let key = key.as_deref().map_or("a field".to_owned(), quoted);
        return (format!("{key} is written twice"), "Keep one of the two.");
    }
    if matches!(error, Error::MultipleDocuments { .. }) {
        return ("it holds more than one document".into(), "Write one plan for each file, without `---` between.");
    }
    if matches!(error, Error::MergeKeyNotAllowed { .. }) {
        return ("it uses a merge key (`<<`)".into(), "Write the fields out.");
    }
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    (
        format!("it is not YAML that a plan can be: {said}"),
        "Correct it here; a text with special characters needs quotes.",
    )
}

fn breached(breach: &BudgetBreach) -> (String, &'static str) {
    if matches!(breach, BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. }) {
        return ("it uses an anchor (`&name`) or an alias (`*name`)".into(), "Write the value out where it is needed.");
    }
    if matches!(breach, BudgetBreach::Depth { .. }) {
        return (
            format!("it is nested deeper than {DEEPEST} levels"),
            "See `lifeboat plan schema` for a plan's shape.",
        );
    }
    (format!("it is larger than a plan can be: {breach:?}"), "Write one plan for each system.")
}

fn place(line: u64, column: u64) -> Option<Place> {
    (line > 0).then_some(Place { line, column })
}

impl Node {
    /// Makes a list of one of a field of this group that is a group of fields itself.
    pub(super) fn listed(&mut self, field: &str) {
        let NodeKind::Map(fields) = &mut self.kind else { return };
        for (_, node) in
            fields.iter_mut().filter(|(key, node)| key.name == field && matches!(node.kind, NodeKind::Map(_)))
        {
            let one = Self { kind: std::mem::replace(&mut node.kind, NodeKind::Null), place: node.place };
            node.kind = NodeKind::List(vec![one]);
        }
    }

    /// The value without its places.
    pub(super) fn value(&self) -> Value {
        match &self.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Bool(value) => Value::Bool(*value),
            NodeKind::Number(value) => Value::Number(value.clone()),
            NodeKind::Text(value) => Value::String(value.clone()),
            NodeKind::List(nodes) => nodes.iter().map(Self::value).collect(),
            NodeKind::Map(fields) => fields.iter().map(|(key, node)| (key.name.clone(), node.value())).collect(),
        }
    }

    /// What it is, for people.
    pub(super) fn noun(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "empty",
            NodeKind::Bool(_) => "true or false",
            NodeKind::Number(_) => "a number",
            NodeKind::Text(_) => "a text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a group of fields",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: kind, referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { kind, place: Place { line: referenced.line(), column: referenced.column() } })
    }
}

impl<'de> Deserialize<'de> for NodeKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyKind)
    }
}

struct AnyKind;

impl<'de> Visitor<'de> for AnyKind {
    type Value = NodeKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false, a list or a group of fields")
    }

    fn visit_unit<E: de::Error>(self) -> Result<NodeKind, E> {
        Ok(NodeKind::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<NodeKind, E> {
        Ok(NodeKind::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<NodeKind, E> {
        Ok(NodeKind::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<NodeKind, E> {
        Ok(NodeKind::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<NodeKind, E> {
        Ok(NodeKind::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<NodeKind, E> {
        Number::from_f64(value).map(NodeKind::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<NodeKind, E> {
        Ok(NodeKind::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NodeKind, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(NodeKind::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NodeKind, A::Error> {
        let mut fields = Vec::new();
        while let Some(Spanned { value: name, referenced, .. }) = map.next_key::<Spanned<String>>()? {
            let place = Place { line: referenced.line(), column: referenced.column() };
            fields.push((Key { name, place }, map.next_value()?));
        }
        Ok(NodeKind::Map(fields))
    }
}
