//! Labs side by side: a case mostly waits.

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

/// Ends them.
pub async fn shut_down(labs: Vec<Lab>) {
    for lab in labs {
        lab.shut_down().await;
    }
}
