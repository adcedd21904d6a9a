//! Several pairs of one plan: each has a lease, a watch and runs of its own, and one order fails all of them over.

use std::process::Output;

use domain::{
    component::ActiveSide,
    failover::lease::Lease,
    plan_file,
    run::outcome::RunOutcome,
    words::id::{ExecutionArn, PlanName},
};
use edge::object_store;
use lab::{
    Lab,
    drill::with_pair,
    system::System,
    workload::{Place, Server},
};
use serde_json::Value;
use tests::{labs, listener::Listener, repository};

struct World {
    lab: Lab,
    rows: std::cell::Cell<i64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pairs_are_judged_before_the_first_is_fenced_and_moved_in_the_order_given() {
    let file = "plans/lab.yaml";
    let plan = plan_file::read(&repository::text(file), file).unwrap();
    let plan = with_pair(plan, "ledger").unwrap();
    let (lab, _place) = labs::start(&plan, &Listener::default()).await.unwrap();
    let _turn = labs::turn().await;
    let world = World { lab, rows: std::cell::Cell::new(5_000_000) };
    world.lab.start_by_hand_only().await.unwrap();
    world.one_that_works_keeps_all_where_they_are().await;
    world.a_wrong_order_names_its_field().await;
    world.both_are_moved_in_the_order_given().await;
    world.what_is_moved_already_is_not_moved_again().await;
    world.the_first_stays_the_first_and_none_is_left_before_it_is_over().await;
    world.lab.shut_down().await;
}

impl World {
    fn pairs(&self) -> [&System; 2] {
        [&self.lab.system, &self.lab.further[0]]
    }

    /// Neither the one that works nor the one that is dead is touched.
    async fn one_that_works_keeps_all_where_they_are(&self) {
        let [orders, ledger] = self.pairs();
        self.kill(ledger).await;
        let (code, told) = self.lifeboat("failover --plan lab --all --by anna --why 'both are down, they say'").await;
        assert_eq!(code, 3, "{told}");
        assert!(told.contains("1 of 2 pairs are not failed over now: `lab`: "), "{told}");
        assert!(told.contains("the primary answers") && told.contains("FailoverAllRefused"), "{told}");
        for pair in self.pairs() {
            assert_eq!(self.lease(&pair.plan.plan).await, None, "no run was opened");
        }
        let served = self.write(orders).await.unwrap();
        assert_eq!(served.address, self.address(orders, ActiveSide::Primary), "the pair that works goes on");
        let subject = "Lifeboat: failover of several pairs of lab: refused";
        let told =
            self.lab.pager.notice(jiff::Timestamp::UNIX_EPOCH, "the refusal", |told| told.subject == subject).await;
        assert!(told.unwrap().message.contains("FailoverAllRefused"));
    }

    async fn a_wrong_order_names_its_field(&self) {
        for (order, code, says) in [
            (
                "failover --plan lab --pairs stock --by anna --why x",
                3,
                "request.pairs: no traffic of plan `lab` leads to `stock`",
            ),
            (
                "failover --plan lab --pairs ledger,ledger --by anna --why x",
                3,
                "request.pairs: `ledger` is named twice",
            ),
            ("failover --plan lab.ledger --all --by anna --why x", 1, "name the plan, `lab`"),
            (
                "failover --plan lab.stock --by anna --why x",
                1,
                "plan `lab` has no pair `lab.stock`; it has: `lab.orders`, `lab.ledger`",
            ),
            ("failover --plan lab --all --pairs ledger --by anna --why x", 2, "cannot be used with"),
        ] {
            let (ended, told) = self.lifeboat(order).await;
            assert!(ended == code && told.contains(says), "{order}: {ended}: {told}");
        }
    }

