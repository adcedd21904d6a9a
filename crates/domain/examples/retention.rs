//! How long it takes to judge a million backups, and how much memory.
//!
//! `cargo run --release -p domain --example retention`

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "it measures, and prints a figure for whoever runs it"
)]

use std::time::Instant;

use domain::retention::{Decision, Entry, Retention, State, plan};
use jiff::{Timestamp, ToSpan};

const BACKUPS: i64 = 1_000_000;

fn main() {
    let now: Timestamp = "2026-11-21T03:00:00Z".parse().expect("a time");
    // One every five minutes for nine and a half years, in no order, one of a hundred verified.
    let entries: Vec<Entry<i64>> = (0..BACKUPS)
        .map(|nth| nth * 611_953 % BACKUPS)
        .map(|nth| Entry {
            id: nth,
            taken_at: now - (5 * nth).minutes(),
            state: State::Available,
            verified: nth % 100 == 0,
            held: false,
        })
        .collect();
    let policy = r#"{"last": 3, "within": "30d", "hourly": {"newest": 168}, "daily": {"newest": 30},
        "weekly": {"newest": 12}, "monthly": {"newest": 12}, "yearly": {"newest": 7}, "floor": 3}"#;
    let policy: Retention = serde_json::from_str(policy).expect("a policy");
    let began = Instant::now();
    let decisions = plan(&entries, &policy, now).expect("it keeps something");
    let took = began.elapsed();
    let kept = decisions.iter().filter(|decision| matches!(decision, Decision::Keep(_))).count();
    println!("{BACKUPS} backups judged in {:.3} s; {kept} stay; {}", took.as_secs_f64(), peak());
}

/// The most memory that the process had, as Linux tells it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    peak.map_or("peak memory unknown".to_owned(), |kib| format!("{} MiB at most", kib / 1024))
}
