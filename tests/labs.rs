//! Labs side by side: a case mostly waits, and those that two cores bear take turns.

use std::process::{Command, Stdio};

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

/// How many cases may play, or labs be brought up, at once: with more, two cores miss the cases' time limits.
const AT_ONCE: usize = 2;

/// How many labs may be up at once. One in which nothing happens takes little, but its primary is watched twice a second.
static PLACES: Semaphore = Semaphore::const_new(2 * AT_ONCE);

/// The places of labs, as long as this lives.
pub type Places = SemaphorePermit<'static>;

/// Waits for so many places, and takes them at once: two that each hold one and wait for a second would wait for ever.
///
/// # Panics
/// Never: the places are not closed.
pub async fn places(count: u32) -> Places {
    PLACES.acquire_many(count).await.unwrap_or_else(|_| panic!("the places are closed"))
}

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Waits for a case's turn, which lasts as long as what this gives.
///
/// # Panics
/// Never: the turns are not closed.
pub async fn turn() -> SemaphorePermit<'static> {
    turns(1).await
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

/// Brings a plan's lab up, once there is a place for it.
///
/// # Errors
/// [`LabError`].
pub async fn start(plan: &Plan, told: &impl Progress) -> Result<(Lab, Places), LabError> {
    start_with(plan, Settings::default(), told).await
}

/// The same with more than a plan.
///
/// # Errors
/// [`LabError`].
pub async fn start_with(plan: &Plan, settings: Settings<'_>, told: &impl Progress) -> Result<(Lab, Places), LabError> {
    let place = places(1).await;
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
    let file = "plans/lab.yaml";
    let plan = domain::plan_file::read(&repository::text(file), file).unwrap_or_else(|error| panic!("{error}"));
    let places = places(count).await;
    let mut labs = Vec::new();
    for _ in 0..count {
        let lab = start_here(&plan, Settings::default(), &Shown).await?;
        lab.start_by_hand_only().await?;
        labs.push(lab);
    }
    Ok((labs, places))
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
