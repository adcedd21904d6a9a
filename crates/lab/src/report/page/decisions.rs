//! What each run decided, and why.

use std::fmt::{self, Write};

use domain::record::evidence::Evidence;

use super::{
    backups,
    card::DETAIL_CHARS,
    text::{short, text},
};
use crate::report::{DrillResult, Ending, RunResult};

/// The steps' answers of each run, with what they had seen and did.
pub(super) fn decisions(out: &mut String, result: &DrillResult) -> fmt::Result {
    for run in &result.runs {
        writeln!(
            out,
            "<h3>{}: {}</h3>\n<p>{}</p>",
            text(&run.name),
            run.actual.map_or("unknown", Ending::name),
            short(&run.because, DETAIL_CHARS)
        )?;
        if let Some(evidence) = &run.evidence {
            answers(out, evidence)?;
        }
        if let Some(record) = &run.record {
            backups::record(out, record)?;
        }
        provenance(out, run)?;
    }
    Ok(())
}

fn answers(out: &mut String, evidence: &Evidence) -> fmt::Result {
    let record = serde_json::to_value(&evidence.record).unwrap_or_default();
    let in_order =
        ["openRun", "judgement", "approval", "fencing", "promotion", "traffic", "verification", "undo", "error"];
    for name in in_order {
        let answer = &record[name];
        if answer.is_null() {
            continue;
        }
        let because = ["because", "why", "cause"].iter().find_map(|key| answer[key].as_str()).unwrap_or_default();
        let word = ["step", "decision", "error"].iter().find_map(|key| answer[key].as_str()).unwrap_or_default();
        let whole = serde_json::to_string_pretty(answer).unwrap_or_default();
        writeln!(
            out,
            "<details><summary><b>{}</b> <em>{}</em> {}</summary>\n<pre>{}</pre>\n</details>",
            text(name),
            text(word),
            short(because, DETAIL_CHARS),
            text(&whole)
        )?;
    }
    Ok(())
}

fn provenance(out: &mut String, run: &RunResult) -> fmt::Result {
    match &run.execution {
        Some(execution) => writeln!(out, "<p class=\"small\">Execution <code>{}</code></p>", text(execution)),
        None => Ok(()),
    }
}
