//! The lab's AWS tried whole: the gateway with its seams, the deployment and the name server.
//!
//! One lab serves all tests of this file; each test keeps to names of its own.

#[path = "aws/faults.rs"]
mod faults;
#[path = "aws/name_servers.rs"]
mod name_servers;
#[path = "aws/names.rs"]
mod names;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use lab::deploy::{Outputs, Package, Target};
use lab::dns::{Dns, DnsConfig};
use lab::gateway::{Gateway, GatewayConfig};
use lab::setup::{Progress, Toolbox};
use lab::slot::Slot;
use processes::Spawner;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

type Outcome = Result<(), Box<dyn Error>>;

const RECOVERY: &str = "eu-west-1";
const WITNESS: &str = "eu-north-1";

struct Lab {
    runtime: Runtime,
    slot: Slot,
    gateway: Gateway,
    outputs: Vec<Outputs>,
    /// The heads of the requests that reached the RDS endpoint.
    rds_heads: Arc<Mutex<Vec<String>>>,
    dns: Dns,
    _spawner: Spawner,
    _held: lab::slot::Held,
}

struct Shown;

impl Progress for Shown {
    fn step(&self, what: &str) {
        eprintln!("{what}");
    }
}

fn base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab")
}

fn toolbox() -> Result<&'static Toolbox, Box<dyn Error>> {
    static TOOLBOX: OnceLock<Toolbox> = OnceLock::new();
    if let Some(toolbox) = TOOLBOX.get() {
        return Ok(toolbox);
    }
    let made = lab::setup::prepare(&base(), &Shown)?;
    Ok(TOOLBOX.get_or_init(|| made))
}

/// The lab of this file, started by the first test that needs it.
fn lab() -> Result<&'static Lab, Box<dyn Error>> {
    static LAB: OnceLock<Lab> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _turn = STARTING.lock().map_err(|error| error.to_string())?;
    if LAB.get().is_none() {
        let started = start()?;
        let _ = LAB.set(started);
    }
    LAB.get().ok_or_else(|| "the lab did not start".into())
}

fn start() -> Result<Lab, Box<dyn Error>> {
    let toolbox = toolbox()?;
    let runtime = Runtime::new()?;
    let held = lab::slot::take(None)?;
    let slot = held.slot;
    let folder = base().join(slot.to_string());
    let rds_heads = Arc::new(Mutex::new(Vec::new()));
    serve_rds(TcpListener::bind(slot.rds())?, Arc::clone(&rds_heads));
    let spawner = Spawner::start()?;
    let config = GatewayConfig {
        listen: slot.gateway(),
        rds: slot.rds(),
        folder: folder.clone(),
        python: toolbox.python.clone(),
        // No function asks anything by HTTPS here.
        authorities: folder.join("authorities.pem"),
    };
    let (gateway, dns, outputs) = runtime.block_on(async {
        let gateway = Gateway::start(config, &spawner).await?;
        let dns = Dns::serve(DnsConfig {
            listen: slot.dns(),
            name_servers: slot.name_servers(),
            caches: slot.caches(),
            zones_file: gateway.zones_file().to_owned(),
            instance_domain: "rds.lifeboat.test".to_owned(),
            instances: Arc::new(|name| name.starts_with("orders-a.").then_some(Ipv4Addr::new(127, 77, 1, 100))),
            views: Vec::new(),
        })
        .await?;
        let outputs = deploy(&gateway, toolbox, &folder).await?;
        Ok::<_, Box<dyn Error>>((gateway, dns, outputs))
    })?;
    Ok(Lab { runtime, slot, gateway, outputs, rds_heads, dns, _spawner: spawner, _held: held })
}

async fn deploy(gateway: &Gateway, toolbox: &Toolbox, folder: &Path) -> Result<Vec<Outputs>, Box<dyn Error>> {
    // The function's program is a script; its first line names the lab's own interpreter.
    let program = folder.join("echo");
    let interpreter = std::path::absolute(&toolbox.python.interpreter)?;
    std::fs::write(&program, format!("#!{}\n{}", interpreter.display(), include_str!("aws/bootstrap.py")))?;
    std::fs::set_permissions(&program, Permissions::from_mode(0o755))?;
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws/template.yaml");
    let package = Package::gather(&template, &folder.join("code"), &|_| program.clone())?;
    let target = |region: &str, role: &str| Target {
        region: region.to_owned(),
        stack: "small".to_owned(),
        parameters: BTreeMap::from([("Role".to_owned(), role.to_owned()), ("Word".to_owned(), "said".to_owned())]),
    };
    Ok(package.deploy(gateway, &[target(RECOVERY, "recovery"), target(WITNESS, "witness")]).await?)
}

