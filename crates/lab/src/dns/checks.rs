//! Route 53's health checkers: one of them, where AWS has some dozen around the world.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_server::proto::rr::{Name, RData, RecordType};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tracing::info;

use super::State;
use super::zones::CheckConfig;

/// How often new and due checks are looked for.
const TICK: Duration = Duration::from_millis(200);

/// Route 53's limits for a connection and for the answer on it.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// How much of an answer is searched for the string, as Route 53 does.
const SEARCHED_BYTES: usize = 5_120;

/// Calculated checks may have calculated children; a deeper nesting is a loop.
const DEEPEST: usize = 4;

/// What Route 53 uses where a check does not say.
const INTERVAL_SECONDS: u64 = 30;
const THRESHOLD: u32 = 3;

/// What the checkers have seen so far.
#[derive(Debug, Default)]
pub(super) struct Checks(Mutex<HashMap<String, Observed>>);

#[derive(Debug)]
struct Observed {
    config: CheckConfig,
    due: Instant,
    /// Passing or failing, once known.
    passing: Option<bool>,
    /// Looks in a row that said the opposite.
    against: u32,
}

impl Checks {
    /// A check's verdict, inversion included. One that knows nothing yet, or is disabled, is healthy.
    pub(super) fn is_healthy(&self, id: &str, configs: &HashMap<String, CheckConfig>) -> bool {
        self.verdict(id, configs, DEEPEST)
    }

    fn verdict(&self, id: &str, configs: &HashMap<String, CheckConfig>, depth: usize) -> bool {
        let Some(config) = configs.get(id) else { return true };
        if config.disabled || depth == 0 {
            return true;
        }
        if config.r#type == "CALCULATED" {
            let well =
                config.child_health_checks.iter().filter(|child| self.verdict(child, configs, depth - 1)).count();
            // A threshold above the number of children is never reached: unhealthy, as on AWS.
            return (well >= config.health_threshold.unwrap_or(0)) != config.inverted;
        }
        let observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        observed.get(id).and_then(|seen| seen.passing).is_none_or(|passing| passing != config.inverted)
    }

    /// Takes the checks that are due, and forgets those that are gone.
    fn due(&self, configs: &HashMap<String, CheckConfig>) -> Vec<(String, CheckConfig)> {
        let now = Instant::now();
        let mut observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        observed.retain(|id, seen| configs.get(id) == Some(&seen.config));
        let mut due = Vec::new();
        for (id, config) in configs {
            if config.disabled || config.r#type == "CALCULATED" {
                continue;
            }
            let seen = observed.entry(id.clone()).or_insert_with(|| Observed {
                config: config.clone(),
                due: now,
                passing: None,
                against: 0,
            });
            if seen.due <= now {
                seen.due = now + Duration::from_secs(config.request_interval.unwrap_or(INTERVAL_SECONDS));
                due.push((id.clone(), config.clone()));
            }
        }
        due
    }

    fn record(&self, id: &str, passes: bool) {
        let mut observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = observed.get_mut(id) else { return };
        if seen.passing == Some(passes) {
            seen.against = 0;
            return;
        }
        seen.against += 1;
        // The first look decides alone; later ones must agree as often as the threshold says.
        if seen.passing.is_none() || seen.against >= seen.config.failure_threshold.unwrap_or(THRESHOLD) {
            seen.passing = Some(passes);
            seen.against = 0;
            info!(check.id = id, passes, "a Route 53 health check changed");
        }
    }
}

/// Runs the checks until it is aborted.
pub(super) async fn run(state: Arc<State>) {
    let mut looks = JoinSet::new();
    loop {
        for (id, config) in state.checks.due(&state.zones.current().checks) {
            let state = Arc::clone(&state);
            looks.spawn(async move {
                let limit = CONNECT_LIMIT + ANSWER_LIMIT;
                let passes = tokio::time::timeout(limit, state.passes(&config)).await.unwrap_or(Some(false));
                if let Some(passes) = passes {
                    state.checks.record(&id, passes);
                }
            });
        }
        while looks.try_join_next().is_some() {}
        tokio::time::sleep(TICK).await;
    }
}

impl State {
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
    let client = reqwest::Client::builder()
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
