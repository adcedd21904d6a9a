//! Labs side by side: a case mostly waits, and those that two cores bear take turns.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use domain::plan::Plan;
use lab::{Lab, LabError, Settings, setup::Progress};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{listener::tell, repository};

struct Shown;

impl Progress for Shown {
    fn step(&self, what: &str) {
        tell(what);
    }
}

/// How many cases may play, or labs be brought up, at once: with more, two cores miss the cases' time limits. The last one
/// only while the machine has time to spare.
const AT_ONCE: usize = 3;

/// What share of the cores' time the last one needs.
const SPARE: f64 = 0.25;

/// For how long that is looked at.
const LOOKED_AT: Duration = Duration::from_secs(1);

/// How many labs of suites may be up at once: most have two, which go from case to case. One lab in which nothing happens takes
/// little, but its primary is watched twice a second.
static OF_SUITES: Semaphore = Semaphore::const_new(4);

/// How many labs of one case each, beside those: who takes longest, the suites, need not wait for any.
static OF_CASES: Semaphore = Semaphore::const_new(2);

/// How many labs of cases that mostly wait, and take no turns.
static WAITING: Semaphore = Semaphore::const_new(3);

/// The places of labs, as long as this lives.
pub type Places = SemaphorePermit<'static>;

/// Waits for a suite's places, and takes them at once: two that each hold one and wait for a second would wait for ever.
///
/// # Panics
/// Never: the places are not closed.
pub async fn places(count: u32) -> Places {
    of(&OF_SUITES, count).await
}

async fn of(places: &'static Semaphore, count: u32) -> Places {
    places.acquire_many(count).await.unwrap_or_else(|_| panic!("the places are closed"))
}

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Waits for a case's turn, which lasts as long as what this gives.
///
/// # Panics
/// Never: the turns are not closed.
pub async fn turn() -> SemaphorePermit<'static> {
    let turn = turns(1).await;
    while TURNS.available_permits() == 0 && spare().await < SPARE {}
    turn
}

/// What share of the cores' time nobody needed, or only who gives way to us, just now.
async fn spare() -> f64 {
    let before = cores();
    tokio::time::sleep(LOOKED_AT).await;
    // Where nobody counts, nobody waits.
    let (Some(before), Some(now)) = (before, cores()) else { return SPARE };
    (now.spare - before.spare) / (now.all - before.all).max(1.0)
}

/// What the cores did since the machine started.
#[derive(Debug)]
struct Cores {
    all: f64,
    spare: f64,
}

/// As Linux counts it: user, nice, system, idle, waiting for disks, interrupts, and what other machines took.
fn cores() -> Option<Cores> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let counts = stat.lines().next()?.split_whitespace().skip(1).take(8);
    let counts: Vec<f64> = counts.filter_map(|count| count.parse().ok()).collect();
    let [_, nice, _, idle, disks, ..] = counts.as_slice() else { return None };
    Some(Cores { all: counts.iter().sum(), spare: nice + idle + disks })
}

/// The turn of a case that leaves no time to spare: nothing else is played meanwhile.
///
/// # Panics
/// Never: the turns are not closed.
pub async fn alone() -> SemaphorePermit<'static> {
    turns(AT_ONCE).await
}

async fn turns(count: usize) -> SemaphorePermit<'static> {
    let count = u32::try_from(count).unwrap_or_else(|_| panic!("{count} turns"));
    TURNS.acquire_many(count).await.unwrap_or_else(|_| panic!("the turns are closed"))
}

/// Brings the lab of one case up, once there is a place for it.
///
/// # Errors
/// [`LabError`].
pub async fn start(plan: &Plan, told: &impl Progress) -> Result<(Lab, Places), LabError> {
    let place = of(&OF_CASES, 1).await;
    Ok((start_here(plan, Settings::default(), told).await?, place))
}

/// The same for a case that waits for minutes and takes no turn.
///
/// # Errors
/// [`LabError`].
pub async fn start_waiting(
    plan: &Plan,
    settings: Settings<'_>,
    told: &impl Progress,
) -> Result<(Lab, Places), LabError> {
    let place = of(&WAITING, 1).await;
    Ok((start_here(plan, settings, told).await?, place))
}

/// Brings a plan's lab up. The caller has a place for it.
///
/// # Errors
/// [`LabError`].
pub async fn start_here(plan: &Plan, settings: Settings<'_>, told: &impl Progress) -> Result<Lab, LabError> {
    let _turn = turn().await;
    Lab::start(plan, settings, told).await
}

/// Brings so many labs of the lab's plan up, in which runs begin only when someone starts them.
///
/// # Errors
/// [`LabError`].
///
/// # Panics
/// When the lab's plan cannot be used.
pub async fn started_by_hand_only(count: u32) -> Result<(Vec<Lab>, Places), LabError> {
    let (plan, places) = (lab_plan(), places(count).await);
    let mut labs = Vec::new();
    for _ in 0..count {
        let lab = start_here(&plan, Settings::default(), &Shown).await?;
        lab.start_by_hand_only().await?;
        labs.push(lab);
    }
    Ok((labs, places))
}

/// Brings one up for cases that wait for minutes and take no turn.
///
/// # Errors
/// [`LabError`].
///
/// # Panics
/// When the lab's plan cannot be used.
pub async fn waiting_by_hand_only() -> Result<(Lab, Places), LabError> {
    let (lab, place) = start_waiting(&lab_plan(), Settings::default(), &Shown).await?;
    lab.start_by_hand_only().await?;
    Ok((lab, place))
}

fn lab_plan() -> Plan {
    let file = "plans/lab.yaml";
    domain::plan_file::read(&repository::text(file), file).unwrap_or_else(|error| panic!("{error}"))
}

/// A shell that gives a command as RUNBOOK writes it: in the plan's recovery Region, with ours on the path.
///
/// # Panics
/// When cargo did not build the command.
#[must_use]
pub fn shell(lab: &Lab, command: &str) -> Command {
    let (aws, plan) = (&lab.aws, &lab.system.plan);
    let lifeboat = aws.programs.bootstrap("lifeboat");
    assert!(lifeboat.is_file(), "cargo did not build the command: {}", lifeboat.display());
    let folder = lifeboat.parent().unwrap_or(&lifeboat).display();
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .env_clear()
        .env("PATH", format!("{folder}:/usr/local/bin:/usr/bin:/bin"))
        .env("PLAN", plan.plan.as_str())
        .env("AWS_REGION", plan.regions.recovery.as_str())
        .env("AWS_ENDPOINT_URL", aws.gateway.endpoint())
        .env("LIFEBOAT_RESOLVER", aws.resolver().to_string())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stdin(Stdio::null());
    shell
}

/// Ends them.
pub async fn shut_down(labs: Vec<Lab>) {
    for lab in labs {
        lab.shut_down().await;
    }
}
