//! What a backup consists of, and the proof that the description itself is whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BackupRun, Label};
use crate::{
    component::{Resource, SeenDatabase, SnapshotKind},
    retention::Retention,
    run::outcome::UpkeepOutcome,
    state_machine::LastWord,
    words::{
        digest,
        id::{ComponentName, ExecutionArn, PlanName, Region, ScheduleName},
        wording,
    },
};

/// One component's backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
pub struct Taken {
    /// The component.
    pub component: ComponentName,
    /// What it was taken of.
    pub of: Resource,
    /// The snapshot's name, the same in each Region.
    pub snapshot: String,
    /// The database just before.
    #[serde(rename = "shot")]
    pub database: SeenDatabase,
    /// Where it is: first where it was taken, then its copies.
    pub places: Vec<Stored>,
    /// Regions that it should be in and is not, and why.
    pub missing: Vec<Missing>,
}

/// The same as it is written: what it is of under the noun of its kind, as `"instance": "orders-primary"`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Written {
    component: ComponentName,
    #[serde(flatten)]
    of: BTreeMap<String, Value>,
    snapshot: String,
    #[serde(rename = "shot")]
    database: SeenDatabase,
    places: Vec<Stored>,
    missing: Vec<Missing>,
}

impl TryFrom<Written> for Taken {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { component, of, snapshot, database, places, missing } = written;
        let kind = |noun: &str| SnapshotKind::ALL.into_iter().find(|kind| kind.noun() == noun);
        let told = of.iter().filter(|(_, id)| !id.is_null());
        let mut named = told.map(|(noun, id)| Some(kind(noun)?.of(id.as_str()?)));
        let (Some(Some(of)), None) = (named.next(), named.next()) else {
            let nouns = SnapshotKind::ALL.map(|kind| format!("of `{}`", kind.noun()));
            return Err(format!("a backup is of one and has nothing else: {}", nouns.join(", or ")));
        };
        Ok(Self { component, of, snapshot, database, places, missing })
    }
}

impl From<Taken> for Written {
    fn from(taken: Taken) -> Self {
        let Taken { component, of: Resource { kind, id }, snapshot, database, places, missing } = taken;
        let of = BTreeMap::from([(kind.noun().to_owned(), Value::from(id))]);
        Self { component, of, snapshot, database, places, missing }
    }
}

impl Taken {
    /// The Regions that it should be in.
    fn regions(&self) -> BTreeSet<&Region> {
        let places = self.places.iter().map(|place| &place.region);
        places.chain(self.missing.iter().map(|missing| &missing.region)).collect()
    }
}

/// Where a snapshot is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stored {
    /// The Region.
    pub region: Region,
    /// Its ARN.
    pub arn: String,
    /// The storage allocated to it, in GiB, where RDS says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocated_gib: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// Where a snapshot is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Missing {
    /// The Region.
    pub region: Region,
    /// Why.
    pub because: String,
}

/// How much is told of why a Region lacks a snapshot, and a component its backup: all of a backup's parts are one state's
/// input, and AWS's own texts have any length.
pub const LONGEST_REASON_CHARS: usize = 400;

impl Missing {
    /// A Region without it.
    #[must_use]
    pub fn new(region: Region, because: &str) -> Self {
        Self { region, because: wording::start_of(because, LONGEST_REASON_CHARS) }
    }
}

/// How a component's turn ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// The component.
    pub component: ComponentName,
    /// Its backup; absent where there is none.
    pub taken: Option<Taken>,
    /// One sentence.
    pub because: String,
}

/// How a component's turn ended, as the state machine tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartTurn {
    /// The component.
    pub component: ComponentName,
    /// Its backup; absent where there is none.
    pub taken: Option<Taken>,
    /// The last word of the step that takes it.
    pub word: LastWord,
}

impl From<PartTurn> for Part {
    fn from(PartTurn { component, taken, word }: PartTurn) -> Self {
        Self { component, taken, because: word.because() }
    }
}

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// This format's version.
    pub version: u32,
    /// The plan.
    pub plan: PlanName,
    /// The version of the plan's object.
    pub plan_version: String,
    /// The schedule.
    pub schedule: ScheduleName,
    /// The time that it is for.
    #[schemars(with = "String")]
    pub scheduled_at: Timestamp,
    /// Who made it.
    pub execution: ExecutionArn,
    /// When it was written.
    #[schemars(with = "String")]
    pub ended_at: Timestamp,
    /// Whether it is whole.
    pub outcome: UpkeepOutcome,
    /// How long it is kept.
    pub retention: Option<Retention>,
    /// Component by component, in the plan's order.
    pub parts: Vec<Checked>,
}

