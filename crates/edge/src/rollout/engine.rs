//! The engine of a Region: found by its exports, and what its stack says of it.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::{Client, types::Export as Exported};
use domain::{
    plan_file::EngineSeen,
    synth::engine::{BUCKET, Export, LANGUAGE},
    words::failure::Failure,
};

use crate::{aws_failure, object_store::Bucket};

/// An engine.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) seen: EngineSeen,
    pub(super) bucket: Bucket,
}

/// Pages of exports that are looked through: 100 each.
const MOST_PAGES: usize = 50;

/// The engine of a Region, if there is one.
pub(super) async fn look(client: &Client, config: &SdkConfig, region: &str) -> Result<Option<Engine>, Failure> {
    let exports = exports(client, region).await?;
    let value = |name: &str| exports.iter().find(|export| export.name() == Some(name))?.value();
    let (Some(language), Some(bucket), Some(probe)) =
        (value(LANGUAGE), value(BUCKET), value(&Export::HealthProbe.name()))
    else {
        return Ok(None);
    };
    // arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME
    let mut parts = probe.split(':').skip(1);
    let (partition, account) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
    let stack = exports.iter().find(|export| export.name() == Some(LANGUAGE)).and_then(Exported::exporting_stack_id);
    let seen = EngineSeen {
        language: language.parse().ok(),
        acts: Export::all().all(|export| value(&export.name()).is_some()),
        partition: partition.to_owned(),
        account: account.to_owned(),
        parameters: parameters(client, stack.unwrap_or_default(), region).await?,
    };
    Ok(Some(Engine { seen, bucket: Bucket::named(config, bucket.to_owned()) }))
}

async fn exports(client: &Client, region: &str) -> Result<Vec<Exported>, Failure> {
    let (mut exports, mut next) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let page = client.list_exports().set_next_token(next).send().await;
        let page = page.map_err(|error| aws_failure!(format!("cannot look for the engine in {region}"), error))?;
        exports.extend(page.exports().iter().cloned());
        next = page.next_token().map(str::to_owned);
        if next.is_none() {
            break;
        }
    }
    Ok(exports)
}

async fn parameters(client: &Client, stack: &str, region: &str) -> Result<BTreeMap<String, String>, Failure> {
    let told = client.describe_stacks().stack_name(stack).send().await;
    let told = told.map_err(|error| aws_failure!(format!("cannot look at the engine's stack in {region}"), error))?;
    let given = told.stacks().first().map(|stack| stack.parameters()).unwrap_or_default();
    let pairs =
        given.iter().filter_map(|given| Some((given.parameter_key()?.to_owned(), given.parameter_value()?.to_owned())));
    Ok(pairs.collect())
}
