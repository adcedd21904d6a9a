//! The plan's HTTP checks.

use std::{net::SocketAddr, sync::Arc};

use domain::{
    plan::{HttpCheck, HttpMethod},
    run::{
        answers::{READ_BYTES, SAMPLES_AT_ONCE, judge, of_samples},
        verification::Finding,
    },
    words::id::HostName,
};
use futures::stream::{self, StreamExt};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{dns::Dns, tls};

/// A client to be made: the only way to one, for it chooses the cryptography.
pub fn client() -> reqwest::ClientBuilder {
    tls::cryptography();
    reqwest::Client::builder()
}

/// The host of an address, where it has a name.
pub fn host(check: &HttpCheck) -> Option<HostName> {
    reqwest::Url::parse(&check.url).ok()?.domain()?.to_ascii_lowercase().parse().ok()
}

/// Asks an address as often as the check says; its name is looked up where the databases' are. Redirects are not followed: the plan names the address
/// that must answer.
pub async fn check(check: &HttpCheck, dns: &Dns) -> Finding {
    let client = client()
        .dns_resolver(Arc::new(Names(dns.clone())))
        .timeout(check.within.duration())
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return Finding::Unanswered(domain::words::failure::chain(&error)),
    };
    let at_once = usize::try_from(SAMPLES_AT_ONCE).unwrap_or(1);
    let samples = stream::iter(0..check.samples).map(|_| sample(&client, check)).buffer_unordered(at_once);
    of_samples(check, &samples.collect::<Vec<_>>().await)
}

async fn sample(client: &reqwest::Client, check: &HttpCheck) -> Finding {
    match ask(client, check).await {
        Ok((status, body)) => judge(check, status, &body),
        Err(error) => Finding::Unanswered(domain::words::failure::chain(&error)),
    }
}

/// The status, and the start of the body where it is looked at.
async fn ask(client: &reqwest::Client, check: &HttpCheck) -> reqwest::Result<(u16, String)> {
    let request = match check.method {
        HttpMethod::Get => client.get(&check.url),
        HttpMethod::Post => client.post(&check.url),
    };
    let request = match &check.body {
        Some(body) if serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok() => {
            request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body.clone())
        }
        Some(body) => request.body(body.clone()),
        None => request,
    };
    let mut answer = request.send().await?;
    let (status, mut body) = (answer.status().as_u16(), Vec::new());
    while check.expect.is_some() && body.len() < READ_BYTES {
        let Some(piece) = answer.chunk().await? else { break };
        body.extend_from_slice(&piece);
    }
    body.truncate(READ_BYTES);
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// Looks the names of URLs up.
struct Names(Dns);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let dns = self.0.clone();
        Box::pin(async move {
            let host =
                name.as_str().parse().map_err(|error| format!("`{}` is no host's name: {error}", name.as_str()))?;
            let found = dns.addresses(&host).await?;
            // The port is the URL's.
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
