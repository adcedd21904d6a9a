//! Whether a tree has a plan's shape: every difference, each with its path and place.
//!
//! The walk follows the plan's own JSON Schema, so that editors and Lifeboat agree; names and lengths of time are
//! parsed by their own types. Serde alone would stop at the first difference, and does not know the
//! path below a tagged choice.

use serde_json::{Map, Value};

use super::super::finding::{Finding, Place, quoted};
use super::{
    places::Places,
    spelling::nearest,
    tree::{Key, Node, NodeKind},
};
use crate::words::names::{NAMES, Parse, parser};

/// Finds every difference between `node` and the plan's `schema`, and where each path is written.
pub(super) fn differences(schema: &Value, node: &Node) -> (Vec<Finding>, Places) {
    let mut walk = Walk { definitions: &schema["$defs"], findings: Vec::new(), places: Places::default() };
    walk.visit(schema, node, "");
    (walk.findings, walk.places)
}

/// What tells groups apart that differ in their fields.
const TAGS: [&str; 2] = ["kind", "type"];

struct Walk<'a> {
    definitions: &'a Value,
    findings: Vec<Finding>,
    places: Places,
}

impl<'a> Walk<'a> {
    fn report(&mut self, path: &str, place: Place, what: impl AsRef<str>, remedy: impl AsRef<str>) {
        self.findings.push(Finding::error(path, what, remedy).at(Some(place)));
    }

