//! Route 53's health checkers: one of them, where AWS has some dozen around the world.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::proto::rr::{Name, RData, RecordType};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::lookup::Directory;
use super::zones::CheckConfig;

/// How often new and due checks are looked for.
const TICK: Duration = Duration::from_millis(200);

/// Route 53's limits for a connection and for the answer on it.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// How much of an answer is searched for the string, as Route 53 does.
const SEARCHED_BYTES: usize = 5_120;

/// Runs the checks until it is aborted.
pub(super) async fn run(directory: Arc<Directory>) {
    let mut looks = JoinSet::new();
    loop {
        for (id, config) in directory.checks.due(&directory.zones.current().checks) {
            let directory = Arc::clone(&directory);
            looks.spawn(async move {
                let limit = CONNECT_LIMIT + ANSWER_LIMIT;
                let passes = tokio::time::timeout(limit, directory.passes(&config)).await.unwrap_or(Some(false));
                if let Some(passes) = passes {
                    directory.checks.record(&id, passes);
                }
            });
        }
        while looks.try_join_next().is_some() {}
        tokio::time::sleep(TICK).await;
    }
}

impl Directory {
    /// Looks once. `None`: a type of check that the lab does not know, which stays healthy.
    async fn passes(&self, config: &CheckConfig) -> Option<bool> {
        let (scheme, port) = match config.r#type.as_str() {
            "TCP" => (None, 80),
            "HTTP" | "HTTP_STR_MATCH" => (Some("http"), 80),
            "HTTPS" | "HTTPS_STR_MATCH" => (Some("https"), 443),
            _ => return None,
        };
        let Some(address) = self.target(config, config.port.unwrap_or(port)).await else { return Some(false) };
        Some(match scheme {
            None => {
                tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(address)).await.is_ok_and(|made| made.is_ok())
            }
            Some(scheme) => fetch(scheme, address, config).await,
        })
    }

    /// Where a check looks: its address, or its name as we or the system know it.
    async fn target(&self, config: &CheckConfig, port: u16) -> Option<SocketAddr> {
        if let Some(address) = &config.ip_address {
            return Some(SocketAddr::new(address.parse().ok()?, port));
        }
        let name = config.fully_qualified_domain_name.as_deref()?;
        let mut absolute = Name::from_ascii(name).ok()?;
        absolute.set_fqdn(true);
        let known = self.look_up(&self.zones.current(), Some(&self.instances), &absolute, RecordType::A);
        let address = known
            .records
            .iter()
            .find_map(|record| if let RData::A(address) = &record.data { Some(address.0) } else { None });
        match address {
            Some(address) => Some(SocketAddr::new(address.into(), port)),
            None => tokio::net::lookup_host((name, port)).await.ok()?.next(),
        }
    }
}

/// Asks over HTTP: healthy is a status from 200 to 399 and, where one is given, the string.
async fn fetch(scheme: &str, address: SocketAddr, config: &CheckConfig) -> bool {
    let host = config.fully_qualified_domain_name.clone().unwrap_or_else(|| address.ip().to_string());
    let path = config.resource_path.as_deref().unwrap_or("/");
    let client = edge::http::client()
        .connect_timeout(CONNECT_LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        // Route 53 does not validate certificates either.
        .danger_accept_invalid_certs(true)
        .no_proxy()
        .resolve(&host, address)
        .build();
    let Ok(client) = client else { return false };
    let url = format!("{scheme}://{host}:{}/{}", address.port(), path.trim_start_matches('/'));
    let Ok(mut answer) = client.get(url).send().await else { return false };
    if !answer.status().is_success() && !answer.status().is_redirection() {
        return false;
    }
    let Some(wanted) = &config.search_string else { return true };
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() >= SEARCHED_BYTES {
            break;
        }
    }
    body.truncate(SEARCHED_BYTES);
    String::from_utf8_lossy(&body).contains(wanted.as_str())
}