/// Stands at the RDS endpoint's place, notes what arrives and says that nothing is known.
fn serve_rds(listener: TcpListener, heads: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(str::to_owned));
            let length = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            let mut stream = reader.into_inner();
            let answer = "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>\
                          <Code>DBInstanceNotFound</Code><Message>not here</Message></Error></ErrorResponse>";
            let _ = write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
            if let Ok(mut heads) = heads.lock() {
                heads.push(format!("{head}{}", String::from_utf8_lossy(&body)));
            }
        }
    });
}

impl Lab {
    fn config(&self, region: &str) -> SdkConfig {
        self.gateway.sdk_config(region)
    }

    fn machine(&self) -> Result<&str, Box<dyn Error>> {
        Ok(self.outputs[0].get("MachineArn").ok_or("the stack has no MachineArn")?)
    }

    async fn invoke(&self, region: &str, role: &str, event: &Value) -> Result<Value, Box<dyn Error>> {
        let lambda = aws_sdk_lambda::Client::new(&self.config(region));
        let event = aws_sdk_lambda::primitives::Blob::new(event.to_string());
        let told = lambda.invoke().function_name(format!("echo-{role}")).payload(event).send().await?;
        Ok(serde_json::from_slice(told.payload.ok_or("no answer")?.as_ref())?)
    }

    async fn run(&self, name: &str, input: &str) -> Result<String, Box<dyn Error>> {
        let sfn = aws_sdk_sfn::Client::new(&self.config(RECOVERY));
        let started = sfn.start_execution().state_machine_arn(self.machine()?).name(name).input(input).send().await?;
        Ok(started.execution_arn)
    }

