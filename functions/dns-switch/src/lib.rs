//! `DnsSwitch`: moves the traffic's record to the new primary, by compare and swap.
//!
//! - in: [`DnsSwitch`], samples in `events/dns-switch.json` and `events/dns-switch-rehearsal.json`
//! - out: [`Step<Switch>`]: `Done` once the change is INSYNC and the authoritative servers answer it, `Pending` until then,
//!   `Refused` where the record is not the plan's or a newer generation moved it
//! - changes: one atomic batch: the CNAME and the generation's TXT beside it; safe to repeat
//! - fails with: `InvalidInput`, `Superseded`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::{future::Future, net::SocketAddr};

use domain::{
    failover::{
        run::Run,
        traffic::{self, Move, RecordSet, Seen},
    },
    run::step::Step,
    words::{
        failure::Failure,
        id::{HostName, ZoneId},
    },
};
use edge::{
    dns::{self, Dns, NameServer, Said},
    route53::Route53,
    shelf::{self, Shelf},
    states::{Owners, still_runs},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info;

/// What is moved; `change` is the batch of an earlier ask. A rehearsal only looks whether it could be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DnsSwitch {
    run: Run,
    #[serde(default)]
    change: Option<String>,
    #[serde(default)]
    rehearse: bool,
}

/// What was moved.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Switch {
    /// The change batch, while one is known.
    change: Option<String>,
    /// Where the name leads now.
    target: HostName,
}

/// The zone, and who answers for it.
pub trait Zone {
    /// What the name's records are.
    fn look(&self, zone: &ZoneId, name: &HostName) -> impl Future<Output = Result<Seen, Failure>>;
    /// Asks for one atomic batch, and gives its id.
    fn change(
        &self,
        zone: &ZoneId,
        delete: &[RecordSet],
        create: &[RecordSet],
        comment: String,
    ) -> impl Future<Output = Result<String, Failure>>;
    /// Whether all of Route 53's servers have a batch.
    fn is_insync(&self, change: &str) -> impl Future<Output = Result<bool, Failure>>;
    /// What the zone's authoritative servers answer.
    fn answers(&self, zone: &ZoneId, name: &HostName) -> impl Future<Output = Result<Answers, Failure>>;
}

/// What is answered for a name.
pub enum Answers {
    /// By each authoritative server.
    Each(Vec<Said>),
    /// By nobody that a function outside the zone's networks could ask: the zone is private.
    Private,
}

/// Handles an event, as the head of this file says.
pub async fn handle(
    shelf: &impl Shelf,
    owners: &impl Owners,
    zone: &impl Zone,
    event: Value,
) -> Result<Step<Switch>, Failure> {
    let DnsSwitch { run, change, rehearse } = edge::parse(event, "DnsSwitch")?;
    let pair = run.protected()?;
    let (id, name, target) = (&run.plan.traffic.record.zone, &run.plan.traffic.record.name, &pair.replica.endpoint);
    let (held, seen) = tokio::join!(shelf::held_lease(shelf, &run), zone.look(id, name));
    // A rehearsal changes nothing, so that it needs no lease.
    if !rehearse {
        held?;
    }
    let seen = seen?;
    let next = traffic::plan(&seen, &run);
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), record.name = %name, ?seen, ?next, "planned the switch");
    if rehearse {
        return rehearsed(zone, id, name, next, &seen).await;
    }
    let change = match next {
        Move::Refuse(why) => return Ok(Step::refused(why, &seen)),
        Move::Keep => change,
        Move::Swap { delete, create } => {
            still_runs(owners, &run).await?;
            Some(zone.change(id, &delete, &create, comment(&run)).await?)
        }
    };
    let switch = Switch { change: change.clone(), target: target.clone() };
    if let Some(change) = &change
        && !zone.is_insync(change).await?
    {
        return Ok(Step::under_way(format!("change {change} is not on every server yet"), &seen, switch));
    }
    let answers = match zone.answers(id, name).await? {
        Answers::Each(answers) => answers,
        Answers::Private if change.is_some() => {
            let because = format!(
                "`{name}` leads to `{target}` on all of Route 53's servers; its zone is private: the checks look it up from inside"
            );
            return Ok(Step::done(because, &seen, switch));
        }
        // Another run wrote it. Written again as it is, it has a change whose end can be asked for.
        Answers::Private => {
            still_runs(owners, &run).await?;
            let change = zone.change(id, &seen.records, &seen.records, comment(&run)).await?;
            let switch = Switch { change: Some(change), ..switch };
            return Ok(Step::under_way(format!("`{name}` is written; its zone is private"), &seen, switch));
        }
    };
    if let Some(behind) = answers.iter().find(|said| said.alias.as_ref() != Ok(target)) {
        let answer = behind.alias.as_ref().map_or_else(Clone::clone, |elsewhere| format!("`{elsewhere}`"));
        let because = format!(
            "`{}`, an authoritative server of `{name}`, does not answer `{target}` yet: {answer}",
            behind.server
        );
        return Ok(Step::under_way(because, &seen, switch));
    }
    if answers.is_empty() {
        return Ok(Step::under_way(format!("no authoritative server of `{name}` is known"), &seen, switch));
    }
    Ok(Step::done(format!("`{name}` leads to `{target}` on {} authoritative servers", answers.len()), &seen, switch))
}

