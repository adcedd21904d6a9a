//! Who may order: what a plan says of it is held to whoever AWS says gave the order, on a lab with IAM enforced.

use std::{process::Output, time::Duration};

use aws_sdk_cloudformation::types::Capability;
use domain::{
    failover::{
        approval::Reply,
        run::{RunKind, Trigger},
    },
    plan::{DataLossBudget, Plan, Policy},
    plan_file,
    record::evidence::Evidence,
    run::outcome::RunOutcome,
    words::{id::PlanName, time_span::TimeSpan},
};
use edge::object_store;
use lab::{Lab, drill::with_pair, system::System};
use serde_json::{Value, json};
use tests::{labs, listener::Listener, repository};

/// What these roles may do is not what an order is held to: a developer may do everything.
fn people() -> Value {
    let role = |name: &str, action: &str| {
        let trusts = json!([{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]);
        let may = json!([{"Effect": "Allow", "Action": action, "Resource": "*"}]);
        json!({"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": name,
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trusts},
            "Policies": [{"PolicyName": "may", "PolicyDocument": {"Version": "2012-10-17", "Statement": may}}],
        }})
    };
    json!({"Resources": {"OnCall": role("lab-on-call", "sts:AssumeRole"), "Developer": role("lab-developer", "*")}})
}

struct World {
    lab: Lab,
    operators: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_by_the_plan_orders_and_approves_whatever_else_they_may_do() {
    let file = "plans/lab.yaml";
    let plan = plan_file::read(&repository::text(file), file).unwrap();
    let plan = with_pair(plan, "ledger").unwrap();
    let (lab, _place) = labs::start(&plan, &Listener::default()).await.unwrap();
    let _turn = labs::turn().await;
    lab.start_by_hand_only().await.unwrap();
    let world = World::of(lab).await;
    world.an_order_by_nobody_or_somebody_else_is_refused().await;
    world.who_may_order_does_and_is_on_record().await;
    world.an_approval_is_an_order_as_well().await;
    world.the_runs_of_an_order_for_several_are_as_good_as_it_is().await;
    world.lab.shut_down().await;
}

impl World {
    /// With the engine's own operators as those who may order.
    async fn of(lab: Lab) -> Self {
        let region = lab.system.plan.regions.recovery.clone();
        let stacks = aws_sdk_cloudformation::Client::new(&lab.aws.gateway.sdk_config(region.as_str()));
        let made = stacks.create_stack().stack_name("lab-people").template_body(people().to_string());
        made.capabilities(Capability::CapabilityNamedIam).send().await.unwrap();
        let engine = format!("lifeboat-{region}");
        let told = stacks.describe_stacks().stack_name(engine).send().await.unwrap();
        let outputs = told.stacks().iter().flat_map(|stack| stack.outputs());
        let mut named = outputs.filter(|output| output.output_key() == Some("OperatorRole"));
        let operators = named.next().and_then(|output| output.output_value()).unwrap().to_owned();
        let world = Self { lab, operators };
        let mut plan: Plan = world.lab.system.whole.clone();
        plan.failover.may_order = Some(vec![world.operators.parse().unwrap()]);
        plan.failover.policy.database = Policy::Approval;
        // What a quiet pair may lack is another test's.
        plan.objectives.rpo = TimeSpan::seconds(300);
        plan.failover.data_loss_budget = DataLossBudget { time: TimeSpan::seconds(300), wal_bytes: 1 << 30 };
        let key = object_store::plan_key(&plan.plan);
        world.lab.system.put_object(&world.lab.aws, &key, &serde_json::to_string(&plan).unwrap()).await.unwrap();
        let profiles = format!(
            "[profile root]\naws_access_key_id = test\naws_secret_access_key = test\n\
             [profile developer]\nrole_arn = arn:aws:iam::000000000000:role/lab-developer\nsource_profile = root\n\
             role_session_name = dora\n\
             [profile on-call]\nrole_arn = arn:aws:iam::000000000000:role/lab-on-call\nsource_profile = root\n\
             role_session_name = anna\n\
             [profile operator]\nrole_arn = arn:aws:iam::000000000000:role/{}\nsource_profile = on-call\n\
             role_session_name = anna\n",
            world.operators
        );
        std::fs::write(world.lab.aws.folder.join("aws-config"), profiles).unwrap();
        world
    }

