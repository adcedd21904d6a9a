//! The zones' name servers, found and asked as the engine does on AWS.

use std::net::SocketAddr;

use aws_sdk_route53::types::RrType;
use domain::failover::traffic::{Asked, ServerAnswer, Told};
use domain::words::id::{HostName, ZoneId};
use edge::dns::{NameServer, ask_each};
use edge::route53::Route53;
use hickory_resolver::proto::rr::RecordType;
use lab::dns::{Conduct, NAMES};

use super::names::set;
use super::*;

/// The name servers where they answer: elsewhere than on their own port, where the lab may not listen on that.
fn servers(dns: &Dns) -> Vec<NameServer> {
    let address = |server: &lab::dns::NameServer| Ok(server.address());
    dns.name_servers()
        .iter()
        .map(|server| NameServer { name: server.name().into(), address: address(server) })
        .collect()
}

/// What each says, in their order.
async fn asked(dns: &Dns, name: &HostName) -> Result<Vec<Result<HostName, String>>, Box<dyn Error>> {
    let said = ask_each(&servers(dns), name, Asked::Host).await?;
    assert_eq!(said.iter().map(|said| said.server.as_str()).collect::<Vec<_>>(), NAMES);
    let host = |told: Told| match told {
        Told::Host(host) => Ok(host),
        Told::Addresses(_) => Err(format!("{told} is no host")),
    };
    Ok(said.into_iter().map(|ServerAnswer { told, .. }| told.and_then(host)).collect())
}

/// What the resolver answers, without its TTL, which a client cuts at a day.
async fn data(lab: &Lab, name: &str, kind: RecordType) -> Result<Vec<String>, Box<dyn Error>> {
    Ok(lab.ask(name, kind).await?.into_iter().map(|(_, data)| data).collect())
}

#[test]
fn a_zone_is_delegated_to_the_name_servers_that_the_lab_has() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let zone: ZoneId = lab.zone("delegated.test").await?.trim_start_matches("/hostedzone/").parse()?;
        let delegation = Route53::with(&lab.config("us-east-1")).name_servers(&zone).await?;
        assert_eq!(delegation.ok_or("the zone is public")?, NAMES);
        assert_eq!(data(lab, "delegated.test.", RecordType::NS).await?, NAMES.map(|name| format!("{name}.")));
        Ok(())
    })
}

#[test]
fn a_name_server_is_found_by_its_name_although_it_has_an_address_that_leads_nowhere() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        for name in NAMES {
            assert_eq!(data(lab, &format!("{name}."), RecordType::AAAA).await?, ["2001:db8::35"]);
        }
        let resolver = edge::dns::Dns::asking(&[lab.slot.dns()], true)?;
        let found = resolver.name_servers(&NAMES.map(str::to_owned)).await;
        let addresses: Vec<_> = found.into_iter().map(|server| server.address).collect();
        assert_eq!(addresses, lab.slot.name_servers().map(Ok));
        Ok(())
    })
}

#[test]
fn a_name_server_knows_zones_and_no_hosts() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let first = &lab.dns.name_servers()[0];
        let asking = edge::dns::Dns::asking(&[first.address()], false)?;
        let host: HostName = "orders-a.eu-central-1.rds.lifeboat.test".parse()?;
        for host in [host, first.name().parse()?] {
            let why = asking.address(&host).await.unwrap_err();
            assert!(why.contains("Refused"), "{why}");
        }
        Ok(())
    })
}

#[test]
fn name_servers_are_asked_side_by_side_and_one_that_is_silent_or_behind_is_no_other_s() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let zone = lab.zone("spread.test").await?;
        let name: HostName = "db.spread.test".parse()?;
        let (old, new) = ("old.example".parse::<HostName>()?, "new.example".parse::<HostName>()?);
        let point_to =
            async |host: &HostName| lab.put(&zone, set("db.spread.test", RrType::Cname, 0, host.as_str())?).await;
        point_to(&old).await?;
        assert_eq!(asked(&lab.dns, &name).await?, [&old; 4].map(|old| Ok(old.clone())));
        let [_, second, third, fourth] = lab.dns.name_servers() else { return Err("four".into()) };
        second.behave(Conduct::Silent);
        third.behave(Conduct::Silent);
        fourth.behave(Conduct::Behind { answers: 2 });
        point_to(&new).await?;
        let began = Instant::now();
        let said = asked(&lab.dns, &name).await?;
        let took = began.elapsed();
        // Three tries of a second each. One after the other they would take six.
        assert!((Duration::from_secs(2)..Duration::from_secs(5)).contains(&took), "{took:?}");
        assert_eq!((&said[0], &said[3]), (&Ok(new.clone()), &Ok(old.clone())));
        assert!(said[1..3].iter().all(|said| said.as_ref().is_err_and(|why| why.contains("timed out"))), "{said:?}");
        second.behave(Conduct::Answers);
        third.behave(Conduct::Fails);
        let began = Instant::now();
        let said = asked(&lab.dns, &name).await?;
        // A failure is an answer: nobody waits for another one.
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!((&said[0], &said[1], &said[3]), (&Ok(new.clone()), &Ok(new.clone()), &Ok(old)));
        assert!(said[2].as_ref().is_err_and(|why| why.contains("Server Failure")), "{said:?}");
        third.behave(Conduct::Answers);
        assert_eq!(asked(&lab.dns, &name).await?, [&new; 4].map(|new| Ok(new.clone())), "all have caught up");
        Ok(())
    })
}

#[test]
fn where_their_port_is_taken_they_answer_beside_the_resolver() -> Outcome {
    let held = lab::slot::take(None)?;
    let zones_file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("zones-{}.json", held.slot));
    let record = json!({ "Name": "db.beside.test.", "Type": "CNAME", "TTL": "0", "ResourceRecords": ["new.example"] });
    let zones = json!({
        "zones": [{ "key": "Z1", "value": { "name": "beside.test." } }],
        "records": [{ "key": "Z1", "value": [record] }],
        "healthChecks": [],
    });
    std::fs::write(&zones_file, zones.to_string())?;
    let [first, others @ ..] = held.slot.name_servers();
    let taken = std::net::UdpSocket::bind((first.ip(), 0))?;
    let port = taken.local_addr()?.port();
    let name_servers = [first, others[0], others[1], others[2]].map(|server| SocketAddr::new(server.ip(), port));
    Runtime::new()?.block_on(async {
        let dns = Dns::serve(DnsConfig {
            listen: held.slot.dns(),
            name_servers,
            caches: held.slot.caches().map(|cache| SocketAddr::new(cache.ip(), port)),
            zones_file,
            instance_domain: "rds.lifeboat.test".to_owned(),
            instances: Arc::new(|_| None),
            views: Vec::new(),
        })
        .await?;
        let hidden = dns.hidden().ok_or("they are on a port that is taken")?.to_string();
        assert!(hidden.contains(&taken.local_addr()?.to_string()), "{hidden}");
        let new: HostName = "new.example".parse()?;
        assert_eq!(asked(&dns, &"db.beside.test".parse()?).await?, [&new; 4].map(|new| Ok(new.clone())));
        Ok(())
    })
}
