//! Reading: each error with its place, path and remedy; any input without a panic.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    component::{ClusterEngine, Component},
    plan_file::Place,
};

const LAB: &str = include_str!("../../../../../plans/lab.yaml");

/// The errors of the lab's plan with one text replaced.
fn errors(from: &str, to: &str) -> String {
    assert!(LAB.contains(from), "{from}");
    read(&LAB.replacen(from, to, 1), "lab.yaml").unwrap_err().to_string()
}

#[test]
fn the_labs_plan_is_read_as_it_is_written() {
    let plan = read(LAB, "plans/lab.yaml").unwrap();
    assert_eq!(plan.plan.as_str(), "lab");
    assert_eq!(plan.pairs().next().unwrap().pair().unwrap().primary.instance.as_str(), "orders-primary");
    assert_eq!(examine(LAB).findings, []);
}

#[test]
fn a_plan_in_json_is_read_too() {
    let plan = read(LAB, "lab.yaml").unwrap();
    for text in [serde_json::to_string(&plan).unwrap(), serde_json::to_string_pretty(&plan).unwrap()] {
        assert_eq!(read(&text, "lab.json").unwrap(), plan);
    }
}

#[test]
fn a_plan_of_the_language_s_first_version_is_read_as_it_was_meant() {
    let (before, rest) = LAB.split_once("  - component: orders\n").unwrap();
    let (record, after) = rest.split_once("\nprobe:\n").unwrap();
    let record: String = record.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line))).collect();
    let first = format!("{before}  component: orders\n{record}\nprobe:\n{after}");
    assert_eq!(read(&first, "lab.yaml").unwrap(), read(LAB, "lab.yaml").unwrap());
}

#[test]
fn an_error_names_file_line_column_path_and_remedy() {
    for (from, to, expected) in [
        (
            "recovery: us-west-2",
            "recovry: us-west-2",
            "lab.yaml:10:3: error: regions: `recovry` is not a field of this. Did you mean `recovery`?",
        ),
        (
            "recovery: us-west-2",
            "recovery: Oregon",
            "lab.yaml:10:13: error: regions.recovery: `Oregon` is not what belongs here. Write a Region's code, as eu-central-1.",
        ),
        (
            "rto: 30s",
            "rto: 30",
            "lab.yaml:14:8: error: objectives.rto: it is a number, not a text. Write a length of time, as 500ms, 5s, 15m, 24h or 7d.",
        ),
        (
            "  rto: 30s\n",
            "",
            "lab.yaml:14:3: error: objectives: `rto` is missing: Recovery time objective: the longest outage. Add it.",
        ),
        (
            "- kind: sql",
            "- kind: sqll",
            "lab.yaml:114:11: error: verify[0].kind: `sqll` is not known here. Did you mean `sql`?",
        ),
        (
            "cron(0 2 * * ? *)",
            "0 2 * * *",
            "lab.yaml:72:15: error: backups[0].schedule: `0 2 * * *` is not what belongs here. Write rate(15 minutes) or cron(0 2 * * ? *), in UTC; or continuous.",
        ),
        (
            "newest: 30",
            "newest: 30\n        within: 7d",
            "lab.yaml:82:9: error: backups[0].retention.daily: 2 fields are written where one belongs. Write one of newest, within.",
        ),
        (
            "secretsManager:",
            "secretManager:",
            "lab.yaml:34:9: error: components[0].login.from: `secretManager` is not known here. Did you mean `secretsManager`?",
        ),
        (
            "secret: lifeboat/orders",
            "secret: [a]",
            "lab.yaml:35:19: error: components[0].login.from.secretsManager.secret: it is a list, not a text. Write 1 to 512 letters, digits and /_+=.@-.",
        ),
        (
            "[shop]",
            "[Shop]",
            "lab.yaml:37:24: error: components[0].applicationRoles[0]: `Shop` is not what belongs here. Write 1 to 63 lower-case letters, digits and underscores, a letter or underscore first.",
        ),
        (
            "walBytes: 1048576",
            "walBytes: 1.5",
            "lab.yaml:67:15: error: failover.dataLossBudget.walBytes: it is a number, not a whole number. Write a whole number.",
        ),
        (
            "walBytes: 1048576",
            "walBytes: -1",
            "lab.yaml:67:15: error: failover.dataLossBudget.walBytes: -1 is out of range. Write 0 or more.",
        ),
        (
            "deletionProtection: true",
            "deletionProtection: yes",
            "lab.yaml:40:27: error: components[0].afterPromotion.deletionProtection: it is a text, not true or false. Write true or false.",
        ),
        (
            "atLeast: 1",
            "atLeast: 1\n      equals: x",
            "lab.yaml:118:7: error: verify[0].expect: 2 fields are written where one belongs. Write one of equals, atLeast.",
        ),
        (
            "atLeast: 1",
            "equals: 1",
            "lab.yaml:118:15: error: verify[0].expect.equals: it is a number, not a text. Put it in quotes.",
        ),
        (
            "component: orders",
            "component: order",
            "lab.yaml:43:16: error: traffic[0].component: no component is called `order`. Name one of: orders.",
        ),
    ] {
        assert_eq!(errors(from, to), expected, "{to}");
    }
    // Whichever kinds there are.
    let unknown = errors("- kind: postgres-pair", "- kind: mysql-pair");
    let begins =
        "lab.yaml:19:11: error: components[0].kind: `mysql-pair` is not known here. Write one of postgres-pair, ";
    assert!(unknown.starts_with(begins), "{unknown}");
}

