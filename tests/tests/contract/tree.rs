//! The tree: names that belong together, headings that must exist, and what may use what.

use std::{collections::BTreeSet, process::Command};

use domain::{
    plan::Plan,
    synth::{Place, synth},
};
use serde_json::{Value, json};
use tests::{
    machine::Machine,
    repository::{self, FUNCTIONS},
    template::Template,
};

use crate::{engine, resource_of, whole_plan};

#[test]
fn one_name_has_its_four_spellings() {
    assert_eq!(repository::folders_in("functions"), FUNCTIONS);
    let template = engine();
    for function in FUNCTIONS {
        let manifest = repository::text(&format!("functions/{function}/Cargo.toml"));
        assert!(
            manifest.contains(&format!("name = \"{function}\"")),
            "functions/{function}: its package has another name"
        );
        let resource = resource_of(function);
        let properties = template.properties(&resource);
        assert_eq!(properties["FunctionName"], format!("lifeboat-{function}"), "{resource}");
        assert_eq!(template.resources[&resource]["Metadata"]["BuildProperties"]["Binary"], function, "{resource}");
        assert!(
            repository::root().join(format!("events/{function}.json")).exists(),
            "events/{function}.json is missing"
        );
    }
    let functions: Vec<String> =
        template.of_type("AWS::Serverless::Function").map(|(name, _)| name.to_owned()).collect();
    let mut expected: Vec<String> = FUNCTIONS.iter().map(|function| resource_of(function)).collect();
    expected.sort();
    assert_eq!(functions, expected);
    for event in repository::names_in("events") {
        // What wakes a function wakes any.
        if event == "wake.json" {
            continue;
        }
        assert!(FUNCTIONS.iter().any(|function| event.starts_with(function)), "events/{event} is no function's");
    }
}

#[test]
fn every_end_and_every_alarm_has_its_heading_in_the_runbook() {
    let runbook = repository::text("RUNBOOK.md");
    let has = |heading: &str| {
        runbook.lines().any(|line| line.trim_start_matches('#').trim() == heading && line.starts_with('#'))
    };
    for machine in Machine::all() {
        for (name, _) in machine.states.iter().filter(|(_, state)| state.is_end()) {
            assert!(has(name.as_str()), "RUNBOOK.md has no heading {name}");
        }
    }
    for Alarm { name, heading } in alarms(&alarmed()) {
        assert!(has(&heading), "RUNBOOK.md has no heading \"{heading}\", which {name} names");
    }
}

#[test]
fn the_index_of_the_runbook_has_every_alarm_and_nothing_else() {
    let runbook = repository::text("RUNBOOK.md");
    let (_, index) = runbook.split_once("### By alarm\n").expect("RUNBOOK.md has no index by alarm");
    let rows = index.split("\n#").next().unwrap_or_default().lines().filter_map(|row| row.strip_prefix("| `"));
    let indexed: BTreeSet<(&str, &str)> = rows
        .filter_map(|row| {
            let (name, rest) = row.split_once("` |")?;
            Some((name, rest.split_once("[")?.1.split_once("](#")?.0))
        })
        .collect();
    let plan = alarmed();
    let alarms: Vec<Alarm> = alarms(&plan).into_iter().map(|alarm| alarm.of_any(&plan)).collect();
    let alarms: BTreeSet<(&str, &str)> =
        alarms.iter().map(|alarm| (alarm.name.as_str(), alarm.heading.as_str())).collect();
    assert_eq!(indexed, alarms);
}

/// The lab's plan with an alarm of its own.
fn alarmed() -> Plan {
    let mut plan = serde_json::to_value(whole_plan()).unwrap_or_default();
    plan["alarms"] = json!([{"name": "lag", "watch": "replication-lag-bytes", "above": 1_000_000}]);
    serde_json::from_value(plan).unwrap_or_else(|error| panic!("{error}"))
}

/// An alarm, and the heading of RUNBOOK that its description names.
struct Alarm {
    name: String,
    heading: String,
}

