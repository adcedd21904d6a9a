//! What stands first on a page, and last: the verdict, the figures that are asked for first, and how to repeat the drill.

use std::fmt::{self, Write};

use domain::words::time_span::TimeSpan;

use super::{
    backups,
    card::{card, judged},
    text::text,
};
use crate::report::{DrillResult, Ending, Subject};

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
            let within = outage.first_after.is_some() && TimeSpan::milliseconds(outage.milliseconds) <= objectives.rto;
            let more = if outage.first_after.is_some() { "" } else { "> " };
            (format!("{more}{:.3} s", outage.milliseconds as f64 / 1_000.0), within)
        }
        None => ("unknown".to_owned(), false),
    };
    card(out, "Outage (RTO)", &outage, judged(result.held_to.rto, good), &against(result.held_to.rto, objectives.rto))?;
    let lost = TimeSpan::milliseconds(client.lost.milliseconds);
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

fn against(held: bool, objective: TimeSpan) -> String {
    if held { format!("objective {objective}") } else { format!("objective {objective}, not judged here") }
}

/// How to repeat it, and where it was measured.
pub(super) fn environment(out: &mut String, result: &DrillResult) -> fmt::Result {
    write!(out, "<pre>{}</pre>\n<p class=\"small\">", text(&result.reproduce))?;
    write!(out, "Measured on {} cores, {}", result.environment.cores, text(&result.environment.system))?;
    for (program, version) in &result.environment.versions {
        write!(out, ", {} {}", text(program), text(version))?;
    }
    let setting_up = TimeSpan::between(result.began_at, result.disaster_at);
    let whole = TimeSpan::between(result.began_at, result.ended_at);
    writeln!(
        out,
        ". Began {}; the disaster happened after {:.1} s, all was over after {:.1} s.</p>",
        result.began_at,
        setting_up.as_seconds(),
        whole.as_seconds()
    )
}