    fn visit(&mut self, schema: &'a Value, node: &Node, path: &str) {
        self.places.insert(path, node.place);
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            let definition = &self.definitions[name];
            return match parser(name) {
                Some(parse) => self.visit_name(definition, parse, node, path),
                None => self.visit(definition, node, path),
            };
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            return self.visit_choice(schema, choices, node, path);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            // An optional value: its schema, or null.
            if let Some(wanted) =
                choices.iter().find(|choice| choice["type"] != "null" && !matches!(node.kind, NodeKind::Null))
            {
                self.visit(wanted, node, path);
            }
            return;
        }
        self.visit_plain(schema, node, path);
    }

    /// A name or a length of time, which its own type parses.
    fn visit_name(&mut self, definition: &Value, parse: Parse, node: &Node, path: &str) {
        let NodeKind::Text(text) = &node.kind else {
            return self.wrong_kind(definition, node, path, "a text");
        };
        if parse(text.clone()).is_err() {
            let what = format!("{} is not what belongs here", quoted(text));
            self.report(path, node.place, what, format!("Write {}.", described(definition)));
        }
    }

    fn visit_plain(&mut self, schema: &'a Value, node: &Node, path: &str) {
        let (name, optional) = kind_name(schema);
        match (name, &node.kind) {
            (_, NodeKind::Null) if optional => {}
            ("object", NodeKind::Map(fields)) => self.visit_fields(schema, fields, node.place, path),
            ("array", NodeKind::List(nodes)) => {
                for (index, node) in nodes.iter().enumerate() {
                    self.visit(&schema["items"], node, &format!("{path}[{index}]"));
                }
            }
            ("string", NodeKind::Text(_)) | ("boolean", NodeKind::Bool(_)) => {}
            ("integer", NodeKind::Number(number)) if number.is_i64() || number.is_u64() => {
                self.visit_number(schema, node, path)
            }
            ("number", NodeKind::Number(_)) => self.visit_number(schema, node, path),
            ("object", _) => self.wrong_kind(schema, node, path, "a group of fields"),
            ("array", _) => self.wrong_kind(schema, node, path, "a list"),
            ("boolean", _) => self.wrong_kind(schema, node, path, "true or false"),
            ("integer", _) => self.wrong_kind(schema, node, path, "a whole number"),
            ("number", _) => self.wrong_kind(schema, node, path, "a number"),
            _ => self.wrong_kind(schema, node, path, "a text"),
        }
    }

    fn visit_number(&mut self, schema: &Value, node: &Node, path: &str) {
        let NodeKind::Number(number) = &node.kind else { return };
        let value = number.as_f64();
        let within = |limit: &str, holds: fn(f64, f64) -> bool| match (value, schema[limit].as_f64()) {
            (Some(value), Some(limit)) => holds(value, limit),
            _ => true,
        };
        if within("minimum", |value, least| value >= least) && within("maximum", |value, most| value <= most) {
            return;
        }
        let remedy = match (&schema["minimum"], &schema["maximum"]) {
            (least, Value::Null) => format!("Write {least} or more."),
            (least, most) => format!("Write {least} to {most}."),
        };
        self.report(path, node.place, format!("{number} is out of range"), remedy);
    }

    fn visit_fields(&mut self, schema: &'a Value, fields: &[(Key, Node)], place: Place, path: &str) {
        let none = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        let mut meant = Vec::new();
        for (key, node) in fields {
            if let Some(property) = schema["properties"].get(&key.name) {
                self.visit(property, node, &below(path, &key.name));
                continue;
            }
            // Names that whoever writes the plan chooses.
            if schema["additionalProperties"].is_object() {
                self.visit(&schema["additionalProperties"], node, &below(path, &key.name));
                continue;
            }
            let near = nearest(&key.name, known.keys().map(String::as_str));
            let remedy = match near {
                Some(near) => format!("Did you mean `{near}`?"),
                None => fields_of(schema),
            };
            meant.extend(near);
            self.report(path, key.place, format!("{} is not a field of this", quoted(&key.name)), remedy);
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !meant.contains(&name) && !fields.iter().any(|(key, _)| key.name == name) {
                let what = format!("`{name}` is missing: {}", self.explained(&known[name]));
                self.report(path, place, what, "Add it.");
            }
        }
    }

    /// One of several: words, groups that differ in one of [`TAGS`], or groups of one field each.
    fn visit_choice(&mut self, schema: &'a Value, choices: &'a [Value], node: &Node, path: &str) {
        if choices.iter().all(|choice| choice["const"].is_string()) {
            let words: Vec<&str> = choices.iter().filter_map(|choice| choice["const"].as_str()).collect();
            return match &node.kind {
                NodeKind::Text(text) if words.contains(&text.as_str()) => {}
                NodeKind::Text(text) => self.not_among(&words, text, node.place, path),
                NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::List(_) | NodeKind::Map(_) => {
                    self.wrong_kind(schema, node, path, &format!("one of {}", words.join(", ")));
                }
            };
        }
        let NodeKind::Map(fields) = &node.kind else {
            return self.wrong_kind(schema, node, path, "a group of fields");
        };
        let is_tag = |tag: &&str| choices.iter().all(|choice| choice["properties"][*tag]["const"].is_string());
        match TAGS.into_iter().find(is_tag) {
            Some(tag) => self.visit_tagged(tag, choices, fields, node, path),
            None => self.visit_single(choices, fields, node, path),
        }
    }

    fn visit_tagged(&mut self, tag: &str, choices: &'a [Value], fields: &[(Key, Node)], node: &Node, path: &str) {
        let kind_of = |choice: &'a Value| choice["properties"][tag]["const"].as_str();
        let kinds: Vec<&str> = choices.iter().filter_map(kind_of).collect();
        match fields.iter().find(|(key, _)| key.name == tag).map(|(_, node)| (&node.kind, node.place)) {
            Some((NodeKind::Text(kind), place)) => match choices.iter().find(|choice| kind_of(choice) == Some(kind)) {
                Some(choice) => self.visit_fields(choice, fields, node.place, path),
                None => self.not_among(&kinds, kind, place, &below(path, tag)),
            },
            Some((_, place)) => self.not_among(&kinds, "", place, &below(path, tag)),
            None => {
                self.report(
                    path,
                    node.place,
                    format!("`{tag}` is missing"),
                    format!("Add it: one of {}.", kinds.join(", ")),
                );
            }
        }
    }

    fn visit_single(&mut self, choices: &'a [Value], fields: &[(Key, Node)], node: &Node, path: &str) {
        let name = |choice: &'a Value| {
            choice["properties"].as_object().and_then(|only| only.keys().next()).map(String::as_str)
        };
        let names: Vec<&str> = choices.iter().filter_map(name).collect();
        match fields {
            [(key, _)] => match choices.iter().find(|choice| name(choice) == Some(&key.name)) {
                Some(choice) => self.visit_fields(choice, fields, node.place, path),
                None => self.not_among(&names, &key.name, key.place, path),
            },
            _ => {
                let what = format!("{} fields are written where one belongs", fields.len());
                self.report(path, node.place, what, format!("Write one of {}.", names.join(", ")));
            }
        }
    }

    fn not_among(&mut self, words: &[&str], text: &str, place: Place, path: &str) {
        let remedy = match nearest(text, words.iter().copied()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("Write one of {}.", words.join(", ")),
        };
        self.report(path, place, format!("{} is not known here", quoted(text)), remedy);
    }

    fn wrong_kind(&mut self, schema: &Value, node: &Node, path: &str, wanted: &str) {
        let remedy = match (&node.kind, wanted) {
            (_, "a group of fields") if schema["properties"].is_object() => fields_of(schema),
            (NodeKind::Number(_) | NodeKind::Bool(_), "a text") if !self.is_named(schema) => {
                "Put it in quotes.".to_owned()
            }
            (_, "a text") if self.is_named(schema) => format!("Write {}.", described(schema)),
            _ => format!("Write {wanted}."),
        };
        self.report(path, node.place, format!("it is {}, not {wanted}", node.noun()), remedy);
    }

    /// Whether the schema is that of a name or a length of time, so that its description says how one is written.
    fn is_named(&self, schema: &Value) -> bool {
        NAMES.iter().any(|(name, _)| std::ptr::eq(&self.definitions[*name], schema))
    }

    /// What a field is for: its own words, else those of its type.
    fn explained(&self, property: &Value) -> String {
        let named = property["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        match (property["description"].as_str(), named) {
            (None, Some(name)) => described(&self.definitions[name]),
            _ => described(property),
        }
    }
}

/// A schema's description as part of a sentence.
fn described(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or("a value of the right kind");
    text.trim_end_matches('.').replace('\n', " ")
}

/// A remedy that names a group's fields.
fn fields_of(schema: &Value) -> String {
    let names = schema["properties"].as_object().into_iter().flat_map(Map::keys);
    format!("Its fields are: {}.", names.cloned().collect::<Vec<_>>().join(", "))
}

/// A schema's `type`, and whether null will do as well.
fn kind_name(schema: &Value) -> (&str, bool) {
    match &schema["type"] {
        Value::Array(kinds) => {
            let wanted = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null");
            (wanted.unwrap_or_default(), kinds.iter().any(|kind| kind == "null"))
        }
        Value::String(kind) => (kind, false),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => ("", false),
    }
}

/// The path of a field of the group at `path`.
fn below(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_with_rules_of_its_own_is_parsed_by_its_type() {
        let schema = super::super::schema();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            assert_eq!(definition["type"] == "string", parser(name).is_some(), "{name}: {definition}");
        }
    }
}
