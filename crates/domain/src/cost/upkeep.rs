//! What backups, their proofs and cleanups cost that go well: how often their schedules fire, and which states an execution
//! goes through. A contract test holds the states to `statemachines`.

use jiff::civil::Date;

use super::{
    ledger::{Ledger, Thing},
    line::MONTH,
    watch::{LOGIN_BYTES, reads_of_login},
};
use crate::{
    component::{Component, Kind},
    plan::{Backup, Plan},
    state_machine::{StateMachine, StateName},
    words::{cron, id::Schedule, time_span::TimeSpan, when::When},
};

/// The way of an execution through its state machine.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// The machine.
    pub machine: StateMachine,
    /// The states before the turns of a `Map`.
    pub before: &'static [StateName],
    /// The states of one turn.
    pub turn: &'static [StateName],
    /// The waits of a turn.
    pub polls: &'static [Poll],
    /// The states after the turns.
    pub after: &'static [StateName],
}

/// A wait that is repeated until something is there.
#[derive(Debug, Clone, Copy)]
pub struct Poll {
    /// The states that are gone through each time, from the wait to the question.
    pub states: &'static [StateName],
    /// By how much each wait is longer than the one before; the first takes a second.
    pub growth: f64,
    /// For how long it is waited in all. Not known before: a database of some hundred GB takes about so long.
    pub takes: TimeSpan,
}

impl Poll {
    /// How often it is asked again.
    #[must_use]
    pub fn asks(&self) -> u32 {
        let (mut asks, mut waited) = (0, 0.0);
        while waited < self.takes.as_seconds() {
            waited += self.growth.powi(asks).floor().max(1.0);
            asks += 1;
        }
        asks.unsigned_abs()
    }
}

/// A snapshot, and its copies to other Regions.
const SNAPSHOT_TAKES: TimeSpan = TimeSpan::seconds(3_600);

/// A restore of one.
const RESTORE_TAKES: TimeSpan = TimeSpan::seconds(3_600);

/// The deletion of what was restored.
const TEARDOWN_TAKES: TimeSpan = TimeSpan::seconds(600);

/// A backup.
pub const BACKUP: Way = Way {
    machine: StateMachine::Backup,
    before: &[StateName::BeginBackup, StateName::OpenBackup, StateName::IsTurn, StateName::BackUpComponents],
    turn: &[StateName::BeginPart, StateName::Snapshot, StateName::IsTaken, StateName::EndPart],
    polls: &[Poll {
        states: &[StateName::WaitForSnapshot, StateName::Snapshot, StateName::IsTaken],
        growth: 1.22,
        takes: SNAPSHOT_TAKES,
    }],
    after: &[StateName::CloseBackup, StateName::IsComplete, StateName::SumUp, StateName::BackupComplete],
};

/// A look at a backup.
pub const INTEGRITY: Way = Way {
    machine: StateMachine::VerifyBackup,
    before: &[StateName::BeginVerification, StateName::OpenBackup, StateName::VerifyComponents],
    turn: &[StateName::BeginPart, StateName::VerifyBackup, StateName::IsExamined, StateName::EndPart],
    polls: &[],
    after: &[StateName::CloseBackup, StateName::IsComplete, StateName::SumUp, StateName::VerifyBackupComplete],
};

/// A restore test.
pub const RESTORE_TEST: Way = Way {
    turn: &[
        StateName::BeginPart,
        StateName::VerifyBackup,
        StateName::IsExamined,
        StateName::Restore,
        StateName::IsAvailable,
        StateName::VerifyRestored,
        StateName::IsVerified,
        StateName::IsLeft,
        StateName::TearDown,
        StateName::IsGone,
        StateName::EndPart,
    ],
    polls: &[
        Poll {
            states: &[StateName::WaitForRestore, StateName::Restore, StateName::IsAvailable],
            growth: 1.22,
            takes: RESTORE_TAKES,
        },
        Poll {
            states: &[StateName::WaitForTearDown, StateName::TearDown, StateName::IsGone],
            growth: 1.35,
            takes: TEARDOWN_TAKES,
        },
    ],
    ..INTEGRITY
};

/// A cleanup; a turn is a Region's.
pub const CLEANUP: Way = Way {
    machine: StateMachine::Cleanup,
    before: &[StateName::BeginCleanup, StateName::OpenCleanup, StateName::CleanRegions],
    turn: &[StateName::BeginRegion, StateName::Cleanup, StateName::IsClean, StateName::EndRegion],
    polls: &[],
    after: &[StateName::CountTurns, StateName::IsComplete, StateName::SumUp, StateName::CleanupComplete],
};

/// A state that calls a function.
#[derive(Debug, Clone)]
pub struct Task {
    /// The state.
    pub state: StateName,
    /// The function.
    pub function: &'static str,
    /// How often it reads from S3, and writes to it.
    reads: u32,
    writes: u32,
}

/// The states that call a function, each with what it does there.
pub const TASKS: [Task; 9] = [
    // The plan, the lease, and which run is at work. A proof is not said to be; that does not matter.
    Task { state: StateName::OpenBackup, function: "open-backup", reads: 3, writes: 1 },
    // The lease.
    Task { state: StateName::Snapshot, function: "snapshot", reads: 1, writes: 0 },
    // The manifest. A proof reads nothing before it writes its record; that does not matter.
    Task { state: StateName::CloseBackup, function: "close-backup", reads: 1, writes: 1 },
    // The manifest.
    Task { state: StateName::VerifyBackup, function: "verify", reads: 1, writes: 0 },
    Task { state: StateName::Restore, function: "restore", reads: 0, writes: 0 },
    // The certificate authorities.
    Task { state: StateName::VerifyRestored, function: "verify", reads: 1, writes: 0 },
    Task { state: StateName::TearDown, function: "cleanup", reads: 0, writes: 0 },
    // The plan.
    Task { state: StateName::OpenCleanup, function: "cleanup", reads: 1, writes: 0 },
    // The report: before anything is deleted and after.
    Task { state: StateName::Cleanup, function: "cleanup", reads: 1, writes: 2 },
];

