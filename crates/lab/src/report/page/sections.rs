//! The page's sections of text and tables.

use std::fmt::{self, Write};

use domain::{record::evidence::Evidence, watch::health::Verdict, words::span::Span};
use serde_json::Value;

use super::{
    backups,
    card::{DETAIL_CHARS, card, judged},
    chart::tone,
    scale::offset,
    text::{short, text},
};
use crate::report::{DrillResult, Ending, Event, RunResult, Subject, parts as parts_of};

/// The most rows of a table.
const MOST_ROWS: usize = 200;

/// The verdict, and what was done.
pub(super) fn headline(out: &mut String, result: &DrillResult) -> fmt::Result {
    let (class, word) = if result.passed() { ("good", "passed") } else { ("bad", "not passed") };
    writeln!(
        out,
        "<header>\n<p class=\"verdict {class}\">{word}</p>\n<h1>{}</h1>\n<p class=\"story\"><b>{}</b>, plan {} ({}). {}</p>",
        text(&result.headline()),
        text(&result.scenario),
        text(result.plan.plan.as_str()),
        text(&result.plan.summary),
        text(&result.story)
    )?;
    let shortcomings = result.shortcomings();
    if !shortcomings.is_empty() {
        out.write_str("<ul class=\"bad\">\n")?;
        for shortcoming in shortcomings {
            writeln!(out, "<li>{}</li>", text(&shortcoming))?;
        }
        out.write_str("</ul>\n")?;
    }
    out.write_str("</header>\n")
}

/// The figures that are asked for first.
pub(super) fn cards(out: &mut String, result: &DrillResult) -> fmt::Result {
    out.write_str("<div class=\"cards\">\n")?;
    match result.subject {
        Subject::Failover => objectives(out, result)?,
        Subject::Backups => backups::client(out, result)?,
    }
    for run in &result.runs {
        let value = run.actual.map_or("unknown", Ending::name);
        let transitions = run.transitions.map(|count| format!("; {count} state transitions")).unwrap_or_default();
        let note = format!("{}, expected: {}{transitions}", run.name, run.expected.name());
        card(out, "Run", value, judged(true, run.actual == Some(run.expected)), &note)?;
    }
    out.write_str("</div>\n")
}

/// What a failover is judged by.
fn objectives(out: &mut String, result: &DrillResult) -> fmt::Result {
    let client = &result.client;
    let objectives = &result.plan.objectives;
    let (outage, good) = match &client.outage {
        Some(outage) => {
            let within = outage.first_after.is_some() && Span::milliseconds(outage.milliseconds) <= objectives.rto;
            let more = if outage.first_after.is_some() { "" } else { "> " };
            (format!("{more}{:.3} s", outage.milliseconds as f64 / 1_000.0), within)
        }
        None => ("unknown".to_owned(), false),
    };
    card(out, "Outage (RTO)", &outage, judged(result.held_to.rto, good), &against(result.held_to.rto, objectives.rto))?;
    let lost = Span::milliseconds(client.lost.milliseconds);
    let rows = format!("{} rows", client.lost.rows.count);
    let note = format!("{lost} of work; {}", against(result.held_to.rpo, objectives.rpo));
    card(out, "Lost (RPO)", &rows, judged(result.held_to.rpo, lost <= objectives.rpo), &note)?;
    let split = client.split_brain.count;
    card(
        out,
        "Split brain",
        &format!("{split} rows"),
        judged(true, result.late_strays().is_none()),
        &match result.strays_until {
            None => "on the old primary after the promotion".to_owned(),
            Some(until) => format!(
                "on the old primary after the promotion; allowed until {:.1} s",
                until.duration_since(result.disaster_at).as_secs_f64()
            ),
        },
    )
}

fn against(held: bool, objective: Span) -> String {
    if held { format!("objective {objective}") } else { format!("objective {objective}, not judged here") }
}

