//! Labs side by side: a case mostly waits.

use lab::{
    drill::{DrillError, Stage},
    setup::Progress,
};

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
/// [`DrillError`].
///
/// # Panics
/// When the lab's plan cannot be used.
pub async fn started_by_hand_only(labs: usize) -> Result<Vec<Stage>, DrillError> {
    let file = "plans/lab.yaml";
    let plan = domain::plan_file::read(&repository::text(file), file).unwrap_or_else(|error| panic!("{error}"));
    let mut stages = Vec::new();
    for _ in 0..labs {
        let stage = Stage::set(&plan, None, &Shown).await?;
        stage.system.start_by_hand_only(&stage.machine).await?;
        stages.push(stage);
    }
    Ok(stages)
}

/// Ends them.
pub async fn strike(stages: Vec<Stage>) {
    for stage in stages {
        stage.strike().await;
    }
}
