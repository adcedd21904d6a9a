//! Drills: a disaster made on purpose, what must happen then, and what happened.

mod clients;
mod follow;
mod scenarios;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use domain::plan::Plan;
use jiff::Timestamp;

use crate::{
    machine::{Machine, MachineError},
    pager::Pager,
    rds::RdsError,
    report::{DrillResult, Environment, Moment, Written},
    setup::Progress,
    system::{System, SystemError},
    workload::{WorkloadError, orders::OrdersError},
};

/// A drill that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// SIGKILL of the primary.
    PrimaryKilled,
    /// The primary hangs for less than the hold-down.
    Blip,
    /// The replica is too far behind when the primary dies.
    ReplicaLagging,
    /// Several triggers at once.
    Twice,
    /// Another failover before replication is back.
    SecondFailover,
    /// The run that holds the lease is stopped half way, twice.
    OrchestratorDied,
    /// What a stopped run would have done arrives late.
    StaleWriter,
    /// Somebody moved the record.
    WrongRecord,
    /// The plan asks a person.
    Approval,
    /// The promoted side takes no write.
    PromotedRefusesWrites,
    /// A planned switchover of a primary that works.
    Switchover,
}

impl Scenario {
    /// Every one, in the order in which they share a lab best.
    pub const ALL: [Self; 11] = [
        Self::Blip,
        Self::ReplicaLagging,
        Self::PrimaryKilled,
        Self::Twice,
        Self::SecondFailover,
        Self::OrchestratorDied,
        Self::StaleWriter,
        Self::WrongRecord,
        Self::Approval,
        Self::PromotedRefusesWrites,
        Self::Switchover,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PrimaryKilled => "primary-killed",
            Self::Blip => "blip",
            Self::ReplicaLagging => "replica-lagging",
            Self::Twice => "twice",
            Self::SecondFailover => "second-failover",
            Self::OrchestratorDied => "orchestrator-died",
            Self::StaleWriter => "stale-writer",
            Self::WrongRecord => "wrong-record",
            Self::Approval => "approval",
            Self::PromotedRefusesWrites => "promoted-refuses-writes",
            Self::Switchover => "switchover",
        }
    }

    /// What is done and what must happen.
    #[must_use]
    pub fn story(self) -> &'static str {
        match self {
            Self::PrimaryKilled => {
                "The primary is killed with SIGKILL. It must be failed over by itself, within the objectives; started again, the old primary must refuse every write."
            }
            Self::Blip => {
                "The primary hangs for less than the hold-down. Nothing may be failed over, and the record must say why not."
            }
            Self::ReplicaLagging => {
                "The replica is held back beyond the budget, then the primary is killed. It must be refused and a person called; a run with a named consent must go through and record the loss."
            }
            Self::Twice => {
                "Two people order a failover at the same moment, and the alarm starts one besides. One run must hold the lease and go through; the others must be refused and name it."
            }
            Self::SecondFailover => {
                "After a failover the new primary dies too, before replication was restored. Another failover must be refused, and say what is missing and how to restore it."
            }
            Self::OrchestratorDied => {
                "The run is stopped half way, before its point of no return; the next one is stopped after it, and the one that finishes it as well. The fourth must take over and finish, with nothing done twice and a person told of each that was stopped."
            }
            Self::StaleWriter => {
                "A run is stopped before it moves traffic, a newer one finishes, and then the older one's steps and its write arrive. All must fail, and traffic must stay."
            }
            Self::WrongRecord => {
                "Somebody lets the name lead elsewhere, then the primary is killed. It must be refused before anything is changed, and a person called."
            }
            Self::Approval => {
                "The plan asks a person before it fails over. Denied, it must be refused; unanswered, too; approved, it must go through. Who, when and why must be on record."
            }
            Self::PromotedRefusesWrites => {
                "The replica refuses writes once it is promoted, as with a full disk. Traffic must not be moved and a person must be called within a minute; once it is mended, a person's run must finish."
            }
            Self::Switchover => {
                "Both sides work, and a switchover is ordered. The old primary must prove its log's end and refuse every write from then on; no row may be lost, and the client may wait 1.5 s at most."
            }
        }
    }

    /// Whether it leaves the pair as it found it.
    #[must_use]
    pub fn leaves_all_as_it_was(self) -> bool {
        match self {
            Self::Blip => true,
            Self::PrimaryKilled
            | Self::ReplicaLagging
            | Self::Twice
            | Self::SecondFailover
            | Self::OrchestratorDied
            | Self::StaleWriter
            | Self::WrongRecord
            | Self::Approval
            | Self::PromotedRefusesWrites
            | Self::Switchover => false,
        }
    }
}