/// How long a step takes that looks at RDS, here or in another Region. What reads every table takes as long as the plan
/// lets it besides.
const STEP: TimeSpan = TimeSpan::seconds(1);

/// What a step logs: a line has all that it saw. Measured: 200 to 2,600 bytes.
const STEP_LOG_BYTES: f64 = 2_500.0;

/// Enters a plan's backups, proofs and cleanups in a month of the year after `from`.
pub(super) fn enter(plan: &Plan, from: Date, ledger: &mut Ledger) {
    for backup in &plan.backups {
        let Some(schedule) = backup.schedule.schedule() else { continue };
        let (times, turns) = (times(schedule, from), backup.components.len() as f64);
        go("backups", &BACKUP, times, turns, TimeSpan::seconds(0), ledger);
        let mut page = ledger.page("backups", times);
        page.uses(Thing::MetricRequest, turns);
        for login in kinds(plan, backup).filter_map(Kind::login) {
            // Each is asked for its log's end, from wherever it is.
            page.uses(Thing::SecretRequest, reads_of_login(login)).sends(Thing::CrossingGb, LOGIN_BYTES);
        }
        metrics(plan, backup, times, ledger);
    }
    for backup in &plan.backups {
        let Some(verification) = &backup.verification else { continue };
        let turns = backup.components.len() as f64;
        let each = verification.after_each.then_some(&backup.schedule).and_then(When::schedule);
        for schedule in verification.integrity.iter().chain(each) {
            let times = times(schedule, from);
            go("proofs", &INTEGRITY, times, turns, TimeSpan::seconds(0), ledger);
            told_of_a_proof(times, ledger);
        }
        if let Some(schedule) = &verification.restore_test {
            let (times, reading) = (times(schedule, from), verification.read_every_table.unwrap_or_default());
            go("proofs", &RESTORE_TEST, times, turns, reading, ledger);
            let restored = kinds(plan, backup).filter_map(Kind::restores);
            let reads = restored.map(|pair| reads_of_login(&pair.login)).sum();
            ledger.page("proofs", times).uses(Thing::SecretRequest, reads);
            told_of_a_proof(times, ledger);
        }
    }
    if let Some(cleanup) = &plan.cleanup {
        let regions = plan.backup_regions().len() as f64;
        go("cleanups", &CLEANUP, times(&cleanup.schedule, from), regions, TimeSpan::seconds(0), ledger);
    }
}

/// How often a schedule fires in a month of the year after `from`.
pub(super) fn times(schedule: &Schedule, from: Date) -> f64 {
    schedule.times_in_a_year(from).unwrap_or_default() * MONTH.as_seconds() / cron::YEAR.as_seconds()
}

/// What the components of a schedule are.
fn kinds<'p>(plan: &'p Plan, backup: &'p Backup) -> impl Iterator<Item = &'p dyn Kind> {
    backup.components.iter().filter_map(|name| plan.component(name)).map(Component::kind)
}

/// What is told of each whole backup: that it is there, and of some kinds how large. It counts for the hours in which it is
/// told.
fn metrics(plan: &Plan, backup: &Backup, times: f64, ledger: &mut Ledger) {
    let hours = MONTH.as_seconds() / 3_600.0;
    let metrics = backup.components.len() + kinds(plan, backup).filter(|kind| kind.tells_size()).count();
    let told = times.min(hours);
    let each = metrics as f64 / hours;
    ledger.enter("backups", Thing::Metric, told, each, format!("{metrics} of {hours} hours"));
}

/// What is told of each proof: whether it passed.
fn told_of_a_proof(times: f64, ledger: &mut Ledger) {
    let hours = MONTH.as_seconds() / 3_600.0;
    ledger.page("proofs", times).uses(Thing::MetricRequest, 1.0);
    ledger.enter("proofs", Thing::Metric, times.min(hours), 1.0 / hours, format!("1 of {hours} hours"));
}

/// Enters executions that go a way so many times.
fn go(who: &str, way: &Way, times: f64, turns: f64, reading: TimeSpan, ledger: &mut Ledger) {
    let Way { before, turn, polls, after, .. } = *way;
    let asked: f64 = polls.iter().map(|poll| f64::from(poll.asks()) * poll.states.len() as f64).sum();
    // The start is one as well.
    let transitions = 1.0 + (before.len() + after.len()) as f64 + turns * (turn.len() as f64 + asked);
    ledger.page(who, times).uses(Thing::ScheduledStart, 1.0).uses(Thing::Transition, transitions);
    let once = before.iter().chain(after).map(|state| (state, 1.0));
    let each = turn.iter().map(|state| (state, turns));
    let again = polls.iter().flat_map(|poll| poll.states.iter().map(|state| (state, turns * f64::from(poll.asks()))));
    for (state, count) in once.chain(each).chain(again) {
        let Some(task) = TASKS.iter().find(|task| task.state == *state) else { continue };
        let awake = if *state == StateName::VerifyRestored { STEP + reading } else { STEP };
        ledger
            .page(who, times * count)
            .runs(task.function, 1.0, awake)
            .uses(Thing::Get, task.reads.into())
            .uses(Thing::Put, task.writes.into())
            .sends(Thing::LogGb, STEP_LOG_BYTES);
    }
}
