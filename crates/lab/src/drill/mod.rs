//! Drills: a disaster made on purpose, what must happen then, and what happened.

mod clients;
mod follow;
mod invariants;
mod neighbours;
mod random;
mod scenario;
mod scenarios;
mod upkeep;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use domain::{plan::PairPlan, words::time_span::TimeSpan};
use jiff::Timestamp;
use rds_on_postgres::RdsError;

pub use neighbours::with_pair;
pub use random::RandomDrills;
pub use scenario::{Scenario, UnknownScenario};

use crate::{
    gateway::FaultsError,
    lab::{Lab, LabError},
    network::NoLink,
    report::{DrillResult, Environment, TimelineEntry, Written},
    setup::Progress,
    system::SystemError,
    workload::{WorkloadError, orders::OrdersError},
};

/// Why a drill could not be carried out. A drill that was carried out and failed is a result, not an error.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The lab.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// No faults.
    #[error("faults could not be injected into AWS's calls")]
    Faults(#[from] FaultsError),
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

/// Is told of a drill while it goes on.
pub trait Observer: Progress {
    /// The disaster has happened: times count from here.
    fn disaster(&self, at: Timestamp);
    /// Something happened.
    fn happened(&self, entry: &TimelineEntry);
}

/// Drills in a row on one lab.
pub struct Drills {
    /// The lab.
    pub lab: Lab,
    /// Other plans on the same AWS: there are none before the first drill of several plans.
    neighbours: Vec<Lab>,
    /// A plan on the same AWS whose Regions' health is looked at: there is none before the first drill that needs it.
    looked_at: Option<Lab>,
    /// How many were begun.
    begun: u32,
    /// The last one may have moved the primary.
    moved: bool,
    lead: Duration,
    answer_after: TimeSpan,
}

impl Drills {
    /// Drills on a lab that is up.
    #[must_use]
    pub const fn on(lab: Lab) -> Self {
        Self {
            lab,
            neighbours: Vec::new(),
            looked_at: None,
            begun: 0,
            moved: false,
            lead: Duration::ZERO,
            answer_after: TimeSpan::seconds(0),
        }
    }

    /// Runs a drill. After one that moved the primary, the pair is made anew first.
    ///
    /// # Errors
    /// [`DrillError`].
    pub async fn run(
        &mut self,
        scenario: Scenario,
        reproduce: &str,
        observer: &dyn Observer,
    ) -> Result<DrillResult, DrillError> {
        // A drill that was broken off may have left links cut.
        self.lab.aws.network.heal_all();
        if self.moved {
            observer.step("restoring the pair as it was before the last drill");
            self.lab.renew().await?;
        }
        self.moved = !scenario.leaves_all_as_it_was();
        self.begun += 1;
        if scenario.looks_at_health() {
            self.welcome_looked_at(observer).await?;
            let result = scenarios::run(self, scenario, reproduce, observer).await;
            self.retire_looked_at().await?;
            return result;
        }
        if !scenario.has_neighbours() {
            return scenarios::run(self, scenario, reproduce, observer).await;
        }
        self.welcome_neighbours(observer).await?;
        let result = scenarios::run(self, scenario, reproduce, observer).await;
        // Every other drill has the lab to itself.
        self.retire_neighbours().await?;
        result
    }

    /// Runs a drill whose disaster happens when the clients have been at work for `lead`.
    ///
    /// # Errors
    /// [`DrillError`].
    pub async fn run_after(
        &mut self,
        lead: Duration,
        scenario: Scenario,
        reproduce: &str,
        observer: &dyn Observer,
    ) -> Result<DrillResult, DrillError> {
        self.lead = lead;
        let result = self.run(scenario, reproduce, observer).await;
        self.lead = Duration::ZERO;
        result
    }

    /// From now on, whoever approves a failover answers only after this time.
    pub fn answer_after(&mut self, time: TimeSpan) {
        self.answer_after = time;
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

    /// On which plan a scenario is played.
    fn lab_of(&self, scenario: Scenario) -> &Lab {
        self.looked_at.as_ref().filter(|_| scenario.looks_at_health()).unwrap_or(&self.lab)
    }

    fn folder(&self, result: &DrillResult) -> PathBuf {
        let at = result.disaster_at.strftime("%Y%m%dT%H%M%S");
        self.lab.aws.programs.labs().join("drills").join(format!("{at}-{}", result.scenario))
    }

    /// Ends the lab.
    pub async fn shut_down(self) {
        drop((self.neighbours, self.looked_at));
        self.lab.shut_down().await;
    }
}

/// How long a run may take in the lab, without what its plan waits for: one that finds the primary well waits until the alarm
/// that started it rests, and the run after that one waits for its end.
const RUN_PATIENCE: Duration = Duration::from_secs(240);

/// How long a run of the plan may take to begin, and how long to come to its end, before the drill gives it up.
fn patience(plan: &PairPlan) -> Duration {
    RUN_PATIENCE + plan.detection().duration()
}

/// The first id that a drill's clients write: far from every other drill's and from what was loaded.
fn first_id(drill: u32) -> i64 {
    i64::from(drill) * 100_000_000
}

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