/// An engine that does not know a key reads no plan that has it, whatever it holds.
#[test]
fn a_key_that_is_newer_than_the_language_s_first_version_is_not_left_empty() {
    for (from, to, path) in [
        ("plan: lab\n", "plan: lab\nowner:\n", "owner"),
        ("  rto: 30s\n", "  rto: 30s\n  tiers: []\n", "objectives.tiers"),
        ("    name: orders\n", "    name: orders\n    tier:\n", "components[0].tier"),
    ] {
        let told = errors(from, to);
        assert!(told.contains(&format!("error: {path}: it is empty. Write something, or leave it out.")), "{told}");
    }
}

/// The lab's plan with a cluster, which is backed up with the pair.
fn with_cluster(cluster: &str) -> String {
    LAB.replacen("\ntraffic:", &format!("\n{cluster}\ntraffic:"), 1)
        .replacen("components: [orders]", "components: [orders, reports]", 1)
        .replacen("      smallerThanBytes:", "      # smallerThanBytes:", 1)
}

const CLUSTER: &str = "  - kind: cluster\n    name: reports\n    engine: aurora-postgresql\n    primary: reports-1\n";

#[test]
fn a_cluster_is_read_and_its_errors_name_line_column_path_and_remedy() {
    let plan = read(&with_cluster(CLUSTER), "lab.yaml").unwrap();
    let findings = examine(&with_cluster(CLUSTER)).findings;
    let told: Vec<&str> = findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(told, ["backups[0].verification.restoreTest"]);
    let Component::Cluster(cluster) = &plan.components[1] else { panic!("a cluster") };
    assert_eq!((cluster.engine, cluster.primary.as_str()), (ClusterEngine::AuroraPostgresql, "reports-1"));
    for (from, to, expected) in [
        (
            "engine: aurora-postgresql",
            "engine: aurora",
            "lab.yaml:44:13: error: components[1].engine: `aurora` is not known here. Write one of aurora-postgresql, aurora-mysql, docdb, neptune.",
        ),
        (
            "primary: reports-1",
            "primary: Reports",
            "lab.yaml:45:14: error: components[1].primary: `Reports` is not what belongs here. Write 1 to 63 lower-case letters, digits and single hyphens, a letter first.",
        ),
        (
            "primary: reports-1",
            "primary: reports-1\n    replica: reports-2",
            "lab.yaml:46:5: error: components[1]: `replica` is not a field of this. Its fields are: engine, kind, name, primary, recovery, tier.",
        ),
        (
            "    primary: reports-1\n",
            "",
            "lab.yaml:42:5: error: components[1]: `primary` is missing: The DB cluster identifier in the primary Region. Add it.",
        ),
    ] {
        let error = read(&with_cluster(&CLUSTER.replacen(from, to, 1)), "lab.yaml").unwrap_err().to_string();
        assert_eq!(error, expected, "{to}");
    }
    let text = with_cluster(CLUSTER).replacen("component: orders", "component: reports", 1);
    assert_eq!(
        read(&text, "lab.yaml").unwrap_err().to_string(),
        "lab.yaml:48:16: error: traffic[0].component: `reports` is a cluster, which a failover does not move. Name one of: orders."
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_the_files_order() {
    let text = LAB
        .replace("rto: 30s", "rto: soon")
        .replace("interval: 500ms", "intervall: 500ms")
        .replace("ttl: 0s", "ttl: 0");
    let lines: Vec<u64> =
        examine(&text).findings.iter().filter_map(|finding| finding.place).map(|place| place.line).collect();
    assert_eq!(lines, [14, 49, 52]);
}

#[test]
fn hostile_yaml_is_refused_with_its_remedy() {
    let deep = "[".repeat(30) + &"]".repeat(30);
    for (text, expected) in [
        ("", "it is empty"),
        ("- 1", "it is a list"),
        ("plan: 1\nplan: 2", "2:1: error: `plan` is written twice"),
        ("a: &x [1]\nb: *x", "anchor"),
        ("a: &a [x]\nb: &b [*a, *a]", "anchor"),
        ("<<: {plan: lab}", "merge key"),
        ("plan: lab\n---\nplan: lab", "more than one document"),
        ("plan: !exec rm", "`!exec`"),
        ("plan: [", "unclosed"),
        ("plan: .nan", ".nan"),
        ("plan: \"\\u001b[2J\u{7}\"", "plan"),
        (&deep, "nested deeper than 24"),
    ] {
        let error = read(text, "p.yaml").unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
        assert!(!error.contains(|c: char| c.is_control() && c != '\n'), "{text:?}: {error:?}");
    }
}

#[test]
fn a_plan_is_read_up_to_its_largest_size() {
    let padded = |bytes: usize| format!("{LAB}{}", "#".repeat(bytes - LAB.len()));
    assert!(read(&padded(LARGEST_PLAN_BYTES), "p").is_ok());
    let error = read(&padded(LARGEST_PLAN_BYTES + 1), "p").unwrap_err().to_string();
    assert!(error.starts_with("p: error: it is larger than a plan may be (65536 bytes)"), "{error}");
}

#[test]
fn a_file_of_another_kind_is_told_in_few_lines() {
    let text: String = (0..4_000).map(|n| format!("field{n}: {n}\n")).collect();
    assert!(text.len() < LARGEST_PLAN_BYTES);
    let findings = examine(&text).findings;
    assert_eq!(findings.len(), MOST_FINDINGS);
    assert_eq!(findings[0].place, Some(Place { line: 1, column: 1 }));
}

#[test]
fn the_schema_accepts_the_labs_plan_and_refuses_unknown_fields_everywhere() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let plan: Value = serde_saphyr::from_str(LAB).unwrap();
    assert!(validator.is_valid(&plan), "{:?}", validator.iter_errors(&plan).next());
    for group in
        ["", "/regions", "/components/0", "/components/0/login/from/secretsManager", "/verify/0", "/verify/0/expect"]
    {
        let mut plan = plan.clone();
        plan.pointer_mut(group).unwrap()["surprise"] = json!(1);
        assert!(!validator.is_valid(&plan), "{group}");
        assert!(read(&plan.to_string(), "p").is_err(), "{group}");
    }
}

/// The lab's plan with one value, anywhere, replaced.
fn altered() -> impl Strategy<Value = Value> {
    let plan: Value = serde_saphyr::from_str(LAB).unwrap();
    let mut pointers = Vec::new();
    collect(&plan, String::new(), &mut pointers);
    let values = prop_oneof![
        Just(Value::Null),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(3)),
        Just(json!(1.5)),
        Just(json!(u64::MAX)),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!("5s")),
        Just(json!("lab")),
        Just(json!({"kind": "sql"})),
        Just(json!([null])),
        "[ -~äß🔑]{0,12}".prop_map(Value::from),
        "[a-z0-9-]{1,12}".prop_map(Value::from),
    ];
    (proptest::sample::select(pointers), values).prop_map(move |(pointer, value)| {
        let mut plan = plan.clone();
        *plan.pointer_mut(&pointer).unwrap() = value;
        plan
    })
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| collect(value, format!("{pointer}/{name}"), pointers))
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(n, value)| collect(value, format!("{pointer}/{n}"), pointers))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    pointers.push(pointer);
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in any::<Vec<u8>>()) {
        let _ = read(&String::from_utf8_lossy(&text), "p");
    }

    #[test]
    fn no_yaml_makes_reading_panic(text in r#"([a-z]{1,3}|[0-9.]{1,3}|[-:,?&*!|>'"%@`#{}\[\]~<]|  |\n|\t|: |- |\\x1b){0,40}"#) {
        let _ = read(&text, "p");
    }

    #[test]
    fn a_damaged_plan_is_read_or_refused_without_a_panic(at in 0..LAB.len(), bytes in any::<[u8; 3]>()) {
        let mut text = LAB.as_bytes().to_vec();
        let end = (at + bytes.len()).min(text.len());
        text[at..end].copy_from_slice(&bytes[..end - at]);
        let _ = read(&String::from_utf8_lossy(&text), "p");
    }

    #[test]
    fn the_walk_and_serde_agree_on_what_a_plan_is(plan in altered()) {
        let by_serde = serde_json::from_value::<Plan>(plan.clone());
        match parsed(&plan.to_string()) {
            Ok((plan, _)) => prop_assert_eq!(Some(plan), by_serde.ok()),
            // Ranges are the schema's and `check`'s, not serde's; and serde takes a list for a group, the first field first.
            Err(findings)
                if findings.iter().all(|finding| {
                    finding.what.ends_with("out of range") || finding.what == "it is a list, not a group of fields"
                }) => {}
            Err(findings) => prop_assert!(by_serde.is_err(), "{findings:?}"),
        }
    }
}

#[test]
fn a_metric_s_dimensions_have_the_names_that_its_writer_gave_them() {
    let with = |dimensions: &str| {
        let metric = format!("{{namespace: Shop, name: Errors, dimensions: {dimensions}}}");
        let alarm = format!("alarms:\n  - {{name: errors, watch: metric, above: 1, metric: {metric}}}\n");
        examine(&format!("{LAB}\n{alarm}"))
    };
    let Examined { plan, findings } = with("{Side: us, Pod.Name: a}");
    assert_eq!(findings, []);
    let metric = plan.unwrap().alarms[0].metric.clone().unwrap();
    assert_eq!(metric.dimensions["Pod.Name"], "a");
    let wrong = with("{Side: 1}").findings;
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0].path, "alarms[0].metric.dimensions.Side");
}
