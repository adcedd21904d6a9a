//! Labs side by side: a case mostly waits.

use std::process::{Command, Stdio};

use lab::{Lab, LabError, setup::Progress};

use crate::{listener::tell, repository};

struct Shown;

impl Progress for Shown {
    fn step(&self, what: &str) {
        tell(what);
    }
}

/// Brings so many labs of the lab's plan up, in which runs begin only when someone starts them.
///
/// # Errors
/// [`LabError`].
///
/// # Panics
/// When the lab's plan cannot be used.
pub async fn started_by_hand_only(count: usize) -> Result<Vec<Lab>, LabError> {
    let file = "plans/lab.yaml";
    let plan = domain::plan_file::read(&repository::text(file), file).unwrap_or_else(|error| panic!("{error}"));
    let mut labs = Vec::new();
    for _ in 0..count {
        let lab = Lab::start(&plan, None, &Shown).await?;
        lab.start_by_hand_only().await?;
        labs.push(lab);
    }
    Ok(labs)
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
