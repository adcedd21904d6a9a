//! Findings as code reviews read them: SARIF 2.1.0.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use domain::plan_file::{Finding, Place, Severity};
use serde_json::{Value, json};

/// The whole document, of results of any number of files.
pub(super) fn log(results: &[Value]) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "lifeboat plan check", "version": env!("CARGO_PKG_VERSION")}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// One finding of a file. Its rule is its place in a plan, whichever of several components or schedules it is.
pub(super) fn result(file: &str, finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let Place { line, column } = finding.place.unwrap_or(Place { line: 1, column: 1 });
    let mut result = json!({
        "ruleId": rule(&finding.path),
        "level": level,
        "message": {"text": message(&format!("{}. {}", finding.what, finding.remedy))},
    });
    // Standard input is no file that a review could show.
    if file != "-" {
        result["locations"] = json!([{"physicalLocation": {
            "artifactLocation": {"uri": uri(file)},
            "region": {"startLine": line, "startColumn": column},
        }}]);
    }
    result
}

/// A text in which SARIF finds no link.
fn message(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let mut shown = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            shown.push(char::from(byte));
        } else {
            shown.push_str(&format!("%{byte:02X}"));
        }
    }
    shown
}

/// `components[3].tier` is `components.tier`.
fn rule(path: &str) -> String {
    let parts = path.split('.').map(|part| part.split('[').next().unwrap_or_default());
    let rule = parts.collect::<Vec<_>>().join(".");
    if rule.is_empty() { "plan".to_owned() } else { rule }
}

#[cfg(test)]
mod tests {
    use domain::plan_file;

    use super::*;

    #[test]
    fn a_finding_is_shown_at_its_line_and_column() {
        let text = include_str!("../../../../plans/lab.yaml").replace("rto: 30s", "rto: 1s");
        let findings = plan_file::examine(&text).findings;
        let result = result("plans/lab.yaml", &findings[0]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert_eq!((&result["level"], &region["startLine"]), (&json!("error"), &json!(14)), "{result:#}");
        assert_eq!(result["ruleId"], "objectives.rto");
        assert!(log(&[result])["runs"][0]["results"][0]["message"]["text"].as_str().unwrap().ends_with('.'));
    }

    #[test]
    fn a_rule_is_the_same_for_each_of_several() {
        assert_eq!(rule("components[3].tier"), rule("components[0].tier"));
        assert_eq!(rule(""), "plan");
    }

    #[test]
    fn a_path_is_a_reference_that_a_browser_reads() {
        assert_eq!(uri("plans/sp ace#b%.yaml"), "plans/sp%20ace%23b%25.yaml");
        let findings = plan_file::examine("plan: [").findings;
        assert!(result("-", &findings[0]).get("locations").is_none(), "standard input is no file");
    }
}
