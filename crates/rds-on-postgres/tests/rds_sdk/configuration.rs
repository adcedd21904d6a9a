//! What an instance carries and shows without its server knowing: its groups, and logins by IAM.

use aws_sdk_rds::Client;
use aws_sdk_rds::types::DbInstance;

use crate::lab::{ACCOUNT, Lab, PRIMARY, RECOVERY, available, describe, snapshot_available};

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_shown_as_asked_and_no_restore_inherits_them() {
    let lab = Lab::start().await;
    lab.create_orders().await;
    let (here, there) = (lab.client(PRIMARY), lab.client(RECOVERY));
    let of_service = groups(&describe(&here, "orders").await);
    let major = of_service.parameters.strip_prefix("default.postgres").expect("the service's own group").to_owned();
    assert!(major.parse::<u32>().is_ok(), "{major}");
    assert_eq!(of_service.options, format!("default:postgres-{major}"));
    assert_eq!(of_service, Groups { subnets: "default".to_owned(), iam_logins: false, ..of_service.clone() });

    let own = change(&here).await;
    replicas_take_them_in_their_region(&here, &there, &own, &of_service).await;
    restores_do_not(&here, &of_service).await;
    lab.end().await;
}

/// Changes all of them; the parameters count from the next start.
async fn change(here: &Client) -> Groups {
    let change = here.modify_db_instance().db_instance_identifier("orders").db_parameter_group_name("own-parameters");
    let change = change.db_subnet_group_name("own-subnets").option_group_name("own-options");
    change.enable_iam_database_authentication(true).send().await.unwrap();
    let changed = available(here, "orders").await;
    assert_eq!(changed.db_parameter_groups()[0].parameter_apply_status(), Some("pending-reboot"));
    here.reboot_db_instance().db_instance_identifier("orders").send().await.unwrap();
    let changed = available(here, "orders").await;
    assert_eq!(changed.db_parameter_groups()[0].parameter_apply_status(), Some("in-sync"));
    let own = groups(&changed);
    assert_eq!((own.subnets.as_str(), own.parameters.as_str()), ("own-subnets", "own-parameters"));
    assert_eq!((own.options.as_str(), own.iam_logins), ("own-options", true));
    own
}

async fn replicas_take_them_in_their_region(here: &Client, there: &Client, own: &Groups, of_service: &Groups) {
    let source = format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:orders");
    for (rds, expected) in [(here, own), (there, of_service)] {
        let replica = rds.create_db_instance_read_replica().db_instance_identifier("replica");
        let made = replica.source_db_instance_identifier(&source).send().await.unwrap();
        let shown = groups(made.db_instance().unwrap());
        assert_eq!(shown, Groups { iam_logins: false, ..expected.clone() });
        available(rds, "replica").await;
    }
}

async fn restores_do_not(here: &Client, of_service: &Groups) {
    let create = here.create_db_snapshot().db_instance_identifier("orders").db_snapshot_identifier("orders-1");
    create.send().await.unwrap();
    snapshot_available(here, "orders-1").await;
    let restore = |id: &str| {
        here.restore_db_instance_from_db_snapshot().db_snapshot_identifier("orders-1").db_instance_identifier(id)
    };
    let plain = restore("plain").send().await.unwrap();
    assert_eq!(groups(plain.db_instance().unwrap()), *of_service);
    let point = here.restore_db_instance_to_point_in_time().source_db_instance_identifier("orders");
    let point = point.target_db_instance_identifier("point").use_latest_restorable_time(true).send().await.unwrap();
    assert_eq!(groups(point.db_instance().unwrap()), *of_service);
    let told = restore("told").db_parameter_group_name("p").db_subnet_group_name("s").option_group_name("o");
    let told = told.enable_iam_database_authentication(true).send().await.unwrap();
    let asked = ["s", "p", "o"].map(ToOwned::to_owned);
    assert_eq!(groups(told.db_instance().unwrap()), Groups::of(asked, true));
    for id in ["plain", "point", "told"] {
        available(here, id).await;
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Groups {
    subnets: String,
    parameters: String,
    options: String,
    iam_logins: bool,
}

impl Groups {
    fn of([subnets, parameters, options]: [String; 3], iam_logins: bool) -> Self {
        Self { subnets, parameters, options, iam_logins }
    }
}

fn groups(shown: &DbInstance) -> Groups {
    let subnets = shown.db_subnet_group().and_then(|group| group.db_subnet_group_name());
    let parameters = shown.db_parameter_groups()[0].db_parameter_group_name();
    let options = &shown.option_group_memberships()[0];
    assert_eq!(options.status(), Some("in-sync"));
    let names = [subnets, parameters, options.option_group_name()].map(|name| name.unwrap().to_owned());
    Groups::of(names, shown.iam_database_authentication_enabled().unwrap())
}
