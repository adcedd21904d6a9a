//! Where the two are known to differ. Each case is held to what each keeps, so that none of this becomes untrue unseen.

use std::collections::BTreeSet;

use domain::retention::{Each, Retention};
use jiff::Timestamp;

use crate::{
    series::{NOW, at},
    tool::{NO_RULE, Tool, days},
};

struct Difference {
    why: &'static str,
    policy: Retention,
    /// The newest first.
    made: &'static [&'static str],
    /// By their places in `made`.
    lifeboat_keeps: &'static [usize],
    rustic_keeps: &'static [usize],
}

const DIFFERENCES: [Difference; 5] = [
    Difference {
        why: "a backup exactly as old as `within` allows: Lifeboat keeps it, rustic keeps only newer ones",
        policy: Retention { within: Some(days(2)), ..NO_RULE },
        made: &["2026-11-20T02:00:00Z", "2026-11-18T02:00:00Z", "2026-11-18T01:59:59Z"],
        lifeboat_keeps: &[0, 1],
        rustic_keeps: &[0],
    },
    Difference {
        why: "the oldest of all: rustic counts it for each rule that has not found its number, Lifeboat as any other",
        policy: Retention { daily: Some(Each::Newest(3)), ..NO_RULE },
        made: &["2026-11-20T12:00:00Z", "2026-11-20T11:00:00Z", "2026-11-20T10:00:00Z"],
        lifeboat_keeps: &[0],
        rustic_keeps: &[0, 2],
    },
    Difference {
        why: "the week of a new year: one for Lifeboat, Monday to Sunday; two for rustic, which reach less far back",
        policy: Retention { weekly: Some(Each::Newest(2)), ..NO_RULE },
        made: &["2025-01-01T02:00:00Z", "2024-12-31T02:00:00Z", "2024-12-24T02:00:00Z", "2024-12-17T02:00:00Z"],
        lifeboat_keeps: &[0, 2],
        rustic_keeps: &[0, 1],
    },
    Difference {
        why: "the first and the last days of a year, with none between them: rustic takes them for one week where both are \
              in a week 1",
        policy: Retention { weekly: Some(Each::Newest(2)), ..NO_RULE },
        made: &["2024-12-31T02:00:00Z", "2024-01-02T02:00:00Z", "2023-06-02T02:00:00Z", "2023-06-01T02:00:00Z"],
        lifeboat_keeps: &[0, 1],
        rustic_keeps: &[0, 2],
    },
    Difference {
        why: "a backup dated in the future: rustic measures from it, Lifeboat keeps it and measures from the newest that \
              is not",
        policy: Retention { within: Some(days(2)), ..NO_RULE },
        made: &["2030-01-01T00:00:00Z", "2026-11-20T02:00:00Z", "2026-11-19T02:00:00Z", "2026-11-01T02:00:00Z"],
        lifeboat_keeps: &[0, 1, 2],
        rustic_keeps: &[0],
    },
];

/// Tries each.
pub fn run() -> Result<String, String> {
    let mut told = "They differ, each time as expected, in:".to_owned();
    for difference in &DIFFERENCES {
        for (tool, expected) in [(Tool::Lifeboat, difference.lifeboat_keeps), (Tool::Rustic, difference.rustic_keeps)] {
            let made: Vec<Timestamp> = difference.made.iter().map(|text| at(text)).collect();
            let expected: BTreeSet<Timestamp> = expected.iter().map(|&place| made[place]).collect();
            let kept = tool.judge(made, &difference.policy, at(NOW))?.kept;
            if kept != expected {
                return Err(format!("{}: {} keeps {kept:?}", difference.why, tool.name()));
            }
        }
        told += &format!("\n- {}", difference.why);
    }
    Ok(told + "\n")
}
