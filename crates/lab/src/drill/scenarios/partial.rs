//! A Region that takes no copy.

use super::Drill;
use crate::{
    drill::DrillError,
    gateway::{Caller, Fault, How, When},
    report::{DrillResult, Ending},
};

impl Drill<'_> {
    pub(super) async fn partial_failure(&mut self) -> Result<DrillResult, DrillError> {
        let result = self.without_a_copy().await;
        // Also after an error: the next backup must be copied.
        self.lab.aws.gateway.faults().heal().await?;
        result
    }

    async fn without_a_copy(&mut self) -> Result<DrillResult, DrillError> {
        let regions = &self.plan().regions;
        let clients = self.patient_clients().await?;
        let began_at = self.begun();
        let fault = Fault::new(When::Before, How::Denied).by(Caller::Function("lifeboat-snapshot".into()));
        let fault = fault.of("rds").operation("CopyDBSnapshot").in_region(regions.recovery.as_str());
        self.spoil(&[fault], &format!("{} refuses every copy", regions.recovery)).await?;
        let poor = self.backup("a backup", 0, Ending::Partial).await?;
        let names_it = poor.result.because.contains("cannot copy snapshot");
        self.check("it says what is missing, and why", names_it, &poor.result.because);
        let (name, kept) = poor.taken().map(|taken| (taken.snapshot.clone(), taken.clone())).unzip();
        let name = name.unwrap_or_default();
        let missing: Vec<String> =
            kept.iter().flat_map(|taken| &taken.missing).map(|missing| missing.region.to_string()).collect();
        let only = missing == [regions.recovery.as_str()];
        self.check("the manifest names the Region that lacks it", only, format!("missing: {}", missing.join(", ")));
        let original = self.snapshot(&regions.primary, &name).await?;
        let there = original.as_ref().and_then(|found| found.status()).unwrap_or("not there").to_owned();
        let claim = format!("what there is stays, in {}", regions.primary);
        self.check(claim, there == "available", there);
        let plan = self.plan().plan.to_string();
        self.called("a person is told that it is incomplete", |told| {
            told.subject.contains("INCOMPLETE") && told.message.contains(&plan) && told.message.contains("--at")
        })
        .await?;
        self.healed(1).await?;

        let whole = self.backup("the same backup again", 0, Ending::Complete).await?;
        let again = self.snapshot(&regions.primary, &name).await?;
        let taken_at = [&original, &again].map(|found| found.as_ref().and_then(|found| found.snapshot_create_time()));
        let database = kept.as_ref().map(|taken| &taken.database);
        let same = taken_at[0].is_some()
            && taken_at[0] == taken_at[1]
            && database.is_some()
            && database == whole.taken().map(|taken| &taken.database);
        let found = taken_at.map(|at| at.map_or("never".to_owned(), ToString::to_string)).join(" and ");
        self.check("what was there was not taken anew", same, format!("taken at {found}"));
        let copy = self.snapshot(&regions.recovery, &name).await?;
        let copied = copy.as_ref().and_then(|found| found.status()).unwrap_or("not there").to_owned();
        self.check("what was missing is there", copied == "available", copied);
        self.undisturbed(began_at, vec![poor.result, whole.result], clients).await
    }
}
