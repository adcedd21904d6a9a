//! What a drill leaves: `evidence.json`, `report.html`, and what the terminal shows meanwhile.
//!
//! A drill fills in one [`DrillResult`]; everything here is made from it and from nothing else.

mod figures;
mod page;
mod reading;
#[cfg(test)]
pub(crate) mod sample;
mod subject;
pub mod terminal;
mod timeline;
mod turn;
mod verdict;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use domain::{
    failover::{guard::Kept, judgement::Signal},
    plan::PairPlan,
    record::evidence::Evidence,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::workload::ClientView;

pub use figures::{Figure, Figures, Part, parts};
pub use page::page;
pub use reading::{signals, timeline, turns, turns_until};
pub use subject::{Reading, Record, Subject};

use timeline::Tone;

pub use timeline::{Actor, Event, TimelineEntry};
pub use turn::{Turn, TurnKind};

/// All that is known of one drill when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrillResult {
    /// The scenario's name, as `primary-killed`.
    pub scenario: String,
    /// What is done and what must happen, in a sentence or two.
    pub story: String,
    /// What was rehearsed.
    #[serde(default)]
    pub subject: Subject,
    /// The plan that was rehearsed.
    pub plan: PairPlan,
    /// Which of the plan's objectives this scenario can be held to.
    pub held_to: HeldTo,
    /// When the drill began, set-up included.
    pub began_at: Timestamp,
    /// When the disaster happened. Every time shown is counted from here.
    pub disaster_at: Timestamp,
    /// When the drill was over.
    pub ended_at: Timestamp,
    /// What happened, in the order in which it happened.
    pub timeline: Vec<TimelineEntry>,
    /// The functions' turns and the waits between them.
    pub turns: Vec<Turn>,
    /// What was seen of the primary, by whom and when.
    pub signals: Vec<Signal>,
    /// The runs of the state machine, expected and actual. One entry with [`Ending::NotStarted`] where none may start.
    pub runs: Vec<RunResult>,
    /// What else must be true of this scenario, each with what was found.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// What was measured in addition to what the client saw.
    #[serde(default)]
    pub readings: Vec<Reading>,
    /// What the old primary did when its host came back, where the scenario brings it back.
    pub old_primary: Option<OldPrimary>,
    /// Until when the old primary may commit rows after the promotion, where it could not be reached before: what an
    /// asynchronous replica cannot prevent, and a guard must end. `None`: never.
    #[serde(default)]
    pub strays_until: Option<Timestamp>,
    /// What the guard of the old primary left behind, where it had something to do.
    #[serde(default)]
    pub guard: Option<Kept>,
    /// What the client saw.
    pub client: ClientView,
    /// Where it was measured.
    pub environment: Environment,
    /// The command that does it again.
    pub reproduce: String,
}

/// Which objectives a scenario can be held to. A run that must wait for a person has no recovery time; one in which
/// a person consents to a loss has no recovery point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldTo {
    /// The client's outage is at most the plan's RTO.
    pub rto: bool,
    /// The client's loss is at most the plan's RPO.
    pub rpo: bool,
}

/// Something that must be true when a scenario is over, or was while it went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What must be true, as a sentence.
    pub claim: String,
    /// Whether it was found so.
    pub holds: bool,
    /// What was found.
    pub found: String,
}

/// One run of the state machine, and what was expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    /// What it is called in the report, as `automatic failover`.
    pub name: String,
    /// How it must end.
    pub expected: Ending,
    /// How it ended. `None` when that is unknown.
    pub actual: Option<Ending>,
    /// Why it ended so, in its own words.
    pub because: String,
    /// The execution's ARN, where one was started.
    pub execution: Option<String>,
    /// State transitions it was billed for.
    pub transitions: Option<u64>,
    /// The evidence that `CloseRun` left in the recovery Region's bucket, whole.
    pub evidence: Option<Evidence>,
    /// What a backup run left instead.
    #[serde(default)]
    pub record: Option<Record>,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// No run was started.
    NotStarted,
    /// `FailoverDone`.
    Done,
    /// `FailoverDegraded`.
    Degraded,
    /// `FailoverRefused`, `BackupRefused`, and so on.
    Refused,
    /// `FailoverUndone`.
    Undone,
    /// `FailoverNeedsAPerson`.
    NeedsAPerson,
    /// `BackupComplete`, and so on.
    Complete,
    /// `BackupPartial`, and so on.
    Partial,
    /// `BackupFailed`, and so on.
    Failed,
    /// Ended from outside: `ABORTED` or `TIMED_OUT`.
    BrokenOff,
}

/// The old primary's return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OldPrimary {
    /// When its host was back.
    pub returned_at: Timestamp,
    /// Whether it refused every write.
    pub fenced: bool,
    /// How this was found out.
    pub because: String,
}

/// Where a drill was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Processor cores.
    pub cores: usize,
    /// The operating system and its kernel.
    pub system: String,
    /// Program and version, as `("PostgreSQL", "15.14")`.
    pub versions: Vec<(String, String)>,
}

/// Where a drill's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The result as JSON: the runs' evidence and the client's view.
    pub evidence: PathBuf,
    /// The page for people.
    pub page: PathBuf,
}

/// Writes `evidence.json` and `report.html` into a folder that exists.
///
/// # Errors
/// When a file cannot be written; the error names it.
pub fn write(folder: &Path, result: &DrillResult) -> io::Result<Written> {
    let written = Written { evidence: folder.join("evidence.json"), page: folder.join("report.html") };
    let place = |path: &Path, bytes: &[u8]| {
        fs::write(path, bytes)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot write `{}`: {error}", path.display())))
    };
    place(&written.evidence, &serde_json::to_vec_pretty(result)?)?;
    place(&written.page, page(result).as_bytes())?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_leaves_evidence_that_can_be_read_again_and_a_page() {
        let folder = std::env::temp_dir().join(format!("lifeboat-report-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let written = write(&folder, &sample::killed()).unwrap();
        let read: DrillResult = serde_json::from_slice(&fs::read(&written.evidence).unwrap()).unwrap();
        assert_eq!(read, sample::killed());
        assert!(fs::read_to_string(&written.page).unwrap().contains("Recovered in 2.291 s"));
        fs::remove_dir_all(&folder).unwrap();
        let error = write(&folder, &read).unwrap_err().to_string();
        assert!(error.contains("evidence.json"), "{error}");
    }
}
