//! What the engine knows of an execution's way through its states.

use std::{future::Future, time::Duration};

use domain::{
    record::evidence::StateVisit,
    words::{failure::Failure, id::ExecutionArn},
};
use edge::states::{History, States};
use tracing::warn;

/// Who knows what an execution has been through.
pub trait Chronicle {
    /// Its states so far.
    fn history(&self, execution: &ExecutionArn) -> impl Future<Output = Result<History, Failure>>;
}

impl Chronicle for States {
    async fn history(&self, execution: &ExecutionArn) -> Result<History, Failure> {
        States::history(self, execution).await
    }
}

/// How long the engine may take to tell the history, all pages and tries of it: half of what the function has.
pub(crate) const HISTORY_PATIENCE: Duration = Duration::from_secs(15);

/// The execution's states. A run is closed without them: its evidence and its lease wait for nobody.
pub(crate) async fn told(
    chronicle: &impl Chronicle,
    execution: &ExecutionArn,
    patience: Duration,
) -> Result<(Vec<StateVisit>, u64), String> {
    let why = match tokio::time::timeout(patience, chronicle.history(execution)).await {
        Ok(Ok(History { visits, transitions })) => return Ok((visits, transitions)),
        Ok(Err(failure)) => failure.chain(),
        Err(_) => format!("the history of {execution} was not told within {} s", patience.as_secs()),
    };
    warn!(execution.name = execution.name(), why, "the evidence has no timeline");
    Err(why)
}
