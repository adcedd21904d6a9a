//! What others' rules say of the templates: cfn-lint's, checkov's, and our own for roles.

use std::{
    env,
    path::PathBuf,
    process::{Command, Output},
};

use domain::synth::{Place, synth};
use serde_json::Value;
use tests::{
    repository,
    template::{Template, one_or_more},
};

use crate::{engine, whole_plan};

const TEMPLATE: &str = "infra/engine.yaml";

/// What checkov is to look at, and what nothing of ours is held to.
const SKIPS: &str = "infra/checkov.yaml";

/// A reason is a sentence.
const SHORTEST_REASON: usize = 40;

/// Actions for which AWS knows no resource that a role could name, by the page that says so.
const WITHOUT_RESOURCE: [(&str, &[&str]); 4] = [
    (
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html",
        &["cloudwatch:GetMetricStatistics", "cloudwatch:PutMetricData"],
    ),
    (
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html",
        &[
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
    ),
    (
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html",
        &["rds:DescribeAccountAttributes"],
    ),
    // "Service level permissions": what acts on no resource.
    (
        "https://docs.aws.amazon.com/step-functions/latest/dg/concept-create-iam-advanced.html",
        &["states:ListStateMachines", "states:SendTaskHeartbeat", "states:SendTaskSuccess"],
    ),
];

/// Who lists what there is. A list names nothing, so that AWS decides on `db:*`, `snapshot:*` and their like
/// (<https://github.com/awslabs/pireporter/issues/8>); and an automated backup's ARN is random.
const LISTS: [(&str, &[&str]); 3] = [
    ("CheckReadinessFunction", &["rds:DescribeDBInstanceAutomatedBackups"]),
    ("CleanupFunction", &["rds:DescribeDBClusterSnapshots", "rds:DescribeDBInstances", "rds:DescribeDBSnapshots"]),
    (
        "VerifyFunction",
        &["rds:DescribeDBClusterSnapshots", "rds:DescribeDBInstanceAutomatedBackups", "rds:DescribeDBSnapshots"],
    ),
];

#[test]
fn a_role_names_what_it_may_touch_wherever_aws_has_a_name_for_it() {
    let mut looked_at = 0;
    for template in templates() {
        for resource in template.resources.keys() {
            let lists = LISTS.iter().filter(|(lister, _)| lister == resource).flat_map(|(_, actions)| *actions);
            let nameless: Vec<&&str> = WITHOUT_RESOURCE.iter().flat_map(|(_, actions)| *actions).chain(lists).collect();
            for statement in template.statements(resource) {
                looked_at += 1;
                let actions = one_or_more(&statement["Action"]);
                assert!(actions.iter().all(|action| !action.contains('*')), "{resource}: {actions:?}");
                let everywhere = one_or_more(&statement["Resource"]).iter().any(|arn| arn == "*");
                for action in actions.iter().filter(|_| everywhere) {
                    assert!(
                        nameless.iter().any(|known| **known == action),
                        "{resource}: {action} on every resource: name them, or say here where AWS says that nobody can"
                    );
                }
            }
        }
    }
    assert!(looked_at > 100, "{looked_at} statements: are they still found?");
}

#[test]
fn the_templates_pass_cfn_lint() {
    let plans = written("cfn-lint");
    let ask = |lint: &mut Command| {
        lint.arg(TEMPLATE).args(&plans);
    };
    let Some(told) = run("cfn-lint", "LIFEBOAT_CFN_LINT", ask) else { return };
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

#[test]
fn checkov_finds_nothing_in_the_templates_that_has_no_reason() {
    let plans = written("checkov");
    let ask = |checkov: &mut Command| {
        checkov.args(["--config-file", SKIPS, "--output", "json", "--file", TEMPLATE]).args(&plans);
    };
    let Some(told) = run("checkov", "LIFEBOAT_CHECKOV", ask) else { return };
    let (text, trouble) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    let found: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{trouble}"));
    let summary = &found["summary"];
    let findings: Vec<String> = found["results"]["failed_checks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|check| {
            format!("{} {}: {} {}", check["file_path"], check["resource"], check["check_id"], check["check_name"])
        })
        .collect();
    assert!(
        findings.is_empty(),
        "mend it, or skip it with its reason: of one resource in {TEMPLATE}, of all alike in {SKIPS}\n{}",
        findings.join("\n")
    );
    assert!(summary["passed"].as_u64() > Some(50) && summary["parsing_errors"] == 0, "it looked at little: {summary}");
}

#[test]
fn what_checkov_is_told_to_skip_has_its_reason() {
    let mut skipped = 0;
    for (resource, of) in &engine().resources {
        for skip in of["Metadata"]["checkov"]["skip"].as_array().into_iter().flatten() {
            skipped += 1;
            let because = skip["comment"].as_str().unwrap_or_default().trim();
            assert!(because.len() >= SHORTEST_REASON, "{TEMPLATE}: {resource}: {}: why?", skip["id"]);
        }
    }
    // In the file of those that concern everything alike, the comment above each is its reason.
    let text = repository::text(SKIPS);
    let mut because = String::new();
    for line in text.lines().map(str::trim).skip_while(|line| *line != "skip-check:").skip(1) {
        match line.strip_prefix('#') {
            Some(comment) => because.push_str(comment),
            None => {
                skipped += 1;
                assert!(line.starts_with("- CKV_"), "{SKIPS}: `{line}`: expected one check a line");
                assert!(because.trim().len() >= SHORTEST_REASON, "{SKIPS}: {line}: why?");
                because.clear();
            }
        }
    }
    assert!(skipped > 3, "{skipped} skips: are they still found?");
}

#[test]
fn every_queue_is_encrypted_by_a_key_that_needs_no_permission() {
    let mut looked_at = 0;
    for template in templates() {
        for (name, queue) in template.of_type("AWS::SQS::Queue") {
            looked_at += 1;
            assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], true, "{name}");
        }
    }
    assert!(looked_at > 2, "{looked_at} queues: are they still found?");
}

/// Runs a linter where it is installed; in CI it must be.
fn run(name: &str, variable: &str, ask: impl FnOnce(&mut Command)) -> Option<Output> {
    let installed = repository::root().join(format!("target/lint/{name}/bin/{name}"));
    let program = env::var_os(variable).map_or(installed, PathBuf::from);
    if !program.exists() {
        assert!(env::var_os("CI").is_none(), "{} is missing: `.ci/run` installs it", program.display());
        eprintln!("not looked at by {name}: {} is missing; `.ci/run` installs it", program.display());
        return None;
    }
    let mut command = Command::new(&program);
    ask(command.current_dir(repository::root()));
    Some(command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display())))
}

fn templates() -> impl Iterator<Item = Template> {
    std::iter::once(engine()).chain(the_plan_s_own().into_iter().map(|(_, template)| template))
}

/// The stacks of a plan's own, each with its Region's place.
fn the_plan_s_own() -> Vec<(Place, Template)> {
    let made = Place::ALL.into_iter().filter_map(|place| Some((place, Template::of(synth(&whole_plan(), place)?))));
    made.collect()
}

/// The same in files, for one reader.
fn written(reader: &str) -> Vec<PathBuf> {
    let folder = repository::root().join("target/synth").join(reader);
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    let write = |(place, template): (Place, Template)| {
        let file = folder.join(format!("lab-{}.json", place.name()));
        std::fs::write(&file, format!("{:#}", template.json)).unwrap_or_else(|error| panic!("{error}"));
        file
    };
    the_plan_s_own().into_iter().map(write).collect()
}
