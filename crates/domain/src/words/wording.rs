//! What parsers say of a text, in the words of those who wrote it: no type of ours, no quotes that JSON would escape.

use jiff::Timestamp;

/// How much of a text that came from outside is repeated.
const REPEATED_CHARS: usize = 60;

/// The example of a time, as every text names it.
const A_TIME: &str = "a time as 2026-11-21T09:41:00Z";

/// An error of serde, or of one of its formats, in a person's words.
#[must_use]
pub fn plain(error: &str) -> String {
    let (said, place) = placed(error);
    let plain = of_kind(said).unwrap_or_else(|| said.replace("\\\"", "`").replace('"', "`"));
    format!("{plain}{place}")
}

/// The start of a text that came from outside, so that it fits where it is told.
#[must_use]
pub fn start_of(text: &str, chars: usize) -> String {
    let mut start: String = text.chars().take(chars).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// A time as people write it, with its offset.
///
/// # Errors
/// Says how it is written.
pub fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("expected {A_TIME}"))
}

/// The error without its place in the text, and the place. A format says where; a tree of values has no lines.
fn placed(error: &str) -> (&str, String) {
    let place = error.rsplit_once(" at line ").and_then(|(said, at)| {
        let (line, column) = at.split_once(" column ")?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_number(line) && is_number(column)).then(|| (said, format!(" (line {line}, column {column})")))
    });
    place.unwrap_or((error, String::new()))
}

fn of_kind(said: &str) -> Option<String> {
    for prefix in ["invalid type: ", "invalid value: "] {
        if let Some((got, wanted)) = said.strip_prefix(prefix).and_then(|rest| rest.rsplit_once(", expected ")) {
            return Some(format!("{} does not belong here; expected {}", unexpected(got), expected(wanted)));
        }
    }
    if let Some((length, wanted)) = said.strip_prefix("invalid length ").and_then(|rest| rest.split_once(", expected "))
    {
        return Some(format!("a list of {length} does not belong here; expected {}", expected(wanted)));
    }
    if let Some(rest) = said.strip_prefix("unknown variant ") {
        return Some(rest.replacen(", expected", " does not belong here; expected", 1));
    }
    if let Some(rest) = said.strip_prefix("unknown field ") {
        return Some(rest.replacen(", ", " is not a field of this; ", 1));
    }
    if let Some(field) = said.strip_prefix("missing field ") {
        return Some(format!("{field} is missing"));
    }
    if let Some(field) = said.strip_prefix("duplicate field ") {
        return Some(format!("{field} is given twice"));
    }
    if said.starts_with("data did not match any variant") {
        return Some("it has none of the shapes that belong here".to_owned());
    }
    if is_of_a_time(said) {
        return Some(format!("it is no time; expected {A_TIME}"));
    }
    let of_json = [
        ("EOF while parsing", "the text ends too early"),
        ("trailing characters", "something follows the end of the text"),
        ("expected value", "the text is no JSON"),
        ("expected ident", "the text is no JSON"),
        ("expected `", "the text is no JSON"),
        ("key must be a string", "the text is no JSON: a name is not between quotes"),
        ("trailing comma", "the text is no JSON: a comma is followed by nothing"),
    ];
    of_json.into_iter().find(|(prefix, _)| said.starts_with(prefix)).map(|(_, plain)| plain.to_owned())
}

/// Whether it is what jiff says of a time that it cannot read.
fn is_of_a_time(said: &str) -> bool {
    said.contains("required for parsing a timestamp")
        || said.starts_with("failed to parse ")
        || said.starts_with("failed to find ")
        || said.starts_with("parsed value ")
}

/// What came, as serde names it.
fn unexpected(got: &str) -> String {
    if let Some(text) = got.strip_prefix("string \"").and_then(|rest| rest.strip_suffix('"')) {
        let text = text.replace("\\\"", "'").replace("\\\\", "\\");
        return format!("the text `{}`", shown(&text));
    }
    for kind in ["boolean ", "integer ", "floating point "] {
        if let Some(value) = got.strip_prefix(kind) {
            return shown(value);
        }
    }
    match got {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit value" | "Option value" => "`null`".to_owned(),
        other => shown(other),
    }
}

/// What was expected, as serde names it.
fn expected(wanted: &str) -> String {
    let is_ours = |kinds: &[&str]| kinds.iter().any(|kind| wanted.starts_with(kind));
    match wanted {
        "a string" | "string" | "str" | "a borrowed string" | "a character" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" | "map" => "an object".to_owned(),
        "string or map" => "a text or an object".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, zero or more".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "unit" | "null" => "nothing".to_owned(),
        "field identifier" | "variant identifier" => "a name".to_owned(),
        _ if is_ours(&["struct ", "struct variant ", "tuple struct ", "internally tagged", "adjacently tagged"]) => {
            "an object with its fields".to_owned()
        }
        _ if is_ours(&["tuple ", "a tuple", "an array"]) => "a list".to_owned(),
        _ if is_ours(&["enum ", "variant of "]) => "one of the words that belong here".to_owned(),
        _ if wanted.contains("timestamp") || wanted.contains("RFC 3339") => A_TIME.to_owned(),
        other => other.replace('"', "`"),
    }
}

