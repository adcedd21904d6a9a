//! What the plan's public resolvers answer.

use domain::{
    plan::PairPlan,
    words::{failure::Failure, id::Address},
};
use edge::{dns::Dns, patience};
use futures::future::join_all;
use serde::Serialize;

use super::{Record, look_at};
use crate::refusal::Refusal;

/// What a public resolver answers for a name.
#[derive(Debug, Serialize)]
pub(super) struct Resolved {
    pub(super) resolver: Address,
    #[serde(flatten)]
    pub(super) record: Record,
}

/// What each of the plan's resolvers answers for each name.
pub(super) async fn ask(plan: &PairPlan) -> Result<Vec<Resolved>, Refusal> {
    let (dns, names) = (Dns::from_env()?, plan.moved_names());
    let resolvers = plan.traffic.resolvers.iter().map(|address| Ok((address, Dns::public(address)?)));
    let resolvers = resolvers.collect::<Result<Vec<_>, Failure>>()?;
    let asked =
        names.iter().flat_map(|name| resolvers.iter().map(move |(address, resolver)| (name, *address, resolver)));
    let looks = asked.map(async |(name, address, resolver)| {
        let looked = tokio::time::timeout(patience::RESOLVER, look_at(resolver, &dns, name)).await;
        let silent = |_| {
            let why = format!("no answer within {} ms", patience::RESOLVER.as_millis());
            Record { name: name.name.to_string(), target: None, side: None, because: Some(why) }
        };
        Resolved { resolver: address.clone(), record: looked.unwrap_or_else(silent) }
    });
    Ok(join_all(looks).await)
}
