//! How a restore ended: component by component, with its figures.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Chosen, Examined, Purpose, RestoreRun, Restored, Wanted};
use crate::{
    run::{
        outcome::UpkeepOutcome,
        verification::{self, Checked, Finding, Verification},
    },
    state_machine::LastWord,
    words::{
        id::{ComponentName, ExecutionArn, Person, PlanName, Region, ScheduleName},
        time_span::TimeSpan,
        wal::Lsn,
    },
};

/// What a restored database answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verified {
    /// Check by check.
    pub checks: Vec<Checked>,
    /// Whether the backup is tagged as verified now.
    pub tagged: bool,
}

/// How a component's turn ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestorePart {
    /// The component.
    pub component: ComponentName,
    /// Whether what was asked for could not be meant: nothing was made then.
    pub refused: bool,
    /// What was found of the backup.
    pub examined: Option<Examined>,
    /// The instance, once it could be asked.
    pub restored: Option<Restored>,
    /// What it answered.
    pub verified: Option<Verified>,
    /// Whether the instance may still be there.
    pub left: bool,
    /// One sentence.
    pub because: String,
}

/// The same, as the state machine tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreTurn {
    component: ComponentName,
    refused: bool,
    examined: Option<Examined>,
    restored: Option<Restored>,
    verified: Option<Verified>,
    left: bool,
    /// The last word of the step that came last, but for the teardown.
    word: Option<LastWord>,
    /// The last word of the teardown, where that did not end well.
    tear_down: Option<LastWord>,
}

impl From<RestoreTurn> for RestorePart {
    fn from(turn: RestoreTurn) -> Self {
        let RestoreTurn { component, refused, examined, restored, verified, left, word, tear_down } = turn;
        let because = word.map_or_else(|| "its turn ended before its first answer".to_owned(), |word| word.because());
        let because = match tear_down {
            None => because,
            Some(LastWord { error: None, answer: Some(answered), .. }) => {
                format!("{because}; the instance is still there: {}", answered.because)
            }
            Some(word) => format!("{because}; the instance could not be torn down: {}", word.because()),
        };
        Self { component, refused, examined, restored, verified, left, because }
    }
}

/// What a component's turn comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Passed,
    /// It passed, and its instance is still there.
    Left,
    Failed,
    Refused,
}

impl RestorePart {
    fn came(&self, purpose: Purpose) -> Came {
        let passed = |checks: &[Checked]| verification::sum_up(checks) == Verification::Passed;
        let examined = self.examined.as_ref().is_some_and(|examined| passed(&examined.checks));
        let verified = self.verified.as_ref().is_some_and(|verified| passed(&verified.checks));
        match (self.refused, purpose) {
            (true, _) => Came::Refused,
            (false, Purpose::Integrity) if examined => Came::Passed,
            (false, Purpose::Test) if examined && verified && self.left => Came::Left,
            (false, Purpose::Test) if examined && verified => Came::Passed,
            // Whoever needs it back does not ask whether it is old.
            (false, Purpose::Keep) if verified => Came::Passed,
            (false, Purpose::Integrity | Purpose::Test | Purpose::Keep) => Came::Failed,
        }
    }

    /// In one sentence, which names the backup: people ask which one it was.
    fn told(&self) -> String {
        let Self { component, because, .. } = self;
        match self.chosen().map(|chosen| chosen.origin.name()) {
            Some(of) if !because.contains(&of) => format!("{component}, of {of}: {because}"),
            Some(_) | None => format!("{component}: {because}"),
        }
    }

    fn chosen(&self) -> Option<&Chosen> {
        self.examined.as_ref()?.chosen.as_ref()
    }
}

/// A component's turn with its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Measured {
    /// From asking for the instance until it was found to be available.
    pub restore_seconds: Option<f64>,
    /// The real recovery point: how much of the time before the run is not in what was restored.
    pub recovery_point_seconds: Option<f64>,
    /// The turn.
    pub part: RestorePart,
}

/// The record of a restore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreRecord {
    /// This format's version.
    pub version: u32,
    /// The plan.
    pub plan: PlanName,
    /// The version of the plan's object.
    pub plan_version: String,
    /// By which schedule the backups were made, where one was named.
    pub schedule: Option<ScheduleName>,
    /// What for.
    pub purpose: Purpose,
    /// What was wanted back.
    pub wanted: Wanted,
    /// From which Region's backups, and into which Region.
    pub region: Region,
    /// Who asked, where a person did.
    pub by: Option<Person>,
    /// Who did it.
    pub execution: ExecutionArn,
    /// When it began.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When it ended.
    #[schemars(with = "String")]
    pub ended_at: Timestamp,
    /// Whether all is as it should be.
    pub outcome: UpkeepOutcome,
    /// Component by component.
    pub parts: Vec<Measured>,
    /// What the schedule backs up as well, and no run restores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<ComponentName>,
}