/// How the outage divides into parts.
pub(super) fn parts(out: &mut String, result: &DrillResult) -> fmt::Result {
    let parts = parts_of(result);
    let total: u64 = parts.iter().map(|part| part.milliseconds).sum();
    if parts.is_empty() {
        return out.write_str("<p>The outage did not end, or there was none: there is nothing to divide.</p>\n");
    }
    out.write_str("<table>\n<thead><tr><th>until</th><th class=\"n\">ms</th><th>share</th><th>what it is spent on</th></tr></thead>\n<tbody>\n")?;
    for part in &parts {
        let share = part.milliseconds as f64 * 100.0 / total.max(1) as f64;
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"share\"><i style=\"width:{share:.1}%\"></i></td><td class=\"why\">{}</td></tr>",
            part.until.name(),
            part.milliseconds,
            text(&spent_on(result, part.until))
        )?;
    }
    writeln!(
        out,
        "</tbody>\n<tfoot><tr><td>in all</td><td class=\"n\">{total}</td><td></td><td class=\"why\">from the client's last acknowledged \
         commit before to its first one after</td></tr></tfoot>\n</table>"
    )
}

fn spent_on(result: &DrillResult, until: Event) -> String {
    let probe = &result.plan.probe;
    match until {
        Event::Detected => format!(
            "the probe's samples, every {}, until {} in a row had failed",
            probe.interval, probe.failures_in_a_row
        ),
        Event::Alarm => "the metric's way to CloudWatch and the alarm".to_owned(),
        Event::RunStarted => "EventBridge, and the start of the execution".to_owned(),
        Event::Judged => "the lease, the second look from everywhere, the hold-down".to_owned(),
        Event::Approved => "a person's answer".to_owned(),
        Event::Fenced => "shutting the old primary out".to_owned(),
        Event::Drained => "ending the application's sessions, until the replica has the whole log".to_owned(),
        Event::Promoted => "RDS, and the write that proves the new primary".to_owned(),
        Event::DnsSwitched => "Route 53, until every authoritative server answers the new name".to_owned(),
        Event::FirstCommit => {
            format!(
                "the client: the record's time to live of {}, its next attempt, its login",
                result.plan.traffic.record.ttl
            )
        }
        Event::ReplayHeld
        | Event::ReplicaPaused
        | Event::Ordered
        | Event::Killed
        | Event::Paused
        | Event::Resumed
        | Event::Refused
        | Event::PersonCalled
        | Event::Verified
        | Event::RunEnded
        | Event::OldPrimaryBack
        | Event::OldPrimaryFenced
        | Event::RunStopped
        | Event::RecordEdited
        | Event::WritesRefused
        | Event::CallsSpoiled
        | Event::Denied
        | Event::Undone
        | Event::LinksCut
        | Event::LinksHealed
        | Event::StepAnswered
        | Event::RowsDeleted
        | Event::BackupDamaged
        | Event::QuotaFull
        | Event::WorkBegan
        | Event::WorkEnded
        | Event::CopiesSlowed
        | Event::CopiesBrokenOff
        | Event::Tolerated => String::new(),
    }
}

/// The timeline.
pub(super) fn timeline(out: &mut String, result: &DrillResult) -> fmt::Result {
    out.write_str("<table>\n<thead><tr><th class=\"n\">when</th><th>what</th><th>particulars</th><th>whose word</th></tr></thead>\n<tbody>\n")?;
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
         <tr><td>attempts that surely wrote nothing</td><td class=\"n\">{}</td><td></td></tr>\n\
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

/// How to repeat it, and where it was measured.
pub(super) fn environment(out: &mut String, result: &DrillResult) -> fmt::Result {
    write!(out, "<pre>{}</pre>\n<p class=\"small\">", text(&result.reproduce))?;
    write!(out, "Measured on {} cores, {}", result.environment.cores, text(&result.environment.system))?;
    for (program, version) in &result.environment.versions {
        write!(out, ", {} {}", text(program), text(version))?;
    }
    let setting_up = Span::between(result.began_at, result.disaster_at);
    let whole = Span::between(result.began_at, result.ended_at);
    writeln!(
        out,
        ". Began {}; the disaster happened after {:.1} s, all was over after {:.1} s.</p>",
        result.began_at,
        setting_up.as_seconds(),
        whole.as_seconds()
    )
}

fn more(out: &mut String, count: usize, shown: usize) -> fmt::Result {
    if count > shown { writeln!(out, "<p>{} more are in evidence.json.</p>", count - shown) } else { Ok(()) }
}

/// A variant's name as JSON writes it.
fn named(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
