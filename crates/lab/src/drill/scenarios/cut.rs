//! A primary that lives, and some who cannot see it.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Drill;
use crate::{
    drill::{DrillError, follow::Runs},
    network::Vantage,
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::SystemError,
};

impl Drill<'_> {
    pub(super) async fn cut_off(&mut self) -> Result<DrillResult, DrillError> {
        self.unseen_by(&[Vantage::Recovery, Vantage::Replication], "it is we who are cut off").await
    }

    pub(super) async fn replica_still_streaming(&mut self) -> Result<DrillResult, DrillError> {
        self.unseen_by(&[Vantage::Recovery, Vantage::Witness, Vantage::Primary], "its log still flows to the replica")
            .await
    }

    /// Cuts these vantages off the primary, which serves its clients as before: the run must refuse for
    /// this reason, and nobody notice.
    async fn unseen_by(&mut self, vantages: &[Vantage], reason: &str) -> Result<DrillResult, DrillError> {
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let host = self.primary_host()?;
        let disaster_at = Timestamp::now();
        self.observer.disaster(disaster_at);
        self.cut(vantages, host)?;
        let run = runs.next().await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        self.check(format!("the run says that {reason}"), evidence.because.contains(reason), &evidence.because);
        let healed_at = self.heal(host);
        clients.first_after(healed_at).await?;
        let logs = clients.stop().await?;
        let run = RunResult::of("automatic failover", Ending::Refused, evidence);
        self.result(disaster_at, vec![run], &logs, None, None, HeldTo { rto: true, rpo: true }).await
    }

    /// The address of the primary's host.
    pub(super) fn primary_host(&self) -> Result<Ipv4Addr, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let instance = aws.rds.instance(&system.primary()).ok_or_else(|| SystemError::Plan {
            plan: system.plan.plan.to_string(),
            why: "its primary does not exist".into(),
        })?;
        Ok(instance.address)
    }

    pub(super) fn cut(&mut self, vantages: &[Vantage], host: Ipv4Addr) -> Result<(), DrillError> {
        for vantage in vantages {
            self.lab.aws.network.cut(*vantage, host)?;
        }
        let names: Vec<&str> = vantages.iter().map(|vantage| vantage.name()).collect();
        let detail = format!("`{}` from {}", self.lab.system.primary().id, names.join(", "));
        self.happened(Timestamp::now(), Event::LinksCut, detail, Actor::Disaster);
        Ok(())
    }

    /// Heals every link; answers when.
    pub(super) fn heal(&mut self, host: Ipv4Addr) -> Timestamp {
        self.lab.aws.network.heal_all();
        let healed_at = Timestamp::now();
        self.happened(healed_at, Event::LinksHealed, format!("all to {host}"), Actor::Disaster);
        healed_at
    }
}
