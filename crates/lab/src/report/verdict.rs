//! Whether a drill was passed.

use domain::words::time_span::TimeSpan;

use super::{DrillResult, Ending, Subject};

impl Ending {
    /// As a person reads it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotStarted => "no run",
            Self::Done => "done",
            Self::Degraded => "degraded",
            Self::Refused => "refused",
            Self::Undone => "undone",
            Self::NeedsAPerson => "needs a person",
            Self::BrokenOff => "broken off",
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

impl DrillResult {
    /// Whether all went as the scenario expects and within the objectives it is held to.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.shortcomings().is_empty()
    }

    /// What did not, a sentence each.
    #[must_use]
    pub fn shortcomings(&self) -> Vec<String> {
        let mut found: Vec<String> = self.runs.iter().filter_map(wrong_end).collect();
        if self.runs.is_empty() {
            found.push("nothing is known of any run".to_owned());
        }
        if self.held_to.rto {
            found.extend(self.rto_missed());
        }
        let lost = TimeSpan::milliseconds(self.client.lost.milliseconds);
        if self.held_to.rpo && lost > self.plan.objectives.rpo {
            let (count, rpo) = (self.client.lost.rows.count, self.plan.objectives.rpo);
            found.push(format!("{count} acknowledged rows were lost, {lost} of work; the RPO is {rpo}"));
        }
        let failed = self.checks.iter().filter(|check| !check.holds);
        found.extend(failed.map(|check| format!("not so: {}; found: {}", check.claim, check.found)));
        found.extend(self.late_strays());
        if let Some(old) = self.old_primary.as_ref().filter(|old| !old.fenced) {
            found.push(format!("the old primary came back and was not fenced: {}", old.because));
        }
        found
    }

    /// What the old primary committed when it must not any more.
    pub(super) fn late_strays(&self) -> Option<String> {
        let (count, listed) = (self.client.split_brain.count, &self.client.strays);
        match self.strays_until {
            _ if count == 0 => None,
            None => Some(format!("the old primary committed {count} rows after the promotion")),
            Some(_) if u64::try_from(listed.len()) != Ok(count) => {
                Some(format!("the old primary committed {count} rows after the promotion, too many to be listed"))
            }
            Some(until) => {
                let late = listed.iter().filter(|stray| stray.at > until).count();
                (late > 0)
                    .then(|| format!("the old primary committed {late} rows after {until}, when it had to be fenced"))
            }
        }
    }

    fn rto_missed(&self) -> Option<String> {
        let rto = self.plan.objectives.rto;
        let Some(outage) = &self.client.outage else { return Some("the client was never served".to_owned()) };
        let lasted = TimeSpan::milliseconds(outage.milliseconds);
        match outage.first_after {
            None => Some(format!("the client was not served again in {lasted}; the RTO is {rto}")),
            Some(_) if lasted > rto => Some(format!("the client's outage was {lasted}; the RTO is {rto}")),
            Some(_) => None,
        }
    }

    /// The result in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let outage = match &self.client.outage {
            Some(outage) => format!("{:.3} s", outage.milliseconds as f64 / 1_000.0),
            None => "an unknown time".to_owned(),
        };
        let lost = match self.client.lost.rows.count {
            0 => "no row lost".to_owned(),
            1 => "1 row lost".to_owned(),
            count => format!("{count} rows lost"),
        };
        match self.shortcomings().len() {
            0 => {}
            1 => return "One thing is not as it must be".to_owned(),
            count => return format!("{count} things are not as they must be"),
        }
        if self.subject == Subject::Backups {
            return format!("All as it must be; the client waited {outage} at most");
        }
        match self.runs.last().map(|run| run.expected) {
            Some(Ending::Done) => format!("Recovered in {outage}, {lost}"),
            Some(Ending::NotStarted) => format!("No failover, as it must be; the client waited {outage}"),
            Some(
                ending @ (Ending::Degraded
                | Ending::Refused
                | Ending::Undone
                | Ending::NeedsAPerson
                | Ending::BrokenOff
                | Ending::Complete
                | Ending::Partial
                | Ending::Failed),
            ) => {
                format!("Ended as it must: {}", ending.name())
            }
            None => "Nothing was run".to_owned(),
        }
    }
}

fn wrong_end(run: &super::RunResult) -> Option<String> {
    match run.actual {
        Some(actual) if actual == run.expected => None,
        Some(actual) => Some(format!(
            "{}: ended as \"{}\", expected \"{}\": {}",
            run.name,
            actual.name(),
            run.expected.name(),
            run.because
        )),
        None => Some(format!("{}: nobody knows how it ended, expected \"{}\"", run.name, run.expected.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{after, backed_up, killed};
    use super::*;
    use crate::report::OldPrimary;
    use crate::workload::{Rows, Stray};

    #[test]
    fn a_drill_as_expected_and_within_its_objectives_is_passed() {
        assert_eq!(killed().shortcomings(), Vec::<String>::new());
        assert_eq!(killed().headline(), "Recovered in 2.291 s, no row lost");
    }

    #[test]
    fn a_drill_of_backups_tells_how_long_the_client_waited() {
        assert_eq!(backed_up().shortcomings(), Vec::<String>::new());
        assert_eq!(backed_up().headline(), "All as it must be; the client waited 0.041 s at most");
    }

    #[test]
    fn an_objective_is_met_at_its_limit_and_missed_above() {
        for (ms, passed) in [(29_999, true), (30_000, true), (30_001, false)] {
            let mut result = killed();
            result.client.outage.as_mut().unwrap().milliseconds = ms;
            assert_eq!(result.passed(), passed, "outage of {ms} ms, RTO 30 s");
            result.held_to.rto = false;
            assert!(result.passed(), "not held to it");
        }
        for (ms, passed) in [(5_000, true), (5_001, false)] {
            let mut result = killed();
            (result.client.lost.milliseconds, result.client.lost.rows.count) = (ms, 1);
            assert_eq!(result.passed(), passed, "loss of {ms} ms, RPO 5 s");
        }
    }

    #[test]
    fn rows_on_the_old_primary_are_allowed_until_the_guard_s_time_and_not_after() {
        let until = after(2_000);
        for (ms, passed) in [(1_999, true), (2_000, true), (2_001, false)] {
            let mut result = killed();
            result.client.split_brain = Rows { count: 1, ids: vec![7] };
            result.client.strays = vec![Stray { id: 7, at: after(ms) }];
            assert!(!result.passed(), "never is the rule");
            result.strays_until = Some(until);
            assert_eq!(result.passed(), passed, "a row at {ms} ms");
            result.client.split_brain.count = 2;
            assert!(!result.passed(), "a row that is not listed may have come at any time");
        }
    }

    #[test]
    fn whatever_is_unknown_or_wrong_fails_a_drill() {
        let spoil: [fn(&mut DrillResult); 8] = [
            |result| result.checks[0].holds = false,
            |result| result.client.outage = None,
            |result| result.client.outage.as_mut().unwrap().first_after = None,
            |result| result.client.split_brain.count = 1,
            |result| result.runs[0].actual = None,
            |result| result.runs[0].actual = Some(Ending::Refused),
            |result| result.runs.clear(),
            |result| result.old_primary = Some(OldPrimary { fenced: false, ..result.old_primary.clone().unwrap() }),
        ];
        for (index, spoil) in spoil.iter().enumerate() {
            let mut result = killed();
            spoil(&mut result);
            assert_eq!(result.shortcomings().len(), 1, "case {index}");
        }
    }
}
