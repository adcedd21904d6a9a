//! What must hold once clients are served again.

use std::time::{Duration, Instant};

use domain::{component::ActiveSide, record::evidence::Evidence, run::outcome::RunOutcome};
use lab::workload::{Place, Server};
use rds_on_postgres::Name;

use super::world::{Ended, LOOK_AGAIN, World};

/// How long a guard may take to shut an old primary that returned open.
const GUARD_PATIENCE: Duration = Duration::from_secs(30);

/// The timeline of a database that was never promoted.
const FIRST_TIMELINE: u32 = 1;

impl World<'_> {
    /// Writes a row as the application would, at one instance.
    pub(super) async fn write_at(&self, name: &Name) -> Result<Server, String> {
        let view = self.lab.aws.rds.instance(name).unwrap();
        self.write(&Place::Host { address: view.address.into(), host: view.host_name }).await.1
    }

    /// Writes a row wherever the name leads; gives it with who took it.
    pub(super) async fn write_by_name(&self) -> (i64, Result<Server, String>) {
        let name = self.plan().traffic.record.name.to_string();
        self.write(&Place::Name { name, resolver: self.lab.aws.resolver() }).await
    }

    async fn write(&self, place: &Place) -> (i64, Result<Server, String>) {
        let (aws, system, row) = (&self.lab.aws, &self.lab.system, self.row());
        (row, system.write_as_the_application(aws, place, row).await.unwrap())
    }

    /// The run finished, or another one before it: the replica is the primary, it alone takes the application's writes, and
    /// the name leads to it.
    pub(super) async fn served_by_the_replica(&self, ended: &Ended) {
        let system = &self.lab.system;
        let record = ended.record();
        self.bring_back().await;
        let new = self.write_at(&system.replica()).await.unwrap_or_else(|why| panic!("the new primary: {why}"));
        let old = self.write_at(&system.primary()).await;
        let by_name = self.write_by_name().await.1.unwrap_or_else(|why| panic!("through the name: {why}"));
        assert_eq!(by_name.address, new.address, "where the name leads");
        assert_eq!(new.timeline, FIRST_TIMELINE + 1, "it is promoted once");
        if let Ok(server) = &old {
            assert!(!fenced(record), "it says fenced, and {server:?} takes writes");
            self.shut_by_its_guard().await;
        }
        self.lease_says(ActiveSide::Replica).await;
        assert_eq!(record.active, ActiveSide::Replica, "by the record");
        let promotion = record.record.promotion.as_ref().and_then(|step| step.did.as_ref());
        if record.outcome == RunOutcome::Done {
            let promotion = promotion.unwrap_or_else(|| panic!("done, and no promotion in the record"));
            assert_eq!(promotion.timeline, new.timeline, "by the record");
        }
        claims_no_more_than_its_end(ended);
    }

    /// Nothing was promoted: the primary takes the application's writes and the replica none, and the name leads to it.
    pub(super) async fn served_by_the_primary(&self, ended: &Ended) {
        let system = &self.lab.system;
        let old = self.write_at(&system.primary()).await.unwrap_or_else(|why| panic!("the primary: {why}"));
        let new = self.write_at(&system.replica()).await;
        assert!(new.is_err(), "the replica takes writes too: {new:?}");
        let by_name = self.write_by_name().await.1.unwrap_or_else(|why| panic!("through the name: {why}"));
        assert_eq!(by_name.address, old.address, "where the name leads");
        self.lease_says(ActiveSide::Primary).await;
        let record = ended.record();
        assert_eq!(record.active, ActiveSide::Primary, "by the record");
        assert_eq!(record.infrastructure, Vec::<String>::new(), "nothing is to be changed");
        assert!(record.record.promotion.as_ref().is_none_or(|step| step.did.is_none()), "nothing was promoted");
        claims_no_more_than_its_end(ended);
    }

    /// Nobody holds the lease, nothing is owed, and it names the side that takes writes.
    async fn lease_says(&self, active: ActiveSide) {
        let lease = self.lease().await;
        assert_eq!(lease.active, active, "by the lease");
        assert_eq!((&lease.holder, &lease.unfinished, &lease.shut), (&None, &None, &None), "what the lease has left");
        if active == ActiveSide::Primary {
            assert_eq!(lease.guard, None, "the primary that serves is guarded");
        }
    }

    async fn shut_by_its_guard(&self) {
        let began = Instant::now();
        while self.write_at(&self.lab.system.primary()).await.is_ok() {
            assert!(began.elapsed() < GUARD_PATIENCE, "both sides take writes after {GUARD_PATIENCE:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// What is in a table of the application on one side, by the service's own word.
    pub(super) async fn rows_at(&self, name: &Name, rows: &[i64]) -> usize {
        let database = self.lab.system.pair.database.as_str();
        let ids: Vec<String> = rows.iter().map(ToString::to_string).collect();
        let query = format!("select id from orders where id in ({})", ids.join(", "));
        self.lab.aws.rds.ask(name, database, &query).await.unwrap().len()
    }
}

/// Whether the record says that the old primary is fenced.
pub(super) fn fenced(evidence: &Evidence) -> bool {
    let did = evidence.record.fencing.as_ref().and_then(|step| step.did.as_ref());
    did.is_some_and(|did| did.fenced)
}

/// The record's end is the run's own, and measures a recovery only where there was one.
fn claims_no_more_than_its_end(ended: &Ended) {
    let record = ended.record();
    let outcome = match ended.end.as_str() {
        // Stopped once its record was written: then it says what the run would have ended with.
        "ABORTED" => record.outcome,
        _ => ended.outcome().unwrap_or(RunOutcome::NeedsAPerson),
    };
    assert_eq!(record.outcome, outcome, "{}: {}", ended.end, record.because);
    let measured = record.objective.as_ref().and_then(|objective| objective.rto_measured_seconds);
    // Since when clients were unserved nobody knows where an earlier run had shut the primary before it failed anew.
    let found_shut = record.record.open_run.as_ref().is_some_and(|step| !step.seen["shut"].is_null());
    let measures = measured.is_some() || outcome == RunOutcome::Done && found_shut;
    assert_eq!(measures, outcome == RunOutcome::Done, "{:?}", record.objective);
}
