//! The plans of the tree: each can be used, and its check objects to what its document cannot keep.

use std::time::Duration;

use domain::{
    plan::Plan,
    plan_file::{Examined, Severity, examine},
    synth::{Place, synth},
};
use tests::repository::{names_in, text};

/// Of each plan, the paths that its check warns of.
const OBJECTED: [(&str, &[&str]); 6] = [
    // 7 days of hourly snapshots, and 30 of daily ones.
    ("agentaskit", &["backups[1].retention"]),
    ("ci-failure-agent", &[]),
    (
        "itdo-erp",
        &[
            "objectives.availabilityPercent",
            "objectives.failures[1].rto",
            "objectives.failures[1].rpo",
            "objectives.failures[2].rto",
            "objectives.failures[2].rpo",
            "objectives.failures[3].rto",
            "objectives.failures[3].rpo",
        ],
    ),
    ("lab", &[]),
    (
        "leanvibe",
        &[
            "objectives.availabilityPercent",
            "objectives.failures[4].rto",
            "objectives.failures[4].rpo",
            "objectives.failures[5].rto",
            "objectives.failures[5].rpo",
            "objectives.failures[6].rto",
            "objectives.failures[6].rpo",
            // 0.8 of three checks.
            "health.healthyAt",
        ],
    ),
    (
        "progressive-framework",
        &[
            "objectives.availabilityPercent",
            "objectives.tiers[0].availabilityPercent",
            "objectives.tiers[1].availabilityPercent",
            "objectives.tiers[2].availabilityPercent",
            // The bucket lies in the Region that is to be recovered, and what is in DEEP_ARCHIVE is back after the tier's RTO.
            "components[2]",
            "components[2].store.lifecycle.deepArchive",
            "backups[1].verification.restoreInto.storageGib",
        ],
    ),
];

fn plans() -> impl Iterator<Item = String> {
    names_in("plans").into_iter().filter(|name| name.ends_with(".yaml")).map(|name| format!("plans/{name}"))
}

/// The longest that a check may take, unoptimized.
const LONGEST_CHECK: Duration = Duration::from_millis(100);

#[test]
fn each_plan_of_the_tree_can_be_used_and_its_documents_contradictions_are_told() {
    let mut found = Vec::new();
    for file in plans() {
        let name = file.trim_start_matches("plans/").trim_end_matches(".yaml").to_owned();
        let Examined { plan, findings } = examine(&text(&file));
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(plan.map(|plan| plan.plan.to_string()), Some(name.clone()), "{told:#?}");
        found.push((name, findings.into_iter().map(|finding| finding.path).collect::<Vec<_>>()));
    }
    found.sort();
    let expected = OBJECTED.map(|(name, paths)| (name.to_owned(), paths.iter().map(ToString::to_string).collect()));
    assert_eq!(found, expected);
}

/// What it gives, and how long this thread worked for it: what it waited while other tests had the cores is theirs.
fn worked<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let on_a_core = || {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_else(|error| panic!("{error}"));
        let nanoseconds = told.split(' ').next().and_then(|first| first.parse().ok());
        Duration::from_nanos(nanoseconds.unwrap_or_else(|| panic!("{told}")))
    };
    let before = on_a_core();
    let done = work();
    (done, on_a_core() - before)
}

#[test]
fn a_plan_is_checked_while_its_author_waits() {
    for file in plans() {
        let text = text(&file);
        // The shortest of some: the first one reads its code from disk.
        let quickest = (0..5).map(|_| worked(|| examine(&text)).1).min().unwrap_or_default();
        assert!(quickest < LONGEST_CHECK, "{file}: {quickest:?}");
    }
}

/// The longest that the stack of 500 components may take to be made, and their check to refuse them, unoptimized.
const LONGEST_SYNTH: Duration = Duration::from_secs(1);
const LONGEST_REFUSAL: Duration = Duration::from_secs(3);

/// The lab's plan with so many clusters beside its pair, all of them backed up by its schedule.
fn of_many(clusters: usize) -> String {
    let names: Vec<String> = (0..clusters).map(|n| format!("c{n}")).collect();
    let components =
        names.iter().map(|name| format!("  - {{kind: cluster, name: {name}, engine: docdb, primary: {name}}}\n"));
    let plan = text("plans/lab.yaml").replace("components: [orders]", &format!("components: [{}]", names.join(", ")));
    plan.replacen("components:\n", &format!("components:\n{}", components.collect::<String>()), 1)
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure is to be read, not only kept below its limit")]
fn a_plan_of_500_components_is_refused_and_its_stack_made_while_its_author_waits() {
    let text = of_many(499);
    let (Examined { findings, .. }, checked) = worked(|| examine(&text));
    let told: Vec<String> =
        findings.iter().filter(|of| of.severity == Severity::Error).map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("500 components are more than one run takes")), "{told:#?}");
    // What no check would let through, made all the same: the time must not grow with the square.
    let plan: Plan = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
    let (template, made) = worked(|| synth(&plan, Place::Recovery).unwrap_or_default());
    let count = template["Resources"].as_object().map_or(0, serde_json::Map::len);
    println!("500 components: checked in {checked:?}, {count} resources made in {made:?}");
    assert!(count > 500, "{count}");
    assert!(checked < LONGEST_REFUSAL && made < LONGEST_SYNTH, "{checked:?}, {made:?}");
}

#[test]
fn as_many_components_as_there_may_be_have_a_stack_that_cloudformation_takes() {
    let plan: Plan = serde_saphyr::from_str(&of_many(39)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(plan.components.len(), 40);
    let template = synth(&plan, Place::Recovery).unwrap_or_default();
    let (count, bytes) =
        (template["Resources"].as_object().map_or(0, serde_json::Map::len), template.to_string().len());
    assert!(count <= 500 && bytes <= 1_000_000, "{count} resources in {bytes} bytes");
}
