//! From a question to its answer.

use std::net::Ipv4Addr;
use std::sync::Arc;

use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::{Name, RData, Record, RecordType, rdata};
use tracing::warn;

use super::answer::Answer;
use super::health::Checks;
use super::name_servers::{self, NameServer};
use super::routing::choose;
use super::zones::{RecordSet, Zone, Zones, ZonesFile};

/// CNAMEs and aliases followed for one question; a longer chain is a loop.
const LONGEST_CHAIN: usize = 8;

/// The TTL of an RDS instance's endpoint, as AWS serves it.
const INSTANCE_TTL_SECONDS: u32 = 5;

/// Finds the address of a database instance by its endpoint's name, lower case, without the last dot.
pub type Instances = Arc<dyn Fn(&str) -> Option<Ipv4Addr> + Send + Sync>;

/// All that questions are answered from.
pub(super) struct Directory {
    pub(super) zones: Arc<ZonesFile>,
    pub(super) instance_domain: String,
    pub(super) instances: Instances,
    pub(super) name_servers: Vec<Arc<NameServer>>,
    pub(super) checks: Checks,
}

impl Directory {
    /// Answers a question from these zones; a resolver, which knows `instances`, from all that the lab has. Names that
    /// whoever is asked is not responsible for are refused.
    pub(super) fn look_up(
        &self,
        zones: &Zones,
        instances: Option<&Instances>,
        name: &Name,
        kind: RecordType,
    ) -> Answer {
        let mut answer = Answer::empty(ResponseCode::NoError);
        let mut owner = name.clone();
        for _ in 0..LONGEST_CHAIN {
            let lower = owner.to_lowercase();
            if let Some(instances) = instances
                && self.look_up_host(instances, &owner, &lower, kind, &mut answer)
            {
                return answer;
            }
            let next = if let Some(zone) = zones.responsible(&lower) {
                self.look_up_in(zone, zones, &owner, &lower, kind, &mut answer)
            } else {
                // The end of a chain that leaves what we know: the asker goes on from there.
                if answer.records.is_empty() {
                    answer.code = ResponseCode::Refused;
                }
                None
            };
            match next {
                Some(target) => owner = target,
                None => return answer,
            }
        }
        warn!(%name, "a chain of names does not end");
        Answer::empty(ResponseCode::ServFail)
    }

    /// Adds the address of a host that is in no zone; `false` where this is no such host's name.
    fn look_up_host(
        &self,
        instances: &Instances,
        owner: &Name,
        lower: &Name,
        kind: RecordType,
        to: &mut Answer,
    ) -> bool {
        if Name::from_ascii(&self.instance_domain).is_ok_and(|domain| domain.zone_of(lower)) {
            look_up_instance(instances, owner, lower, kind, to);
            return true;
        }
        name_servers::look_up(&self.name_servers, owner, lower, kind, to)
    }

    /// Adds what the zone holds; answers the name to go on with after a CNAME.
    fn look_up_in(
        &self,
        zone: &Zone,
        zones: &Zones,
        owner: &Name,
        lower: &Name,
        kind: RecordType,
        answer: &mut Answer,
    ) -> Option<Name> {
        answer.authoritative |= answer.records.is_empty();
        let named = sets_of(zone, lower);
        let asked: Vec<&RecordSet> = named.iter().copied().filter(|set| set.kind == kind).collect();
        let chosen = self.choose(&asked, zones);
        let values: Vec<Record> =
            chosen.iter().flat_map(|set| self.records(set, zones, owner, kind, LONGEST_CHAIN)).collect();
        if !values.is_empty() {
            answer.records.extend(values);
            return None;
        }
        let aliases: Vec<&RecordSet> = named.iter().copied().filter(|set| set.kind == RecordType::CNAME).collect();
        for set in self.choose(&aliases, zones) {
            for record in self.records(set, zones, owner, RecordType::CNAME, LONGEST_CHAIN) {
                let target = if let RData::CNAME(target) = &record.data { Some(target.0.clone()) } else { None };
                answer.records.push(record);
                if target.is_some() {
                    return target;
                }
            }
        }
        // A name that only has names below it exists too.
        if named.is_empty() && !zone.sets.iter().any(|set| lower.zone_of(&set.name)) {
            answer.code = ResponseCode::NXDomain;
        }
        answer.soa = soa(zone);
        None
    }

