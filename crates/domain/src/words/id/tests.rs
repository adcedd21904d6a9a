use super::*;
use crate::words::time_span::TimeSpan;

#[test]
fn names_that_aws_would_refuse_are_refused_here() {
    for bad in ["", "Orders", "1orders", "orders-", "or--ders", "orders_x", &"o".repeat(64)] {
        assert!(bad.parse::<InstanceId>().is_err(), "{bad}");
    }
    for good in ["o", "orders-primary", "orders-2"] {
        assert!(good.parse::<InstanceId>().is_ok(), "{good}");
    }
}

#[test]
fn a_bucket_s_name_is_one_that_s3_takes() {
    for bad in ["ab", "Uploads", "uploads_east", "-uploads", "uploads-", "up..loads", "192.168.5.4", &"u".repeat(64)] {
        assert!(bad.parse::<BucketName>().is_err(), "{bad}");
    }
    for good in ["abc", "uploads-east", "1.uploads--east", &"u".repeat(63)] {
        assert!(good.parse::<BucketName>().is_ok(), "{good}");
    }
}

#[test]
fn a_role_s_arn_is_of_a_role() {
    for bad in
        ["replication", "arn:aws:iam::1:role/x", "arn:aws:iam::000000000000:user/x", "arn:aws:iam::000000000000:role/"]
    {
        assert!(bad.parse::<RoleArn>().is_err(), "{bad}");
    }
    for good in ["arn:aws:iam::000000000000:role/replication", "arn:aws-cn:iam::000000000000:role/service-role/x"] {
        assert!(good.parse::<RoleArn>().is_ok(), "{good}");
    }
}

#[test]
fn a_region_is_a_code_not_a_city() {
    for bad in ["Frankfurt", "eu-central", "eu-central-12", "eu--1", "EU-CENTRAL-1", "eu-central-a", "us-esat-1"] {
        assert!(bad.parse::<Region>().is_err(), "{bad}");
    }
    for good in ["eu-central-1", "us-gov-west-1", "ap-southeast-2"] {
        assert!(good.parse::<Region>().is_ok(), "{good}");
    }
}

#[test]
fn a_schedule_is_one_that_aws_takes() {
    for good in ["rate(1 minute)", "rate(15 minutes)", "rate(1 day)", "cron(0 2 * * ? *)", "cron(0/15 * ? * MON-FRI *)"]
    {
        assert!(good.parse::<Schedule>().is_ok(), "{good}");
    }
    for bad in [
        "daily",
        "0 2 * * *",
        "rate(15)",
        "rate(1 minutes)",
        "rate(0 minutes)",
        "rate(15 minute)",
        "rate(+5 hours)",
        "rate(5 seconds)",
        "cron(0 2 * * *)",
        "cron(0 2 * * * *)",
        "cron(0 2 * * ? *",
        &format!("cron(0{} 2 * * ? *)", ",0".repeat(120)),
    ] {
        assert!(bad.parse::<Schedule>().is_err(), "{bad}");
    }
}

#[test]
fn a_schedule_says_how_long_it_waits_how_often_it_fires_and_what_is_wrong_with_it() {
    for (text, waits_seconds, times, is_sound) in [
        ("rate(15 minutes)", Some(900), Some(35_040.0), true),
        ("cron(0 2 * * ? *)", Some(24 * 3_600), Some(365.0), true),
        ("cron(0 2 1 1 ? 2030)", None, Some(0.0), true),
        ("cron(60 2 * * ? *)", None, None, false),
    ] {
        let schedule: Schedule = text.parse().unwrap();
        assert_eq!(schedule.longest_wait(), waits_seconds.map(TimeSpan::seconds), "{text}");
        assert_eq!(schedule.times_in_a_year(jiff::civil::date(2026, 11, 28)), times, "{text}");
        assert_eq!(schedule.fault().is_none(), is_sound, "{text}");
    }
}

#[test]
fn a_key_is_named_as_kms_names_it() {
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let arn = format!("arn:aws:kms:us-west-2:000000000000:key/{id}");
    for good in [id, "alias/lifeboat", "alias/aws/rds", &arn, "arn:aws:kms:us-west-2:000000000000:alias/x"] {
        assert!(good.parse::<KmsKeyId>().is_ok(), "{good}");
    }
    for bad in ["", "lifeboat", "alias/", "alias/a b", "arn:aws:s3:::bucket", "arn:aws:kms:us-west-2:0:key/"] {
        assert!(bad.parse::<KmsKeyId>().is_err(), "{bad}");
    }
}

#[test]
fn an_error_repeats_only_the_start_of_a_huge_name() {
    let error = "x!".repeat(100_000).parse::<PlanName>().unwrap_err().to_string();
    assert!(error.len() < 400, "{} bytes", error.len());
}

#[test]
fn an_execution_says_its_name_and_region() {
    let arn: ExecutionArn =
        "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:alarm-1".parse().unwrap();
    assert_eq!((arn.name(), arn.machine(), arn.region()), ("alarm-1", "lifeboat-failover", "us-west-2"));
}