impl std::str::FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Self, UnknownScenario> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == name)
            .ok_or_else(|| UnknownScenario { name: name.chars().take(64).collect() })
    }
}

/// A name that no scenario has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario `{name}`: `lifeboat drill --list` names them")]
pub struct UnknownScenario {
    name: String,
}

/// Why a drill could not be carried out. A drill that was carried out and failed is a result, not an error.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// No lab.
    #[error("the lab is not up")]
    Machine(#[from] MachineError),
    /// No system.
    #[error("the drill could not be carried out")]
    System(#[from] SystemError),
    /// A host did not do what it was told.
    #[error("the disaster could not be made")]
    Disaster(#[from] RdsError),
    /// No client.
    #[error("the client could not be run")]
    Workload(#[from] WorkloadError),
    /// Nothing to read back.
    #[error("the rows could not be read back")]
    ReadBack(#[from] OrdersError),
    /// The engine could not be followed.
    #[error("the run could not be followed")]
    Follow(#[from] domain::failure::Failure),
    /// The evidence is not what it should be.
    #[error("the evidence `{key}` cannot be read")]
    Evidence {
        /// Its key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Nothing can be written.
    #[error("the drill's files cannot be written")]
    Files(#[from] std::io::Error),
}

/// Hears of a drill while it goes on.
pub trait Audience: Progress {
    /// The disaster has struck: times count from here.
    fn struck(&self, at: Timestamp);
    /// Something happened.
    fn moment(&self, moment: &Moment);
}

/// A lab with a protected system on it, ready for drills.
pub struct Stage {
    /// The lab.
    pub machine: Machine,
    /// The system.
    pub system: System,
    /// The people on call.
    pub pager: Pager,
    drills: u32,
    worn: bool,
}

impl Stage {
    /// Brings a lab up and puts the plan's system on it.
    ///
    /// # Errors
    /// [`DrillError`]; nothing is left running then.
    pub async fn set(
        plan: &Plan,
        slot: Option<crate::slot::Slot>,
        progress: &dyn Progress,
    ) -> Result<Self, DrillError> {
        let machine = Machine::start(slot, progress).await?;
        let system = machine.protect(plan, progress).await?;
        let pager = Pager::subscribe(&machine.gateway, system.plan.regions.recovery.as_str()).await?;
        Ok(Self { machine, system, pager, drills: 0, worn: false })
    }

    /// Runs a drill. After one that moved the primary, the pair is made anew first.
    ///
    /// # Errors
    /// [`DrillError`].
    pub async fn play(
        &mut self,
        scenario: Scenario,
        reproduce: &str,
        audience: &dyn Audience,
    ) -> Result<DrillResult, DrillError> {
        if self.worn {
            audience.step("restoring the pair as it was before the last drill");
            self.system.renew(&self.machine).await?;
        }
        self.worn = !scenario.leaves_all_as_it_was();
        self.drills += 1;
        let result = scenarios::play(self, scenario, reproduce, audience).await?;
        Ok(result)
    }

    /// Writes a result's files into a folder of its own.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, result: &DrillResult) -> Result<Written, DrillError> {
        let folder = self.folder(result);
        std::fs::create_dir_all(&folder)?;
        Ok(crate::report::write(&folder, result)?)
    }

    fn folder(&self, result: &DrillResult) -> PathBuf {
        let at = result.struck_at.strftime("%Y%m%dT%H%M%S");
        self.machine.programs.labs().join("drills").join(format!("{at}-{}", result.scenario))
    }

    /// Where the clients of this drill write.
    fn client_log(&self, name: &str) -> PathBuf {
        self.machine.folder.join(format!("{name}-{}.jsonl", self.drills))
    }

    /// The first id that this drill's clients write: far from every other drill's and from what was loaded.
    fn first_id(&self) -> i64 {
        i64::from(self.drills) * 100_000_000
    }

    /// Ends the lab.
    pub async fn strike(self) {
        self.machine.shut_down().await;
    }
}

/// How long a run may take in the lab before the drill gives it up.
const RUN_PATIENCE: Duration = Duration::from_secs(90);

/// Where it is measured.
fn environment(postgres_bin: Option<&Path>) -> Environment {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let mut versions = vec![("Lifeboat".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let postgres = postgres_bin.map_or_else(|| "postgres".into(), |bin| bin.join("postgres"));
    if let Ok(output) = std::process::Command::new(postgres).arg("--version").output() {
        versions.push((
            "PostgreSQL".to_owned(),
            String::from_utf8_lossy(&output.stdout).trim().replace("postgres (PostgreSQL) ", ""),
        ));
    }
    Environment {
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        system: format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease")),
        versions,
    }
}