/// What Route 53 keeps with a change.
fn comment(run: &Run) -> String {
    format!("lifeboat plan={} generation={} execution={}", run.plan.plan, run.generation, run.execution.name())
}

/// What a rehearsal answers: whether the record is the plan's, and whether its servers can be asked.
async fn rehearsed(
    zone: &impl Zone,
    id: &ZoneId,
    name: &HostName,
    next: Move,
    seen: &Seen,
) -> Result<Step<Switch>, Failure> {
    if let Move::Refuse(why) = next {
        return Ok(Step::refused(why, seen));
    }
    let answers = match zone.answers(id, name).await? {
        Answers::Each(answers) => answers,
        Answers::Private => {
            let could = format!(
                "`{name}` could be moved now; its zone is private: Route 53 says when all of its servers have it"
            );
            return Ok(Step::settled(could, seen));
        }
    };
    if let Some((server, why)) = answers.iter().find_map(|said| Some((&said.server, said.alias.as_ref().err()?))) {
        let because = format!("`{server}`, an authoritative server of `{name}`, does not answer: {why}");
        return Ok(Step::refused(because, seen));
    }
    if answers.is_empty() {
        return Ok(Step::refused(format!("no authoritative server of `{name}` is known"), seen));
    }
    let could = format!("`{name}` could be moved now; {} authoritative servers answer for it", answers.len());
    Ok(Step::settled(could, seen))
}

/// Route 53, and the zone's servers.
pub struct World {
    route53: Route53,
    resolver: Dns,
    name_servers: Vec<SocketAddr>,
}

impl World {
    /// As the environment says.
    ///
    /// # Errors
    /// `InvalidInput` where something in it is wrong.
    pub async fn from_env() -> Result<Self, Failure> {
        Ok(Self {
            route53: Route53::from_env().await,
            resolver: Dns::from_env()?,
            name_servers: edge::config::name_servers()?,
        })
    }

    /// The zone's servers, of which it has four. `None` where no public server answers for it.
    async fn servers(&self, zone: &ZoneId) -> Result<Option<Vec<NameServer>>, Failure> {
        if !self.name_servers.is_empty() {
            return Ok(Some(self.name_servers.iter().copied().map(NameServer::from).collect()));
        }
        let Some(names) = self.route53.name_servers(zone).await? else { return Ok(None) };
        Ok(Some(self.resolver.name_servers(&names).await))
    }
}

impl Zone for World {
    async fn look(&self, zone: &ZoneId, name: &HostName) -> Result<Seen, Failure> {
        self.route53.look(zone, name).await
    }

    async fn change(
        &self,
        zone: &ZoneId,
        delete: &[RecordSet],
        create: &[RecordSet],
        comment: String,
    ) -> Result<String, Failure> {
        self.route53.change(zone, delete, create, comment).await
    }

    async fn is_insync(&self, change: &str) -> Result<bool, Failure> {
        self.route53.is_insync(change).await
    }

    async fn answers(&self, zone: &ZoneId, name: &HostName) -> Result<Answers, Failure> {
        let Some(servers) = self.servers(zone).await? else { return Ok(Answers::Private) };
        Ok(Answers::Each(dns::ask_each(&servers, name).await?))
    }
}

#[cfg(test)]
mod tests;
