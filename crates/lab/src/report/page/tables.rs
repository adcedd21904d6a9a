//! The page's tables: the timeline, what was seen, what else had to be true, and the rows.

use std::fmt::{self, Write};

use domain::watch::health::Verdict;
use serde_json::Value;

use super::{
    card::DETAIL_CHARS,
    chart::tone,
    scale::offset,
    text::{short, text},
};
use crate::report::DrillResult;

/// The most rows of a table.
const MOST_ROWS: usize = 200;

/// The timeline.
pub(super) fn timeline(out: &mut String, result: &DrillResult) -> fmt::Result {
    out.write_str("<table>\n<thead><tr><th class=\"n\">when</th><th>what</th><th>details</th><th>who says so</th></tr></thead>\n<tbody>\n")?;
    for entry in result.timeline.iter().take(MOST_ROWS) {
        writeln!(
            out,
            "<tr><td class=\"n\">{}</td><td><b class=\"{}\">{}</b></td><td class=\"why\">{}</td><td>{}</td></tr>",
            offset(result.disaster_at, entry.at),
            tone(entry.event),
            entry.event.name(),
            short(&entry.detail, DETAIL_CHARS),
            entry.source.name()
        )?;
    }
    writeln!(out, "</tbody>\n</table>\n<p>Counted from {}.</p>", result.disaster_at)?;
    more(out, result.timeline.len(), MOST_ROWS)
}

/// What was seen, by whom, when.
pub(super) fn signals(out: &mut String, result: &DrillResult) -> fmt::Result {
    if result.signals.is_empty() {
        return out.write_str("<p>No signal was recorded.</p>\n");
    }
    out.write_str("<table>\n<thead><tr><th>seen from</th><th>verdict</th><th>because</th><th class=\"n\">when</th></tr></thead>\n<tbody>\n")?;
    for signal in result.signals.iter().take(MOST_ROWS) {
        let (class, verdict) = match signal.verdict {
            Verdict::Up => ("good", "up"),
            Verdict::Down => ("bad", "down"),
            Verdict::Unknown => ("plain", "unknown"),
        };
        writeln!(
            out,
            "<tr><td>{}</td><td><b class=\"{class}\">{verdict}</b></td><td class=\"why\">{}</td><td class=\"n\">{}</td></tr>",
            text(&named(&serde_json::to_value(signal.vantage).unwrap_or_default())),
            short(&signal.because, DETAIL_CHARS),
            offset(result.disaster_at, signal.at)
        )?;
    }
    out.write_str("</tbody>\n</table>\n")?;
    more(out, result.signals.len(), MOST_ROWS)
}

/// What else had to be true, and what was found.
pub(super) fn checks(out: &mut String, result: &DrillResult) -> fmt::Result {
    writeln!(out, "<table>\n<thead><tr><th>must be true</th><th></th><th>found</th></tr></thead>\n<tbody>")?;
    for check in result.checks.iter().take(MOST_ROWS) {
        let (class, so) = if check.holds { ("good", "so") } else { ("bad", "not so") };
        let (claim, found) = (short(&check.claim, DETAIL_CHARS), short(&check.found, DETAIL_CHARS));
        writeln!(out, "<tr><td>{claim}</td><td><b class=\"{class}\">{so}</b></td><td class=\"why\">{found}</td></tr>")?;
    }
    out.write_str("</tbody>\n</table>\n")?;
    more(out, result.checks.len(), MOST_ROWS)
}

/// Fencing after the old primary's return, and the rows that were lost or written on the wrong side.
pub(super) fn rows(out: &mut String, result: &DrillResult) -> fmt::Result {
    match &result.old_primary {
        Some(old) => writeln!(
            out,
            "<p><b class=\"{}\">{}</b> The old primary's host came back at {}: {}</p>",
            if old.fenced { "good" } else { "bad" },
            if old.fenced { "Fenced." } else { "Not fenced." },
            offset(result.disaster_at, old.returned_at),
            short(&old.because, DETAIL_CHARS)
        )?,
        None => out.write_str("<p>The old primary was not brought back in this scenario.</p>\n")?,
    }
    let client = &result.client;
    writeln!(
        out,
        "<table>\n<tbody>\n<tr><td>commits acknowledged to the client</td><td class=\"n\">{}</td><td></td></tr>\n\
         <tr><td>attempts that certainly wrote nothing</td><td class=\"n\">{}</td><td></td></tr>\n\
         <tr><td>attempts without an answer, found on the new primary</td><td class=\"n\">{}</td><td></td></tr>\n\
         <tr><td>attempts without an answer, not found there</td><td class=\"n\">{}</td><td></td></tr>\n\
         <tr><td>acknowledged and lost</td><td class=\"n\">{}</td><td class=\"why\">{}</td></tr>\n\
         <tr><td>committed by the old primary after the promotion</td><td class=\"n\">{}</td><td class=\"why\">{}</td></tr>\n\
         </tbody>\n</table>",
        client.rows_acknowledged,
        client.attempts_failed,
        client.unknown_kept,
        client.unknown_gone,
        client.lost.rows.count,
        ids(&client.lost.rows),
        client.split_brain.count,
        ids(&client.split_brain)
    )
}

fn ids(rows: &crate::workload::Rows) -> String {
    let shown: Vec<String> = rows.ids.iter().take(20).map(ToString::to_string).collect();
    let rest = usize::try_from(rows.count).unwrap_or(usize::MAX) > shown.len();
    if rest { format!("{} …", shown.join(", ")) } else { shown.join(", ") }
}

fn more(out: &mut String, count: usize, shown: usize) -> fmt::Result {
    if count > shown { writeln!(out, "<p>{} more are in evidence.json.</p>", count - shown) } else { Ok(()) }
}

/// A variant's name as JSON writes it.
fn named(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
