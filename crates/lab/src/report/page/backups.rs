//! What a page shows of a backup drill instead of what it shows of a failover.

use std::fmt::{self, Write};

use super::{
    card::{DETAIL_CHARS, card, judged},
    text::{short, text},
};
use crate::report::{DrillResult, Record};

/// The longest record that is shown whole; `evidence.json` has it in any case.
const RECORD_CHARS: usize = 200_000;

/// What the client noticed.
pub(super) fn client(out: &mut String, result: &DrillResult) -> fmt::Result {
    let client = &result.client;
    let wait = client.outage.as_ref().map_or("unknown".to_owned(), |outage| format!("{} ms", outage.milliseconds));
    let ended = client.outage.as_ref().is_some_and(|outage| outage.first_after.is_some());
    let unanswered = client.unknown_kept + client.unknown_gone;
    card(out, "Client\u{2019}s longest wait", &wait, judged(true, ended), "between two acknowledged commits")?;
    let failed = client.attempts_failed + unanswered;
    let note = format!("failed or unanswered, {} were acknowledged", client.rows_acknowledged);
    card(out, "Client\u{2019}s writes", &failed.to_string(), judged(true, failed == 0), &note)
}

/// What was measured.
pub(super) fn readings(out: &mut String, result: &DrillResult) -> fmt::Result {
    if result.readings.is_empty() {
        return out.write_str("<p>Nothing was measured in this scenario but what the client saw.</p>\n");
    }
    out.write_str("<table>\n<tbody>\n")?;
    for reading in &result.readings {
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
            short(&reading.name, DETAIL_CHARS),
            reading.value,
            text(&reading.unit)
        )?;
    }
    out.write_str("</tbody>\n</table>\n")
}

/// A run's own record.
pub(super) fn record(out: &mut String, record: &Record) -> fmt::Result {
    let whole = match record {
        Record::Backup(manifest) => serde_json::to_string_pretty(manifest),
        Record::Restore(record) => serde_json::to_string_pretty(record),
        Record::Cleanup(reports) => serde_json::to_string_pretty(reports),
    };
    writeln!(
        out,
        "<details><summary><b>{}</b> {}</summary>\n<pre>{}</pre>\n</details>",
        record.name(),
        short(&record.summary(), DETAIL_CHARS),
        short(&whole.unwrap_or_default(), RECORD_CHARS)
    )
}
