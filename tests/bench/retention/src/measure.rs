//! The long series, by each tool in a process of its own: time, memory, and that both keep the same.

use std::{collections::BTreeSet, error::Error, process::Command};

use domain::retention::{Each, Retention};
use jiff::Timestamp;

use crate::{
    series::{NOW, at, long},
    tool::{NO_RULE, Tool, days},
};

/// The argument that makes this program the process of one tool.
pub const ALONE: &str = "--alone";

/// Odd, so that one is the middle one.
const RUNS: usize = 5;

const POLICY: Retention = Retention {
    last: 30,
    within: Some(days(2)),
    hourly: Some(Each::Newest(48)),
    daily: Some(Each::Newest(30)),
    weekly: Some(Each::Newest(12)),
    monthly: Some(Each::Newest(12)),
    yearly: Some(Each::Newest(7)),
    ..NO_RULE
};

struct Figures {
    seconds: f64,
    /// Of the whole process, its input included. Linux tells it.
    peak_kib: Option<usize>,
    kept: BTreeSet<Timestamp>,
}

/// Measures one tool and tells the figures to the process that asked.
pub fn alone(tool: Tool, backups: usize) -> Result<(), Box<dyn Error>> {
    let mut seconds = Vec::new();
    let mut kept = BTreeSet::new();
    for _ in 0..RUNS {
        let judged = tool.judge(long(backups), &POLICY, at(NOW))?;
        seconds.push(judged.took.as_secs_f64());
        kept = judged.kept;
    }
    seconds.sort_by(f64::total_cmp);
    println!("seconds {}", seconds[RUNS / 2]);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|text| text.split_whitespace().next());
    if let Some(peak_kib) = peak {
        println!("peakKib {peak_kib}");
    }
    for at in kept {
        println!("kept {at}");
    }
    Ok(())
}

/// Measures both, one after the other, and compares what they keep.
pub fn run(backups: usize) -> Result<String, Box<dyn Error>> {
    let ours = measured(Tool::Lifeboat, backups)?;
    let theirs = measured(Tool::Rustic, backups)?;
    let more: Vec<_> = ours.kept.difference(&theirs.kept).collect();
    let fewer: Vec<_> = theirs.kept.difference(&ours.kept).collect();
    // Known: see `differences`.
    let oldest = long(backups).into_iter().min();
    let only_the_oldest = fewer.iter().all(|&&at| Some(at) == oldest);
    let verdict = match (more.as_slice(), fewer.as_slice()) {
        ([], []) => "Both keep the same.",
        ([], [_]) if only_the_oldest => "Both keep the same, and rustic also the oldest of all.",
        _ => return Err(format!("only Lifeboat keeps {more:?}\nonly rustic keeps {fewer:?}").into()),
    };
    let rows = [row(Tool::Lifeboat, backups, &ours), row(Tool::Rustic, backups, &theirs)];
    Ok(format!("{}\n\n{verdict}", table(&rows)))
}

fn measured(tool: Tool, backups: usize) -> Result<Figures, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).args([ALONE, tool.name(), &backups.to_string()]).output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}: {told}", tool.name(), output.status).into());
    }
    let (mut seconds, mut peak_kib, mut kept) = (None, None, BTreeSet::new());
    for line in String::from_utf8(output.stdout)?.lines() {
        match line.split_once(' ') {
            Some(("seconds", text)) => seconds = Some(text.parse()?),
            Some(("peakKib", text)) => peak_kib = Some(text.parse()?),
            Some(("kept", text)) => _ = kept.insert(text.parse()?),
            _ => return Err(format!("{}: {line}", tool.name()).into()),
        }
    }
    Ok(Figures { seconds: seconds.ok_or("no time was told")?, peak_kib, kept })
}

const HEADINGS: [&str; 6] = ["tool", "backups", "kept", "seconds", "peak, MiB", "bytes a backup"];

fn row(tool: Tool, backups: usize, figures: &Figures) -> [String; 6] {
    [
        tool.name().to_owned(),
        thousands(backups),
        figures.kept.len().to_string(),
        format!("{:.3}", figures.seconds),
        figures.peak_kib.map_or("unknown".to_owned(), |kib| thousands(kib / 1_024)),
        tool.bytes_of_a_backup().to_string(),
    ]
}

/// With commas.
fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", thousands(number / 1_000), number % 1_000) }
}

/// As Markdown: a column of words, then numbers, which end where their column ends.
fn table(rows: &[[String; 6]]) -> String {
    let headings = HEADINGS.map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&headings]).map(|row| row[column].len()).max().unwrap_or_default();
    let line = |row: &[String; 6]| {
        let cells = (0..row.len()).map(|column| match column {
            0 => format!(" {:<1$} ", row[column], width(column)),
            _ => format!(" {:>1$} ", row[column], width(column)),
        });
        format!("|{}|", cells.collect::<Vec<_>>().join("|"))
    };
    let rule = (0..HEADINGS.len()).map(|column| match column {
        0 => "-".repeat(width(column) + 2),
        _ => format!("{}:", "-".repeat(width(column) + 1)),
    });
    let rule = format!("|{}|", rule.collect::<Vec<_>>().join("|"));
    let lines: Vec<String> = [line(&headings), rule].into_iter().chain(rows.iter().map(line)).collect();
    lines.join("\n")
}