    async fn end_of(&self, arn: &str) -> Result<(ExecutionStatus, Option<String>), Box<dyn Error>> {
        let sfn = aws_sdk_sfn::Client::new(&self.config(RECOVERY));
        let started = Instant::now();
        loop {
            let told = sfn.describe_execution().execution_arn(arn).send().await?;
            if told.status != ExecutionStatus::Running || started.elapsed() > Duration::from_secs(60) {
                return Ok((told.status, told.output.or(told.error)));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn history(&self, arn: &str) -> Result<Vec<HistoryEvent>, Box<dyn Error>> {
        let sfn = aws_sdk_sfn::Client::new(&self.config(RECOVERY));
        Ok(sfn.get_execution_history().execution_arn(arn).max_results(500).send().await?.events)
    }
}

#[test]
fn the_seams_fit_the_installed_ministack() -> Outcome {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let interpreter = std::path::absolute(&toolbox()?.python.interpreter)?;
    let told = std::process::Command::new(interpreter).args(["-B", "-m", "unittest"]).current_dir(tests).output()?;
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Ok(())
}

#[test]
fn a_second_set_up_finds_everything_done() -> Outcome {
    toolbox()?;
    let started = Instant::now();
    lab::setup::prepare(&base(), &Shown)?;
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    Ok(())
}

#[test]
fn a_template_is_deployed_as_its_conditions_and_parameters_say() -> Outcome {
    let lab = lab()?;
    assert!(lab.outputs[0].contains_key("MachineArn") && !lab.outputs[1].contains_key("MachineArn"));
    lab.runtime.block_on(async {
        for (region, word) in [(RECOVERY, "said"), (WITNESS, "none")] {
            let role = if region == RECOVERY { "recovery" } else { "witness" };
            let answer = lab.invoke(region, role, &json!({})).await?;
            assert_eq!(answer["word"], word, "{answer}");
            let names = answer["names"].as_array().ok_or("no names")?;
            assert!(names.iter().any(|name| name == "AWS_LAMBDA_RUNTIME_API"));
            // The function sees nothing of the gateway's own environment.
            for ours in ["GATEWAY_PORT", "AUTH", "LIFEBOAT_LAB_RDS", "BIND_HOST"] {
                assert!(!names.iter().any(|name| name == ours), "{ours}");
            }
        }
        Ok(())
    })
}

#[test]
fn each_regions_function_may_do_what_its_role_says_and_no_more() -> Outcome {
    // A fault that kills the witness' function would take these invocations of it along.
    let (lab, _turn) = (lab()?, faults::turn());
    lab.runtime.block_on(async {
        let bucket = |region: usize| lab.outputs[region].get("BucketName").ok_or("no bucket");
        let put = |bucket: &str, key: &str| json!({"call": ["s3", "put_object", {"Bucket": bucket, "Key": key}]});
        let metric = |namespace: &str| {
            let datum = json!([{"MetricName": "m", "Value": 1}]);
            json!({"call": ["cloudwatch", "put_metric_data", {"Namespace": namespace, "MetricData": datum}]})
        };
        for (region, own, other, role) in [(RECOVERY, 0, 1, "recovery"), (WITNESS, 1, 0, "witness")] {
            for (event, came) in [
                (put(bucket(own)?, "free/a"), "done"),
                (put(bucket(own)?, "kept/a"), "AccessDenied"),
                (put(bucket(other)?, "free/a"), "AccessDenied"),
                (metric("Ours"), "done"),
                (metric("Others"), "AccessDenied"),
            ] {
                let answer = lab.invoke(region, role, &event).await?;
                let told = answer["came"].as_str().unwrap_or_default();
                assert!(told.starts_with(came), "{region} {event}: {answer}");
            }
        }
        Ok(())
    })
}

#[test]
fn an_execution_runs_through_and_its_history_names_nested_states() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let arn = lab.run("through", r#"{"then":"end"}"#).await?;
        let (status, output) = lab.end_of(&arn).await?;
        assert_eq!(status, ExecutionStatus::Succeeded, "{output:?}");
        let output: Value = serde_json::from_str(&output.ok_or("no output")?)?;
        assert_eq!(output["words"], json!(["said", "said"]));
        let events = lab.history(&arn).await?;
        let entered = |name: &str| {
            let of =
                |event: &&HistoryEvent| event.state_entered_event_details().is_some_and(|state| state.name == name);
            events.iter().filter(of).count()
        };
        assert_eq!((entered("AskTwice"), entered("Ask"), entered("Tell")), (1, 2, 1));
        let scheduled = events.iter().find_map(|event| event.task_scheduled_event_details()).ok_or("no task")?;
        assert_eq!((scheduled.resource_type.as_str(), scheduled.resource.as_str()), ("lambda", "invoke"));
        assert_eq!(scheduled.region, RECOVERY);
        Ok(())
    })
}

#[test]
fn starting_again_with_the_same_name_and_input_answers_the_first_execution() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let first = lab.run("twice", r#"{"then":"linger"}"#).await?;
        assert_eq!(lab.run("twice", r#"{"then":"linger"}"#).await?, first);
        let other = lab.run("twice", r#"{"then":"token"}"#).await;
        assert!(other.is_err_and(|error| format!("{error:?}").contains("ExecutionAlreadyExists")));
        Ok(())
    })
}

#[test]
fn a_state_machines_time_limit_ends_its_execution() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let arn = lab.run("late", r#"{"then":"linger"}"#).await?;
        let (status, _) = lab.end_of(&arn).await?;
        assert_eq!(status, ExecutionStatus::TimedOut);
        Ok(())
    })
}

#[test]
fn a_stopped_execution_enters_no_further_state() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let sfn = aws_sdk_sfn::Client::new(&lab.config(RECOVERY));
        let arn = lab.run("stopped", r#"{"then":"linger"}"#).await?;
        sfn.stop_execution().execution_arn(&arn).error("Enough").send().await?;
        let ended = lab.history(&arn).await?.len();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(lab.end_of(&arn).await?.0, ExecutionStatus::Aborted);
        assert_eq!(lab.history(&arn).await?.len(), ended);
        Ok(())
    })
}

#[test]
fn a_task_that_nothing_is_heard_of_fails_by_its_heartbeat() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let arn = lab.run("silent", r#"{"then":"token"}"#).await?;
        let (status, error) = lab.end_of(&arn).await?;
        assert_eq!(status, ExecutionStatus::Failed);
        assert!(error.is_some_and(|error| error.contains("States.HeartbeatTimeout")));
        Ok(())
    })
}