    fn choose<'a>(&self, candidates: &[&'a RecordSet], zones: &Zones) -> Vec<&'a RecordSet> {
        let healthy =
            |set: &RecordSet| set.check.as_ref().is_none_or(|check| self.checks.is_healthy(check, &zones.checks));
        // Without a random number weighted routing would still answer, only not by weight.
        choose(candidates, &healthy, getrandom::u32().unwrap_or(0))
    }

    /// A set's records under the name that was asked for; an alias answers with its target's.
    fn records(&self, set: &RecordSet, zones: &Zones, owner: &Name, kind: RecordType, depth: usize) -> Vec<Record> {
        if let Some(target) = &set.alias {
            let Some(zone) = zones.responsible(target).filter(|_| depth > 0) else { return Vec::new() };
            let named: Vec<&RecordSet> = sets_of(zone, target).into_iter().filter(|set| set.kind == kind).collect();
            let chosen = self.choose(&named, zones);
            return chosen.iter().flat_map(|set| self.records(set, zones, owner, kind, depth - 1)).collect();
        }
        set.values.iter().filter_map(|value| record(owner, set, value)).collect()
    }
}

/// Adds the address of an instance.
fn look_up_instance(instances: &Instances, owner: &Name, lower: &Name, kind: RecordType, answer: &mut Answer) {
    let text = lower.to_ascii();
    match instances(text.trim_end_matches('.')) {
        Some(address) => {
            answer.authoritative |= answer.records.is_empty();
            if kind == RecordType::A {
                let data = RData::A(rdata::A(address));
                answer.records.push(Record::from_rdata(owner.clone(), INSTANCE_TTL_SECONDS, data));
            }
        }
        None => answer.code = ResponseCode::NXDomain,
    }
}

/// The sets of a name, or those of the wildcard that stands for it.
fn sets_of<'a>(zone: &'a Zone, name: &Name) -> Vec<&'a RecordSet> {
    let exact: Vec<&RecordSet> = zone.sets.iter().filter(|set| set.name == *name).collect();
    if !exact.is_empty() || zone.sets.iter().any(|set| name.zone_of(&set.name)) {
        return exact;
    }
    let mut base = name.base_name();
    while zone.name.zone_of(&base) {
        let wildcard = base.prepend_label("*");
        let found: Vec<&RecordSet> =
            zone.sets.iter().filter(|set| wildcard.as_ref().is_ok_and(|wildcard| set.name == *wildcard)).collect();
        if !found.is_empty() || zone.sets.iter().any(|set| set.name == base) || base.is_root() {
            return found;
        }
        base = base.base_name();
    }
    Vec::new()
}

fn record(owner: &Name, set: &RecordSet, value: &str) -> Option<Record> {
    match RData::try_from_str(set.kind, value) {
        Ok(data) => Some(Record::from_rdata(owner.clone(), set.ttl_seconds, absolute(data))),
        Err(error) => {
            warn!(name = %owner, kind = %set.kind, value, %error, "a record's value cannot be read");
            None
        }
    }
}

/// Route 53 takes every name in a value as absolute, with or without its last dot.
fn absolute(mut data: RData) -> RData {
    if let RData::CNAME(rdata::CNAME(name)) | RData::NS(rdata::NS(name)) = &mut data {
        name.set_fqdn(true);
    }
    data
}

fn soa(zone: &Zone) -> Option<Record> {
    let set = zone.sets.iter().find(|set| set.kind == RecordType::SOA && set.name == zone.name)?;
    record(&zone.name, set, set.values.first()?)
}
