//! The resolver, asked as a client would.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, HealthCheckConfig, HealthCheckType, ResourceRecord, ResourceRecordSet,
    ResourceRecordSetFailover, RrType,
};
use hickory_resolver::Resolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;

use super::*;

impl Lab {
    /// What the resolver answers: each record as its TTL and value.
    pub(crate) async fn ask(&self, name: &str, kind: RecordType) -> Result<Vec<(u32, String)>, Box<dyn Error>> {
        let mut udp = ConnectionConfig::udp();
        udp.port = self.slot.dns().port();
        let server = NameServerConfig::new(self.slot.dns().ip(), true, vec![udp]);
        let mut options = ResolverOpts::default();
        options.cache_size = 0;
        let config = ResolverConfig::from_parts(None, vec![], vec![server]);
        let resolver =
            Resolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options).build()?;
        let answers = resolver.lookup(name, kind).await?;
        Ok(answers.answers().iter().map(|record| (record.ttl, record.data.to_string())).collect())
    }

    pub(crate) async fn zone(&self, name: &str) -> Result<String, Box<dyn Error>> {
        let route53 = Client::new(&self.config("us-east-1"));
        let made = route53.create_hosted_zone().name(name).caller_reference(name).send().await?;
        Ok(made.hosted_zone.ok_or("no zone")?.id)
    }

    pub(crate) async fn put(&self, zone: &str, set: ResourceRecordSet) -> Outcome {
        let route53 = Client::new(&self.config("us-east-1"));
        let change = Change::builder().action(ChangeAction::Upsert).resource_record_set(set).build()?;
        let batch = ChangeBatch::builder().changes(change).build()?;
        route53.change_resource_record_sets().hosted_zone_id(zone).change_batch(batch).send().await?;
        Ok(())
    }
}

pub(crate) fn set(name: &str, kind: RrType, ttl: i64, value: &str) -> Result<ResourceRecordSet, Box<dyn Error>> {
    let value = ResourceRecord::builder().value(value).build()?;
    Ok(ResourceRecordSet::builder().name(name).r#type(kind).ttl(ttl).resource_records(value).build()?)
}

#[test]
fn a_changed_record_is_served_at_once_with_its_ttl() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let zone = lab.zone("change.test").await?;
        for number in 1..=20 {
            let host = format!("db-{number}.elsewhere.example");
            lab.put(&zone, set("DB.change.test", RrType::Cname, 0, &host)?).await?;
            assert_eq!(lab.ask("dB.Change.test.", RecordType::CNAME).await?, [(0, format!("{host}."))]);
        }
        Ok(())
    })
}

#[test]
fn a_name_for_an_instance_is_followed_to_its_address() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let zone = lab.zone("follow.test").await?;
        let instance = "orders-a.eu-central-1.rds.lifeboat.test";
        lab.put(&zone, set("db.follow.test", RrType::Cname, 1, instance)?).await?;
        let answer = lab.ask("db.follow.test.", RecordType::A).await?;
        assert_eq!(answer, [(1, format!("{instance}.")), (5, "127.77.1.100".to_owned())]);
        Ok(())
    })
}

#[test]
fn a_name_that_is_not_there_differs_from_one_without_such_a_record() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let zone = lab.zone("absent.test").await?;
        lab.put(&zone, set("here.absent.test", RrType::Txt, 60, "\"word\"")?).await?;
        assert_eq!(lab.ask("here.absent.test.", RecordType::TXT).await?, [(60, "word".to_owned())]);
        let code = async |name: &str| match lab.ask(name, RecordType::A).await {
            Ok(found) => format!("{found:?}"),
            Err(error) => format!("{error:?}"),
        };
        assert!(code("here.absent.test.").await.contains("response_code: NoError"));
        assert!(code("gone.absent.test.").await.contains("response_code: NXDomain"));
        assert!(code("unknown.elsewhere.").await.contains("Refused"));
        Ok(())
    })
}

#[test]
fn an_inverted_health_check_sends_traffic_to_the_secondary_when_its_target_answers() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let zone = lab.zone("marker.test").await?;
        let marker = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = i32::from(marker.local_addr()?.port());
        let route53 = Client::new(&lab.config("us-east-1"));
        let check = HealthCheckConfig::builder()
            .r#type(HealthCheckType::Tcp)
            .ip_address("127.0.0.1")
            .port(port)
            .request_interval(10)
            .failure_threshold(1)
            .inverted(true)
            .build()?;
        let made = route53.create_health_check().caller_reference("marker").health_check_config(check).send().await?;
        let check = made.health_check.ok_or("no check")?.id;
        for (id, failover, host) in [
            ("primary", ResourceRecordSetFailover::Primary, "192.0.2.1"),
            ("secondary", ResourceRecordSetFailover::Secondary, "192.0.2.2"),
        ] {
            let value = ResourceRecord::builder().value(host).build()?;
            let set = ResourceRecordSet::builder()
                .name("db.marker.test")
                .r#type(RrType::A)
                .ttl(5)
                .set_identifier(id)
                .failover(failover)
                .set_health_check_id((id == "primary").then(|| check.clone()))
                .resource_records(value)
                .build()?;
            lab.put(&zone, set).await?;
        }
        let started = Instant::now();
        while lab.ask("db.marker.test.", RecordType::A).await? != [(5, "192.0.2.2".to_owned())] {
            assert!(started.elapsed() < Duration::from_secs(30), "the primary is still served");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    })
}