    fn operator(&self) -> String {
        format!("arn:aws:sts::000000000000:assumed-role/{}/anna", self.operators)
    }

    async fn an_order_by_nobody_or_somebody_else_is_refused(&self) {
        let by_hand = json!({"plan": "lab", "by": "anna", "why": "from the console"});
        let run = self.start("by-hand", &by_hand).await;
        let evidence = self.ended(&run).await;
        assert_eq!(evidence.outcome, RunOutcome::Refused);
        assert!(evidence.because.contains("who gave this order is not proved"), "{}", evidence.because);
        for order in ["failover --plan lab", "switchover --plan lab", "failover --plan lab --all"] {
            let (code, told) = self.lifeboat("developer", &format!("{order} --by anna --why 'I may do all'")).await;
            let says = "`arn:aws:sts::000000000000:assumed-role/lab-developer/dora` may not order this";
            assert!(code == 3 && told.contains(says) && told.contains(&self.operators), "{order}: {code}: {told}");
        }
        // What starts no run is an order all the same.
        for order in ["lease lab --active primary --new", "take-over --plan lab"] {
            let (code, told) = self.lifeboat("developer", &format!("{order} --by dora --why 'I may do all'")).await;
            assert!(code == 3 && told.contains("lab-developer/dora` may not order this"), "{order}: {code}: {told}");
        }
        let lease = self.lab.system.object(&self.lab.aws, "leases/lab.json").await.unwrap();
        assert_eq!(lease, None, "no lease was taken");
    }