#[test]
fn requests_for_rds_arrive_with_their_region_the_closed_groups_and_the_keys() -> Outcome {
    let lab = lab()?;
    let (usable, disabled) = lab.runtime.block_on(async {
        let kms = aws_sdk_kms::Client::new(&lab.config(RECOVERY));
        let mut keys = Vec::new();
        for _ in 0..2 {
            let made = kms.create_key().send().await?;
            keys.push(made.key_metadata().ok_or("no key")?.key_id().to_owned());
        }
        kms.create_alias().alias_name("alias/backups").target_key_id(&keys[0]).send().await?;
        kms.disable_key().key_id(&keys[1]).send().await?;
        Ok::<_, Box<dyn Error>>((keys[0].clone(), keys[1].clone()))
    })?;
    lab.runtime.block_on(async {
        let rds = aws_sdk_rds::Client::new(&lab.config(RECOVERY));
        let told = rds.describe_db_instances().db_instance_identifier("nobody").send().await;
        assert!(told.is_err_and(|error| error.into_service_error().is_db_instance_not_found_fault()));
        Ok::<_, Box<dyn Error>>(())
    })?;
    let heads = lab.rds_heads.lock().map_err(|error| error.to_string())?;
    let head = heads.iter().find(|head| head.contains("nobody")).ok_or("nothing arrived")?;
    let group = lab.outputs[0].get("GroupId").ok_or("no group")?;
    assert!(head.contains(&format!("/{RECOVERY}/rds/")), "{head}");
    assert!(head.contains(&format!("x-lab-closed-groups: {group}\r\n")), "{head}");
    let keys = head.lines().find(|line| line.starts_with("x-lab-kms-keys: ")).ok_or("no keys")?;
    assert!(keys.contains(&usable) && keys.contains("alias/backups") && !keys.contains(&disabled), "{keys}");
    Ok(())
}

#[test]
fn an_alarm_on_its_dimensions_starts_the_state_machine_with_awss_event() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let metric = |plan: &str| {
            format!(
                "Action=PutMetricData&Version=2010-08-01&Namespace=Engine\
            &MetricData.member.1.MetricName=Down&MetricData.member.1.Value=1\
            &MetricData.member.1.Dimensions.member.1.Name=plan&MetricData.member.1.Dimensions.member.1.Value={plan}"
            )
        };
        lab.cloudwatch(metric("other")).await?;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(lab.started_by_alarm().await?, None);
        let put = Instant::now();
        lab.cloudwatch(metric("lab")).await?;
        let input = loop {
            if let Some(input) = lab.started_by_alarm().await? {
                break input;
            }
            assert!(put.elapsed() < Duration::from_secs(30), "the alarm started nothing");
        };
        assert_eq!(serde_json::from_str::<Value>(&input)?, json!({"from": "alarm", "alarm": "engine-down"}));
        Ok(())
    })
}

#[test]
fn an_alarm_period_that_aws_refuses_is_refused() -> Outcome {
    let lab = lab()?;
    lab.runtime.block_on(async {
        let alarm = |period: u32| {
            format!(
                "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=p{period}\
            &Namespace=N&MetricName=M&Statistic=Maximum&EvaluationPeriods=1&Threshold=1&Period={period}\
            &ComparisonOperator=GreaterThanOrEqualToThreshold"
            )
        };
        assert_eq!(lab.cloudwatch(alarm(10)).await?.0, 200);
        let (status, text) = lab.cloudwatch(alarm(5)).await?;
        assert!(status == 400 && text.contains("multiple of 60"), "{status} {text}");
        Ok(())
    })
}

impl Lab {
    /// Asks CloudWatch by its Query protocol, of which the gateway wants only the key's scope.
    async fn cloudwatch(&self, body: String) -> Result<(u16, String), Box<dyn Error>> {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{RECOVERY}/monitoring/aws4_request, \
                             SignedHeaders=host, Signature=0"
        );
        let told = edge::http::client()
            .build()?
            .post(self.gateway.endpoint())
            .header("Authorization", scope)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await?;
        Ok((told.status().as_u16(), told.text().await?))
    }

    async fn started_by_alarm(&self) -> Result<Option<String>, Box<dyn Error>> {
        let sfn = aws_sdk_sfn::Client::new(&self.config(RECOVERY));
        for execution in sfn.list_executions().state_machine_arn(self.machine()?).send().await?.executions {
            let told = sfn.describe_execution().execution_arn(execution.execution_arn).send().await?;
            if told.input.as_ref().is_some_and(|input| input.contains("\"alarm\"")) {
                return Ok(told.input);
            }
        }
        Ok(None)
    }
}
