//! The application in front of the database, and the names that it is asked by.

use std::sync::Arc;

use domain::{
    failover::traffic::RecordSet,
    plan::{Target, Traffic},
    words::{
        id::{HostName, ZoneId},
        time_span::TimeSpan,
    },
};
use edge::route53::Route53;

use super::{System, SystemError, failed, names, record::zone_of};
use crate::{
    application::{Application, ApplicationError, Asked, Work},
    local_aws::LocalAws,
    workload::Place,
};

/// The TTL of the application's names.
const TTL: TimeSpan = TimeSpan::seconds(5);

impl System {
    /// Starts the application on both sides, if the plan's checks ask for one, and lets its names lead to the primary's.
    pub(super) async fn start_application(&mut self, aws: &LocalAws) -> Result<(), SystemError> {
        let asked = Asked::by(&self.whole);
        if asked.is_empty() {
            return Ok(());
        }
        let addresses = aws.addresses_of_the_application(&self.plan.plan).ok_or(ApplicationError::NoAddress)?;
        for (side, address) in ["primary", "recovery"].into_iter().zip(addresses) {
            let name = self.plan.traffic.record.name.to_string();
            let database = Place::Name { name, resolver: aws.resolver() };
            let work = Work { side, access: self.access(aws)?, database, port: self.pair.primary.port };
            let application = Application::serve(address.into(), &asked, &aws.authority, work).await?;
            self.applications.push(Arc::new(application));
        }
        let [at_home, _] = addresses;
        let at_home = Target::Address(at_home.to_string().parse().map_err(failed("name the application's host"))?);
        let route53 = Route53::with(&aws.gateway.sdk_config(self.plan.regions.primary.as_str()));
        // The plan's own records are the run's to move, and their zones may hold others.
        let own: Vec<(ZoneId, HostName)> = self.whole.traffic.iter().flat_map(Traffic::names).collect();
        let mut zones = own.iter().map(|(zone, name)| (zone_of(name.as_str()).to_owned(), zone.clone())).collect();
        for host in asked.hosts.iter().filter(|host| !own.iter().any(|(_, name)| name.as_str() == **host)) {
            let zone = names::zone(aws, &self.plan, &mut zones, host).await?;
            let host: HostName = host.parse().map_err(failed("read the name of the application's host"))?;
            names::point(&route53, &zone, RecordSet::leading_to(&host, &at_home, TTL, false)).await?;
        }
        Ok(())
    }

    /// Ends the application's servers on the primary's side.
    pub(crate) async fn stop_the_application(&self) {
        for application in self.applications.iter().take(1) {
            application.stop().await;
        }
    }

    /// Starts them again.
    pub(crate) async fn start_the_application(&self) -> Result<(), SystemError> {
        for application in self.applications.iter().take(1) {
            application.start().await?;
        }
        Ok(())
    }
}