    /// The primary works, so that it is the judge who refuses.
    async fn who_may_order_does_and_is_on_record(&self) {
        let (code, told) = self.lifeboat("operator", "failover --plan lab --by anna --why 'a test' --json").await;
        assert!(code == 3 && told.contains("the primary answers"), "{code}: {told}");
        let end: Value =
            serde_json::from_str(told.lines().rfind(|line| line.contains("\"outcome\"")).unwrap()).unwrap();
        let name = end["execution"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let evidence = self.ended(&name).await;
        let Some(Trigger::Person { by, proved, .. }) = &evidence.trigger else { panic!("{:?}", evidence.trigger) };
        assert_eq!((by.as_str(), proved.as_ref().unwrap().as_str()), ("anna", &*self.operator()));
        let kept = serde_json::to_string(&evidence).unwrap();
        assert!(!kept.contains("signature"), "{kept}");
        let subject = "Lifeboat: failover of lab refused";
        let says = format!("Started by: anna ({})", self.operator());
        let is_it = |told: &lab::pager::Notice| told.subject == subject && told.message.contains(&says);
        self.lab.pager.notice(jiff::Timestamp::UNIX_EPOCH, "who it was", is_it).await.unwrap();
    }

    /// One that cannot be proved is as if it had not been given: the run goes on asking.
    async fn an_approval_is_an_order_as_well(&self) {
        let ledger = &self.lab.further[0];
        self.kill(ledger).await;
        let again =
            json!({"plan": "lab.ledger", "again": {"since": jiff::Timestamp::now(), "attempt": 1, "reason": "a test"}});
        let run = self.start("asks", &again).await;
        let asked = object_store::approval_key(&ledger.plan.plan, &run);
        let token = async || {
            let text = self.lab.system.object(&self.lab.aws, &asked).await.unwrap()?;
            Some(serde_json::from_str::<Value>(&text).unwrap()["taskToken"].as_str().unwrap().to_owned())
        };
        let first = self.until(&token).await;
        let words = format!("approve {run} --plan lab.ledger --by ben --why confirmed");
        let (code, told) = self.lifeboat("developer", &words).await;
        assert!(code == 3 && told.contains("may not order this") && told.contains("still asks"), "{code}: {told}");
        assert_eq!(token().await.as_ref(), Some(&first), "nothing was answered");
        // From the console, by nobody.
        let answer = json!({"decision": "approve", "by": "ben", "why": "confirmed"}).to_string();
        let region = self.lab.system.plan.regions.recovery.as_str();
        let states = aws_sdk_sfn::Client::new(&self.lab.aws.gateway.sdk_config(region));
        states.send_task_success().task_token(&first).output(answer).send().await.unwrap();
        self.until(async || token().await.filter(|token| *token != first)).await;
        let is_it =
            |told: &lab::pager::Notice| told.message.contains("An answer was NOT taken, and you are asked again");
        self.lab.pager.notice(jiff::Timestamp::UNIX_EPOCH, "that nobody has answered yet", is_it).await.unwrap();
        let (code, told) = self.lifeboat("operator", &words).await;
        assert!(
            code == 0 && told.contains("approved: run `asks`") && told.contains(&self.operator()),
            "{code}: {told}"
        );
        let evidence = self.ended(&run).await;
        assert_eq!(evidence.outcome, RunOutcome::Done, "{}", evidence.because);
        let Some(Reply::Answer(answer)) = &evidence.record.approval else { panic!("{:?}", evidence.record.approval) };
        assert_eq!(answer.named(), format!("ben ({})", self.operator()));
        assert!(!serde_json::to_string(&evidence).unwrap().contains("signature"));
    }

    async fn the_runs_of_an_order_for_several_are_as_good_as_it_is(&self) {
        self.kill(&self.lab.system).await;
        let (code, told) =
            self.lifeboat("operator", "failover --plan lab --pairs orders --by anna --why 'it burns'").await;
        assert_eq!(code, 0, "{told}");
        let keys = self.lab.system.keys(&self.lab.aws, "orders/").await.unwrap();
        let [key] = &keys[..] else { panic!("{keys:?}") };
        let run = key.trim_start_matches("orders/").trim_end_matches(".json");
        let evidence = self.ended(run).await;
        assert_eq!(evidence.outcome, RunOutcome::Done);
        let Some(Trigger::Person { proved: Some(who), .. }) = &evidence.trigger else {
            panic!("{:?}", evidence.trigger)
        };
        assert_eq!(who.as_str(), self.operator());
    }

    async fn kill(&self, pair: &System) {
        self.lab.aws.rds.kill(&pair.primary()).await.unwrap();
        pair.noticed(&self.lab.aws).await.unwrap();
    }

    /// Starts a failover as the console does.
    async fn start(&self, name: &str, input: &Value) -> String {
        let region = self.lab.system.plan.regions.recovery.as_str();
        let states = aws_sdk_sfn::Client::new(&self.lab.aws.gateway.sdk_config(region));
        let machine = RunKind::Failover.machine().name();
        let machine = format!("arn:aws:states:{region}:000000000000:stateMachine:{machine}");
        let started = states.start_execution().state_machine_arn(machine).name(name).input(input.to_string());
        started.send().await.unwrap();
        name.to_owned()
    }

    /// The evidence of a run, once it is there.
    async fn ended(&self, run: &str) -> Evidence {
        let pairs = ["lab", "lab.ledger"].map(|plan| plan.parse::<PlanName>().unwrap());
        self.until(async || {
            for plan in &pairs {
                let key = format!("evidence/{plan}/{run}.json");
                if let Some(text) = self.lab.system.object(&self.lab.aws, &key).await.unwrap() {
                    return Some(serde_json::from_str(&text).unwrap());
                }
            }
            None
        })
        .await
    }

    async fn until<T>(&self, there: impl AsyncFn() -> Option<T>) -> T {
        let looked = async {
            loop {
                if let Some(it) = there().await {
                    return it;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), looked).await.unwrap()
    }

    /// Gives a command of ours as one of these people.
    async fn lifeboat(&self, who: &str, words: &str) -> (i32, String) {
        let mut shell = labs::shell(&self.lab, &format!("lifeboat {words}"));
        shell
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env("AWS_CONFIG_FILE", self.lab.aws.folder.join("aws-config"))
            .env("AWS_ENDPOINT_URL_STS", self.lab.aws.gateway.endpoint())
            .env("AWS_PROFILE", who);
        // The lab's own services go on meanwhile.
        let ran: Output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        let told = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (ran.status.code().unwrap(), told)
    }
}
