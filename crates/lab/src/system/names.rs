//! The application's own names: their zones, and where each leads in the lab.

use std::{collections::BTreeMap, net::Ipv4Addr};

use domain::{
    failover::traffic::RecordSet,
    plan::{ApplicationRecord, LoadBalancer, PairPlan, Plan, Target},
    words::{
        id::{Address, BadId, HostName, ZoneId},
        time_span::TimeSpan,
    },
};
use edge::route53::Route53;

use super::{System, SystemError, failed, record::zone_of};
use crate::{application::ApplicationError, local_aws::LocalAws};

/// Where the application's hosts are, to which CNAMEs and aliases lead.
const HOSTS: &str = "app.lifeboat.test";

/// What a name leads to on each side.
struct Sides {
    addresses: [Address; 2],
    hosts: [HostName; 2],
    /// The zone of the hosts.
    zone: ZoneId,
}

impl System {
    /// Gives the application's names zones, and lets them lead to the lab's application. The zones of the pairs' own records
    /// are known.
    pub(crate) async fn place_names(aws: &LocalAws, plan: &mut Plan) -> Result<(), SystemError> {
        let mut zones = BTreeMap::new();
        let pairs: Vec<PairPlan> = plan.pairs().collect();
        for (traffic, pair) in plan.traffic.iter_mut().zip(pairs) {
            if traffic.records.is_empty() {
                continue;
            }
            let sides = Sides::make(aws, &pair).await?;
            zones.insert(zone_of(traffic.record.name.as_str()).to_owned(), traffic.record.zone.clone());
            for record in &mut traffic.records {
                let zone = zone(aws, &pair, &mut zones, record.moved().name.as_str()).await?;
                sides.give_to(record, zone);
            }
        }
        Ok(())
    }

    /// Has the plan's resolvers be the lab's.
    pub(crate) fn ask_caches(aws: &LocalAws, plan: &mut Plan) -> Result<(), SystemError> {
        for resolvers in plan.traffic.iter_mut().map(|traffic| &mut traffic.resolvers) {
            for (resolver, cache) in resolvers.iter_mut().zip(aws.dns().caches()) {
                let address = cache.address().ip().to_string();
                *resolver = address.parse().map_err(failed("give a resolver an address"))?;
            }
        }
        Ok(())
    }

    /// Lets the application's names lead to the primary's side, in no generation, whatever they lead to now.
    pub(super) async fn point_the_application_to_primary(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let route53 = Route53::with(&aws.gateway.sdk_config(self.plan.regions.primary.as_str()));
        for name in self.plan.traffic.application() {
            point(&route53, &name.zone, RecordSet::leading_to(&name.name, &name.primary, name.ttl, false)).await?;
        }
        Ok(())
    }
}

/// Lets a name lead where this record says, in no generation, whatever it leads to now.
pub(super) async fn point(route53: &Route53, zone: &ZoneId, record: RecordSet) -> Result<(), SystemError> {
    let doing = || failed(format!("point `{}` to the primary's side", record.name));
    let name = record.name.parse::<HostName>().map_err(failed("read the name of a record"))?;
    let seen = route53.look(zone, &name).await.map_err(doing())?;
    let is_its_own = |record: &RecordSet| ["A", "CNAME"].contains(&record.kind.as_str());
    let old: Vec<RecordSet> = seen.records.into_iter().filter(is_its_own).chain(seen.generation).collect();
    route53.change(zone, &old, std::slice::from_ref(&record), "the lab".into()).await.map_err(doing())?;
    Ok(())
}

/// The zone of a name: one that there is, and holds it, or a new one.
pub(super) async fn zone(
    aws: &LocalAws,
    pair: &PairPlan,
    zones: &mut BTreeMap<String, ZoneId>,
    name: &str,
) -> Result<ZoneId, SystemError> {
    let holds = |domain: &str| name == domain || name.ends_with(&format!(".{domain}"));
    if let Some((_, zone)) = zones.iter().filter(|(domain, _)| holds(domain)).max_by_key(|(domain, _)| domain.len()) {
        return Ok(zone.clone());
    }
    let domain = zone_of(name);
    let zone = System::make_zone(aws, pair, domain, &format!("{}-{domain}", pair.plan)).await?;
    zones.insert(domain.to_owned(), zone.clone());
    Ok(zone)
}

impl Sides {
    async fn make(aws: &LocalAws, pair: &PairPlan) -> Result<Self, SystemError> {
        let ips = aws.addresses_of_the_application(&pair.plan).ok_or(ApplicationError::NoAddress)?;
        let domain = format!("{}.{HOSTS}", pair.plan);
        let zone = System::make_zone(aws, pair, &domain, &domain).await?;
        let named = |error: BadId| failed("name the application's hosts")(error);
        let address = |ip: Ipv4Addr| ip.to_string().parse::<Address>().map_err(named);
        let host_of = |side: &str| format!("{side}.{domain}").parse::<HostName>().map_err(named);
        let (at_home, away) = (address(ips[0])?, address(ips[1])?);
        let (home, there) = (host_of("primary")?, host_of("recovery")?);
        let host = |host: &HostName, address: &Address| {
            RecordSet::leading_to(host, &Target::Address(address.clone()), TimeSpan::default(), false)
        };
        let hosts = [host(&home, &at_home), host(&there, &away)];
        let route53 = Route53::with(&aws.gateway.sdk_config(pair.regions.primary.as_str()));
        let made = route53.change(&zone, &[], &hosts, "the application's hosts".into()).await;
        made.map_err(failed("make the application's hosts"))?;
        Ok(Self { addresses: [at_home, away], hosts: [home, there], zone })
    }

    fn give_to(&self, record: &mut ApplicationRecord, zone: ZoneId) {
        let [at_home, away] = self.addresses.clone();
        let [home, there] = self.hosts.clone();
        if let Some(checks) = record.health_checks_mut() {
            checks.primary.host = home.clone();
            if let Some(recovery) = &mut checks.recovery {
                recovery.host = there.clone();
            }
        }
        match record {
            ApplicationRecord::A(record) => {
                (record.zone, record.primary, record.recovery) = (zone, at_home, away);
            }
            ApplicationRecord::Cname(record) => {
                (record.zone, record.primary, record.recovery) = (zone, home, there);
            }
            ApplicationRecord::Alias(record) => {
                let balancer = |host: HostName| LoadBalancer { host, zone: self.zone.clone() };
                (record.zone, record.primary, record.recovery) = (zone, balancer(home), balancer(there));
            }
        }
    }
}
