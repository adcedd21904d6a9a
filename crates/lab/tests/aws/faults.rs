//! AWS's calls spoiled on purpose, as a caller sees it. These tests take turns, for faults are the whole lab's;
//! so does every other test of a function that one of them kills.

use std::sync::MutexGuard;

use aws_sdk_s3::error::ProvideErrorMetadata;
use edge::aws::failure;
use lab::gateway::{Caller, Fault, Faults, How, When};

use super::*;

/// A Region that no other test calls: faults here are nobody else's.
const QUIET: &str = "ap-southeast-2";

pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What an error means to the engine.
fn treatment<E: ProvideErrorMetadata, R>(
    error: &aws_sdk_s3::error::SdkError<E, R>,
    status: Option<u16>,
) -> &'static str {
    failure(String::new(), error.code(), status, "spoiled".into()).name()
}

/// Calls one operation of each service that the engine uses, trying once; gives what each answer means to it.
async fn each_service(lab: &Lab) -> Vec<(&'static str, &'static str)> {
    let once = aws_config::retry::RetryConfig::disabled();
    let config = lab.config(QUIET).into_builder().retry_config(once).build();
    let mut found = Vec::new();
    macro_rules! tried {
        ($service:literal, $client:expr, $call:ident) => {
            if let Err(error) = $client.$call().send().await {
                let status = error.raw_response().map(|answer| answer.status().as_u16());
                found.push(($service, treatment(&error, status)));
            }
        };
    }
    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build());
    tried!("s3", s3, list_buckets);
    tried!("rds", aws_sdk_rds::Client::new(&config), describe_db_instances);
    tried!("route53", aws_sdk_route53::Client::new(&config), list_hosted_zones);
    tried!("lambda", aws_sdk_lambda::Client::new(&config), list_functions);
    tried!("states", aws_sdk_sfn::Client::new(&config), list_state_machines);
    tried!("secretsmanager", aws_sdk_secretsmanager::Client::new(&config), list_secrets);
    tried!("cloudwatch", aws_sdk_cloudwatch::Client::new(&config), describe_alarms);
    found
}

async fn spoiled(faults: &Faults, fault: Fault) -> Result<(), Box<dyn Error>> {
    faults.heal().await?;
    faults.set(&fault.by(Caller::Root).in_region(QUIET)).await?;
    Ok(())
}

#[test]
fn every_service_says_in_its_own_way_what_the_engine_understands() -> Outcome {
    let (lab, _turn) = (lab()?, turn());
    lab.runtime.block_on(async {
        let faults = lab.gateway.faults();
        for (how, meaning) in
            [(How::Throttled, "AwsTransient"), (How::Broken, "AwsTransient"), (How::Denied, "AwsDenied")]
        {
            spoiled(&faults, Fault::new(When::Before, how)).await?;
            let found = each_service(lab).await;
            assert_eq!(found.len(), 7, "{how:?}: {found:?}");
            for (service, found) in found {
                assert_eq!(found, meaning, "{service}, {how:?}");
            }
        }
        faults.heal().await?;
        // The stand-in for RDS knows nothing and says so.
        assert_eq!(each_service(lab).await, [("rds", "AwsRejected")]);
        Ok(())
    })
}

#[test]
fn a_call_is_refused_before_or_its_answer_lost_after_it_was_carried_out() -> Outcome {
    let (lab, _turn) = (lab()?, turn());
    lab.runtime.block_on(async {
        let faults = lab.gateway.faults();
        let config = lab.config(QUIET);
        let once = aws_config::retry::RetryConfig::disabled();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).retry_config(once).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        faults.heal().await?;
        let place = aws_sdk_s3::types::BucketLocationConstraint::from(QUIET);
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place).build();
        s3.create_bucket().bucket("spoiled").create_bucket_configuration(place).send().await?;
        for (when, key, kept) in [(When::Before, "before", false), (When::After, "after", true)] {
            let fault = Fault::new(when, How::Broken).of("s3").operation("PutObject").target(key).first(1);
            spoiled(&faults, fault).await?;
            let put = |key| s3.put_object().bucket("spoiled").key(key).send();
            put("another").await?;
            assert!(put(key).await.is_err(), "{when:?}");
            assert_eq!(s3.get_object().bucket("spoiled").key(key).send().await.is_ok(), kept, "{when:?}");
            put(key).await?;
            let counted = faults.in_force().await?.first().map(|fault| (fault.spoiled, fault.carried_out));
            assert_eq!(counted, Some((1, u32::from(kept))), "only the first");
        }
        faults.heal().await?;
        Ok(())
    })
}

