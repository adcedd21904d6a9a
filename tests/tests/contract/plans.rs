//! The plans of the tree: each can be used, and its check objects to what its document cannot keep.

use std::time::{Duration, Instant};

use domain::plan_file::{Examined, examine};
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
        ],
    ),
    (
        "progressive-framework",
        &[
            "objectives.availabilityPercent",
            "objectives.tiers[0].availabilityPercent",
            "objectives.tiers[1].availabilityPercent",
            "objectives.tiers[2].availabilityPercent",
        ],
    ),
];

/// The longest that a check may take, unoptimized.
const LONGEST_CHECK: Duration = Duration::from_millis(50);

#[test]
fn each_plan_of_the_tree_can_be_used_and_its_documents_contradictions_are_told() {
    let mut found = Vec::new();
    for file in names_in("plans").iter().map(|name| format!("plans/{name}")) {
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

#[test]
fn a_plan_is_checked_while_its_author_waits() {
    for file in names_in("plans").iter().map(|name| format!("plans/{name}")) {
        let text = text(&file);
        let once = || {
            let began = Instant::now();
            let examined = examine(&text);
            (began.elapsed(), examined.findings.len())
        };
        // The shortest of some: the machine may be doing something else.
        let quickest = (0..5).map(|_| once()).min().unwrap_or_default();
        assert!(quickest.0 < LONGEST_CHECK, "{file}: {quickest:?}");
    }
}
