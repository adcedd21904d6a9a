//! An account that may have no more snapshots.

use jiff::Timestamp;

use super::Drill;
use crate::{
    drill::DrillError,
    report::{Actor, DrillResult, Ending, Event},
};

/// What an account may have by default.
const USUAL: usize = 100;

impl Drill<'_> {
    pub(super) async fn quota_full(&mut self) -> Result<DrillResult, DrillError> {
        let result = self.without_room().await;
        // Also after an error: the next backup needs room.
        self.lab.aws.rds.limit_snapshots(USUAL);
        result
    }

    async fn without_room(&mut self) -> Result<DrillResult, DrillError> {
        let (aws, regions) = (&self.lab.aws, &self.plan().regions);
        // A first backup, so that a quota can be full.
        let clients = self.patient_clients().await?;
        let began_at = self.begun();
        let first = self.backup("a backup while there is room", 0, Ending::Complete).await?;
        let before = [self.snapshots(&regions.primary).await?.len(), self.snapshots(&regions.recovery).await?.len()];
        let most = before[0];
        aws.rds.limit_snapshots(most);
        let told = format!("{most} snapshots in {}, and no more are allowed", regions.primary);
        self.happened(Timestamp::now(), Event::QuotaFull, told, Actor::Disaster);
        aws.gateway.faults().forget_calls().await?;

        let full = self.backup("a backup without room", 1, Ending::Failed).await?;
        let says = format!("{} has {most} manual snapshots of {most}", regions.primary);
        let because = full.result.because.clone();
        self.check("it says that the quota is full, where, and what to do", because.contains(&says), because);
        let calls = aws.gateway.faults().calls().await?;
        let asked = calls.iter().filter(|call| call.operation == "CreateDBSnapshot").count();
        self.check("RDS was not even asked", asked == 0, format!("{asked} calls of CreateDBSnapshot"));
        let after = [self.snapshots(&regions.primary).await?.len(), self.snapshots(&regions.recovery).await?.len()];
        self.check("nothing was made", before == after, format!("{before:?} snapshots before, {after:?} after"));
        let at = self.scheduled(1).to_string();
        self.called("a person is told, with the command that completes it", |told| {
            told.subject.contains("FAILED")
                && told.message.contains(&says)
                && told.message.contains(&format!("--at {at}"))
        })
        .await?;

        aws.rds.limit_snapshots(USUAL);
        let told = format!("{USUAL} snapshots are allowed");
        self.happened(Timestamp::now(), Event::Undone, told, Actor::Disaster);
        let whole = self.backup("the same backup, with room", 1, Ending::Complete).await?;
        let places = whole.taken().map_or(0, |taken| taken.places.len());
        self.check("the same backup is completed", places == 2, format!("it is in {places} Regions"));
        let runs = vec![first.result, full.result, whole.result];
        self.undisturbed(began_at, runs, clients).await
    }
}