    async fn both_are_moved_in_the_order_given(&self) {
        let [orders, ledger] = self.pairs();
        self.kill(orders).await;
        let order = "failover --plan lab --pairs ledger,orders --by anna --why 'the Region is lost' --accept-data-loss";
        let (code, told) = self.lifeboat(order).await;
        assert_eq!(code, 0, "{told}");
        let mut runs = Vec::new();
        for pair in [ledger, orders] {
            let lease = self.lease(&pair.plan.plan).await.unwrap();
            let last = lease.last.clone().unwrap();
            assert_eq!((lease.active, last.outcome), (ActiveSide::Replica, RunOutcome::Done), "{}", lease.plan);
            assert_eq!(lease.component.as_ref(), Some(&pair.plan.traffic.component));
            let served = self.write(pair).await.unwrap();
            assert_eq!(served.address, self.address(pair, ActiveSide::Replica), "{}", lease.plan);
            let prefix = format!("evidence/{}/", lease.plan);
            let kept = pair.keys(&self.lab.aws, &prefix).await.unwrap();
            assert!(kept.iter().any(|key| key.contains(last.execution.name())), "{kept:?}");
            runs.push(self.span(&last.execution).await);
        }
        assert!(runs[0].1 <= runs[1].0, "the ledger's run ended before the orders' one began: {runs:?}");
        let (_, told) = self.lifeboat("status lab --json").await;
        let status: Value = serde_json::from_str(told.lines().next().unwrap_or_default()).unwrap();
        let plans: Vec<&str> = status.as_array().unwrap().iter().filter_map(|pair| pair["plan"].as_str()).collect();
        assert_eq!(plans, ["lab", "lab.ledger"]);
        let (_, told) = self.lifeboat("status lab.ledger").await;
        assert!(told.contains("ledger-replica") && !told.contains("orders-replica"), "{told}");
    }

    async fn what_is_moved_already_is_not_moved_again(&self) {
        let (code, told) = self.lifeboat("failover --plan lab --all --by anna --why 'once more'").await;
        assert!(code == 3 && told.contains("2 of 2 pairs are not failed over now"), "{code}: {told}");
        assert!(told.contains("its replication has not been restored since"), "{told}");
    }

    /// What a plan's file may not say any more while its pairs are where they are.
    async fn the_first_stays_the_first_and_none_is_left_before_it_is_over(&self) {
        let whole = &self.lab.system.whole;
        let (mut without, mut turned) = (whole.clone(), whole.clone());
        without.traffic.truncate(1);
        without.verify.retain(|check| check.component().is_some_and(|of| of.as_str() == "orders"));
        turned.traffic.rotate_left(1);
        for (plan, says) in [
            (without, "the pair `lab.ledger` is taken out of the plan, and "),
            (turned, "`orders` comes first in plan `lab`"),
        ] {
            let file = self.lab.aws.folder.join("changed.json");
            std::fs::write(&file, serde_json::to_string(&plan).unwrap()).unwrap();
            let (code, told) = self.lifeboat(&format!("plan apply {} --yes", file.display())).await;
            assert!(code == 1 && told.contains(says), "{code}: {told}");
        }
        let (code, told) = self.lifeboat("plan remove lab.ledger --region us-west-2 --yes").await;
        assert!(code == 2 && told.contains("is one pair of plan `lab`"), "{code}: {told}");
    }

    async fn kill(&self, pair: &System) {
        self.lab.aws.rds.kill(&pair.primary()).await.unwrap();
        pair.noticed(&self.lab.aws).await.unwrap();
    }

    async fn lease(&self, plan: &PlanName) -> Option<Lease> {
        let text = self.lab.system.object(&self.lab.aws, &object_store::lease_key(plan)).await.unwrap()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    /// When a run began and ended.
    async fn span(&self, run: &ExecutionArn) -> (f64, f64) {
        let region = self.lab.system.plan.regions.recovery.as_str();
        let states = aws_sdk_sfn::Client::new(&self.lab.aws.gateway.sdk_config(region));
        let told = states.describe_execution().execution_arn(run.as_str()).send().await.unwrap();
        (told.start_date().as_secs_f64(), told.stop_date().unwrap().as_secs_f64())
    }

    /// Writes a row as the application would, wherever the pair's name leads.
    async fn write(&self, pair: &System) -> Result<Server, String> {
        let name = pair.plan.traffic.record.name.to_string();
        let row = self.rows.replace(self.rows.get() + 1);
        let place = Place::Name { name, resolver: self.lab.aws.resolver() };
        pair.write_as_the_application(&self.lab.aws, &place, row).await.unwrap()
    }

    fn address(&self, pair: &System, side: ActiveSide) -> std::net::IpAddr {
        let name = match side {
            ActiveSide::Primary => pair.primary(),
            ActiveSide::Replica => pair.replica(),
        };
        self.lab.aws.rds.instance(&name).unwrap().address.into()
    }

    /// Gives a command of ours in the recovery Region; its exit code and what it says.
    async fn lifeboat(&self, words: &str) -> (i32, String) {
        let mut shell = labs::shell(&self.lab, &format!("lifeboat {words}"));
        // The lab's own services go on meanwhile.
        let ran: Output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        let told = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (ran.status.code().unwrap(), told)
    }
}