/// The start of a text that came from outside.
fn shown(text: &str) -> String {
    if text.chars().count() <= REPEATED_CHARS {
        return text.to_owned();
    }
    let start: String = text.chars().take(REPEATED_CHARS).collect();
    format!("{}…", start.trim_end_matches('\\'))
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, de::DeserializeOwned};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        backup::BackupRequest,
        cleanup::CleanupRequest,
        failover::{lease::Lease, run::Consent},
        restore::RestoreRequest,
    };

    fn refused<T: DeserializeOwned>(value: Value) -> String {
        plain(&serde_json::from_value::<T>(value).err().unwrap().to_string())
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only parsed")]
    struct Numbers {
        count: u32,
        share: f64,
        names: Vec<String>,
    }

    #[test]
    fn a_wrong_kind_is_told_in_the_words_of_a_plan() {
        let backup = |at: Value| json!({ "plan": "lab", "schedule": "daily", "scheduledAt": at });
        let numbers =
            |count: Value, share: Value, names: Value| json!({ "count": count, "share": share, "names": names });
        for (told, says) in [
            (
                refused::<CleanupRequest>(json!({ "plan": "lab", "apply": "yes" })),
                "the text `yes` does not belong here; expected true or false",
            ),
            (
                refused::<Consent>(json!("anna")),
                "the text `anna` does not belong here; expected an object with its fields",
            ),
            (refused::<Consent>(json!({ "by": "anna" })), "`why` is missing"),
            (refused::<Consent>(json!({ "by": "anna", "why": 7 })), "`7` does not belong here; expected a text"),
            (refused::<Consent>(json!({ "by": "anna", "why": {} })), "an object does not belong here; expected a text"),
            (
                refused::<BackupRequest>(json!(["lab"])),
                "a list of 1 does not belong here; expected an object with its fields",
            ),
            (refused::<BackupRequest>(backup(json!("2026-11-21T09:41:00"))), "it is no time; expected a time as 2026-"),
            (refused::<BackupRequest>(backup(json!("soon"))), "it is no time; expected a time as 2026-"),
            (refused::<BackupRequest>(backup(json!(7))), "expected a time as 2026-11-21T09:41:00Z"),
            (
                refused::<RestoreRequest>(json!({ "plan": "lab", "purpose": "keeps" })),
                "`keeps` does not belong here; expected",
            ),
            (
                refused::<Numbers>(numbers(json!(-1), json!(1), json!([]))),
                "`-1` does not belong here; expected a whole number",
            ),
            (refused::<Numbers>(numbers(json!(1), json!("x"), json!([]))), "expected a number"),
            (refused::<Numbers>(numbers(json!(1), json!(1), json!({}))), "expected a list"),
        ] {
            assert!(told.contains(says), "{told}: {says}");
        }
    }

    #[test]
    fn no_word_of_a_program_and_no_escape_comes_to_a_person() {
        let texts = [
            "",
            "{",
            "[]",
            "null",
            "true",
            "{\"plan\": 1}",
            "{\"a\" 1}",
            "{} {}",
            "x",
            "{\"plan\": \"lab\"}",
            "{x: 1}",
        ];
        for text in texts {
            for error in [
                serde_json::from_str::<Lease>(text).err(),
                serde_json::from_str::<CleanupRequest>(text).err(),
                serde_json::from_str::<BackupRequest>(text).err(),
                serde_json::from_str::<RestoreRequest>(text).err(),
                serde_json::from_str::<Consent>(text).err(),
                serde_json::from_str::<Numbers>(text).err(),
            ] {
                let Some(error) = error else { continue };
                let told = plain(&error.to_string());
                for word in ["struct", "enum", "variant", "EOF", "\"", "sequence", "u32", "string", "elements"] {
                    assert!(!told.contains(word), "{text}: `{word}` in: {told}");
                }
            }
        }
    }

    #[test]
    fn a_text_with_quotes_and_one_without_end_are_repeated_so_that_they_can_be_read() {
        let told = refused::<Consent>(json!(r#"say "yes""#));
        assert!(told.starts_with("the text `say 'yes'` does not belong here"), "{told}");
        let told = refused::<Consent>(json!("x".repeat(1_000)));
        assert!(told.chars().count() < 200 && told.contains('…'), "{told}");
    }

    #[test]
    fn a_place_in_a_text_is_told() {
        let error = serde_json::from_str::<Consent>("{\n  \"by\": 7}").err().unwrap();
        assert!(plain(&error.to_string()).contains("(line 2, column "), "{}", plain(&error.to_string()));
        assert_eq!(plain("nothing to see at line 3"), "nothing to see at line 3");
    }

    #[test]
    fn a_time_needs_its_offset() {
        assert!(time("2026-11-21T09:41:00Z").is_ok() && time("2026-11-21T10:41:00+01:00").is_ok());
        for bad in ["2026-11-21T09:41:00", "2026-11-21", "soon", ""] {
            assert_eq!(time(bad).unwrap_err(), "expected a time as 2026-11-21T09:41:00Z", "{bad}");
        }
    }
}
