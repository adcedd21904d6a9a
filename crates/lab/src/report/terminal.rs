//! What the terminal shows: each entry of the timeline as it becomes known, then a summary.

use std::io::{self, Write};

use domain::words::{time_span::TimeSpan, wording};
use jiff::Timestamp;

use super::{DrillResult, Event, Figures, Part, Subject, TimelineEntry, Tone, parts};

/// The longest text of one line.
const LONGEST_CHARS: usize = 200;

/// Shows drills on a terminal, or in a file.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    colour: bool,
    disaster_at: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Shade {
    Good,
    Bad,
    Quiet,
    Strong,
}

impl<W: Write> Terminal<W> {
    /// Shows on `out`, coloured when it is a terminal that a person looks at.
    pub fn new(out: W, colour: bool) -> Self {
        Self { out, colour, disaster_at: None }
    }

    /// Shows what is being set up.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub fn step(&mut self, what: &str) -> io::Result<()> {
        let line = self.shaded(Shade::Quiet, &clean(what));
        writeln!(self.out, "{line}")
    }

    /// From here on times are counted.
    pub fn disaster(&mut self, at: Timestamp) {
        self.disaster_at = Some(at);
    }

    /// Shows an entry of the timeline.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub fn entry(&mut self, entry: &TimelineEntry) -> io::Result<()> {
        let name = self.shaded(shade(entry.event), &format!("{:<18}", entry.event.name()));
        writeln!(self.out, "{}  {name}  {}", offset(self.disaster_at, entry.at), clean(&entry.detail))
    }

    /// Shows the end of a drill: what the client measured against the objectives, where the time went, and what was
    /// not as it must be.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub fn summary(&mut self, result: &DrillResult) -> io::Result<()> {
        let passed = result.passed();
        let headline = self.shaded(if passed { Shade::Good } else { Shade::Bad }, &clean(&result.headline()));
        writeln!(self.out, "\n{}  {headline}\n", self.shaded(Shade::Strong, &clean(&result.scenario)))?;
        for (name, value) in figures_of_one(result) {
            writeln!(self.out, "  {name:<18}{value}")?;
        }
        if !result.readings.is_empty() {
            writeln!(self.out)?;
        }
        for reading in &result.readings {
            writeln!(self.out, "  {:>8} {:<2}  {}", reading.value, clean(&reading.unit), clean(&reading.name))?;
        }
        let parts = if result.subject == Subject::Failover { parts(result) } else { Vec::new() };
        if !parts.is_empty() {
            writeln!(self.out, "\n  where the outage went")?;
            self.parts(&parts)?;
        }
        for check in result.checks.iter().filter(|check| check.holds) {
            let line = clean(&format!("{} ({})", check.claim, check.found));
            writeln!(self.out, "  {}      {line}", self.shaded(Shade::Good, "so"))?;
        }
        for shortcoming in result.shortcomings() {
            writeln!(self.out, "  {}  {}", self.shaded(Shade::Bad, "not met"), clean(&shortcoming))?;
        }
        Ok(())
    }

    fn parts(&mut self, parts: &[Part]) -> io::Result<()> {
        for part in parts {
            writeln!(self.out, "  {:>8} ms  until {}", part.milliseconds, part.until.name())?;
        }
        writeln!(self.out, "  {:>8} ms  in all", parts.iter().map(|part| part.milliseconds).sum::<u64>())
    }

    /// Shows the figures of many drills.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub fn figures(&mut self, figures: &Figures) -> io::Result<()> {
        writeln!(self.out, "\n{} of {} drills passed", figures.passed, figures.drills)?;
        let width = figures.figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or_default();
        writeln!(self.out, "  {:<width$}  {:>8}  {:>8}  {:>8}      n", "", "min", "median", "max")?;
        for figure in &figures.figures {
            let (minimum, median, maximum) = (figure.minimum, figure.median, figure.maximum);
            let unit = &figure.unit;
            let name = &figure.name;
            writeln!(
                self.out,
                "  {name:<width$}  {minimum:>8}  {median:>8}  {maximum:>8}  {unit:<2}{:>3}",
                figure.count
            )?;
        }
        Ok(())
    }

    fn shaded(&self, shade: Shade, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match shade {
            Shade::Good => "32",
            Shade::Bad => "31",
            Shade::Quiet => "2",
            Shade::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// What a person wants to know first.
fn figures_of_one(result: &DrillResult) -> Vec<(&'static str, String)> {
    let mut figures = match result.subject {
        Subject::Failover => objectives(result),
        Subject::Backups => undisturbed(result),
    };
    for run in &result.runs {
        let ended = run.actual.map_or("unknown", super::Ending::name);
        let transitions = run.transitions.map(|count| format!(", {count} state transitions")).unwrap_or_default();
        figures.push(("run", clean(&format!("{}: {ended}{transitions}", run.name))));
    }
    figures
}

/// What the client noticed, where it must notice nothing.
fn undisturbed(result: &DrillResult) -> Vec<(&'static str, String)> {
    let client = &result.client;
    let wait = match &client.outage {
        Some(outage) => TimeSpan::milliseconds(outage.milliseconds).to_string(),
        None => "unknown: the client was never served".to_owned(),
    };
    let (acknowledged, failed) = (client.rows_acknowledged, client.attempts_failed);
    vec![("client", format!("{acknowledged} commits, {failed} failed attempts, longest wait {wait}"))]
}

/// What a failover is judged by.
fn objectives(result: &DrillResult) -> Vec<(&'static str, String)> {
    let objectives = &result.plan.objectives;
    let outage = match &result.client.outage {
        Some(outage) if outage.first_after.is_some() => TimeSpan::milliseconds(outage.milliseconds).to_string(),
        Some(outage) => format!("not ended after {}", TimeSpan::milliseconds(outage.milliseconds)),
        None => "unknown: the client was never served".to_owned(),
    };
    let held = |held: bool, objective: TimeSpan| {
        if held { format!("objective {objective}") } else { "not judged here".to_owned() }
    };
    let lost = &result.client.lost;
    vec![
        ("outage (RTO)", format!("{outage}, {}", held(result.held_to.rto, objectives.rto))),
        (
            "lost (RPO)",
            format!(
                "{} rows, {} of work, {}",
                lost.rows.count,
                TimeSpan::milliseconds(lost.milliseconds),
                held(result.held_to.rpo, objectives.rpo)
            ),
        ),
        ("split brain", format!("{} rows on the old primary after the promotion", result.client.split_brain.count)),
        (
            "client",
            format!("{} commits, {} failed attempts", result.client.rows_acknowledged, result.client.attempts_failed),
        ),
    ]
}

fn shade(event: Event) -> Shade {
    match event.tone() {
        Tone::Bad => Shade::Bad,
        Tone::Good => Shade::Good,
        Tone::Plain => Shade::Strong,
    }
}

fn offset(disaster_at: Option<Timestamp>, at: Timestamp) -> String {
    let Some(disaster_at) = disaster_at else { return format!("{:>10}", "") };
    format!("{:>+8.3} s", at.duration_since(disaster_at).as_secs_f64())
}

/// A text on one line, without control characters, and cut to a reasonable length.
fn clean(text: &str) -> String {
    wording::start_of(text, LONGEST_CHARS).replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{backed_up, killed};
    use super::*;

    fn shown(colour: bool, show: impl FnOnce(&mut Terminal<&mut Vec<u8>>)) -> String {
        let mut bytes = Vec::new();
        show(&mut Terminal::new(&mut bytes, colour));
        String::from_utf8(bytes).unwrap()
    }

    fn drill(colour: bool) -> String {
        let result = killed();
        shown(colour, |terminal| {
            terminal.disaster(result.disaster_at);
            result.timeline.iter().for_each(|entry| terminal.entry(entry).unwrap());
            terminal.summary(&result).unwrap();
            terminal.figures(&Figures::of(&[result.clone(), result.clone()])).unwrap();
        })
    }

    #[test]
    fn moments_are_aligned_and_counted_from_the_disaster() {
        let text = drill(false);
        assert!(
            text.contains("  +1.312 s  detected            3 failed samples in a row, connection refused\n"),
            "{text}"
        );
        assert!(text.starts_with("  +0.000 s  primary killed "));
        assert!(text.contains("objective 30s"));
    }

    #[test]
    fn a_drill_of_backups_shows_what_the_client_waited_and_what_was_measured() {
        let text = shown(false, |terminal| {
            terminal.summary(&backed_up()).unwrap();
            terminal.figures(&Figures::of(&[backed_up(), backed_up()])).unwrap();
        });
        for part in
            ["300 commits, 0 failed attempts, longest wait 41ms", "    4010 ms  backup\n", "client's longest wait"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        for foreign in ["RTO", "split brain", "outage", "rows lost"] {
            assert!(!text.contains(foreign), "{foreign}: {text}");
        }
    }

    #[test]
    fn only_a_terminal_is_coloured() {
        assert!(!drill(false).contains('\x1b'));
        assert!(drill(true).contains("\x1b[32m"));
    }

    #[test]
    fn a_hostile_text_cannot_move_the_cursor() {
        let mut entry = killed().timeline[0].clone();
        entry.detail = format!("\x1b[2J\r\n{}", "x".repeat(10_000));
        let text = shown(false, |terminal| terminal.entry(&entry).unwrap());
        assert!(!text.contains('\x1b') && text.lines().count() == 1 && text.len() < 400, "{text}");
    }
}
