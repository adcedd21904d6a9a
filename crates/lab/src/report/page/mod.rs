//! `report.html`: one file, no script, nothing loaded from elsewhere.
//!
//! A plan's text, an error's text and a server's answer are hostile until escaped: whatever comes from a result passes
//! through [`text()`].

mod backups;
mod card;
mod chart;
mod decisions;
mod gantt;
mod outage;
mod scale;
mod summary;
mod tables;
mod text;

use std::fmt::{self, Write};

use super::{DrillResult, Subject};

use text::text;

const STYLE: &str = include_str!("style.css");

/// The page of a drill.
#[must_use]
pub fn page(result: &DrillResult) -> String {
    let mut out = String::with_capacity(64 * 1024);
    // Writing to a string does not fail; if it ever did, a page that says so is better than none.
    if whole(&mut out, result).is_err() {
        out.push_str("<p>This report could not be written whole; evidence.json has everything.</p>");
    }
    out
}

fn whole(out: &mut String, result: &DrillResult) -> fmt::Result {
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Drill {}: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>",
        text(&result.scenario),
        text(&result.headline()),
    )?;
    summary::headline(out, result)?;
    summary::cards(out, result)?;
    section(out, "What happened", |out| chart::draw(out, result))?;
    match result.subject {
        Subject::Failover => section(out, "Where the outage went", |out| outage::parts(out, result))?,
        Subject::Backups => section(out, "What was measured", |out| backups::readings(out, result))?,
    }
    section(out, "The state machine, state by state", |out| gantt::draw(out, result))?;
    section(out, "Timeline", |out| tables::timeline(out, result))?;
    if result.subject == Subject::Failover {
        section(out, "What was seen of the primary", |out| tables::signals(out, result))?;
    }
    section(out, "What was decided, and why", |out| decisions::decisions(out, result))?;
    if !result.checks.is_empty() {
        section(out, "What else had to be true", |out| tables::checks(out, result))?;
    }
    if result.subject == Subject::Failover {
        section(out, "The old primary, and the rows", |out| tables::rows(out, result))?;
    }
    section(out, "Do it again", |out| summary::environment(out, result))?;
    out.write_str("</main>\n</body>\n</html>\n")
}

fn section(out: &mut String, title: &str, content: impl FnOnce(&mut String) -> fmt::Result) -> fmt::Result {
    writeln!(out, "<section>\n<h2>{title}</h2>")?;
    content(out)?;
    out.write_str("</section>\n")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{backed_up, killed};
    use super::*;
    use serde_json::Value;

    const ATTACK: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}\u{1b}";

    /// Every text in a value replaced, but for those that would then no longer be read.
    fn spoil(value: &mut Value) {
        match value {
            Value::String(text) => {
                if text.contains(' ') {
                    *text = ATTACK.to_owned();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(spoil),
            Value::Object(fields) => fields.values_mut().for_each(spoil),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    #[test]
    fn a_hostile_text_is_shown_and_does_nothing() {
        let mut value = serde_json::to_value(killed()).unwrap();
        for named in ["scenario", "story", "reproduce"] {
            value[named] = ATTACK.into();
        }
        for part in ["timeline", "signals", "runs", "checks", "oldPrimary", "environment"] {
            spoil(&mut value[part]);
        }
        value["plan"]["summary"] = ATTACK.into();
        value["turns"][0]["state"] = ATTACK.into();
        let page = page(&serde_json::from_value(value).unwrap());
        assert!(page.contains("&lt;script&gt;"), "it is shown");
        for bad in ["<script", "<img", "onerror=alert(1)>", "\u{202e}", "\u{1b}"] {
            assert!(!page.contains(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_page_loads_nothing_and_is_whole() {
        let page = page(&killed());
        for foreign in ["http://", "https://", "url(", "@import", "src="] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        for (open, close) in [("<section>", "</section>"), ("<table", "</table>"), ("<svg", "</svg>"), ("<tr", "</tr>")]
        {
            assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
        }
        assert!(page.ends_with("</html>\n"));
    }

    #[test]
    fn a_drill_of_backups_shows_its_figures_and_no_failover_s() {
        let page = page(&backed_up());
        for shown in ["What was measured", "4010", "manifest", "1 of 1 components are backed up"] {
            assert!(page.contains(shown), "{shown}");
        }
        for foreign in ["RTO", "RPO", "Split brain", "no commit for", "The old primary"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_drill_of_which_nothing_is_known_has_a_page_too() {
        let mut result = killed();
        result.timeline.clear();
        result.turns.clear();
        result.signals.clear();
        result.runs.clear();
        result.old_primary = None;
        result.client = crate::workload::ClientView::default();
        assert!(page(&result).contains("nothing is known of any run"));
    }

    #[test]
    fn a_page_stays_small_whatever_it_is_given() {
        let mut result = killed();
        result.client.trace.acknowledged = (0..crate::workload::MOST_TRACED as i64).collect();
        result.timeline = std::iter::repeat_n(result.timeline[0].clone(), 5_000).collect();
        result.timeline.iter_mut().for_each(|entry| entry.detail = "x".repeat(10_000));
        result.turns = std::iter::repeat_n(result.turns[0].clone(), 5_000).collect();
        let size = page(&result).len();
        assert!(size < 2_000_000, "{size} bytes");
    }
}