/// A part with its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checked {
    /// SHA-256 of `part` as compact JSON with its fields in the order of this format, in hexadecimal.
    pub sha256: String,
    /// The part.
    pub part: Part,
}

/// The manifest format that is written.
const VERSION: u32 = 1;

impl Manifest {
    /// Puts the parts together.
    #[must_use]
    pub fn assemble(run: &BackupRun, parts: Vec<Part>, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            plan: run.plan.plan.clone(),
            plan_version: run.plan_version.clone(),
            schedule: run.schedule.clone(),
            scheduled_at: run.scheduled_at,
            execution: run.execution.clone(),
            ended_at: now,
            outcome: outcome(parts.iter()),
            retention: run.plan.backup(&run.schedule).and_then(|backup| backup.retention.clone()),
            parts: parts.into_iter().map(|part| Checked { sha256: checksum(&part), part }).collect(),
        }
    }

    /// Whether it is the manifest of the backup that a snapshot belongs to, in a format that is known here.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn is_of(&self, label: &Label) -> Result<(), String> {
        let Self { version, plan, schedule, scheduled_at, .. } = self;
        if *version != VERSION {
            return Err(format!("one of version {version}: this Lifeboat reads version {VERSION}"));
        }
        if self.is_for(&label.plan, &label.schedule, label.scheduled_at) {
            return Ok(());
        }
        Err(format!("that of plan `{plan}`, schedule `{schedule}`, {scheduled_at}"))
    }

    fn is_for(&self, plan: &PlanName, schedule: &ScheduleName, scheduled_at: Timestamp) -> bool {
        self.plan == *plan && self.schedule == *schedule && self.scheduled_at == scheduled_at
    }

    /// Whether it is what a run for this backup wrote, and nobody changed since.
    #[must_use]
    pub fn is_sound(&self, run: &BackupRun) -> bool {
        self.version == VERSION
            && self.is_for(&run.plan.plan, &run.schedule, run.scheduled_at)
            && self.outcome == outcome(self.parts.iter().map(|checked| &checked.part))
            && self.damaged().next().is_none()
    }

    /// Whether it says all that another one of the same backup says: no worse an outcome, of the same data and of the same
    /// Regions, for the plan may have named others since.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let is_same = |theirs: &Taken| {
            self.part(&theirs.component)
                .and_then(|part| part.taken.as_ref())
                .is_some_and(|ours| ours.database == theirs.database && ours.regions() == theirs.regions())
        };
        self.outcome <= other.outcome
            && other.parts.iter().filter_map(|checked| checked.part.taken.as_ref()).all(is_same)
    }

    /// A component's part.
    #[must_use]
    pub fn part(&self, component: &ComponentName) -> Option<&Part> {
        self.parts.iter().map(|checked| &checked.part).find(|part| part.component == *component)
    }

    /// The components whose part is not what its checksum says.
    pub fn damaged(&self) -> impl Iterator<Item = &ComponentName> {
        let damaged = self.parts.iter().filter(|checked| checksum(&checked.part) != checked.sha256);
        damaged.map(|checked| &checked.part.component)
    }

    /// What is missing, in one sentence; what there is, where nothing is.
    #[must_use]
    pub fn summary(&self) -> String {
        let lacks = |checked: &&Checked| checked.part.whole().is_none();
        let lacking: Vec<String> = self
            .parts
            .iter()
            .filter(lacks)
            .map(|checked| format!("{}: {}", checked.part.component, checked.part.because))
            .collect();
        match lacking.as_slice() {
            [] => format!("{} of {} components are backed up", self.parts.len(), self.parts.len()),
            lacking => lacking.join("; "),
        }
    }
}

impl Part {
    /// The component's backup, if it is in every Region that it should be in.
    #[must_use]
    pub fn whole(&self) -> Option<&Taken> {
        self.taken.as_ref().filter(|taken| taken.missing.is_empty() && !taken.places.is_empty())
    }
}

fn outcome<'p>(mut parts: impl ExactSizeIterator<Item = &'p Part> + Clone) -> UpkeepOutcome {
    if parts.len() > 0 && parts.clone().all(|part| part.whole().is_some()) {
        UpkeepOutcome::Complete
    } else if parts.any(|part| part.taken.is_some()) {
        UpkeepOutcome::Partial
    } else {
        UpkeepOutcome::Failed
    }
}

/// A part's checksum. Its JSON is always the same, for it holds no maps and no fractions.
fn checksum(part: &Part) -> String {
    let text = serde_json::to_vec(part).unwrap_or_default();
    digest::hex(text)
}
