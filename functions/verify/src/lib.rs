//! `Verify`: runs the plan's checks: against the new side after a failover, of a backup, and against what was restored of it.
//!
//! - in: [`OfRun`] or [`Verify`], samples in `events/verify.json` (a new side), `events/verify-backup.json` and `events/verify-restored.json`
//! - out: [`Step<Vec<Checked>>`], [`Step<Examined>`], [`Step<Verified>`]: `Done`, `Pending` while something cannot be asked,
//!   or a public resolver of the plan may still have the old answer, and of a new side or a restored database `Refused` when a check failed
//! - changes: the tag `lifeboat:verified-at` of a backup that was restored and passed every check; safe to repeat
//! - fails with: `InvalidInput`, `NotFound`, `AwsTransient`, `AwsDenied`, `AwsRejected`

mod backup;
mod checks;
mod new_side;
mod restored;
mod world;

use domain::{
    failover::run::Run,
    restore::{Examined, Verified},
    run::{step::Step, verification::Checked},
    words::failure::Failure,
};
use edge::{clock, object_store::ObjectStore};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use backup::Backups;
pub use new_side::NewSide;
pub use restored::Database;
pub use world::World;

/// The new side of a run that moved the primary.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfRun {
    run: Box<Run>,
    /// Whether names of the application were left where they are: nobody waits for these.
    #[serde(default)]
    unmoved: bool,
    /// What was found before, where this is asked again: what has passed is not asked again.
    #[serde(default)]
    before: Option<Vec<Checked>>,
}

/// What else is verified.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Verify {
    /// A backup, without restoring it.
    Backup(Box<backup::Request>),
    /// What was restored of it.
    Restored(Box<restored::Request>),
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Of a new side.
    NewSide(Step<Vec<Checked>>),
    /// Of a backup.
    Backup(Step<Examined>),
    /// Of what was restored of it.
    Restored(Step<Verified>),
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    store: &impl ObjectStore,
    world: &(impl NewSide + Backups + Database),
    event: Value,
) -> Result<Answer, Failure> {
    if event.get("run").is_some() {
        let OfRun { run, unmoved, before } = edge::parse(event, "Verify")?;
        let before = before.unwrap_or_default();
        return new_side::verify(world, &run, unmoved, &before).await.map(Answer::NewSide);
    }
    match edge::parse(event, "Verify")? {
        Verify::Backup(request) => backup::verify(world, store, *request, clock::now()).await.map(Answer::Backup),
        Verify::Restored(request) => restored::verify(world, *request, clock::now()).await.map(Answer::Restored),
    }
}
