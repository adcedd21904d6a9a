//! Drills: a disaster made on purpose, what must happen then, and what happened.

mod clients;
mod draw;
mod follow;
mod invariants;
mod scenario;
mod scenarios;
mod upkeep;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use domain::{plan::Plan, words::span::Span};
use jiff::Timestamp;

pub use draw::Draw;

use rds_on_postgres::RdsError;

pub use scenario::{Scenario, UnknownScenario};

use crate::{
    footprint::Footprint,
    gateway::{Caller, Fault, How, When},
    machine::{Machine, MachineError},
    manners::Manners,
    network::NoLink,
    pager::{self, Pager},
    protection::{self, ProtectionError},
    report::{DrillResult, Environment, Moment, Written},
    setup::Progress,
    system::{System, SystemError},
    workload::{WorkloadError, orders::OrdersError},
};

/// Why a drill could not be carried out. A drill that was carried out and failed is a result, not an error.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// No lab.
    #[error("the lab is not up")]
    Machine(#[from] MachineError),
    /// No system, or no engine for it.
    #[error("the plan could not be put onto the lab")]
    Protection(#[from] ProtectionError),
    /// No faults.
    #[error("AWS's calls could not be spoiled")]
    Faults(#[from] crate::gateway::FaultsError),
    /// No system.
    #[error("the drill could not be carried out")]
    System(#[from] SystemError),
    /// A host did not do what it was told.
    #[error("the disaster could not be made")]
    Disaster(#[from] RdsError),
    /// A link that is not there.
    #[error("the network could not be changed")]
    Network(#[from] NoLink),
    /// No client.
    #[error("the client could not be run")]
    Workload(#[from] WorkloadError),
    /// Nothing to read back.
    #[error("the rows could not be read back")]
    ReadBack(#[from] OrdersError),
    /// The engine could not be followed.
    #[error("the run could not be followed")]
    Follow(#[from] domain::words::failure::Failure),
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
    lead: Duration,
    answer_after: Span,
    manners: Manners,
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
        let system = protection::protect(&machine, plan, progress).await?;
        let notices = machine.folder.join(pager::NOTICES);
        let pager = Pager::subscribe(&machine.gateway, system.plan.regions.recovery.as_str(), &notices).await?;
        Ok(Self {
            machine,
            system,
            pager,
            drills: 0,
            worn: false,
            lead: Duration::ZERO,
            answer_after: Span::seconds(0),
            manners: Manners::default(),
        })
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
        // A drill that broke off may have left them cut.
        self.machine.network.heal_all();
        if self.worn {
            audience.step("restoring the pair as it was before the last drill");
            // The lab's own way of starting anew is no drill.
            let manners = std::mem::take(&mut self.manners);
            if manners != Manners::Instant {
                self.machine.mind(Manners::Instant, &self.system.plan).await?;
            }
            self.system.renew(&self.machine).await?;
            self.mind(manners).await?;
        }
        self.worn = !scenario.leaves_all_as_it_was();
        self.drills += 1;
        let result = scenarios::play(self, scenario, reproduce, audience).await?;
        Ok(result)
    }

    /// Runs a drill whose disaster strikes when the clients have been at work for `lead`.
    ///
    /// # Errors
    /// [`DrillError`].
    pub async fn play_after(
        &mut self,
        lead: Duration,
        scenario: Scenario,
        reproduce: &str,
        audience: &dyn Audience,
    ) -> Result<DrillResult, DrillError> {
        self.lead = lead;
        let played = self.play(scenario, reproduce, audience).await;
        self.lead = Duration::ZERO;
        played
    }

    /// How AWS behaves.
    #[must_use]
    pub const fn manners(&self) -> Manners {
        self.manners
    }

    /// Lets AWS behave so from now on.
    ///
    /// # Errors
    /// [`DrillError`].
    pub async fn mind(&mut self, manners: Manners) -> Result<(), DrillError> {
        if manners == self.manners {
            return Ok(());
        }
        self.manners = manners;
        self.machine.mind(manners, &self.system.plan).await?;
        // Functions that nothing but a backup calls. With readiness, no other one sleeps.
        let faults = self.machine.gateway.faults();
        faults.heal().await?;
        for function in SLEEPERS {
            let asleep = Fault::new(When::Before, How::Asleep).by(Caller::States).operation("Invoke");
            faults.set(&asleep.target(function).first(1)).await?;
        }
        Ok(())
    }

    /// Lets whoever approves a failover answer only after so long.
    pub fn answer_after(&mut self, long: Span) {
        self.answer_after = long;
    }

    /// What the lab takes of the machine now, without the functions that only wait for their next call: how many those
    /// are is chance.
    ///
    /// # Errors
    /// [`DrillError`].
    pub async fn footprint(&self) -> Result<Footprint, DrillError> {
        let ended = self.machine.gateway.faults().end_idle_environments().await;
        ended.map_err(|error| SystemError::Aws {
            doing: "end the functions that wait".into(),
            why: domain::words::failure::chain(&error),
        })?;
        Ok(Footprint::of(&self.machine)?)
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

    /// How long a run of the plan may take to begin, and how long to come to its end, before the drill gives it up.
    fn patience(&self) -> Duration {
        RUN_PATIENCE + self.system.plan.detection().duration()
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

/// Functions that sleep where AWS minds its manners.
const SLEEPERS: [&str; 5] =
    ["lifeboat-open-backup", "lifeboat-snapshot", "lifeboat-restore", "lifeboat-close-backup", "lifeboat-cleanup"];

/// How long a run may take in the lab, without what its plan waits for.
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
