//! How the outage divides into parts.

use std::fmt::{self, Write};

use super::text::text;
use crate::report::{DrillResult, Event, parts as parts_of};

/// Each part of the outage, in milliseconds.
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
        | Event::ApplicationStopped
        | Event::LinksSlowed
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