impl Alarm {
    fn read(alarm: &Value) -> Self {
        let (name, text) = (&alarm["AlarmName"], alarm["AlarmDescription"].as_str().unwrap_or_default());
        let name = name.as_str().unwrap_or_else(|| panic!("{name} is no name")).to_owned();
        let heading = text.split('"').nth(1).unwrap_or_else(|| panic!("{name} names no heading"));
        Self { heading: heading.to_owned(), name }
    }

    /// The same by the name that RUNBOOK gives it, with `PLAN`, `SCHEDULE`, `COMPONENT` and `NAME` in place of this plan's.
    fn of_any(self, plan: &Plan) -> Self {
        let mut name = self.name.replace(&format!("lifeboat-{}-", plan.plan), "lifeboat-PLAN-");
        for alarm in &plan.alarms {
            name = name.replace(&format!("-alarm-{}", alarm.name), "-alarm-NAME");
        }
        for backup in &plan.backups {
            for component in &backup.components {
                name = name.replace(&format!("-{}-{component}-", backup.name), "-SCHEDULE-COMPONENT-");
            }
        }
        Self { name, ..self }
    }
}

/// Every alarm: the engine's, and those that are made of a plan.
fn alarms(plan: &Plan) -> Vec<Alarm> {
    let (engine, plan) = (engine(), Template::of(synth(plan, Place::Recovery).unwrap_or_default()));
    let alarms = [&engine, &plan].into_iter().flat_map(|template| template.of_type("AWS::CloudWatch::Alarm"));
    alarms.map(|(_, resource)| Alarm::read(&resource["Properties"])).collect()
}

/// The words that would show that something knows of the lab.
const OF_THE_LAB: [&str; 6] = ["ministack", "127.0.0", "127.77", "lifeboat.test", "localhost", "lab::"];

#[test]
fn neither_functions_nor_edge_know_of_the_lab() {
    for file in repository::rust_files("functions").into_iter().chain(repository::rust_files("crates/edge")) {
        // A sample plan is called `lab`; tests and fakes may name it.
        if file.ends_with("tests.rs") || file.contains("/src/tests/") || file.ends_with("fake.rs") {
            continue;
        }
        let text = repository::text(&file);
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in OF_THE_LAB {
            assert!(!product.contains(word), "{file} names {word}");
        }
        let words = product.split(|letter: char| !letter.is_ascii_alphanumeric());
        assert!(words.into_iter().all(|word| !word.eq_ignore_ascii_case("lab")), "{file} names the lab");
    }
}

#[test]
fn crates_use_only_what_they_may() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let told = Command::new(cargo).args(arguments).current_dir(repository::root()).output();
    let told = told.unwrap_or_else(|error| panic!("cargo: {error}"));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: Value =
        serde_json::from_slice(&told.stdout).unwrap_or_else(|error| panic!("cargo metadata: {error}"));
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    for package in &packages {
        let name = package["name"].as_str().unwrap_or_default();
        let used: BTreeSet<&str> = package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|dependency| dependency["name"].as_str())
            .collect();
        let may: &[&str] = match name {
            "domain" => &[],
            "edge" => &["domain"],
            _ if FUNCTIONS.contains(&name) => &["domain", "edge"],
            "launch" | "processes" => &[],
            "rds-on-postgres" => &["processes"],
            "lab" => &["domain", "edge", "launch", "processes", "rds-on-postgres"],
            "lifeboat" => &["domain", "edge", "lab", "processes"],
            "tests" => &["domain", "edge", "lab", "rds-on-postgres"],
            other => panic!("{other}: say here what it may use"),
        };
        for dependency in used.intersection(&ours) {
            assert!(may.contains(dependency), "{name} may not use {dependency}");
        }
        if name == "domain" {
            let impure = used
                .iter()
                .find(|used| used.starts_with("aws") || ["tokio", "reqwest", "lambda_runtime"].contains(*used));
            assert_eq!(impure, None, "domain is pure");
        }
    }
}