#[test]
fn a_fault_lets_as_many_calls_pass_as_it_says() -> Outcome {
    let (lab, _turn) = (lab()?, turn());
    lab.runtime.block_on(async {
        let faults = lab.gateway.faults();
        spoiled(&faults, Fault::new(When::Before, How::Broken).after_the_first(2).first(1)).await?;
        let once = aws_config::retry::RetryConfig::disabled();
        let route53 = aws_sdk_route53::Client::new(&lab.config(QUIET).into_builder().retry_config(once).build());
        let mut answered = Vec::new();
        for _ in 0..4 {
            answered.push(route53.list_hosted_zones().send().await.is_ok());
        }
        assert_eq!(answered, [true, true, false, true]);
        faults.heal().await?;
        Ok(())
    })
}

#[test]
fn a_silent_call_hangs_until_its_caller_gives_up() -> Outcome {
    let (lab, _turn) = (lab()?, turn());
    lab.runtime.block_on(async {
        let faults = lab.gateway.faults();
        spoiled(&faults, Fault::new(When::Before, How::Silent).first(1)).await?;
        let patience = Duration::from_millis(300);
        let limits = aws_config::timeout::TimeoutConfig::builder().operation_timeout(patience).build();
        let config = lab.config(QUIET).into_builder().timeout_config(limits).build();
        let route53 = aws_sdk_route53::Client::new(&config);
        let began = Instant::now();
        let error = route53.list_hosted_zones().send().await.err().ok_or("it answered")?;
        assert!(error.raw_response().is_none() && began.elapsed() >= patience, "{error:?}");
        route53.list_hosted_zones().send().await?;
        faults.heal().await?;
        Ok(())
    })
}

#[test]
fn a_function_is_killed_in_the_middle_of_a_call_and_its_next_invocation_runs() -> Outcome {
    let (lab, _turn) = (lab()?, turn());
    lab.runtime.block_on(async {
        let faults = lab.gateway.faults();
        faults.heal().await?;
        let bucket = lab.outputs[1].get("BucketName").ok_or("no bucket")?;
        let event = json!({"call": ["s3", "put_object", {"Bucket": bucket, "Key": "free/killed"}]});
        let caller = Caller::Function("echo-witness".into());
        let fault = Fault::new(When::After, How::Killed).by(caller.clone()).target("free/killed").first(1);
        faults.set(&fault).await?;
        let answer = lab.invoke(WITNESS, "witness", &event).await?;
        assert_eq!(answer["errorType"], "Runtime.ExitError", "{answer}");
        let answer = lab.invoke(WITNESS, "witness", &event).await?;
        assert_eq!(answer["came"], "done", "{answer}");
        let calls = faults.calls().await?;
        let ours: Vec<_> = calls.iter().filter(|call| call.target == "free/killed").collect();
        assert_eq!(ours.len(), 2, "{ours:?}");
        assert!(
            ours.iter().all(|call| call.caller == caller && call.operation == "PutObject" && call.region == WITNESS)
        );
        assert_eq!(ours[0].spoiled.map(|spoiled| spoiled.how), Some(How::Killed));
        assert_eq!(ours[1].spoiled, None);
        faults.heal().await?;
        Ok(())
    })
}

#[test]
fn what_is_no_fault_is_refused_with_its_reason() -> Outcome {
    let (lab, _turn) = (lab()?, turn());
    lab.runtime.block_on(async {
        let error = lab.gateway.faults().set(&Fault::new(When::After, How::Denied)).await.err().ok_or("it was set")?;
        assert!(error.to_string().contains("never carried out"), "{error}");
        Ok(())
    })
}
