//! `lifeboat report`: what runs kept over some time, against the plan's targets.

mod gathering;

use std::process::ExitCode;

use clap::Args;
use domain::{
    backup::whole_second,
    report::{Counting, Line, Report, Span, Standing, report},
    state_machine::StateMachine,
    words::{id::PlanName, time_span::TimeSpan},
};
use edge::{clock, object_store};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use crate::{engine::Engine, output::Output, refusal::Refusal};
use gathering::Damaged;

/// Reports what runs kept over some time, against the plan's targets.
#[derive(Debug, Args)]
#[command(after_help = "\
From the evidence, the manifests and the records of proofs in one Region's bucket alone; nothing is changed. What nobody
measured is not met. A plan that was turned round has evidence in the buckets of both Regions: ask each (--region).

Examples:
  lifeboat report lab --region us-west-2
  lifeboat report lab --region us-west-2 --since 30d --json
  lifeboat report lab --region us-west-2 --since 2026-07-01 --until 2026-10-01

Exit codes: 0 every target is met, or there is none; 7 one is missed; 8 none is missed, and one could not be measured; 1 it
could not be done; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(value_name = "PLAN")]
    plan: PlanName,
    /// From when: so long ago, or a day or a time in UTC.
    #[arg(long, value_name = "SPAN|DAY", default_value = "90d", value_parser = When::parse)]
    since: When,
    /// Until when; now by default.
    #[arg(long, value_name = "SPAN|DAY", value_parser = When::parse)]
    until: Option<When>,
    /// Counts what was handed over on purpose, as in a drill, among the incidents.
    #[arg(long)]
    drills: bool,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// An instant, as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Ago(TimeSpan),
    At(Timestamp),
}

impl When {
    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(span) = TimeSpan::try_from(text.to_owned()) {
            return Ok(Self::Ago(span));
        }
        let midnight = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|midnight| midnight.timestamp());
        let day = text.parse::<Date>().ok().filter(|_| text.len() == "2026-11-20".len()).and_then(midnight);
        let at = day.or_else(|| text.parse().ok());
        at.map(Self::At).ok_or_else(|| {
            "expected a length of time as 90d, a day as 2026-07-01 or a time as 2026-07-01T09:00:00Z".to_owned()
        })
    }

    fn seen_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(span) => now.checked_sub(span.duration()).unwrap_or(Timestamp::MIN),
            Self::At(at) => at,
        }
    }
}

/// A report as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// How it stands as a whole.
    standing: Standing,
    /// Records that could not be read: they are not counted.
    damaged: &'a [Damaged],
}

/// Whoever reports on more than this reads more objects than there is patience for.
const LONGEST: TimeSpan = TimeSpan::seconds(400 * 24 * 3_600);

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let span = self.span(clock::now())?;
        let engine = Engine::of(StateMachine::Failover, self.region.as_deref()).await?;
        let (plan, _) = object_store::read_plan(&engine.bucket, &self.plan.whole()).await?;
        let (left, damaged) = gathering::left(&engine.bucket, &plan, span).await?;
        let counting = if self.drills { Counting::Drills } else { Counting::Failures };
        let told = report(&plan, &left, span, counting);
        let standing = told.standing();
        if self.json {
            output.json(&Told { report: &told, standing, damaged: &damaged })?;
        } else {
            lines(&told, &damaged).iter().for_each(|line| output.line(line));
        }
        Ok(exit_code(standing))
    }

    fn span(&self, now: Timestamp) -> Result<Span, Refusal> {
        let since = self.since.seen_from(now);
        let until = self.until.map_or(now, |until| until.seen_from(now)).min(now);
        if since >= until {
            return Err(Refusal::usage(format!("{since} is not before {until}"), "Give an earlier --since."));
        }
        let span = Span { since, until };
        if span.length() > LONGEST {
            let what = format!("{} are more than one report looks through", span.length().roughly());
            return Err(Refusal::usage(what, format!("Give a --since of at most {LONGEST}, or an earlier --until.")));
        }
        Ok(span)
    }
}

/// Scripts tell a miss from what nobody knows.
fn exit_code(standing: Standing) -> ExitCode {
    match standing {
        Standing::NoTarget | Standing::Met => ExitCode::SUCCESS,
        Standing::Missed => ExitCode::from(7),
        Standing::NotMeasured => ExitCode::from(8),
    }
}

fn lines(told: &Report, damaged: &[Damaged]) -> Vec<String> {
    let Report { plan, span, .. } = told;
    let (since, until) = (whole_second(span.since), whole_second(span.until));
    let head = format!("plan {plan}, from {since} until {until} ({})", span.length().roughly());
    let measures = told.lines.iter().map(measure);
    let damaged = damaged.iter().map(|record| format!("  not counted: {} cannot be read: {}", record.key, record.why));
    let remarks = told.remarks.iter().map(|remark| format!("  {remark}"));
    std::iter::once(head).chain(measures).chain(damaged).chain(remarks).collect()
}

fn measure(line: &Line) -> String {
    let value = line.value.map_or_else(|| "not measured".to_owned(), |value| value.to_string());
    let of = match (line.of, line.unknown) {
        (of, 0) => format!("of {of}"),
        (of, unknown) => format!("of {of}, {unknown} not known"),
    };
    let target = line.target.map_or_else(|| "no target".to_owned(), |target| target.to_string());
    let told = format!("  {:<20} {value:<14} {of:<22} {target:<18} {}", line.measure.in_words(), line.standing);
    told.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use domain::plan::{Bound, Measure};

    use super::*;
    use domain::report::Value;

    #[test]
    fn a_time_is_a_span_ago_or_a_day_or_an_instant() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (text, at) in [
            ("90d", "2026-09-01T12:00:00Z"),
            ("2026-07-01", "2026-07-01T00:00:00Z"),
            ("2026-07-01T09:00:00Z", "2026-07-01T09:00:00Z"),
        ] {
            assert_eq!(When::parse(text).unwrap().seen_from(now).to_string(), at);
        }
        for wrong in ["", "yesterday", "90", "2026-7-1"] {
            assert!(When::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_says_the_number_of_how_many_and_how_it_stands() {
        let line = |value, standing| Line {
            measure: Measure::BackupsComplete,
            value,
            of: 120,
            unknown: 1,
            target: Some(Bound::AtLeast(99.9)),
            standing,
        };
        let told = measure(&line(Some(Value::Percent(99.166_6)), Standing::NotMeasured));
        let words: Vec<&str> = told.split_whitespace().collect();
        assert_eq!(words.join(" "), "backups complete 99.166 % of 120, 1 not known at least 99.9 % NOT MEASURED");
        assert!(measure(&line(None, Standing::NotMeasured)).contains("not measured"));
    }

    #[test]
    fn a_miss_and_what_nobody_knows_end_differently() {
        let code = |standing| format!("{:?}", exit_code(standing));
        let codes = [Standing::NoTarget, Standing::Met, Standing::Missed, Standing::NotMeasured].map(code);
        let expected = [0, 0, 7, 8].map(|code| format!("{:?}", ExitCode::from(code)));
        assert_eq!(codes, expected);
    }
}