/// The record's format that is written.
const VERSION: u32 = 1;

impl RestoreRecord {
    /// Puts the parts together.
    #[must_use]
    pub fn assemble(run: &RestoreRun, parts: Vec<RestorePart>, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            plan: run.plan.plan.clone(),
            plan_version: run.plan_version.clone(),
            schedule: run.schedule.clone(),
            purpose: run.purpose,
            wanted: run.wanted.clone(),
            region: run.region.clone(),
            by: run.by.clone(),
            execution: run.execution.clone(),
            opened_at: run.opened_at,
            ended_at: now,
            outcome: outcome(&parts, run.purpose),
            parts: parts.into_iter().map(|part| measured(part, run.opened_at)).collect(),
            left_out: run.left_out.clone(),
        }
    }

    /// Whether a backup was to be proved: one that was meant wrong, or that somebody wants back, proves nothing.
    #[must_use]
    pub fn is_a_proof(&self) -> bool {
        self.outcome != UpkeepOutcome::Refused && self.purpose != Purpose::Keep
    }

    /// What is wrong, in one sentence; what was proved, where nothing is.
    #[must_use]
    pub fn summary(&self) -> String {
        let told: Vec<String> = self
            .parts
            .iter()
            .map(|measured| &measured.part)
            .filter(|part| self.outcome == UpkeepOutcome::Complete || part.came(self.purpose) != Came::Passed)
            .map(RestorePart::told)
            .chain(
                self.left_out.iter().map(|component| format!("{component}: left out, for no run restores a cluster")),
            )
            .collect();
        told.join("; ")
    }
}

fn measured(part: RestorePart, opened_at: Timestamp) -> Measured {
    let seconds = |from: Timestamp, until: Timestamp| TimeSpan::between(from, until).duration().as_secs_f64();
    Measured {
        restore_seconds: part.restored.as_ref().map(|restored| seconds(restored.asked_at, restored.available_at)),
        recovery_point_seconds: part.chosen().map(|chosen| seconds(chosen.data_until, opened_at)),
        part,
    }
}

fn outcome(parts: &[RestorePart], purpose: Purpose) -> UpkeepOutcome {
    let came: Vec<Came> = parts.iter().map(|part| part.came(purpose)).collect();
    if came.is_empty() {
        UpkeepOutcome::Failed
    } else if came.iter().all(|came| *came == Came::Passed) {
        UpkeepOutcome::Complete
    } else if came.iter().all(|came| *came == Came::Refused) {
        UpkeepOutcome::Refused
    } else if came.iter().any(|came| matches!(came, Came::Passed | Came::Left)) {
        UpkeepOutcome::Partial
    } else {
        UpkeepOutcome::Failed
    }
}

/// Whether a restored database has all of the log that its backup was taken after.
#[must_use]
pub fn reaches(expected: Lsn, got: Result<Lsn, String>) -> Finding {
    match got {
        Ok(got) if got >= expected => Finding::Passed,
        Ok(got) => Finding::Failed { expected: format!("a log that reaches {expected}"), got: got.to_string() },
        Err(why) => Finding::Unanswered(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::Origin;

    fn part(because: &str, chosen: bool) -> RestorePart {
        let origin = Origin::Snapshot { name: "lifeboat-lab-orders-daily-1".into(), arn: "arn".into() };
        let chosen = chosen.then_some(Chosen { origin, data_until: Timestamp::UNIX_EPOCH, lsn: None });
        RestorePart {
            component: "orders".parse().unwrap(),
            refused: false,
            examined: Some(Examined { chosen, checks: Vec::new() }),
            restored: None,
            verified: None,
            left: false,
            because: because.into(),
        }
    }

    #[test]
    fn a_sentence_names_the_backup_once_where_there_is_one() {
        assert_eq!(part("page 7 is damaged", true).told(), "orders, of lifeboat-lab-orders-daily-1: page 7 is damaged");
        let named = "RDS could not make it of lifeboat-lab-orders-daily-1";
        assert_eq!(part(named, true).told(), format!("orders: {named}"));
        assert_eq!(part("there is none", false).told(), "orders: there is none");
    }
}
