//! Looking from another Region: a call to the probe there.

use std::time::Duration;

use domain::{
    failover::judgement::Witness,
    watch::health::{Look, LookRequest},
    words::id::Region,
};
use serde::Serialize;

use crate::{aws, function};

/// The probe's way of being asked to look.
#[derive(Serialize)]
pub(crate) struct Ask<'a> {
    look: &'a LookRequest,
}

impl<'a> Ask<'a> {
    pub(crate) fn to_look(look: &'a LookRequest) -> Self {
        Self { look }
    }
}

/// Asks the probe in `region` to look. Whatever goes wrong makes the witness silent, with the reason.
pub async fn look(region: &Region, function: &str, request: &LookRequest, patience: Duration) -> Witness {
    match ask(region, function, request, patience).await {
        Ok(look) => Witness::Looked(look),
        Err(why) => Witness::Silent(format!("{region}: {why}")),
    }
}

async fn ask(region: &Region, function: &str, request: &LookRequest, patience: Duration) -> Result<Look, String> {
    let config = aws::config_for_the_far_side(region.as_str(), patience).await;
    function::ask(&config, function, &Ask::to_look(request)).await
}
